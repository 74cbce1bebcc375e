{{/* Labels of an object. Nothing of a chart's version or a release's number: a pod template changes only with its service. */}}
{{- define "shop.labels" -}}
app: {{ .name }}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: meshmart
app.kubernetes.io/managed-by: Helm
{{- end }}

{{/* Where objects are. */}}
{{- define "shop.namespace" -}}
{{ .Release.Namespace }}
{{- end }}

{{/* The full name of a Service in this namespace. Of: root, name. */}}
{{- define "shop.host" -}}
{{ .name }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end }}

{{/* The identity of a service account, as Istio's policies name it. Of: root, name. */}}
{{- define "shop.principal" -}}
{{ .root.Values.istio.trustDomain }}/ns/{{ .root.Release.Namespace }}/sa/{{ .name }}
{{- end }}

{{/* An image by its digest, or else its tag. Of: repository, tag, digest. */}}
{{- define "shop.image" -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag }}
{{- end -}}
{{- end }}

{{/* What the label `version` says of an image. */}}
{{- define "shop.version" -}}
{{- if .digest -}}
{{ .digest | trimPrefix "sha256:" | trunc 12 }}
{{- else -}}
{{ .tag | toString | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* The options of a service: defaults, and what is said of it. Of: defaults, overrides. */}}
{{- define "shop.options" -}}
{{ mergeOverwrite (deepCopy (.defaults | default dict)) (deepCopy (.overrides | default dict)) | toYaml }}
{{- end }}

{{/* True where pods have a sidecar. */}}
{{- define "shop.sidecar" -}}
{{- if and .Values.istio.enabled (eq .Values.istio.dataPlane "sidecar") }}true{{ end -}}
{{- end }}

{{/* True where the mesh is ambient. */}}
{{- define "shop.ambient" -}}
{{- if and .Values.istio.enabled (eq .Values.istio.dataPlane "ambient") }}true{{ end -}}
{{- end }}

{{/*
Annotation of each pod that Istio gives a sidecar: it starts before the program, ends after it, and keeps no Job from ending. Asked
for, since istiod by itself makes native sidecars only where every kubelet is 1.33 or newer. Of: root.
*/}}
{{- define "shop.sidecarKind" -}}
{{- if eq "true" (include "shop.sidecar" .) -}}
sidecar.istio.io/nativeSidecar: "true"
{{- end -}}
{{- end }}

{{/* The name of a service's Secret. Of: root, name, options. */}}
{{- define "shop.secretName" -}}
{{- $format := .root.Values.secrets.nameFormat | default "%s-secrets" -}}
{{ .options.existingSecret | default (printf $format .name) }}
{{- end }}

{{/* Security of a container: the `restricted` standard, and a root file system that is only read. */}}
{{- define "shop.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Security of a pod. The profile stands here and not at the container, because an injected proxy takes it from here. Of: userId. */}}
{{- define "shop.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .userId | int }}
runAsGroup: {{ .userId | int }}
fsGroup: {{ .userId | int }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Requests and limits. Of: requestMiB, limitMiB, cpuMillis. No limit of CPU: it would only make a start slow. */}}
{{- define "shop.resources" -}}
requests:
  cpu: {{ .cpuMillis | int }}m
  memory: {{ .requestMiB | int }}Mi
limits:
  memory: {{ .limitMiB | int }}Mi
{{- end }}
