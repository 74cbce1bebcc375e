#!/usr/bin/env bash
# Run at a release, and only then: what the contracts are now becomes what later changes are compared with.
source "$(dirname "${BASH_SOURCE[0]}")/workspace.sh"
released=$PWD/proto/released.binpb
(cd "$workspace" && buf build ours --exclude-source-info -o "$released")
echo "proto/released.binpb is the contracts as they are now"
