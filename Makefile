# Everything that a person runs, one target each. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash

SCALE ?=
STORE ?= sqlite
BUS ?= redis
SEED ?= 1
IMAGE ?= meshmart:dev
SET ?=

.PHONY: help run mesh test verify verify-backends verify-charts verify-cluster cluster install-cluster chaos chaos-full bench build check protos clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{ printf "  make %-15s %s\n", $$1, $$2 }'

run: ## Start the whole shop in one process, with the card processor and the mail sink beside it.
	@npm run --silent ready
	@exec node --enable-source-maps=false dist/bundle/mesh/cli/main.js up

mesh: ## Start the shop as processes, with Consul, Redis, Jaeger and Prometheus. STORE=postgres keeps what they know there; BUS=rabbitmq or BUS=kafka carries events; SCALE="catalog=3 cart=2" runs more of some.
	@npm run --silent ready
	@exec node dist/bundle/mesh/cli/main.js up --shape processes --store $(STORE) --bus $(BUS) $(foreach one,$(SCALE),--scale $(one))

test: ## Run all tests that need no server: unit, property, wire, one-process end to end, types and lint.
	@npm run --silent ready
	@npm run --silent test:all

verify: ## Run the checks that need real tools and servers: grpcurl, buf, OpenAPI, Consul, Redis, Jaeger, Prometheus, kill -9.
	@npm run --silent ready
	@bash conformance/verify.sh

verify-backends: ## Run the suites of the stores and buses that can be chosen on real PostgreSQL, RabbitMQ and Kafka, and the shop on each.
	@npm run --silent ready
	@bash conformance/verify.sh backends

verify-charts: ## Check the Helm charts and what they render, for every profile, without a cluster: lint, schemas, rendering tests.
	@npm run --silent ready
	@bash conformance/verify-charts.sh

verify-cluster: ## Install the shop on a real Kubernetes with Istio, trade, attack, update and break it, in a quarter of an hour. It starts the cluster by MESHMART_CLUSTER_TOOLS.
	@npm run --silent ready
	@bash conformance/verify-cluster.sh

cluster: ## Make a Kubernetes with Istio in docker, by kind or k3d, with the shop's image in it. docs/kubernetes.md goes on from there.
	@bash helm/tools/make-cluster.sh

install-cluster: ## Install the shop there, or in the cluster that kubectl is pointed at, or upgrade it. IMAGE=meshmart:dev names the image, SET=a=b,c=d more values.
	@npm run --silent ready
	@IMAGE="$(IMAGE)" SET="$(SET)" bash helm/tools/install-shop.sh

chaos: ## Sell 2,000 times while real processes die 200 times, and judge what became of the orders, in five minutes. SEED=7 draws others.
	@npm run --silent ready
	@PATH="$$HOME/.cache/mesh-tools/bin:$$PATH" node dist/bundle/mesh/cli/main.js chaos --orders 2000 --faults 200 --duplicates 2000 --seed $(SEED) --report docs/reports/chaos.md

chaos-full: ## The same for a release: 10,000 purchases, 1,000 faults, 10,000 duplicates, in half an hour.
	@npm run --silent ready
	@PATH="$$HOME/.cache/mesh-tools/bin:$$PATH" node dist/bundle/mesh/cli/main.js chaos --orders 10000 --faults 1000 --duplicates 10000 --rate 6 --minutes 40 --seed $(SEED) --report docs/reports/chaos-full.md

bench: ## Measure start, memory, a purchase and what tracing costs, in one process and as processes, into docs/reports/.
	@npm run --silent ready
	@PATH="$$HOME/.cache/mesh-tools/bin:$$PATH" node dist/labs/bench/main.js

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
