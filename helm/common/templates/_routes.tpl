{{/* The subsets that a route leads to. Of: host, canary (options), port. */}}
{{- define "shop.destinations" -}}
{{- $weight := 0 -}}
{{- if and .canary .canary.enabled -}}{{- $weight = int (.canary.weight | default 0) -}}{{- end -}}
- destination: {host: {{ .host }}, subset: stable, port: {number: {{ .port }}}}
  weight: {{ sub 100 $weight }}
{{- if gt $weight 0 }}
- destination: {host: {{ .host }}, subset: canary, port: {number: {{ .port }}}}
  weight: {{ $weight }}
{{- end }}
{{- end }}

{{/*
Methods with the same deadline share a route. The deadline of the contract is the longest that a caller waits, so it is the
route's timeout; callers that grant less send their own deadline along. Istio's default would be two retries of everything.
Of: root, service, options.
*/}}
{{- define "shop.virtualService" -}}
{{- $host := include "shop.host" (dict "root" .root "name" .service.name) -}}
{{- $canary := .options.canary -}}
{{- $routes := dict -}}
{{- range .service.methods -}}
{{- $key := printf "%010d-%t" (int .deadlineMs) .repeatable -}}
{{- $_ := set $routes $key (append (get $routes $key | default list) .path) -}}
{{- end -}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  hosts: [{{ $host }}]
  # Only for callers in this namespace.
  exportTo: ["."]
  http:
    {{- if and $canary $canary.enabled }}
    {{- with include "shop.methodRoutes" (dict "root" .root "routes" $routes "host" $host "testers" true) | trim }}{{ . | nindent 4 }}{{ end }}
    - name: canary-by-header
      match:
        - headers: {x-canary: {exact: always}}
          port: 50051
      route:
        - destination: {host: {{ $host }}, subset: canary, port: {number: 50051}}
      retries: {attempts: 0}
    {{- end }}
    {{- with include "shop.methodRoutes" (dict "root" .root "routes" $routes "host" $host "canary" $canary) | trim }}{{ . | nindent 4 }}{{ end }}
    {{- if eq .service.kind "edge" }}
    - name: http
      match:
        - port: 8080
      route:
        {{- include "shop.destinations" (dict "host" $host "canary" $canary "port" 8080) | nindent 8 }}
      retries: {attempts: 0}
    {{- end }}
    - name: others
      match:
        - port: 50051
      route:
        {{- include "shop.destinations" (dict "host" $host "canary" $canary "port" 50051) | nindent 8 }}
      retries: {attempts: 0}
{{ end }}

{{/*
A route for each deadline; for testers, who choose the canary by a header, the same ones to it.
Of: root, routes (key to paths), host, canary (options), testers.
*/}}
{{- define "shop.methodRoutes" -}}
{{- $retries := .root.Values.istio.retries -}}
{{- range $key := keys .routes | sortAlpha }}
{{- $parts := splitList "-" $key }}
{{- $deadlineMs := regexReplaceAll "^0+" (first $parts) "" | int }}
{{- $repeatable := eq (last $parts) "true" }}
- name: {{ ternary "canary-by-header-" "" (eq "true" (toString $.testers)) }}{{ printf "within-%dms%s" $deadlineMs (ternary "" "-once" $repeatable) }}
  match:
    {{- range get $.routes $key }}
    - {uri: {exact: {{ . }}}, {{ if $.testers }}headers: {x-canary: {exact: always}}, {{ end }}port: 50051}
    {{- end }}
  route:
    {{- if $.testers }}
    - destination: {host: {{ $.host }}, subset: canary, port: {number: 50051}}
    {{- else }}
    {{- include "shop.destinations" (dict "host" $.host "canary" $.canary "port" 50051) | nindent 4 }}
    {{- end }}
  timeout: {{ include "shop.duration" $deadlineMs }}
  {{- if and $repeatable (gt (int $retries.attempts) 0) }}
  retries: {attempts: {{ $retries.attempts | int }}, retryOn: {{ $retries.retryOn | quote }}, perTryTimeout: {{ include "shop.duration" $deadlineMs }}}
  {{- else }}
  retries: {attempts: 0}
  {{- end }}
{{- end }}
{{- end }}
