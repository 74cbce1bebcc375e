#!/usr/bin/env bash
# Builds the shop's image and packs stand-ins for the servers' public images, and loads all of them into the test cluster.
# Prints the size of each. What is loaded already and has not changed is left as it is, but for the shop's own.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$(cd "${MESHMART_CLUSTER_TOOLS:-../shared/cluster}" && pwd)
bin=${TOOLS_BIN:-$HOME/.cache/mesh-tools/bin}
export PATH="$bin:$PATH"
archives=$HOME/.cache/mesh-cluster/images
mkdir -p "$archives"
values=helm/shop/values.yaml

# As values.yaml has it: the repository and tag of a server.
named() { awk -v server="$1:" '$1 == server { found = 1 } found && $1 == "image:" { gsub(/[{},]/, ""); print $3 ":" $5; exit }' "$values"; }

"$tools/base-images" debian node > /dev/null
# Word splitting is wanted: each flag is a word of its own.
# shellcheck disable=SC2046
buildah bud -q --isolation chroot --network host --pull-never $("$tools/base-images" --build-flags) --build-arg NODE=20 -t localhost/meshmart:dev . > /dev/null
rm -f "$archives/meshmart.tar"
buildah push -q localhost/meshmart:dev "docker-archive:$archives/meshmart.tar:localhost/meshmart:dev"
"$tools/load" "$archives/meshmart.tar"

pack() { # server user program [more files]
  local server=$1 user=$2 program=$3 name file; shift 3
  name=$(named "$server"); file=$archives/$server-${name##*:}.tar
  if [ ! -f "$file" ]; then "$tools/image" "$name" "$file" --user "$user" --entry "${program#*=}" -- "$program" "$@"; fi
  "$tools/load" "$file"
}
pack consul 10002 "$bin/consul=/usr/local/bin/consul"
pack redis 10003 "$(command -v redis-server)=/usr/local/bin/redis-server" "$(command -v redis-cli)=/usr/local/bin/redis-cli"
pack jaeger 10004 "$bin/jaeger=/cmd/jaeger/jaeger-linux"
pack prometheus 10005 "$(command -v prometheus)=/usr/local/bin/prometheus"

name=$(named postgres); file=$archives/postgres-${name##*:}.tar
if [ ! -f "$file" ]; then
  buildah bud -q --isolation chroot --network host --pull-never -t "$name" -f conformance/cluster/postgres.Dockerfile conformance/cluster > /dev/null
  buildah push -q "$name" "docker-archive:$file:$name"
fi
"$tools/load" "$file"

for archive in "$archives"/{meshmart,consul-*,redis-*,jaeger-*,prometheus-*,postgres-*}.tar; do
  printf '%-40s %4d MiB\n' "$(basename "$archive")" "$(($(stat -c %s "$archive") / 1048576))"
done
