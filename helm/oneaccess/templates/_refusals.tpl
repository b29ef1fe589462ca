{{/*
What the chart will not install, each with the reason and what to do. Asked wherever the configuration is written.
*/}}
{{- define "oneaccess.refusals" -}}
{{- $v := .Values -}}
{{- $sqlite := eq $v.database.kind "sqlite" -}}
{{- if not $v.image.repository }}
{{- fail "image.repository is empty: build the image from the repository's Containerfile, push it to a registry of yours, and name it" }}
{{- end }}
{{- if and $v.config $v.configText }}
{{- fail "config and configText are both given: say the configuration once" }}
{{- end }}
{{- if not (or $v.config $v.configText) }}
{{- fail "config and configText are both empty: the server needs a configuration, at least issuer and library" }}
{{- end }}
{{- if not $v.keyEncryptionKey.secret.name }}
{{- fail "keyEncryptionKey.secret.name is empty: make a Secret with the key-encryption key first (docs/operate/kubernetes.md), and keep a copy of it apart from the database's backup" }}
{{- end }}
{{- if $sqlite }}
{{- if gt (int $v.replicaCount) 1 }}
{{- fail (printf "replicaCount is %d with database.kind sqlite: a SQLite file serves one server. Take postgres and a shelf, or one replica" (int $v.replicaCount)) }}
{{- end }}
{{- if $v.autoscaling.enabled }}
{{- fail "autoscaling.enabled with database.kind sqlite: a SQLite file serves one server. Take postgres and a shelf, or switch autoscaling off" }}
{{- end }}
{{- if $v.rosterJobs }}
{{- fail "rosterJobs with database.kind sqlite: a second pod cannot share the SQLite file's volume. Mount the folder into the server (drops) and give the source a timetable (at)" }}
{{- end }}
{{- if $v.database.secret.name }}
{{- fail "database.secret.name with database.kind sqlite: a SQLite file has no address. Did you mean database.kind postgres?" }}
{{- end }}
{{- else if not $v.database.secret.name }}
{{- fail "database.secret.name is empty with database.kind postgres: name the Secret that holds postgres://…" }}
{{- end }}
{{- if and (include "oneaccess.many" .) (not $v.shelf.secret.name) }}
{{- fail "more than one server without shelf.secret.name: tickets, codes and counts of guesses must be shared. Name the Secret that holds redis://…, or run one replica" }}
{{- end }}
{{- if and $v.autoscaling.enabled (lt (int $v.autoscaling.maxReplicas) (int $v.autoscaling.minReplicas)) }}
{{- fail "autoscaling.maxReplicas is below autoscaling.minReplicas" }}
{{- end }}
{{- range $field, $instead := dict "listen" "service.port" "database" "database.secret" "shelf" "shelf.secret" "key_encryption_key_file" "keyEncryptionKey.secret" "tls" "tls.secret" }}
{{- if hasKey (default dict $v.config) $field }}
{{- fail (printf "config.%s is said by %s" $field $instead) }}
{{- end }}
{{- end }}
{{- range $field := list "listen" "tls_listen" "certificate" "key" }}
{{- if hasKey (default dict (default dict $v.config).sip2) $field }}
{{- fail (printf "config.sip2.%s is said by sip2.plain and sip2.tls" $field) }}
{{- end }}
{{- end }}
{{- if hasKey (default dict (default dict $v.config).metrics) "listen" }}
{{- fail "config.metrics.listen is said by metrics.enabled and metrics.port" }}
{{- end }}
{{- if and $v.metrics.enabled $v.configText (not (regexMatch "(?m)^\\[metrics\\]" $v.configText)) }}
{{- fail "metrics.enabled, but configText has no [metrics] table: docs/operate/kubernetes.md has the lines" }}
{{- end }}
{{- if and (or $v.serviceMonitor.enabled $v.prometheusRule.enabled) (not $v.metrics.enabled) }}
{{- fail "serviceMonitor and prometheusRule need metrics.enabled: without it nobody but a pod itself can read them" }}
{{- end }}
{{- if and $v.metrics.enabled $v.sip2.plain.enabled (eq (int $v.metrics.port) (int $v.sip2.plain.port)) }}
{{- fail "metrics.port and sip2.plain.port are the same" }}
{{- end }}
{{- if and $v.metrics.enabled $v.sip2.tls.enabled (eq (int $v.metrics.port) (int $v.sip2.tls.port)) }}
{{- fail "metrics.port and sip2.tls.port are the same" }}
{{- end }}
{{- if and $v.metrics.enabled (eq (int $v.metrics.port) 8080) }}
{{- fail "metrics.port is that of the pages within the pod" }}
{{- end }}
{{- if and $v.sip2.tls.enabled (not $v.sip2.tls.secret) (not $v.tls.secret) }}
{{- fail "sip2.tls.enabled without a certificate: name a Secret of type kubernetes.io/tls in sip2.tls.secret or tls.secret" }}
{{- end }}
{{- if and $v.sip2.tls.enabled $v.sip2.plain.enabled (eq (int $v.sip2.tls.port) (int $v.sip2.plain.port)) }}
{{- fail "sip2.tls.port and sip2.plain.port are the same" }}
{{- end }}
{{- if and $v.configText (include "oneaccess.sip2" .) (not (regexMatch "(?m)^\\[sip2\\]" $v.configText)) }}
{{- fail "sip2 is enabled, but configText has no [sip2] table: docs/operate/kubernetes.md has the lines" }}
{{- end }}
{{- if and $v.configText $v.tls.secret (not (regexMatch "(?m)^\\[tls\\]" $v.configText)) }}
{{- fail "tls.secret is given, but configText has no [tls] table: docs/operate/kubernetes.md has the lines" }}
{{- end }}
{{- if and (or $v.ingress.enabled $v.httpRoute.enabled) (not (include "oneaccess.host" .)) }}
{{- fail "there is no issuer in the configuration, so the ingress or the route has no host" }}
{{- end }}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled without httpRoute.parentRefs: name the gateway" }}
{{- end }}
{{- range $v.files }}
{{- if eq (empty .secret) (empty .configMap) }}
{{- fail "each of files names either a secret or a configMap" }}
{{- end }}
{{- end }}
{{- range $v.rosterJobs }}
{{- if eq (empty .claim) (empty .sftp) }}
{{- fail (printf "rosterJobs: %s comes either from a volume (claim) or from an SFTP server (sftp)" .name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A secret that stands in the configuration would stand in a ConfigMap, in Helm's own record, and in values files. */}}
{{- define "oneaccess.refuseSecrets" -}}
{{- $lines := regexReplaceAll "(?m)^\\s*#.*$" . "" -}}
{{- range regexFindAll "(?m)(?:^|[{,\\s])(?:client_secret|password|secret|pin)\\s*=\\s*[\"'][^\"']*" $lines -1 }}
{{- $field := regexFind "[a-z_]+" . }}
{{- /* A directory says by this word whether its people's PIN opens their card as well. */}}
{{- if not (regexMatch "pin\\s*=\\s*[\"'](also|never)$" .) }}
{{- fail (printf "the configuration holds a secret in %s: write %s_file, and bring the file by a Secret (files)" $field $field) }}
{{- end }}
{{- end }}
{{- if regexMatch "postgres(ql)?://[^\"'\\s/@]*:[^\"'\\s/@]+@" $lines }}
{{- fail "the configuration holds the database's password: take it out, and name its Secret in database.secret" }}
{{- end }}
{{- end }}
