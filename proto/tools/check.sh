#!/usr/bin/env bash
# Checks the contracts: lint, breaking changes against the last release, and that what is generated is up to date.
# A planted break shows that the second check can fail.
source "$(dirname "${BASH_SOURCE[0]}")/workspace.sh"
failed=0
check() { # title command...
  local title=$1; shift
  if "$@" > "$workspace/log" 2>&1; then echo "ok $title"; else echo "FAILED $title" >&2; cat "$workspace/log" >&2; failed=1; fi
}
breaking() { (cd "$workspace" && buf breaking "$1" --against "$OLDPWD/proto/released.binpb"); }
lint() { (cd "$workspace" && buf lint ours && buf lint keda); }
formatted() { (cd "$workspace" && buf format ours --diff --exit-code && buf format keda --diff --exit-code); }
drift() {
  mkdir "$workspace/now" && generate_into "$workspace/now" &&
    diff -r "$workspace/now/gen" proto/gen && cmp "$workspace/now/image.binpb" proto/image.binpb
}

check 'buf lint, STANDARD and COMMENTS' lint
check 'buf format' formatted
check 'buf breaking against proto/released.binpb' breaking ours
check 'generated files are up to date' drift
sed -i '/int32 quantity = 3;/d' "$workspace/ours/meshmart/cart/v1/cart.proto"
if breaking ours > "$workspace/log" 2>&1; then
  echo 'FAILED a planted break (a deleted field) was not found' >&2; failed=1
else
  grep -q 'field "3"' "$workspace/log" && echo 'ok a planted break is found' || { echo 'FAILED the planted break gave another error' >&2; cat "$workspace/log" >&2; failed=1; }
fi
exit $failed
