{{/* Keeps all but one of several replicas through a drain of nodes. With one replica it would keep a node from draining. Of: root, service, options. */}}
{{- define "shop.budget" -}}
{{- $o := .options -}}
{{- $least := ternary (int ($o.autoscaling.minReplicas | default 1)) (int ($o.replicas | default 1)) (eq "true" (toString $o.autoscaling.enabled)) -}}
{{- if and $o.podDisruptionBudget.enabled (gt $least 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  maxUnavailable: {{ $o.podDisruptionBudget.maxUnavailable }}
  # A pod that is not ready may always go: it serves nobody.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {app: {{ .service.name }}}
{{- end }}
{{- end }}

{{/*
By what the autoscaler tells of pods, where it runs; else by CPU; or by the metrics that are given. Out fast, in slowly.
Of: root, service, options.
*/}}
{{- define "shop.autoscaler" -}}
{{- $a := .options.autoscaling -}}
{{- if $a.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .service.name }}}
  minReplicas: {{ $a.minReplicas | default .service.scale.min | int }}
  maxReplicas: {{ $a.maxReplicas | default .service.scale.max | int }}
  metrics:
    {{- if $a.metrics }}
    {{- toYaml $a.metrics | nindent 4 }}
    {{- else if .root.Values.autoscaling.enabled }}
    {{- range $metric, $target := dict "requests_in_flight" $a.requestsInFlight "event_loop_lag_ms" $a.eventLoopLagMs }}
    - type: Pods
      pods:
        metric: {name: {{ $metric }}}
        target: {type: AverageValue, averageValue: {{ $target | toString | quote }}}
    {{- end }}
    {{- else }}
    - type: ContainerResource
      containerResource:
        name: cpu
        container: {{ .service.name }}
        target: {type: Utilization, averageUtilization: {{ $a.cpuPercent | default 70 | int }}}
    {{- end }}
  behavior:
    {{- if $a.behavior }}
    {{- toYaml $a.behavior | nindent 4 }}
    {{- else }}
    scaleUp:
      stabilizationWindowSeconds: 0
      policies:
        - {type: Pods, value: 2, periodSeconds: 15}
    scaleDown:
      stabilizationWindowSeconds: 120
      policies:
        - {type: Pods, value: 1, periodSeconds: 60}
    {{- end }}
{{- end }}
{{- end }}

{{/*
For the operator of Prometheus. Under a sidecar the pod's agent gives out the program's metrics with its own, on a port that
mTLS leaves alone; the admin port stays shut. While there is a canary its pods stand behind two Services; they are asked by the
one of all pods alone, or they would count twice. Of: root, service.
*/}}
{{- define "shop.serviceMonitor" -}}
{{- $monitor := .root.Values.monitoring.serviceMonitor -}}
{{- if $monitor.enabled }}
{{- $sidecar := eq "true" (include "shop.sidecar" .root) }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .service.name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "shop.labels" (dict "name" .service.name) | nindent 4 }}
    {{- with $monitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels: {app: {{ .service.name }}}
    matchExpressions:
      - {key: track, operator: DoesNotExist}
  endpoints:
    - port: grpc
      path: {{ ternary "/stats/prometheus" "/metrics" $sidecar }}
      interval: {{ $monitor.interval }}
      relabelings:
        - sourceLabels: [__meta_kubernetes_pod_ip]
          targetLabel: __address__
          replacement: {{ printf "$1:%d" (ternary 15020 9464 $sidecar) | quote }}
{{- end }}
{{- end }}
