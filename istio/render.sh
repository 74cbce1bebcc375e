#!/usr/bin/env bash
# Writes istio/mesh/: what the chart renders of Istio in the profile of that name, one file a template. FOLDER writes elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cache/mesh-tools/bin:$PATH"
folder=${1:-istio/mesh}
mkdir -p "$folder"
helm template shop helm/shop --kube-version 1.34.4 --namespace shop --values helm/shop/values-istio.yaml \
  --set 'istio.requestAuthentication.jwks=\{"keys":[]\}' 2> >(grep -v walk.go >&2) |
  npx tsx helm/tools/istio-files.ts "$folder"
