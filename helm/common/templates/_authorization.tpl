{{/* To whom a policy applies: pods, or in ambient the Service, whose waypoint sees methods. Of: root, name. */}}
{{- define "shop.policyTarget" -}}
{{- if eq "true" (include "shop.ambient" .root) -}}
targetRefs:
  - {kind: Service, group: "", name: {{ .name }}}
{{- else -}}
selector:
  matchLabels: {app: {{ .name }}}
{{- end -}}
{{- end }}

{{/* The service account of the edge's proxy. Of: root. */}}
{{- define "shop.edgePrincipal" -}}
{{- $gateway := .Values.istio.gateway -}}
{{- if $gateway.serviceAccount -}}
{{- $parts := splitList "/" $gateway.serviceAccount -}}
{{ .Values.istio.trustDomain }}/ns/{{ first $parts }}/sa/{{ last $parts }}
{{- else if eq $gateway.kind "classic" -}}
{{ .Values.istio.trustDomain }}/ns/{{ .Values.networkPolicy.istioNamespace }}/sa/istio-ingressgateway-service-account
{{- else -}}
{{ .Values.istio.trustDomain }}/ns/{{ .Release.Namespace }}/sa/shop-{{ $gateway.className }}
{{- end -}}
{{- end }}

{{/*
Who may call which methods of a service; what is not here is denied, since the namespace denies all. Health is for those who
watch over it, reflection for tests. Of: root, service.
*/}}
{{- define "shop.authorization" -}}
{{- $root := .root -}}
{{- $tests := list -}}
{{- if ($root.Values.tests | default dict).enabled -}}
{{- $tests = list (include "shop.principal" (dict "root" $root "name" "shop-tests")) -}}
{{- end -}}
{{- $watchers := $tests -}}
{{- range reverse .service.healthCallers -}}
{{- $watchers = prepend $watchers (include "shop.principal" (dict "root" $root "name" .)) -}}
{{- end -}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  {{- include "shop.policyTarget" (dict "root" $root "name" .service.name) | nindent 2 }}
  action: ALLOW
  rules:
    {{- if eq .service.kind "edge" }}
    - from:
        - source:
            principals:
              {{- toYaml (prepend $tests (include "shop.edgePrincipal" $root)) | nindent 14 }}
      to:
        - operation:
            ports: ["8080", "50051"]
    {{- else }}
    {{- range $caller := keys .service.callers | sortAlpha }}
    - from:
        - source:
            principals: [{{ include "shop.principal" (dict "root" $root "name" $caller) | quote }}]
      to:
        - operation:
            ports: ["50051"]
            methods: [POST]
            paths:
              {{- toYaml (get $.service.callers $caller) | nindent 14 }}
    {{- end }}
    {{- /* A rule of nobody would be one of everybody. */ -}}
    {{- with $watchers }}
    - from:
        - source:
            principals:
              {{- toYaml . | nindent 14 }}
      to:
        - operation:
            ports: ["50051"]
            paths: [/grpc.health.v1.Health/*]
    - from:
        - source:
            principals:
              {{- toYaml . | nindent 14 }}
      to:
        - operation:
            ports: ["50051"]
            paths:
              - /grpc.reflection.v1.ServerReflection/*
              - /grpc.reflection.v1alpha.ServerReflection/*
    {{- end }}
    {{- end }}
{{- if eq "true" (include "shop.ambient" $root) }}
---
# Below the waypoint: only it, and nobody beside it, reaches the pods.
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: {{ .service.name }}-pods
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  selector:
    matchLabels: {app: {{ .service.name }}}
  action: ALLOW
  rules:
    - from:
        - source:
            principals:
              - {{ include "shop.principal" (dict "root" $root "name" "waypoint") | quote }}
              {{- if eq .service.kind "edge" }}
              - {{ include "shop.edgePrincipal" $root | quote }}
              {{- end }}
{{- end }}
{{ end }}

{{/* Tokens that are wrong don't get as far as the service; none is for the service to judge. Of: root, service. */}}
{{- define "shop.userTokens" -}}
{{- $tokens := .root.Values.istio.requestAuthentication -}}
{{- if and $tokens.enabled .service.userTokens }}
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  {{- include "shop.policyTarget" (dict "root" .root "name" .service.name) | nindent 2 }}
  jwtRules:
    - issuer: meshmart
      audiences: [meshmart]
      jwks: {{ $tokens.jwks | trim | quote }}
      # The service looks at it again, for its scopes.
      forwardOriginalToken: true
      outputClaimToHeaders:
        - {header: x-meshmart-user, claim: sub}
{{- end }}
{{- end }}
