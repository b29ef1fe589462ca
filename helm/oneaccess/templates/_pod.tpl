{{/* What the server's pods and those of jobs have in common. */}}

{{- define "oneaccess.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int64 .Values.runAs.user }}
  runAsGroup: {{ int64 .Values.runAs.group }}
  fsGroup: {{ int64 .Values.runAs.group }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "oneaccess.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- define "oneaccess.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* Top-level fields of the file that are secret or the chart's own business. */}}
{{- define "oneaccess.env" -}}
- name: ONEACCESS_LISTEN
  value: 0.0.0.0:8080
- name: ONEACCESS_KEY_ENCRYPTION_KEY_FILE
  value: /etc/oneaccess/keys/kek
- name: ONEACCESS_DATABASE
{{- if eq .Values.database.kind "sqlite" }}
  value: sqlite:/var/lib/oneaccess/oneaccess.db
{{- else }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.secret.name }}
      key: {{ .Values.database.secret.key }}
{{- end }}
{{- with .Values.shelf.secret }}
{{- if .name }}
- name: ONEACCESS_SHELF
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}
{{- end }}
- name: RUST_LOG
  value: {{ .Values.logLevel | quote }}
{{- end }}

{{- define "oneaccess.mounts" -}}
- name: etc
  mountPath: /etc/oneaccess
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end }}

{{/*
/etc/oneaccess: the configuration with the files beside it. `configMap` is whose. Mode 0440 and the pod's group, since the
kubelet leaves the files root's.
*/}}
{{- define "oneaccess.volumes" -}}
{{- $v := .root.Values -}}
- name: etc
  projected:
    defaultMode: 0440
    sources:
      - configMap:
          name: {{ .configMap }}
          items:
            - key: oneaccess.toml
              path: oneaccess.toml
      - secret:
          name: {{ $v.keyEncryptionKey.secret.name }}
          items:
            - key: {{ $v.keyEncryptionKey.secret.key }}
              path: keys/kek
            {{- with $v.keyEncryptionKey.nextKey }}
            - key: {{ . }}
              path: keys/kek.next
            {{- end }}
      {{- range $folder, $secret := dict "tls" $v.tls.secret "sip2-tls" (ternary $v.sip2.tls.secret "" $v.sip2.tls.enabled) }}
      {{- if $secret }}
      - secret:
          name: {{ $secret }}
          items:
            - key: tls.crt
              path: {{ $folder }}/tls.crt
            - key: tls.key
              path: {{ $folder }}/tls.key
      {{- end }}
      {{- end }}
      {{- range $v.files }}
      {{- if .secret }}
      - secret:
          name: {{ .secret }}
      {{- else }}
      - configMap:
          name: {{ .configMap }}
      {{- end }}
          items:
            {{- toYaml .items | nindent 12 }}
      {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- end }}
