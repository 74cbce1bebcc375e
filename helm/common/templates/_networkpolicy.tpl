{{/* Lookups of names. Of: root. */}}
{{- define "shop.egressDns" -}}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ .Values.networkPolicy.dnsNamespace }}}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end }}

{{/* What the mesh itself needs on a pod's wire: its control plane, and in ambient the tunnel, in which identity rules. Of: root. */}}
{{- define "shop.egressMesh" -}}
{{- if .Values.istio.enabled }}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ .Values.networkPolicy.istioNamespace }}}
  ports:
    - {protocol: TCP, port: 15012}
{{- end }}
{{- if eq "true" (include "shop.ambient" .) }}
- to:
    - podSelector: {}
  ports:
    - {protocol: TCP, port: 15008}
{{- end }}
{{- end }}

{{- define "shop.ingressMesh" -}}
{{- if eq "true" (include "shop.ambient" .) }}
- from:
    - podSelector: {}
  ports:
    - {protocol: TCP, port: 15008}
{{- end }}
{{- end }}

{{/*
Where a server is that is not this release's: among the pods of a namespace, whose addresses an ipBlock does not cover for every
network plugin, or outside. Of: root, host.
*/}}
{{- define "shop.egressPeer" -}}
{{- with include "shop.namespaceOf" . -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: {{ . }}}
{{- else -}}
- ipBlock: {cidr: {{ .root.Values.networkPolicy.externalCidr }}}
{{- end -}}
{{- end }}

{{/* Spans. Of: root. */}}
{{- define "shop.egressSpans" -}}
{{- if .Values.jaeger.address }}
- to:
    {{- include "shop.egressPeer" (dict "root" . "host" (include "shop.hostOf" .Values.jaeger.address)) | nindent 4 }}
  ports:
    - {protocol: TCP, port: {{ regexFind ":[0-9]+$" (urlParse .Values.jaeger.address).host | trimPrefix ":" | default "4318" | int }}}
{{- else if .Values.jaeger.enabled }}
- to:
    - podSelector:
        matchLabels: {app: jaeger}
      {{- if .Values.jaeger.namespace }}
      namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ .Values.jaeger.namespace }}}
      {{- end }}
  ports:
    - {protocol: TCP, port: 4318}
    - {protocol: TCP, port: 4317}
{{- end }}
{{- end }}

{{/* Prometheus, wherever it is. Of: root. */}}
{{- define "shop.ingressScrape" -}}
- from:
    - podSelector:
        matchLabels: {app.kubernetes.io/name: prometheus}
      {{- with .Values.networkPolicy.monitoringNamespace }}
      namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ . }}}
      {{- end }}
  ports:
    - {protocol: TCP, port: {{ ternary 15020 9464 (eq "true" (include "shop.sidecar" .)) }}}
{{- end }}

{{/* Who asks how busy pods are. Of: root. */}}
{{- define "shop.ingressLoad" -}}
{{- if .Values.autoscaling.enabled }}
- from:
    - podSelector:
        matchLabels: {app: autoscaler}
  ports:
    - {protocol: TCP, port: {{ ternary 15020 9464 (eq "true" (include "shop.sidecar" .)) }}}
{{- end }}
{{- end }}

{{/* Who reaches a service and whom it reaches: the declared calls, and nothing else. Of: root, service. */}}
{{- define "shop.networkPolicy" -}}
{{- $policy := .root.Values.networkPolicy -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  podSelector:
    matchLabels: {app: {{ .service.name }}}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- if eq .service.kind "edge" }}
    - ports:
        - {protocol: TCP, port: 8080}
        - {protocol: TCP, port: 50051}
      {{- with $policy.ingressNamespaces }}
      from:
        {{- range . }}
        - namespaceSelector:
            matchLabels: {kubernetes.io/metadata.name: {{ . }}}
        {{- end }}
        {{- if and $.root.Values.istio.enabled (eq $.root.Values.istio.gateway.kind "gateway-api") }}
        - podSelector:
            matchLabels: {gateway.networking.k8s.io/gateway-name: shop}
        {{- end }}
        {{- if ($.root.Values.tests | default dict).enabled }}
        - podSelector:
            matchLabels: {app: shop-tests}
        {{- end }}
      {{- end }}
    {{- else }}
    - from:
        {{- range concat (keys .service.callers) .service.healthCallers | uniq | sortAlpha }}
        - podSelector:
            matchLabels: {app: {{ . }}}
        {{- end }}
        {{- if ($.root.Values.tests | default dict).enabled }}
        - podSelector:
            matchLabels: {app: shop-tests}
        {{- end }}
      ports:
        - {protocol: TCP, port: 50051}
    {{- end }}
    {{- include "shop.ingressScrape" .root | nindent 4 }}
    {{- with include "shop.ingressLoad" .root }}{{ . | nindent 4 }}{{ end }}
    {{- with include "shop.ingressMesh" .root }}{{ . | nindent 4 }}{{ end }}
  egress:
    {{- include "shop.egressDns" .root | nindent 4 }}
    {{- with keys .service.calls | sortAlpha }}
    - to:
        {{- range . }}
        - podSelector:
            matchLabels: {app: {{ . }}}
        {{- end }}
      ports:
        - {protocol: TCP, port: 50051}
    {{- end }}
    {{- range include "shop.serversOf" . | fromJsonArray }}
    - to:
        {{- if .host }}
        {{- include "shop.egressPeer" (dict "root" $.root "host" .host) | nindent 8 }}
        {{- else }}
        - podSelector:
            matchLabels: {app: {{ .name }}}
        {{- end }}
      ports:
        - {protocol: TCP, port: {{ .port | int }}}
    {{- end }}
    {{- with include "shop.egressSpans" .root }}{{ . | nindent 4 }}{{ end }}
    {{- with include "shop.egressMesh" .root }}{{ . | nindent 4 }}{{ end }}
{{ end }}
