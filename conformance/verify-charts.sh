#!/usr/bin/env bash
# `make verify-charts`: the charts without a cluster. helm lint, rendering tests, kubeconform with the schemas of Kubernetes,
# Istio, the Gateway API and Prometheus' operator, and istioctl analyze, for every profile. Ends with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cache/mesh-tools/bin:$PATH"
tools=${MESHMART_CLUSTER_TOOLS:-../shared/cluster}

# Of what is described, and judged.
kubernetes=1.34.4
istio=v0.0.0-20260827124520-eed52ebb66ad
gateway_api=v1.6.3
prometheus_operator=v0.85.0

wanted=(helm kubeconform istioctl consul jaeger)
lacking() { missing=(); for tool in "${wanted[@]}"; do command -v "$tool" > /dev/null || missing+=("$tool"); done; }
lacking
if [ ${#missing[@]} -gt 0 ] && [ -x "$tools/build" ]; then "$tools/build" "${missing[@]/istioctl/istio}"; lacking; fi
for tool in redis-server prometheus promtool; do command -v "$tool" > /dev/null || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
  echo "make verify-charts lacks: ${missing[*]}" >&2
  echo "helm 3.17 or newer: helm.sh/docs/intro/install; kubeconform: go install github.com/yannh/kubeconform/cmd/kubeconform@latest; istioctl: go install istio.io/istio/istioctl/cmd/istioctl@$istio; consul, jaeger (version 2), redis-server, prometheus with promtool: packages or releases, see docs/discovery.md and docs/jaeger.md" >&2
  exit 1
fi

# The schemas come from the Go modules of what they describe, at the versions above, and are kept.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
schemas=${MESHMART_SCHEMAS:-$HOME/.cache/mesh-tools/schemas/$kubernetes-$istio-$gateway_api-$prometheus_operator}
if [ ! -f "$schemas/done" ]; then
  command -v go > /dev/null || { echo 'make verify-charts lacks: go, which fetches the schemas once (go.dev/doc/install)' >&2; exit 1; }
  printf 'module example.com/schemas\ngo 1.24\n' > "$work/go.mod"
  folder() { (cd "$work" && GOFLAGS=-mod=mod go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p'); }
  npx tsx helm/tools/write-schemas.ts "$schemas" \
    "$(folder "k8s.io/kubernetes@v$kubernetes")/api/openapi-spec/swagger.json" \
    "$(folder "istio.io/istio@$istio")/manifests/charts/base/files/crd-all.gen.yaml" \
    "$(folder "sigs.k8s.io/gateway-api@$gateway_api")/config/crd/standard" \
    "$(folder "github.com/prometheus-operator/prometheus-operator@$prometheus_operator")/example/prometheus-operator-crd" \
    && touch "$schemas/done" || exit 1
fi

passed=0; failed=0
step() { # title command...
  local title=$1 log; shift
  log=$(mktemp)
  if "$@" > "$log" 2>&1; then passed=$((passed + 1)); echo "ok $title"; else
    failed=$((failed + 1)); echo "FAILED $title" >&2; grep -v 'walk.go' "$log" | head -40 >&2
  fi
  rm -f "$log"
}

# Helm says a line for the library that both charts link to; it is no news.
jwks='istio.requestAuthentication.jwks=\{"keys":[]\}'
given=(--kube-version "$kubernetes" --namespace shop --set "$jwks")
conform() { kubeconform -strict -summary -schema-location "$schemas/{{.ResourceKind}}{{.KindSuffix}}.json" -kubernetes-version "$kubernetes" "$@"; }
render() { helm template shop helm/shop "${given[@]}" "$@" | conform -; }
one() { helm template catalog helm/service "${given[@]}" --values helm/shop/services/catalog.yaml "$@" | conform -; }

for profile in minimal istio production ambient; do
  values=(--values "helm/shop/values-$profile.yaml")
  step "$profile: helm lint --strict of the shop" helm lint --strict helm/shop "${given[@]}" "${values[@]}"
  step "$profile: helm lint --strict of one service" helm lint --strict helm/service "${given[@]}" --values helm/shop/services/catalog.yaml "${values[@]}"
  step "$profile: the shop holds to the schemas" render "${values[@]}"
  step "$profile: one service holds to the schemas" one "${values[@]}"
done
step 'canary, classic edge, rate limit, dashboards: hold to the schemas' render --values helm/shop/values-istio.yaml \
  --set istio.gateway.kind=classic,istio.rateLimit.enabled=true,prometheus.enabled=true,grafana.enabled=true \
  --set services.catalog.canary.enabled=true,services.catalog.canary.weight=10,services.gateway.canary.enabled=true
step 'autoscaling by load: holds to the schemas' render --values helm/shop/values-production.yaml --set autoscaling.enabled=true
step 'ambient canary: holds to the schemas' render --values helm/shop/values-ambient.yaml \
  --set services.catalog.canary.enabled=true,services.catalog.canary.weight=10
step 'files to apply by hand: hold to the schemas' conform istio
step 'rendering tests, and what is rendered as processes' npx mocha --forbid-only 'helm/**/*.live.test.ts'

# Without a cluster istioctl judges routes, subsets, hosts, schemas and what is deprecated; what it must see pods for it leaves out.
analyze() { istioctl analyze --use-kube=false --failure-threshold Info "$@"; }
rendered() { local file="$work/$1.yaml"; shift; helm template shop helm/shop "${given[@]}" "$@" > "$file"; }
finds_nothing() { rendered "$@" && analyze --all-namespaces "$work/$1.yaml"; }
beside() { # a release of the shop, and one service that it leaves out
  rendered rest --values helm/shop/values-istio.yaml --set services.catalog.enabled=false \
    && helm template catalog helm/service "${given[@]}" --values helm/shop/values-istio.yaml --values helm/shop/services/catalog.yaml > "$work/catalog.yaml" \
    && analyze --all-namespaces "$work/rest.yaml" "$work/catalog.yaml"
}
for profile in minimal istio production ambient; do
  step "$profile: istioctl analyze finds nothing" finds_nothing "$profile" --values "helm/shop/values-$profile.yaml"
done
canary=services.catalog.canary.enabled=true,services.catalog.canary.weight=10,services.gateway.canary.enabled=true,services.gateway.canary.weight=10
for variant in \
  "canary by weight and header:istio:$canary" \
  "classic edge:istio:istio.gateway.kind=classic" \
  "classic edge with canary:istio:istio.gateway.kind=classic,$canary" \
  "rate limit:istio:istio.rateLimit.enabled=true" \
  "autoscaling by CPU:istio:defaults.autoscaling.enabled=true" \
  "autoscaling by load:istio:defaults.autoscaling.enabled=true,autoscaling.enabled=true" \
  "retries, dashboards:istio:istio.retries.attempts=2,prometheus.enabled=true,grafana.enabled=true" \
  "canary:ambient:$canary"; do
  IFS=: read -r title profile set <<< "$variant"
  step "$profile, $title: istioctl analyze finds nothing" finds_nothing variant --values "helm/shop/values-$profile.yaml" --set "$set"
done
step 'one service beside the shop: istioctl analyze finds nothing' beside
# Each over what the profile istio installs, in its place in the namespace, as kubectl apply --namespace shop puts it.
for file in istio/{faults,canary,mirror}/*.yaml; do
  step "$file by hand: istioctl analyze finds nothing" analyze --namespace shop "$work/istio.yaml" "$file"
done
unfounded() {
  sed 's/subset: canary/subset: nobody/' istio/canary/catalog-90-10.yaml > "$work/unfounded.yaml"
  { analyze --namespace shop "$work/istio.yaml" "$work/unfounded.yaml" || true; } 2>&1 | grep 'IST0101.*+nobody'
}
step 'istioctl analyze finds a route to a subset that is not there' unfounded

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
