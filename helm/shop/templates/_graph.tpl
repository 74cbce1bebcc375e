{{/*
Who uses which server, as JSON: server to sorted names of clients. From the contracts, with the Job that makes databases and the
pods of `helm test`. Of: root.
*/}}
{{- define "shop.clientsOf" -}}
{{- $root := . -}}
{{- $clients := dict -}}
{{- range $path, $_ := .Files.Glob "services/*.yaml" -}}
{{- $contract := ($root.Files.Get $path | fromYaml).service -}}
{{- range include "shop.serversOf" (dict "root" $root "service" $contract) | fromJsonArray -}}
{{- if not .host -}}
{{- $_ := set $clients .name (append (get $clients .name | default list) $contract.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if hasKey $clients "postgres" -}}
{{- $_ := set $clients "postgres" (append $clients.postgres "databases") -}}
{{- end -}}
{{- if .Values.tests.enabled -}}
{{- range list "consul" "mail-sink" -}}
{{- if hasKey $clients . }}{{ $_ := set $clients . (append (get $clients .) "shop-tests") }}{{ end -}}
{{- end -}}
{{- end -}}
{{ $clients | toJson }}
{{- end }}

{{/* The ports of a server. */}}
{{- define "shop.serverPorts" -}}
{{- get (dict "consul" (list 8500) "redis" (list 6379) "postgres" (list 5432) "card-processor" (list 8090) "mail-sink" (list 2525 8025)) . | toJson -}}
{{- end }}

{{/* What a sidecar can see of a connection to the outside: requests, a name in a handshake, or bytes. */}}
{{- define "shop.outsideProtocol" -}}
{{- get (dict "http" "HTTP" "https" "TLS" "rediss" "TLS") . | default "TCP" -}}
{{- end }}

{{/* Servers out of the cluster that services use, as a JSON list of {host, port, protocol}, each once. Of: root. */}}
{{- define "shop.outside" -}}
{{- $root := . -}}
{{- $found := dict -}}
{{- range $path, $_ := .Files.Glob "services/*.yaml" -}}
{{- $contract := ($root.Files.Get $path | fromYaml).service -}}
{{- range include "shop.serversOf" (dict "root" $root "service" $contract) | fromJsonArray -}}
{{- if and .host (not (include "shop.namespaceOf" (dict "root" $root "host" .host))) -}}
{{- $_ := set $found (printf "%s:%d" .host (int .port)) (dict "name" .name "host" .host "port" .port "protocol" (include "shop.outsideProtocol" .scheme)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.jaeger.address -}}
{{- $url := urlParse . -}}
{{- $host := include "shop.hostOf" . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default "4318" | int -}}
{{- if not (include "shop.namespaceOf" (dict "root" $root "host" $host)) -}}
{{- $_ := set $found (printf "%s:%d" $host $port) (dict "name" "otlp" "host" $host "port" $port "protocol" (include "shop.outsideProtocol" $url.scheme)) -}}
{{- end -}}
{{- end -}}
{{ values $found | toJson }}
{{- end }}
