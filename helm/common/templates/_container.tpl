{{/* The command that starts a meshmart program. Of: image (node, folder). */}}
{{- define "shop.meshmart" -}}
- {{ .node | quote }}
{{- range .flags }}
- {{ . | quote }}
{{- end }}
- {{ printf "%s/dist/bundle/%s" .folder .program | quote }}
{{- end }}

{{/* The container of a service. Of: root, service, options, image. */}}
{{- define "shop.container" -}}
{{- $o := .options -}}
{{- $resources := $o.resources | default dict -}}
{{- $declared := .service.resources -}}
{{- $heapMiB := int ($resources.heapMiB | default $declared.memoryMiB) -}}
name: {{ .service.name }}
image: {{ include "shop.image" .image | quote }}
imagePullPolicy: {{ .image.pullPolicy }}
command:
{{- if $o.command }}
  {{- toYaml $o.command | nindent 2 }}
{{- else }}
  {{- $flags := list "--enable-source-maps=false" "--max-semi-space-size=4" (printf "--max-old-space-size=%d" $heapMiB) }}
  {{- include "shop.meshmart" (dict "node" .image.node "folder" .image.folder "flags" $flags "program" "mesh/cli/main.js") | nindent 2 }}
{{- end }}
args: [serve, {{ .service.name }}]
ports:
  - {name: grpc, containerPort: 50051}
  {{- if eq .service.kind "edge" }}
  - {name: http, containerPort: 8080}
  {{- end }}
  - {name: admin, containerPort: 9464}
env:
  {{- include "shop.environment" . | nindent 2 }}
  {{- with $o.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- include "shop.probes" . }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ $o.drain.preStopSeconds | int }}
resources:
  {{- $requestMiB := $resources.requestMiB | default (div (mul (int $declared.memoryMiB) 4) 5) }}
  {{- $limitMiB := $resources.limitMiB | default (mul (int $declared.memoryMiB) 2) }}
  {{- $cpuMillis := $resources.cpuMillis | default $declared.cpuMillis }}
  {{- include "shop.resources" (dict "requestMiB" $requestMiB "limitMiB" $limitMiB "cpuMillis" $cpuMillis) | nindent 2 }}
securityContext:
  {{- include "shop.containerSecurity" . | nindent 2 }}
volumeMounts:
  - {name: data, mountPath: /var/lib/meshmart}
  - {name: tmp, mountPath: /tmp}
  - {name: secrets, mountPath: /run/secrets/meshmart, readOnly: true}
  {{- if .root.Values.consul.existingSecret }}
  - {name: consul-token, mountPath: /run/secrets/consul, readOnly: true}
  {{- end }}
  {{- if and (eq .root.Values.bus.kind "rabbitmq") .root.Values.bus.existingSecret }}
  - {name: bus-password, mountPath: /run/secrets/bus, readOnly: true}
  {{- end }}
  {{- with $o.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/*
Health by gRPC, as the kubelet does it without a program of its own: alive is the empty name, ready is the contract's own, which
follows the service's database. The edge serves HTTP: it is asked on its admin port, where ready means itself and not all
that it calls, or one service that is away would take the whole shop off the net. Of: service.
*/}}
{{- define "shop.probes" }}
{{- if eq .service.kind "edge" }}
startupProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
{{- else }}
startupProbe:
  grpc: {port: 50051, service: ""}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 60
readinessProbe:
  grpc: {port: 50051, service: {{ first .service.implements }}}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  grpc: {port: 50051, service: ""}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
{{- end }}
{{- end }}
