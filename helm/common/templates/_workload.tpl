{{/* Everything of one service. Of: root, service, options. */}}
{{- define "shop.workload" -}}
{{- include "shop.serviceChecks" . }}
{{ include "shop.serviceAccount" (dict "root" .root "name" .service.name "annotations" .options.serviceAccountAnnotations) }}
{{ include "shop.deployment" (merge (dict "track" "stable") .) }}
{{- if and .options.canary .options.canary.enabled }}
{{ include "shop.deployment" (merge (dict "track" "canary") .) }}
{{- end }}
{{ include "shop.service" . }}
{{ include "shop.claim" . }}
{{ include "shop.budget" . }}
{{ include "shop.autoscaler" . }}
{{ include "shop.serviceMonitor" . }}
{{- if .root.Values.networkPolicy.enabled }}
{{ include "shop.networkPolicy" . }}
{{- end }}
{{- if .root.Values.istio.enabled }}
{{ include "shop.authorization" . }}
{{ include "shop.userTokens" . }}
{{ include "shop.routing" . }}
{{- end }}
{{- end }}

{{/* An identity: it is whom Istio's policies name. Of: root, name, annotations. */}}
{{- define "shop.serviceAccount" -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" . | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{ end }}

{{/*
The address that stands for all instances. The port is the container's own, since a sidecar's listener is found by the
Service's port whichever address is dialled. While there is a canary each track has a Service, too, for routes that choose by
Service. Of: root, service, options.
*/}}
{{- define "shop.service" -}}
{{- $canary := and .options.canary .options.canary.enabled -}}
{{- range $track := ternary (list "" "stable" "canary") (list "") (eq "true" (toString $canary)) }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $.service.name }}{{ with $track }}-{{ . }}{{ end }}
  namespace: {{ $.root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" $.service.name) | nindent 4 }}
    {{- with $track }}
    track: {{ . }}
    {{- end }}
    {{- if and (not $track) (eq "true" (include "shop.ambient" $.root)) }}
    istio.io/use-waypoint: waypoint
    {{- end }}
spec:
  selector:
    app: {{ $.service.name }}
    {{- with $track }}
    track: {{ . }}
    {{- end }}
  ports:
    - {name: grpc, port: 50051, targetPort: 50051, appProtocol: grpc}
    {{- if eq $.service.kind "edge" }}
    - {name: http, port: 8080, targetPort: 8080, appProtocol: http}
    {{- end }}
{{- end }}
{{- end }}

{{/* What a service keeps in a file. Stays when the release goes. Of: root, service. */}}
{{- define "shop.claim" -}}
{{- $store := .root.Values.store -}}
{{- if and .service.database (eq $store.kind "sqlite") $store.sqlite.persistent }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .service.name }}-data
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
  annotations:
    helm.sh/resource-policy: keep
spec:
  accessModes: [ReadWriteOnce]
  {{- with $store.sqlite.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests: {storage: {{ $store.sqlite.sizeMiB | int }}Mi}
{{- end }}
{{- end }}
