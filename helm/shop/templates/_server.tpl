{{/*
A server beside the shop: ServiceAccount, configuration, one pod, Service. Started by an explicit command and configuration
file, so that any image with the program in it does. Of:
  root, name, values (image, userId, resources, persistent, sizeMiB, storageClass, and where it may run)
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
{{- if hasKey .values "persistent" }}{{ include "shop.claimCheck" (dict "name" .name "values" .values "namespace" $namespace) }}{{ end -}}
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
      {{- with include "shop.placement" (dict "image" .values.image "options" .values) }}{{ . | nindent 6 }}{{ end }}
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
        {{- with .values.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
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

{{/*
Fails when an upgrade would change what a StatefulSet claims, which the API server refuses with a sentence that names no value.
Sizes come back in the largest unit that holds them: 2048Mi as 2Gi. Of: name (of the value, too), values, namespace.
*/}}
{{- define "shop.claimCheck" -}}
{{- $found := lookup "apps/v1" "StatefulSet" .namespace .name -}}
{{- if $found -}}
{{- $is := "no claim" -}}
{{- with $found.spec.volumeClaimTemplates -}}
{{- $spec := (first .).spec -}}
{{- $size := $spec.resources.requests.storage -}}
{{- $mib := mul (regexFind "^[0-9]+" $size | int) (get (dict "Mi" 1 "Gi" 1024 "Ti" 1048576) (regexFind "[A-Z]i$" $size) | default 0) -}}
{{- $is = printf "a claim of %d MiB of storage class '%s'" $mib ($spec.storageClassName | default "") -}}
{{- end -}}
{{- $wanted := "no claim" -}}
{{- if .values.persistent -}}{{- $wanted = printf "a claim of %d MiB of storage class '%s'" (int .values.sizeMiB) (.values.storageClass | default "") -}}{{- end -}}
{{- if ne $is $wanted -}}
{{- fail (printf "%s.persistent, sizeMiB and storageClass ask for %s, and the StatefulSet %s in namespace %s has %s, which can't be changed: set them back, or let it be made anew, which leaves its claim as it is, with kubectl delete statefulset %s --namespace %s" .name $wanted .name .namespace $is .name .namespace) -}}
{{- end -}}
{{- end -}}
{{- end }}
