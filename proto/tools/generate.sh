#!/usr/bin/env bash
# Regenerates proto/gen (messages and codecs, by ts-proto) and proto/image.binpb (descriptors with comments).
source "$(dirname "${BASH_SOURCE[0]}")/workspace.sh"
generate_into "$PWD/proto"
echo "generated $(find proto/gen -name '*.ts' | wc -l) files and proto/image.binpb ($(wc -c < proto/image.binpb) bytes)"
