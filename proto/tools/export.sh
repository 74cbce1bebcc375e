#!/usr/bin/env bash
# Writes the complete set of protos, with everything they import, to dist/protos/, for other languages.
source "$(dirname "${BASH_SOURCE[0]}")/workspace.sh"
rm -rf dist/protos && mkdir -p dist/protos
cp -r "$workspace"/ours/* "$workspace"/theirs/* dist/protos/
echo "$(find dist/protos -name '*.proto' | wc -l) files in dist/protos/"
