{{/* A number of milliseconds as a duration. */}}
{{- define "shop.duration" -}}
{{ printf "%gs" (divf . 1000) }}
{{- end }}

{{/* How calls reach a service: balancing, pools, timeouts, retries, canary. Of: root, service, options. */}}
{{- define "shop.routing" -}}
{{- if eq "true" (include "shop.ambient" .root) }}
{{ include "shop.grpcRoute" . }}
{{- else }}
{{ include "shop.destinationRule" . }}
{{ include "shop.virtualService" . }}
{{ include "shop.sidecarScope" . }}
{{- end }}
{{- end }}

{{- define "shop.destinationRule" -}}
{{- $istio := .root.Values.istio -}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
  {{- if not (and .options.canary .options.canary.enabled) }}
  annotations:
    # The subset of the canary selects nobody while there is none.
    galley.istio.io/analyze-suppress: IST0173
  {{- end }}
spec:
  host: {{ include "shop.host" (dict "root" .root "name" .service.name) }}
  trafficPolicy:
    loadBalancer:
      simple: LEAST_REQUEST
    connectionPool:
      tcp: {connectTimeout: 1s, tcpKeepalive: {time: 60s, interval: 20s}}
      http:
        http2MaxRequests: {{ $istio.connectionPool.maxRequests | int }}
        http1MaxPendingRequests: {{ $istio.connectionPool.maxPendingRequests | int }}
        maxRequestsPerConnection: 0
    # A pod that answers UNAVAILABLE again and again is left alone for a while; gRPC's UNAVAILABLE counts as a gateway's error.
    outlierDetection:
      consecutiveGatewayErrors: {{ $istio.outlierDetection.consecutiveErrors | int }}
      consecutive5xxErrors: 0
      interval: {{ $istio.outlierDetection.intervalSeconds | int }}s
      baseEjectionTime: {{ $istio.outlierDetection.ejectionSeconds | int }}s
      maxEjectionPercent: {{ $istio.outlierDetection.maxEjectionPercent | int }}
  subsets:
    - {name: stable, labels: {track: stable}}
    # There without a canary, too: a rule is changed before routes, and a route to a subset that is gone already fails its calls.
    - {name: canary, labels: {track: canary}}
{{ end }}

{{/* What a service's sidecar knows: whom it calls. Anything else is no host to it. Of: root, service. */}}
{{- define "shop.sidecarScope" -}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  workloadSelector:
    labels: {app: {{ .service.name }}}
  outboundTrafficPolicy: {mode: REGISTRY_ONLY}
  egress:
    - hosts:
        {{- range keys .service.calls | sortAlpha }}
        - ./{{ include "shop.host" (dict "root" $.root "name" .) }}
        {{- end }}
        {{- range include "shop.serversOf" . | fromJsonArray }}
        - {{ include "shop.sidecarHost" (dict "root" $.root "host" (.host | default (include "shop.host" (dict "root" $.root "name" .name)))) }}
        {{- end }}
        {{- include "shop.sidecarAlways" .root | nindent 8 }}
{{ end }}

{{/* A host as a Sidecar names it: with its namespace, which for one outside of the cluster is that of its ServiceEntry. Of: root, host. */}}
{{- define "shop.sidecarHost" -}}
{{- $namespace := include "shop.namespaceOf" . -}}
{{- $host := .host -}}
{{- if hasSuffix ".svc" $host }}{{ $host = printf "%s.%s" $host .root.Values.clusterDomain }}{{ end -}}
"{{ ternary "." $namespace (or (eq $namespace "") (eq $namespace .root.Release.Namespace)) }}/{{ $host }}"
{{- end }}

{{/* What every sidecar knows: where spans go, and the mesh's own. Of: root. */}}
{{- define "shop.sidecarAlways" -}}
{{- with include "shop.otlpAddress" . -}}
- {{ include "shop.sidecarHost" (dict "root" $ "host" (include "shop.hostOf" .)) }}
{{ end -}}
- "{{ .Values.networkPolicy.istioNamespace }}/*"
{{- end }}

{{/* In ambient, where a waypoint routes: it understands GRPCRoute, which says nothing of timeouts and retries: see defaultHttpRetryPolicy in helm/tools/istio.yaml. Of: root, service, options. */}}
{{- define "shop.grpcRoute" -}}
{{- $canary := .options.canary -}}
{{- $weight := 0 -}}
{{- $split := and $canary $canary.enabled -}}
{{- if $split }}{{ $weight = int ($canary.weight | default 0) }}{{ end -}}
{{- if ne .service.kind "edge" -}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  parentRefs:
    - {group: "", kind: Service, name: {{ .service.name }}, port: 50051}
  rules:
    {{- if $split }}
    - matches:
        - headers:
            - {name: x-canary, value: always}
      backendRefs:
        - {name: {{ .service.name }}-canary, port: 50051}
    - backendRefs:
        - {name: {{ .service.name }}-stable, port: 50051, weight: {{ sub 100 $weight }}}
        - {name: {{ .service.name }}-canary, port: 50051, weight: {{ $weight }}}
    {{- else }}
    - backendRefs:
        - {name: {{ .service.name }}, port: 50051}
    {{- end }}
{{ end -}}
{{- end }}
