{{/* What things are called. */}}

{{- define "oneaccess.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "oneaccess.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "oneaccess.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "oneaccess.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What selects a part's pods; never changes. */}}
{{- define "oneaccess.selector" -}}
app.kubernetes.io/name: {{ include "oneaccess.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "oneaccess.labels" -}}
{{ include "oneaccess.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "oneaccess.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end }}

{{/* The host of the issuer, without its port. */}}
{{- define "oneaccess.host" -}}
{{- $issuer := default "" (default dict .Values.config).issuer -}}
{{- if .Values.configText -}}
{{- $issuer = regexReplaceAll "(?s)^.*?\"([^\"]*)\"$" (regexFind "(?m)^issuer\\s*=\\s*\"[^\"]*\"" .Values.configText) "${1}" -}}
{{- end -}}
{{- regexReplaceAll ":[0-9]+$" (trimPrefix "https://" $issuer) "" -}}
{{- end }}

{{- define "oneaccess.many" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) -}}true{{- end -}}
{{- end }}

{{- define "oneaccess.sip2" -}}
{{- if or .Values.sip2.tls.enabled .Values.sip2.plain.enabled -}}true{{- end -}}
{{- end }}
