{{/* The Deployment of a track of a service. Of: root, service, options, track (stable, canary). */}}
{{- define "shop.deployment" -}}
{{- $o := .options -}}
{{- $name := .service.name -}}
{{- $values := .root.Values -}}
{{- $image := mergeOverwrite (deepCopy $values.image) (deepCopy ($o.image | default dict)) -}}
{{- /* A tag that is said of the service itself wins over a digest that is said of all. */ -}}
{{- if and $o.image $o.image.tag (not $o.image.digest) -}}{{- $_ := set $image "digest" "" -}}{{- end -}}
{{- $replicas := int ($o.replicas | default 1) -}}
{{- if eq .track "canary" -}}
{{- $image = mergeOverwrite $image (deepCopy ($o.canary.image | default dict)) -}}
{{- if and $o.canary.image $o.canary.image.tag (not $o.canary.image.digest) -}}{{- $_ := set $image "digest" "" -}}{{- end -}}
{{- $replicas = int ($o.canary.replicas | default 1) -}}
{{- end -}}
{{- $file := and .service.database (eq $values.store.kind "sqlite") -}}
{{- $labels := include "shop.labels" (dict "name" $name) -}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ ternary $name (printf "%s-canary" $name) (eq .track "stable") }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- $labels | nindent 4 }}
    track: {{ .track }}
spec:
  {{- if not (and $o.autoscaling.enabled (eq .track "stable")) }}
  replicas: {{ $replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  progressDeadlineSeconds: 300
  {{- if $file }}
  # A file of SQLite is one process's: the next starts when the last has ended.
  strategy: {type: Recreate}
  {{- else }}
  minReadySeconds: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  {{- end }}
  selector:
    matchLabels:
      app: {{ $name }}
      track: {{ .track }}
  template:
    metadata:
      labels:
        {{- $labels | nindent 8 }}
        track: {{ .track }}
        version: {{ include "shop.version" $image | quote }}
        {{- with $o.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ $name }}
        prometheus.io/scrape: "true"
        prometheus.io/port: "9464"
        prometheus.io/path: /metrics
        {{- if eq "true" (include "shop.sidecar" .root) }}
        {{- include "shop.sidecarKind" .root | nindent 8 }}
        # For an Istio that does not know the line above: its sidecars start first and end last, too.
        # Each counts, besides what it counts anyway, what went past the mesh.
        proxy.istio.io/config: '{"holdApplicationUntilProxyStarts": true, "terminationDrainDuration": "{{ $o.drain.terminationGracePeriodSeconds | int }}s", "proxyStatsMatcher": {"inclusionPrefixes": ["cluster.PassthroughCluster", "cluster.BlackHoleCluster"]}}'
        {{- end }}
        {{- with $o.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ $name }}
      automountServiceAccountToken: false
      # Else Kubernetes sets variables such as REDIS_PORT.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ $o.drain.terminationGracePeriodSeconds | int }}
      securityContext:
        {{- include "shop.podSecurity" $o | nindent 8 }}
      {{- with include "shop.placement" (dict "image" $image "options" $o) }}{{ . | nindent 6 }}{{ end }}
      {{- if $o.topologySpread.enabled }}
      topologySpreadConstraints:
        {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ $key }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {app: {{ $name }}}
          matchLabelKeys: [pod-template-hash]
        {{- end }}
      {{- end }}
      containers:
        - {{- include "shop.container" (merge (dict "image" $image) .) | nindent 10 }}
      volumes:
        - name: data
          {{- if and $file $values.store.sqlite.persistent }}
          persistentVolumeClaim: {claimName: {{ $name }}-data}
          {{- else }}
          emptyDir: {sizeLimit: {{ $values.store.sqlite.sizeMiB | int }}Mi}
          {{- end }}
        - name: tmp
          emptyDir: {sizeLimit: 16Mi}
        - name: secrets
          secret:
            secretName: {{ include "shop.secretName" (dict "root" .root "name" $name "options" $o) }}
            # The pod's group may read: the kubelet adds that, and nobody else may.
            defaultMode: 0440
        {{- with $values.consul.existingSecret }}
        - name: consul-token
          secret: {secretName: {{ . }}, defaultMode: 0440}
        {{- end }}
        {{- if and (eq $values.bus.kind "rabbitmq") $values.bus.existingSecret }}
        - name: bus-password
          secret: {secretName: {{ $values.bus.existingSecret }}, defaultMode: 0440}
        {{- end }}
        {{- with $o.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{ end }}

{{/* By what right a pod's images are pulled, and on which nodes it may run. Of: image, options. */}}
{{- define "shop.placement" -}}
{{- $placed := pick (.options | default dict) "priorityClassName" "nodeSelector" "tolerations" "affinity" -}}
{{- with .image.pullSecrets -}}
{{- $secrets := list -}}
{{- range . }}{{ $secrets = append $secrets (dict "name" .) }}{{ end -}}
{{- $_ := set $placed "imagePullSecrets" $secrets -}}
{{- end -}}
{{- range $key, $value := $placed }}{{ if not $value }}{{ $_ := unset $placed $key }}{{ end }}{{ end -}}
{{- with $placed }}{{ toYaml . }}{{ end -}}
{{- end }}
