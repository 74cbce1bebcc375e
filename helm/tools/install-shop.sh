#!/usr/bin/env bash
# `make install-cluster`: the shop into namespace shop of the cluster that kubectl is pointed at, under Istio. IMAGE is the
# image, SET more of what `helm --set` takes. Run again, it upgrades. Secrets that are there stay as they are, those of a release
# that is gone, too: the databases and cards that it left are of use only with them.
set -euo pipefail
cd "$(dirname "$0")/../.."
image=${IMAGE:-meshmart:dev}
missing=()
for tool in kubectl helm; do command -v "$tool" > /dev/null || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
  echo "make install-cluster lacks: ${missing[*]} (kubernetes.io/docs/tasks/tools, helm.sh/docs/intro/install)" >&2
  exit 1
fi
for kind in sidecars.networking.istio.io gateways.gateway.networking.k8s.io; do
  if ! kubectl get customresourcedefinition "$kind" > /dev/null; then
    echo "the cluster of $(kubectl config current-context 2> /dev/null || echo KUBECONFIG) has no $kind: make one with Istio and the Gateway API by make cluster" >&2
    exit 1
  fi
done

# A colon before the last slash is that of a port.
tag=latest; repository=$image
case ${image##*/} in *:*) tag=${image##*:}; repository=${image%:*} ;; esac
given=(--set "image.repository=$repository,image.tag=$tag,istio.gateway.serviceType=ClusterIP")
if [ -n "${SET:-}" ]; then given+=(--set "$SET"); fi
if helm status shop --namespace shop > /dev/null 2>&1; then
  given+=(--reuse-values)
else
  for name in shop observability; do kubectl create namespace "$name" --dry-run=client --output yaml | kubectl apply --filename -; done
  kubectl label --overwrite namespace shop istio-injection=enabled pod-security.kubernetes.io/enforce=restricted
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  kubectl get secrets --namespace shop --output json > "$work/existing.json"
  npm run --silent helm:secrets -- --jwks "$work/jwks.json" --existing "$work/existing.json" | kubectl apply --namespace shop --filename -
  given+=(--values helm/shop/values-istio.yaml --set-file "istio.requestAuthentication.jwks=$work/jwks.json")
fi
helm upgrade --install shop helm/shop --namespace shop "${given[@]}" --wait --timeout 5m
