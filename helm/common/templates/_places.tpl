{{/* Where servers are: this release's, or the address that was given. All of: root. */}}

{{- define "shop.consulAddress" -}}
{{ .Values.consul.address | default (printf "http://%s:8500" (include "shop.host" (dict "root" . "name" "consul"))) }}
{{- end }}

{{/* Without a user: each service has its own. */}}
{{- define "shop.redisAddress" -}}
{{ .Values.redis.address | default (printf "redis://%s:6379" (include "shop.host" (dict "root" . "name" "redis"))) }}
{{- end }}

{{- define "shop.postgresAddress" -}}
{{ .Values.postgres.address | default (printf "postgres://postgres@%s:5432" (include "shop.host" (dict "root" . "name" "postgres"))) }}
{{- end }}

{{- define "shop.jaegerNamespace" -}}
{{ .Values.jaeger.namespace | default .Release.Namespace }}
{{- end }}

{{/* Where spans go; empty when nowhere. */}}
{{- define "shop.otlpAddress" -}}
{{- if .Values.jaeger.address -}}
{{ .Values.jaeger.address }}
{{- else if .Values.jaeger.enabled -}}
http://jaeger-collector.{{ include "shop.jaegerNamespace" . }}.svc.{{ .Values.clusterDomain }}:4318
{{- end -}}
{{- end }}

{{- define "shop.cardProcessorAddress" -}}
{{ .Values.cardProcessor.address | default (printf "http://%s:8090" (include "shop.host" (dict "root" . "name" "card-processor"))) }}
{{- end }}

{{- define "shop.mailAddress" -}}
{{ .Values.mailSink.address | default (printf "smtp://%s:2525" (include "shop.host" (dict "root" . "name" "mail-sink"))) }}
{{- end }}

{{/* The host of an address, without its port. */}}
{{- define "shop.hostOf" -}}
{{- regexReplaceAll ":[0-9]+$" (urlParse .).host "" -}}
{{- end }}

{{/* The namespace of a host of this cluster, NAME.NAMESPACE.svc with the cluster's domain or without; empty for one outside. Of: root, host. */}}
{{- define "shop.namespaceOf" -}}
{{- $short := trimSuffix (printf ".%s" .root.Values.clusterDomain) .host -}}
{{- if hasSuffix ".svc" $short }}{{ trimSuffix ".svc" $short | splitList "." | last }}{{ end -}}
{{- end }}

{{/*
The servers that a service uses, as a JSON list of {name, port, host}: host is set for one that is outside.
Of: root, service. The graph's other half: NetworkPolicy, Sidecar and the servers' own policies are made from it.
*/}}
{{- define "shop.serversOf" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $servers := list (dict "name" "consul" "port" 8500 "address" $values.consul.address) -}}
{{- if or (and (has "bus" .service.backends) (eq $values.bus.kind "redis")) (has "redis" .service.backends) -}}
{{- $servers = append $servers (dict "name" "redis" "port" 6379 "address" $values.redis.address) -}}
{{- end -}}
{{- if and (has "bus" .service.backends) (ne $values.bus.kind "redis") -}}
{{- $address := $values.bus.address -}}
{{- if not (contains "://" $address) -}}{{- $address = printf "kafka://%s" $address -}}{{- end -}}
{{- $servers = append $servers (dict "name" $values.bus.kind "port" (ternary 5672 9092 (eq $values.bus.kind "rabbitmq")) "address" $address) -}}
{{- end -}}
{{- if and .service.database (eq $values.store.kind "postgres") -}}
{{- $servers = append $servers (dict "name" "postgres" "port" 5432 "address" $values.postgres.address) -}}
{{- end -}}
{{- if has "card-processor" .service.backends -}}
{{- $servers = append $servers (dict "name" "card-processor" "port" 8090 "address" $values.cardProcessor.address) -}}
{{- end -}}
{{- if has "mail" .service.backends -}}
{{- $servers = append $servers (dict "name" "mail-sink" "port" 2525 "address" $values.mailSink.address) -}}
{{- end -}}
{{- range $servers -}}
{{- if .address -}}
{{- $url := urlParse .address -}}
{{- $_ := set . "scheme" $url.scheme -}}
{{- $_ := set . "host" (include "shop.hostOf" .address) -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- /* What a URL without a port means. */ -}}
{{- $usual := get (dict "http" 80 "https" 443 "smtp" 25 "smtps" 465) $url.scheme | default .port -}}
{{- $_ := set . "port" (int ($port | default $usual)) -}}
{{- end -}}
{{- end -}}
{{ $servers | toJson }}
{{- end }}
