#!/usr/bin/env bash
# Sourced by the other scripts: puts our protos and what they import into one folder, $workspace, and finds buf.
# google/api comes from the protobufjs package, buf/validate from the Go module protovalidate; neither is committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$HOME/.cache/mesh-tools/bin:$PATH"
command -v buf > /dev/null || { echo 'buf is not on the PATH: go install github.com/bufbuild/buf/cmd/buf@v1.75.0' >&2; exit 1; }

protovalidate_version=v1.2.2
workspace=$(mktemp -d)
trap 'rm -rf "$workspace"' EXIT

mkdir -p "$workspace/ours" "$workspace/keda" "$workspace/theirs/google/api" "$workspace/theirs/buf/validate"
cp -r proto/meshmart "$workspace/ours/"
# A contract whose names are not ours to choose, written down by us: no part of the shop's image, since no service has it.
cp -r proto/keda/externalscaler "$workspace/keda/"
cp node_modules/protobufjs/google/api/*.proto "$workspace/theirs/google/api/"
validate=$(cd "$workspace" && printf 'module workspace\ngo 1.24\n' > go.mod &&
  go mod download -json "github.com/bufbuild/protovalidate@$protovalidate_version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
cp "$validate/proto/protovalidate/buf/validate/validate.proto" "$workspace/theirs/buf/validate/"
chmod -R u+w "$workspace"
cat > "$workspace/buf.yaml" << 'YAML'
version: v2
modules:
  - path: ours
  - path: keda
    lint:
      use: [STANDARD, COMMENTS]
      except: [PACKAGE_VERSION_SUFFIX, SERVICE_SUFFIX, FIELD_LOWER_SNAKE_CASE, RPC_REQUEST_STANDARD_NAME, RPC_RESPONSE_STANDARD_NAME, RPC_REQUEST_RESPONSE_UNIQUE]
  - path: theirs
    lint: {use: []}
    breaking: {ignore_unstable_packages: true}
lint:
  use: [STANDARD, COMMENTS]
  # A oneof is described by the messages that it holds.
  except: [COMMENT_ONEOF]
breaking:
  use: [FILE]
YAML
cat > "$workspace/buf.gen.yaml" << YAML
version: v2
plugins:
  - local: [node, $PWD/node_modules/ts-proto/protoc-gen-ts_proto]
    out: gen
    include_imports: false
    opt:
      - outputServices=generic-definitions
      - outputJsonMethods=false
      - outputTypeRegistry=false
      - esModuleInterop=true
      - importSuffix=.js
      - oneof=unions-value
      - forceLong=bigint
      - useDate=false
      - useExactTypes=false
      - unrecognizedEnum=false
      - emitImportedFiles=false
YAML

# Writes the descriptor image (imports and comments included) and the generated TypeScript below a folder.
generate_into() { # folder
  (cd "$workspace" && buf build ours -o "$1/image.binpb" && rm -rf gen &&
    buf generate ours --template buf.gen.yaml && buf generate keda --template buf.gen.yaml && buf generate --template buf.gen.yaml \
      "$1/image.binpb" --include-wkt --include-imports --path google/protobuf/timestamp.proto --path google/protobuf/duration.proto)
  rm -rf "$1/gen" && cp -r "$workspace/gen" "$1/gen"
}
