# Everything that a person runs, one target each. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash

SCALE ?=
BUS ?=

.PHONY: help run mesh test verify bench build check protos clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

run: ## Start the whole shop in one process, with the card processor and the mail sink beside it.
	@npm run --silent ready
	@exec node --enable-source-maps=false dist/mesh/cli/main.js up

mesh: ## Start the shop as processes, with Consul, Redis, Jaeger and Prometheus. SCALE="catalog=3 cart=2" runs more of some; BUS=rabbitmq or BUS=kafka carries events.
	@npm run --silent ready
	@exec node dist/mesh/cli/main.js up --shape processes $(foreach one,$(SCALE),--scale $(one)) $(if $(BUS),--bus $(BUS))

test: ## Run all tests that need no server: unit, property, wire, one-process end to end, types and lint.
	@npm run --silent ready
	@npm run --silent test:all

verify: ## Run the checks that need real tools and servers: grpcurl, buf, OpenAPI, Consul, Redis, Jaeger, Prometheus, kill -9.
	@npm run --silent ready
	@bash conformance/verify.sh

bench: ## Measure start, memory, a purchase and what tracing costs, in one process and as processes, into docs/reports/.
	@npm run --silent ready
	@node dist/labs/bench/main.js

build: ## Compile to dist/.
	@npm run --silent ready

check: ## Format, lint and types.
	@npm run --silent ready
	@npm run --silent check

protos: ## Export the contracts with everything they import to dist/protos/, for other languages.
	@npm run --silent ready
	@bash proto/tools/export.sh

clean: ## Remove what was built; the data folder stays.
	@rm -rf dist
