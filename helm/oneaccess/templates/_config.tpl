{{/*
oneaccess.toml: the values' own text, or made from the values' YAML. Helm's toToml writes whole numbers as 300.0, which is
no whole number; so it is written here.
*/}}
{{- define "oneaccess.toml" -}}
{{- include "oneaccess.refusals" . -}}
{{- if .Values.configText -}}
{{ .Values.configText | trim }}
{{- else -}}
{{- $config := deepCopy .Values.config -}}
{{- if .Values.tls.secret -}}
{{- $_ := set $config "tls" (dict "certificate" "tls/tls.crt" "key" "tls/tls.key") -}}
{{- end -}}
{{- if include "oneaccess.sip2" . -}}
{{- $sip2 := default dict $config.sip2 -}}
{{- if .Values.sip2.plain.enabled -}}
{{- $_ := set $sip2 "listen" (printf "0.0.0.0:%d" (int .Values.sip2.plain.port)) -}}
{{- end -}}
{{- if .Values.sip2.tls.enabled -}}
{{- $_ := set $sip2 "tls_listen" (printf "0.0.0.0:%d" (int .Values.sip2.tls.port)) -}}
{{- end -}}
{{- if .Values.sip2.tls.secret -}}
{{- $_ := set $sip2 "certificate" "sip2-tls/tls.crt" -}}
{{- $_ := set $sip2 "key" "sip2-tls/tls.key" -}}
{{- end -}}
{{- $_ := set $config "sip2" $sip2 -}}
{{- end -}}
{{- if .Values.metrics.enabled -}}
{{- $metrics := default dict $config.metrics -}}
{{- $_ := set $metrics "listen" (printf "0.0.0.0:%d" (int .Values.metrics.port)) -}}
{{- $_ := set $config "metrics" $metrics -}}
{{- end -}}
{{ include "oneaccess.toml.table" (dict "table" $config "path" "") | trim }}
{{- end -}}
{{- end }}

{{/* Within a ConfigMap, without blanks on empty lines. */}}
{{- define "oneaccess.indented" -}}
{{ regexReplaceAll "(?m)^ +$" (. | nindent 4) "" }}
{{- end }}

{{/* A table: what is said in a line first, then its tables, since a line belongs to the table above it. */}}
{{- define "oneaccess.toml.table" -}}
{{- $path := .path -}}
{{- range $name, $value := .table }}
{{- if not (include "oneaccess.toml.isTables" $value) }}
{{ include "oneaccess.toml.key" $name }} = {{ include "oneaccess.toml.value" $value }}
{{- end }}
{{- end }}
{{- range $name, $value := .table }}
{{- if include "oneaccess.toml.isTables" $value }}
{{- $key := include "oneaccess.toml.key" $name }}
{{- $full := ternary $key (printf "%s.%s" $path $key) (empty $path) }}
{{- if kindIs "map" $value }}

[{{ $full }}]
{{- include "oneaccess.toml.table" (dict "table" $value "path" $full) }}
{{- else }}
{{- range $value }}

[[{{ $full }}]]
{{- include "oneaccess.toml.table" (dict "table" . "path" $full) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "oneaccess.toml.key" -}}
{{- if regexMatch "^[A-Za-z0-9_-]+$" . }}{{ . }}{{ else }}{{ . | toJson }}{{ end -}}
{{- end }}

{{- define "oneaccess.toml.isTables" -}}
{{- if kindIs "map" . -}}true
{{- else if and (kindIs "slice" .) . -}}
{{- if kindIs "map" (first .) -}}true{{- end -}}
{{- end -}}
{{- end }}

{{/* JSON's texts are TOML's as well. */}}
{{- define "oneaccess.toml.value" -}}
{{- if kindIs "string" . -}}
{{ . | toJson }}
{{- else if kindIs "bool" . -}}
{{ . }}
{{- else if kindIs "slice" . -}}
{{- $all := list -}}
{{- range . -}}
{{- $all = append $all (include "oneaccess.toml.value" .) -}}
{{- end -}}
[{{ join ", " $all }}]
{{- else if kindIs "invalid" . -}}
{{- fail "config: a field has no value; leave it away instead" -}}
{{- else if eq (float64 .) (float64 (int64 .)) -}}
{{ int64 . }}
{{- else -}}
{{ . }}
{{- end -}}
{{- end }}
