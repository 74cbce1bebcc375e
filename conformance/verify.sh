#!/usr/bin/env bash
# `make verify`: what needs real tools. `make verify-backends`: the stores and buses that can be chosen, and what runs on them.
# Says what it lacks; on CI a missing tool is a failure.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cache/mesh-tools/bin:$PATH"

missing=()
for tool in jq curl grpcurl buf consul jaeger redis-server prometheus rabbitmq-server kafka-server-start.sh; do command -v "$tool" > /dev/null || missing+=("$tool"); done
# Debian keeps its programs off PATH.
command -v postgres > /dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' > /dev/null || missing+=(postgresql)
if [ ${#missing[@]} -gt 0 ]; then
  echo "make verify lacks: ${missing[*]}" >&2
  echo 'jq and curl come with the system; grpcurl: go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest; buf: go install github.com/bufbuild/buf/cmd/buf@latest; consul, jaeger (version 2), redis-server, postgresql, prometheus, rabbitmq-server: packages or releases, see docs/discovery.md, docs/jaeger.md, docs/stores.md and docs/buses.md; kafka-server-start.sh: a release of Kafka with its bin folder on PATH, and Java 17' >&2
  exit 1
fi

trap 'echo "broken off" >&2; exit 130' INT TERM
passed=0; failed=0
step() { # title command...
  local title=$1; shift
  echo "-- $title"
  if "$@"; then passed=$((passed + 1)); echo "ok $title"; else failed=$((failed + 1)); echo "FAILED $title" >&2; fi
}
# PostgreSQL, RabbitMQ and Kafka: their own suites, and the shop on each. Redis is with the rest: every mesh has it.
backends='{mesh,conformance}/**/{postgres-*,rabbitmq-*,kafka-*,services-on-postgres,mesh-postgres,mesh-buses}.live.test.ts'
case ${1:-} in
  # Two files at a time: each waits for other processes half of the time. None of them tells milliseconds.
  backends) step 'live tests of stores and buses' npx mocha --forbid-only --no-color --parallel --jobs 2 "$backends" ;;
  '')
    step 'contracts: lint, breaking, drift' bash proto/tools/check.sh
    step 'live tests' npx mocha --forbid-only '{mesh,services,conformance}/**/*.live.test.ts' --ignore "$backends"
    ;;
  *) echo "verify.sh knows no '$1'" >&2; exit 1 ;;
esac

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
