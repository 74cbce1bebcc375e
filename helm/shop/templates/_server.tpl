{{/*
A server beside the shop: ServiceAccount, configuration, one pod, Service. Started by an explicit command and configuration
file, so that any image with the program in it does. Of:
  root, name, values (image, userId, resources, persistent, sizeMiB)
  command   list
  ports     list of {name, port, appProtocol}
  files     configuration by file name, mounted at /etc/meshmart
  dataPath  what it writes, kept as long as the pod, or longer when values.persistent
  probe     readiness and liveness
Optional: namespace, mesh (false: no sidecar), token (true: may ask the API server), init (list of containers), volumes, mounts,
env, serviceName, lifecycle.
*/}}
{{- define "shop.server" -}}
{{- $namespace := .namespace | default .root.Release.Namespace -}}
{{- $keeps := and .dataPath .values.persistent -}}
{{- $labels := include "shop.labels" (dict "name" .name) -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
automountServiceAccountToken: false
{{- if .files }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .name }}-config
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
data:
  {{- range $file, $text := .files }}
  {{ $file }}: |
    {{- $text | trim | nindent 4 }}
  {{- end }}
{{- end }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ .serviceName | default .name }}
  selector:
    matchLabels: {app: {{ .name }}}
  template:
    metadata:
      labels:
        {{- $labels | nindent 8 }}
        {{- if eq "false" (toString .mesh) }}
        sidecar.istio.io/inject: "false"
        istio.io/dataplane-mode: none
        {{- end }}
      annotations:
        {{- if .files }}
        checksum/config: {{ .files | toJson | sha256sum | trunc 16 }}
        {{- end }}
        kubectl.kubernetes.io/default-container: {{ .name }}
        {{- if ne "false" (toString .mesh) }}
        {{- with include "shop.sidecarKind" .root }}{{ . | nindent 8 }}{{ end }}
        {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: {{ eq "true" (toString .token) }}
      enableServiceLinks: false
      terminationGracePeriodSeconds: 30
      securityContext:
        {{- include "shop.podSecurity" .values | nindent 8 }}
      {{- with .init }}
      initContainers:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "shop.image" .values.image | quote }}
          imagePullPolicy: {{ .values.image.pullPolicy | default "IfNotPresent" }}
          command:
            {{- toYaml .command | nindent 12 }}
          {{- with .env }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            {{- range .ports }}
            - {name: {{ .name }}, containerPort: {{ .port }}}
            {{- end }}
          readinessProbe:
            {{- toYaml .probe | nindent 12 }}
            periodSeconds: 2
            timeoutSeconds: 2
          livenessProbe:
            {{- toYaml .probe | nindent 12 }}
            initialDelaySeconds: 20
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          {{- with .lifecycle }}
          lifecycle:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          resources:
            {{- include "shop.resources" .values.resources | nindent 12 }}
          securityContext:
            {{- include "shop.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- if .files }}
            - {name: config, mountPath: /etc/meshmart, readOnly: true}
            {{- end }}
            {{- if .dataPath }}
            - {name: data, mountPath: {{ .dataPath }}}
            {{- end }}
            {{- with .mounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 64Mi}
        {{- if .files }}
        - name: config
          configMap: {name: {{ .name }}-config}
        {{- end }}
        {{- if and .dataPath (not $keeps) }}
        - name: data
          emptyDir: {}
        {{- end }}
        {{- with .volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  {{- if $keeps }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        resources:
          requests: {storage: {{ .values.sizeMiB | int }}Mi}
  {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .serviceName | default .name }}
  namespace: {{ $namespace }}
  labels:
    {{- $labels | nindent 4 }}
spec:
  selector: {app: {{ .name }}}
  ports:
    {{- range .ports }}
    - {name: {{ .name }}, port: {{ .port }}, targetPort: {{ .port }}, appProtocol: {{ .appProtocol }}}
    {{- end }}
{{ end }}
