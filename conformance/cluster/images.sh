#!/usr/bin/env bash
# `images.sh build` builds the shop's image and packs stand-ins for the servers' public images; it needs no cluster.
# `images.sh load` loads all of them into the test cluster and prints size and version of each. NODE_MAJOR is the version of the
# shop's Node.js, 22 unless it says otherwise; NODE is a variable that npm sets to something else.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=${MESHMART_CLUSTER_TOOLS:-../shared/cluster}
if [ ! -x "$tools/base-images" ]; then
  echo "images.sh lacks: $tools/base-images, which makes stand-ins for base images; name its folder in MESHMART_CLUSTER_TOOLS" >&2
  exit 1
fi
tools=$(cd "$tools" && pwd)
bin=${TOOLS_BIN:-$HOME/.cache/mesh-tools/bin}
export PATH="$bin:$PATH"
archives=$HOME/.cache/mesh-cluster/images
mkdir -p "$archives"
values=helm/shop/values.yaml
node=${NODE_MAJOR:-22}

# As values.yaml has it: the repository and tag of a server.
named() { awk -v server="$1:" '$1 == server { found = 1 } found && $1 == "image:" { gsub(/[{},]/, ""); print $3 ":" $5; exit }' "$values"; }
# An archive is made anew when the server's version or how it is packed has changed.
archive_of() {
  local name packed; name=$(named "$1")
  packed=$(cat "conformance/cluster/$1.Dockerfile" 2> /dev/null | cksum | cut -d ' ' -f 1)
  echo "$archives/$1-${name##*:}-$packed.tar"
}

# The stand-in for Node's public image has this machine's Node.js: for another one, that of npm's package `node` is put into it.
base() {
  local standin=docker.io/library/node:20-bookworm-slim image=docker.io/library/node:$node-bookworm-slim folder container
  if buildah inspect --type image "$image" > /dev/null 2>&1; then return; fi
  folder=$(mktemp -d)
  npm pack --silent --pack-destination "$folder" "node-linux-$(node -p process.arch)@$node" > /dev/null
  tar -xzf "$folder"/*.tgz -C "$folder"
  container=$(buildah from --pull-never "$standin")
  buildah add -q "$container" "$folder/package/bin/node" /usr/local/bin/node > /dev/null
  # One layer, or the image would hold both.
  buildah commit -q --rm --squash "$container" "$image" > /dev/null
  rm -rf "$folder"
}

shop() {
  "$tools/base-images" debian node > /dev/null
  base
  # Word splitting is wanted: each flag is a word of its own.
  # shellcheck disable=SC2046
  buildah bud -q --layers --isolation chroot --network host --pull-never $("$tools/base-images" --build-flags) \
    --build-arg "NODE=$node" -t localhost/meshmart:dev . > /dev/null
  rm -f "$archives/meshmart.tar"
  buildah push -q localhost/meshmart:dev "docker-archive:$archives/meshmart.tar:localhost/meshmart:dev"
}

pack() { # server user program [more files]
  local server=$1 user=$2 program=$3 file; shift 3
  file=$(archive_of "$server")
  if [ ! -f "$file" ]; then "$tools/image" "$(named "$server")" "$file" --user "$user" --entry "${program#*=}" -- "$program" "$@"; fi
}

postgres() {
  local name file; name=$(named postgres); file=$(archive_of postgres)
  if [ -f "$file" ]; then return; fi
  buildah bud -q --layers --isolation chroot --network host --pull-never -t "$name" -f conformance/cluster/postgres.Dockerfile conformance/cluster > /dev/null
  buildah push -q "$name" "docker-archive:$file:$name"
  note postgres "$(postgres_version)"
}

# Debian builds it without the discovery by which it finds pods; its module is numbered otherwise: 3.5.0 is v0.305.0.
prometheus() {
  local version folder; version=$(named prometheus); version=${version##*:v}
  if [ -f "$(archive_of prometheus)" ]; then return; fi
  folder=$(mktemp -d)
  printf 'module example.com/tool\ngo 1.26\n' > "$folder/go.mod"
  printf '//go:build tools\npackage tools\nimport _ "github.com/prometheus/prometheus/cmd/prometheus"\n' > "$folder/tools.go"
  (
    cd "$folder"
    export CGO_ENABLED=0 GOFLAGS='-buildvcs=false -mod=mod'
    go get "github.com/prometheus/prometheus@$(echo "$version" | awk -F . '{ printf "v0.%d%02d.%d", $1, $2, $3 }')"
    go build -trimpath -ldflags "-s -w -X github.com/prometheus/common/version.Version=$version" -o prometheus github.com/prometheus/prometheus/cmd/prometheus
  ) 2>&1 | { grep -vE 'downloading|upgraded|added' || true; }
  pack prometheus 10005 "$folder/prometheus=/usr/local/bin/prometheus"
  rm -rf "$folder"
}

# What a program says of itself, kept beside the archive that it was packed into.
note() { # server version
  local file; file=$(archive_of "$1").version
  if [ ! -f "$file" ]; then echo "$2" > "$file"; fi
}
postgres_version() {
  local container; container=$(buildah from --pull-never "$(named postgres)")
  buildah run --isolation chroot "$container" -- postgres --version
  buildah rm "$container" > /dev/null
}
# Fails where the image has no SBOM.
sbom_packages() {
  local container folder count
  container=$(buildah from --pull-never localhost/meshmart:dev)
  folder=$(buildah mount "$container")
  count=$(jq --exit-status '.packages | length' "$folder/app/sbom.spdx.json") || return
  buildah rm "$container" > /dev/null
  echo "$count"
}

servers=(consul redis jaeger postgres prometheus)
case ${1:-} in
  build)
    shop
    pack consul 10002 "$(command -v consul)=/usr/local/bin/consul"
    pack redis 10003 "$(command -v redis-server)=/usr/local/bin/redis-server" "$(command -v redis-cli)=/usr/local/bin/redis-cli"
    pack jaeger 10004 "$(command -v jaeger)=/cmd/jaeger/jaeger-linux"
    postgres
    prometheus
    note consul "$(consul version | sed -n '1p')"
    note redis "$(redis-server --version | cut -d ' ' -f 1-3)"
    note jaeger "$(go version -m "$(command -v jaeger)" | awk '$2 == "github.com/jaegertracing/jaeger" { print "Jaeger, module", $3 }')"
    note prometheus "Prometheus $(named prometheus | sed 's/.*://')"
    packages=$(sbom_packages)
    echo "Node.js $node, $packages packages in its SBOM" > "$archives/meshmart.tar.version"
    ;;
  load)
    for server in meshmart "${servers[@]}"; do
      archive=$archives/meshmart.tar
      if [ "$server" != meshmart ]; then archive=$(archive_of "$server"); fi
      "$tools/load" "$archive"
      printf '%-40s %4d MiB  %s\n' "$(basename "$archive")" "$(($(stat -c %s "$archive") / 1048576))" "$(cat "$archive.version")"
    done
    ;;
  *) echo 'images.sh: say build or load' >&2; exit 2 ;;
esac
