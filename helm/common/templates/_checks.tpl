{{/*
True on a cluster, the only place where it can be seen what is there. By what every namespace has: who may install in one
namespace need not be allowed to look at the namespace itself. Of: root.
*/}}
{{- define "shop.onCluster" -}}
{{- if lookup "v1" "ConfigMap" .Release.Namespace "kube-root-ca.crt" }}true{{ end -}}
{{- end }}

{{/* Fails when a Secret that pods mount is not there, or lacks a key. Of: root, secret (its name), of (whose it is), keys, make (how to). */}}
{{- define "shop.secretCheck" -}}
{{- $namespace := .root.Release.Namespace -}}
{{- if eq "true" (include "shop.onCluster" .root) -}}
{{- $found := lookup "v1" "Secret" $namespace .secret -}}
{{- if not $found -}}
{{- fail (printf "the Secret %s of %s is not in namespace %s: make it with %s" .secret .of $namespace .make) -}}
{{- end -}}
{{- range .keys -}}
{{- if not (hasKey ($found.data | default dict) .) -}}
{{- fail (printf "the Secret %s of %s in namespace %s has no key %s: make it with %s" $.secret $.of $namespace . $.make) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What makes the Secrets of a shop. Of: root. */}}
{{- define "shop.makeSecrets" -}}
npm run --silent helm:secrets | kubectl apply --namespace {{ .Release.Namespace }} -f -
{{- end }}

{{/* What can't work, told in a sentence that says what to change. */}}
{{- define "shop.checks" -}}
{{- $values := .Values -}}
{{- $profiles := list "minimal" "istio" "production" "ambient" -}}
{{- if not (has $values.profile $profiles) -}}
{{- fail (printf "profile is '%s': use one of %s" $values.profile (join ", " $profiles)) -}}
{{- end -}}
{{- if and (ne $values.profile "minimal") (not $values.istio.enabled) -}}
{{- fail (printf "profile %s stands on Istio: set istio.enabled=true, or profile=minimal" $values.profile) -}}
{{- end -}}
{{- if and (eq $values.profile "minimal") $values.istio.enabled -}}
{{- fail "istio.enabled is true in profile minimal: set profile to istio, production or ambient" -}}
{{- end -}}
{{- if ne (eq $values.profile "ambient") (and $values.istio.enabled (eq $values.istio.dataPlane "ambient")) -}}
{{- fail (printf "profile %s does not go with istio.dataPlane=%s: set both to ambient, or neither" $values.profile $values.istio.dataPlane) -}}
{{- end -}}
{{- if and $values.autoscaling.enabled (eq $values.profile "ambient") -}}
{{- fail "autoscaling.enabled does not go with profile ambient, whose pods tell nobody outside the mesh how busy they are: set autoscaling.enabled=false, which scales by CPU" -}}
{{- end -}}
{{- if and (eq $values.profile "production") $values.secrets.create -}}
{{- fail "secrets.create is true in profile production: make the Secrets with npm run helm:secrets, and set secrets.create=false and secrets.nameFormat=%s-secrets" -}}
{{- end -}}
{{- if and (eq $values.profile "production") (ne $values.store.kind "postgres") -}}
{{- fail "store.kind is sqlite in profile production: set store.kind=postgres" -}}
{{- end -}}
{{- range $name := list "consul" "redis" -}}
{{- $one := get $values $name -}}
{{- if not (or $one.enabled $one.address) -}}
{{- fail (printf "there is no %s: set %s.enabled=true, or %s.address to where it is" $name $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $values.store.kind "postgres") (not (or $values.postgres.enabled $values.postgres.address)) -}}
{{- fail "store.kind is postgres and there is none: set postgres.enabled=true, or postgres.address to where it is" -}}
{{- end -}}
{{- if and (ne $values.bus.kind "redis") (not $values.bus.address) -}}
{{- fail (printf "bus.address is missing: say where %s is" $values.bus.kind) -}}
{{- end -}}
{{- if and $values.istio.requestAuthentication.enabled (not $values.istio.requestAuthentication.jwks) -}}
{{- fail "istio.requestAuthentication.jwks is missing: give the public keys with --set-file istio.requestAuthentication.jwks=jwks.json, as npm run helm:secrets writes them, or set istio.requestAuthentication.enabled=false" -}}
{{- end -}}
{{- range $name, $key := dict "consul" "token" "bus" "password" -}}
{{- $secret := (get $values $name).existingSecret -}}
{{- if and $secret (or (eq $name "consul") (eq $values.bus.kind "rabbitmq")) -}}
{{- include "shop.secretCheck" (dict "root" $ "secret" $secret "of" $name "keys" (list $key) "make" (printf "kubectl create secret generic %s --namespace %s --from-file %s=FILE" $secret $.Release.Namespace $key)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The same for the servers that a shop starts. */}}
{{- define "shop.serverChecks" -}}
{{- $values := .Values -}}
{{- if and (eq $values.store.kind "postgres") (not $values.secrets.create) (not $values.postgres.existingSecret) -}}
{{- fail "postgres.existingSecret is missing: name a Secret whose key `password` is that of PostgreSQL's administrator, as npm run helm:secrets makes it (postgres-admin)" -}}
{{- end -}}
{{- if and $values.redis.enabled (not $values.secrets.create) (not $values.redis.existingSecret) -}}
{{- fail "redis.existingSecret is missing: name a Secret whose key `users.acl` holds Redis' users, as npm run helm:secrets makes it (redis-users)" -}}
{{- end -}}
{{- if and (eq $values.store.kind "postgres") (not $values.secrets.create) -}}
{{- include "shop.secretCheck" (dict "root" . "secret" $values.postgres.existingSecret "of" "postgres" "keys" (list "password") "make" (include "shop.makeSecrets" .)) -}}
{{- end -}}
{{- if and $values.redis.enabled (not $values.redis.address) (not $values.secrets.create) -}}
{{- include "shop.secretCheck" (dict "root" . "secret" $values.redis.existingSecret "of" "redis" "keys" (list "users.acl") "make" (include "shop.makeSecrets" .)) -}}
{{- end -}}
{{- end }}

{{/* The same for one service. Of: root, service, options. */}}
{{- define "shop.serviceChecks" -}}
{{- $name := .service.name -}}
{{- $values := .root.Values -}}
{{- $o := .options -}}
{{- $replicas := int ($o.replicas | default 1) -}}
{{- $most := int .service.scale.max -}}
{{- if gt $replicas $most -}}
{{- fail (printf "services.%s.replicas is %d: give 1 to %d, as services/%s/service.yaml allows" $name $replicas $most $name) -}}
{{- end -}}
{{- range $key, $count := dict "autoscaling.minReplicas" $o.autoscaling.minReplicas "autoscaling.maxReplicas" $o.autoscaling.maxReplicas "canary.replicas" ($o.canary | default dict).replicas -}}
{{- if gt (int $count) $most -}}
{{- fail (printf "services.%s.%s is %d: give 1 to %d, as services/%s/service.yaml allows" $name $key (int $count) $most $name) -}}
{{- end -}}
{{- end -}}
{{- $least := int ($o.autoscaling.minReplicas | default .service.scale.min) -}}
{{- $upTo := int ($o.autoscaling.maxReplicas | default $most) -}}
{{- if gt $least $upTo -}}
{{- fail (printf "services.%s.autoscaling.minReplicas is %d and maxReplicas %d: give a minReplicas of at most %d" $name $least $upTo $upTo) -}}
{{- end -}}
{{- $several := or (gt $replicas 1) $o.autoscaling.enabled (and $o.canary $o.canary.enabled) -}}
{{- if and $several (eq $values.store.kind "sqlite") .service.database -}}
{{- fail (printf "services.%s has more than one replica, and SQLite is a file of one: set store.kind=postgres, or replicas=1 without autoscaling and canary" $name) -}}
{{- end -}}
{{- $sum := add (int $o.drain.preStopSeconds) (int $o.drain.drainSeconds) (int $o.drain.closeSeconds) -}}
{{- if lt (int $o.drain.terminationGracePeriodSeconds) (int $sum) -}}
{{- fail (printf "services.%s.drain.terminationGracePeriodSeconds is %d, and preStopSeconds + drainSeconds + closeSeconds are %d: give at least that, or calls in flight are cut" $name (int $o.drain.terminationGracePeriodSeconds) (int $sum)) -}}
{{- end -}}
{{- if not (or $values.secrets.create $values.secrets.nameFormat $o.existingSecret) -}}
{{- fail (printf "the Secret of %s is missing: name it in services.%s.existingSecret, or all of them in secrets.nameFormat (npm run helm:secrets makes them), or set secrets.create=true to try things out" $name $name) -}}
{{- end -}}
{{- if not $values.secrets.create -}}
{{- $secret := include "shop.secretName" (dict "root" .root "name" $name "options" $o) -}}
{{- include "shop.secretCheck" (dict "root" .root "secret" $secret "of" $name "keys" (include "shop.secretKeys" . | fromJsonArray) "make" (include "shop.makeSecrets" .root)) -}}
{{- end -}}
{{- range $key, $_ := $o.settings -}}
{{- if not (hasKey $.service.settings $key) -}}
{{- fail (printf "services.%s.settings.%s is no setting of %s: use one of %s" $name $key $name (keys $.service.settings | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* What a service's Secret must have, as a JSON list: what the service reads as it is set. Of: root, service. */}}
{{- define "shop.secretKeys" -}}
{{- $keys := list -}}
{{- range $key, $_ := .service.secrets -}}{{- $keys = append $keys (printf "%s-%s" $.service.name $key) -}}{{- end -}}
{{- if and .service.database (eq .root.Values.store.kind "postgres") -}}{{- $keys = append $keys (printf "%s-postgres" .service.name) -}}{{- end -}}
{{- if or (eq .root.Values.bus.kind "redis") (has "redis" .service.backends) -}}{{- $keys = append $keys "redis-password" -}}{{- end -}}
{{ $keys | toJson }}
{{- end }}
