#!/usr/bin/env bash
# `make cluster`: a Kubernetes in docker, by kind or k3d, with Istio and the shop's image in it. CLUSTER is its name.
set -euo pipefail
cd "$(dirname "$0")/../.."
cluster=${CLUSTER:-meshmart}
gateway_api=v1.6.3

maker=''
for candidate in kind k3d; do if [ -z "$maker" ] && command -v "$candidate" > /dev/null; then maker=$candidate; fi; done
if [ -z "$maker" ] || ! docker info > /dev/null 2>&1; then
  echo 'make cluster wants a running docker and kind (kind.sigs.k8s.io) or k3d (k3d.io); or name a cluster with Istio in KUBECONFIG, give it an image of the shop, and go on with make install-cluster IMAGE=REPOSITORY:TAG' >&2
  exit 1
fi
missing=()
for tool in kubectl helm istioctl; do command -v "$tool" > /dev/null || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
  echo "make cluster lacks: ${missing[*]} (kubernetes.io/docs/tasks/tools, helm.sh/docs/intro/install, istio.io/latest/docs/setup)" >&2
  exit 1
fi

echo "-- $maker: cluster $cluster"
if [ "$maker" = kind ]; then
  kind get clusters | grep -qx "$cluster" || kind create cluster --name "$cluster" --wait 120s
  kubectl config use-context "kind-$cluster"
else
  k3d cluster get "$cluster" > /dev/null 2>&1 || k3d cluster create "$cluster" --k3s-arg '--disable=traefik@server:0' --wait --timeout 120s
  kubectl config use-context "k3d-$cluster"
fi

echo '-- the Gateway API and Istio'
kubectl apply --server-side --filename "https://github.com/kubernetes-sigs/gateway-api/releases/download/$gateway_api/standard-install.yaml"
# The CNI plugin redirects a pod's traffic, so that pods need no privilege for it and may be restricted ones.
paths=()
if [ "$maker" = k3d ]; then paths=(--set values.global.platform=k3d); fi
istioctl install --skip-confirmation --filename helm/tools/istio.yaml ${paths[@]+"${paths[@]}"}

echo '-- the image'
docker build --tag meshmart:dev .
if [ "$maker" = kind ]; then kind load docker-image meshmart:dev --name "$cluster"; else k3d image import meshmart:dev --cluster "$cluster"; fi
echo 'the cluster is there; go on with: make install-cluster'
