#!/usr/bin/env bash
# `make verify-cluster`: the istio profile on a real Kubernetes with real servers: install, trade, attacks, updates, outages, uninstall.
# Starts the cluster by the helpers in MESHMART_CLUSTER_TOOLS when it does not run, and stops it then. MESHMART_CLUSTER_REPORT=FILE keeps what
# outages did. Ends with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cache/mesh-tools/bin:$PATH"
tools=${MESHMART_CLUSTER_TOOLS:-../shared/cluster}
if [ ! -x "$tools/up" ]; then
  echo "make verify-cluster lacks: $tools/up, which starts a cluster with Istio; name its folder in MESHMART_CLUSTER_TOOLS" >&2
  exit 1
fi
missing=()
for tool in go curl jq redis-server; do command -v "$tool" > /dev/null || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
  echo "make verify-cluster lacks: ${missing[*]}" >&2
  echo 'go: go.dev/doc/install; curl, jq, redis-server: packages of the system' >&2
  exit 1
fi

passed=0; failed=0
step() { # title command...
  local title=$1 log began=$SECONDS; shift
  log=$(mktemp)
  if "$@" > "$log" 2>&1; then passed=$((passed + 1)); echo "ok $title ($((SECONDS - began)) s)"; grep -E '^\S+\.tar +[0-9]+ MiB ' "$log"; else
    failed=$((failed + 1)); echo "FAILED $title ($((SECONDS - began)) s)" >&2; tail -60 "$log" >&2
  fi
  rm -f "$log"
}
# Tests count one by one; what they print is for people.
tests() { # file...
  local log; log=$(mktemp)
  npx mocha --forbid-only --no-color --require ./conformance/cluster/tell-failures.ts "${@/%/.cluster.test.ts}" 2>&1 | tee "$log"
  passed=$((passed + $(awk '/^ *[0-9]+ passing/ { n += $1 } END { print n + 0 }' "$log")))
  failed=$((failed + $(awk '/^ *[0-9]+ failing/ { n += $1 } END { print n + 0 }' "$log")))
  # Neither: mocha itself did not get as far.
  grep -qE '^ *[0-9]+ passing' "$log" || failed=$((failed + 1))
  rm -f "$log"
}

KUBECONFIG=$("$tools/up" --kubeconfig); export KUBECONFIG
ran=true; kubectl get --raw /readyz > /dev/null 2>&1 || ran=false
if [ "$ran" = true ] && [ -n "$(helm list --namespace shop --all --short)" ]; then
  echo 'make verify-cluster: namespace shop has a release already: uninstall it, or it would be tested and removed' >&2
  exit 1
fi
work=$(mktemp -d)
end() {
  if [ -n "${watcher:-}" ]; then kill "$watcher" 2> /dev/null; fi
  helm uninstall shop --namespace shop --ignore-not-found --wait --timeout 2m > /dev/null 2>&1
  kubectl delete namespace shop observability --ignore-not-found --timeout=120s > /dev/null 2>&1
  kubectl delete persistentvolume --selector meshmart-test --ignore-not-found > /dev/null 2>&1
  ip link delete mesh-nowhere 2> /dev/null
  if [ "$ran" = false ]; then "$tools/down" > /dev/null 2>&1; fi
  rm -rf "$work"
}
trap end EXIT
trap 'echo "broken off" >&2; exit 130' INT TERM

programs() {
  "$tools/build" helm grpcurl consul || return
  # With it comes version 1, which takes minutes and is not used here.
  command -v jaeger > /dev/null || "$tools/build" jaeger || return
  # Before the cluster, which installs packages of the system, too: only one can at a time.
  "$tools/base-images" debian node
}
cluster() {
  local building gateway_api=v1.6.3
  # They need no cluster.
  bash conformance/cluster/images.sh build & building=$!
  if ! "$tools/up"; then wait "$building"; return 1; fi
  go mod download "sigs.k8s.io/gateway-api@$gateway_api" || return
  kubectl apply --server-side --filename "$(go env GOMODCACHE)/sigs.k8s.io/gateway-api@$gateway_api/config/crd/standard" || return
  wait "$building"
}
# The addresses of Services are nobody's: rules of kube-proxy turn them into those of pods. A connection that is made while these
# rules change, table by table, may be turned by none, leave this machine by its default route, and live on with whoever answers
# there: once a connection that clients kept gave 404 for minutes. On this bridge it finds nobody, and is made anew.
nowhere() {
  local range ranges
  ranges=$(kubectl get servicecidr kubernetes --output 'jsonpath={.spec.cidrs[*]}') && [ -n "$ranges" ] || return
  ip link show mesh-nowhere > /dev/null 2>&1 || ip link add mesh-nowhere type bridge || return
  ip link set mesh-nowhere up || return
  for range in $ranges; do ip route replace "$range" dev mesh-nowhere || return; done
}
images() {
  bash conformance/cluster/images.sh load || return
  # The same image by another name, for an update.
  ctr --address /run/mesh-cluster/containerd.sock --namespace k8s.io images tag --force localhost/meshmart:dev localhost/meshmart:next
}
step 'programs and base images are built' programs
step 'a cluster with Istio is up, and images are built' cluster
step 'what no Service answers goes nowhere' nowhere
step 'images are loaded' images

# Folders of this machine, which is the node: what PostgreSQL and Redis keep shall outlive their pods.
volume() { # server user
  mkdir -p "$work/$1" && chown "$2:$2" "$work/$1" && chmod 700 "$work/$1" && chmod 711 "$work"
  kubectl apply --filename - << YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: meshmart-test-$1, labels: {meshmart-test: "true"}}
spec:
  capacity: {storage: 4Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: shop, name: data-$1-0}
  hostPath: {path: $work/$1, type: Directory}
YAML
}
prepare() (
  set -e
  for name in shop observability; do kubectl create namespace "$name" --dry-run=client --output yaml | kubectl apply --filename -; done
  kubectl label --overwrite namespace shop istio-injection=enabled pod-security.kubernetes.io/enforce=restricted
  npm run --silent helm:secrets -- --jwks "$work/jwks.json" | kubectl apply --namespace shop --filename -
  volume postgres 70
  volume redis 10003
)
step 'namespaces, Secrets and volumes' prepare

# Whatever happens to a container is in its pod's status at some moment, and gone with the pod: all of them are kept.
export MESHMART_POD_LOG="$work/pods.log"
# By jq: kubectl's own JSON paths fail at the `end` of a range over what is not there yet, as in a pod that has just been made.
watch() {
  local line='[.metadata.name, ((.status.containerStatuses // [])[], (.status.initContainerStatuses // [])[]
    | "\(.name)=\(.state.terminated.reason)/\(.lastState.terminated.reason)")] | join(" ")'
  trap 'kill "$!" 2> /dev/null; exit' TERM
  while sleep 1; do
    kubectl get pods --all-namespaces --watch --output json | jq --unbuffered --raw-output "$line" &
    wait "$!"
  done >> "$MESHMART_POD_LOG" 2> /dev/null
}
watch & watcher=$!
export MESHMART_JWKS="$work/jwks.json"
tests conformance/cluster/bad-values
# The page's own lines install the shop; every suite after it works on this release.
export SET=redis.persistent=true,prometheus.enabled=true IMAGE=localhost/meshmart:dev
tests conformance/cluster/kubernetes-doc
if [ "$failed" -gt 0 ]; then
  bash conformance/cluster/tell.sh >&2
  echo "$passed passed, $failed failed"
  exit 1
fi
# Order matters: whether a call went astray is asked before attacks, and when all pods are others since; whether anything was killed
# for memory, at the end.
tests conformance/cluster/{purchase,notes,authorization,discovery,monitoring,updates,routing,outages,autoscaling,own-release,footprint,uninstall,memory-kills}

echo "took $SECONDS s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
