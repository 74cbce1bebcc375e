{{/* What a process is told. NOTES-for-the-runtime.md says what each is for. Of: root, service, options. */}}
{{- define "shop.environment" -}}
{{- $values := .root.Values -}}
{{- $service := .service -}}
{{- $host := include "shop.host" (dict "root" .root "name" $service.name) -}}
- name: MESHMART_INSTANCE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: INSTANCE_ADDRESS
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- {name: INSTANCE_HOST, value: 0.0.0.0}
- {name: INSTANCE_PORT, value: "50051"}
- {name: INSTANCE_ADMIN_PORT, value: "9464"}
- {name: ADMIN_HOST, value: 0.0.0.0}
{{- if eq $service.kind "edge" }}
- {name: HOST, value: 0.0.0.0}
- {name: PORT, value: "8080"}
- {name: GRPC_PORT, value: "50051"}
{{- end }}
- {name: DRAIN_MS, value: {{ mul (int .options.drain.drainSeconds) 1000 | quote }}}
- {name: MESHMART_DATA, value: /var/lib/meshmart}
- {name: MESHMART_SECRETS, value: /run/secrets/meshmart}
- {name: LOG_DESTINATION, value: stdout}
- {name: LOG_LEVEL, value: {{ .options.logLevel | default "info" }}}
- {name: WORKLOAD_IDENTITY, value: {{ ternary "mesh" "named" $values.istio.enabled }}}
{{- if $values.istio.enabled }}
- {name: WORKLOAD_PREFIX, value: {{ printf "spiffe://%s/ns/%s/sa/" $values.istio.trustDomain .root.Release.Namespace | quote }}}
{{- end }}
- {name: CONSUL_HTTP_ADDR, value: {{ include "shop.consulAddress" .root | quote }}}
{{- if $values.consul.existingSecret }}
- {name: CONSUL_HTTP_TOKEN_FILE, value: /run/secrets/consul/token}
{{- end }}
- {name: DISCOVERY_ADDRESS, value: {{ ternary "virtual" "instance" $values.istio.enabled }}}
- {name: AUTHORITY_DOMAIN, value: {{ printf "%s.svc.%s" .root.Release.Namespace $values.clusterDomain }}}
- {name: VIRTUAL_HOST, value: {{ $host }}}
{{- if and $service.database (eq $values.store.kind "postgres") }}
- {name: MESHMART_STORE, value: postgres}
- {name: POSTGRES_URL, value: {{ include "shop.postgresAddress" .root | quote }}}
{{- else }}
- {name: MESHMART_STORE, value: sqlite}
{{- end }}
- {name: MESHMART_BUS, value: {{ $values.bus.kind }}}
{{- if or (eq $values.bus.kind "redis") (has "redis" $service.backends) }}
- {name: REDIS_URL, value: {{ include "shop.redisAddress" .root | replace "://" (printf "://%s@" $service.name) | quote }}}
- {name: REDIS_PASSWORD_FILE, value: /run/secrets/meshmart/redis-password}
{{- end }}
{{- if eq $values.bus.kind "rabbitmq" }}
- {name: RABBITMQ_URL, value: {{ $values.bus.address | quote }}}
{{- if $values.bus.existingSecret }}
- {name: RABBITMQ_PASSWORD_FILE, value: /run/secrets/bus/password}
{{- end }}
{{- else if eq $values.bus.kind "kafka" }}
- {name: KAFKA_BROKERS, value: {{ $values.bus.address | quote }}}
{{- end }}
{{- with include "shop.otlpAddress" .root }}
- {name: TRACES_EXPORTER, value: otlp}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- else }}
- {name: TRACES_EXPORTER, value: none}
{{- end }}
{{- if has "card-processor" $service.backends }}
- {name: CARD_PROCESSOR_URL, value: {{ include "shop.cardProcessorAddress" .root | quote }}}
{{- end }}
{{- if has "mail" $service.backends }}
- {name: SMTP_URL, value: {{ include "shop.mailAddress" .root | quote }}}
{{- end }}
{{- range $key, $value := .options.settings }}
{{- /* Numbers of a values file are floating: 1000000 would be written 1e+06. */}}
{{- if and (kindIs "float64" $value) (eq (floor $value) $value) }}{{ $value = int64 $value }}{{ end }}
- {name: {{ (get $service.settings $key).env }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}
