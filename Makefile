# loadlab: make help says what there is.
SHELL   := /bin/bash
# The scenario is another one for make gate, unless one is given.
gate: NAME := $(if $(filter undefined,$(origin NAME)),warm,$(NAME))
NAME    ?= stampede
STACK   ?= embedded
ARGS    ?=
RUNS    ?= 50
ROUNDS  ?= 0
MODES   ?=
LIVE    ?=
GOLANGCI_VERSION := v2.15.0
TOOLS   := $(CURDIR)/.cache/tools
# The commit is in the binaries where there is a repository to take it from. The path is not, so that what loadgen ab builds shares the cache.
BUILD   := go build -trimpath -buildvcs=$(shell git rev-parse -q --verify HEAD >/dev/null 2>&1 && echo true || echo false)

.DEFAULT_GOAL := help
.PHONY: help build scenario gate up down list validate run pictures pictures-grafana images test test-compose test-pinned test-grafana test-kubernetes test-short lint law-check otel-check soak bench bench-engine bench-link bench-workers bench-gates servers tidy clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "  make scenario NAME=stampede STACK=local    on PostgreSQL and Redis instead of SQLite and miniredis"

build: ## build both binaries into bin/
	@mkdir -p bin
	@$(BUILD) -o bin/app ./app
	@$(BUILD) -o bin/loadgen ./loadgen

# A scenario is one of scenarios/ by its name, or any by the path of its file.
BY_PATH = $(or $(findstring /,$(NAME)),$(filter %.yaml %.yml,$(NAME)))
FILE    = $(if $(BY_PATH),$(NAME),scenarios/$(NAME).yaml)
# The scenario's greatest number of replicas: one is the service app, the others are of the service replica.
REPLICAS ?= $(or $(shell sed -n 's/^[^\#]*replicas: *\([0-9][0-9]*\).*/\1/p' '$(FILE)' 2>/dev/null | sort -n | tail -1),1)
# What the commands on the compose stack begin with.
docker = @docker compose version >/dev/null 2>&1 || { echo "make $@ takes Docker with its plugins compose and buildx: https://docs.docker.com/engine/install (without Docker: make scenario STACK=local)" >&2; exit 2; }

ifeq ($(STACK),compose)
scenario:
	$(docker)
	@[ -f '$(FILE)' ] || { echo "there is no scenario $(FILE): make list lists those of scenarios/" >&2; exit 2; }
	@mkdir -p runs
	@[ $(REPLICAS) = 1 ] || docker compose --profile replicas up --detach --build --wait --scale replica=$$(($(REPLICAS)-1)) replica
	@LOADLAB_UID=$$(id -u) LOADLAB_GID=$$(id -g) docker compose run --rm --build --use-aliases $(if $(BY_PATH),--volume '$(abspath $(dir $(NAME))):/lab/own:ro') \
		loadgen run $(if $(BY_PATH),own/$(notdir $(NAME)),$(NAME)) --stack compose $(if $(filter command environment,$(origin REPLICAS)),--replicas $(REPLICAS)) $(MODES:%=--modes %) $(ARGS)
else
scenario: build ## run a scenario: NAME=stampede STACK=embedded|local|compose MODES=ttl,lock LIVE=1 ARGS='--seed 7'
	@bin/loadgen run $(NAME) --stack $(STACK) $(MODES:%=--modes %) $(if $(LIVE),--live 127.0.0.1:0) $(ARGS)
endif

# The gate's default takes two to three minutes where 16 epochs decide: a page of 62 queries, whose server is near and whose rate any machine bears. Nothing of it is left to chance, as
# expiries would be.
BASE  ?= origin/main
MODE  ?= $(if $(filter warm,$(NAME)),naive)
PHASE ?= $(if $(filter warm,$(NAME)),near)

gate: build ## is the working tree slower than what it branched off? BASE=origin/main NAME=warm MODE='naive ttl' PHASE=near
	@base=$$(git merge-base $(BASE) HEAD) && bin/loadgen ab $(NAME) --a "$$base" --b . --stack $(STACK) $(MODE:%=--mode %) $(PHASE:%=--phase %) $(ARGS)

up: ## bring PostgreSQL, Redis, Prometheus, Jaeger, Grafana and the app up in Docker
	$(docker)
	docker compose up --detach --build --wait

down: ## take them down again, with their data
	$(docker)
	docker compose --profile scenario --profile replicas down --volumes

list: build ## list the scenarios
	@bin/loadgen list

validate: build ## check every scenario without running it
	@bin/loadgen validate

run: build ## serve the app alone on ports 8000 and 8001: ARGS='--ttl 5s'
	@bin/app $(ARGS)

# Of the newest run unless ARGS names one: ARGS='-run ID -from MS -to MS'.
GRAFANA ?= http://localhost:3000

pictures-grafana: ## open every dashboard of a running Grafana in Chromium: PNGs in pictures/, fails on what has no data or an error; GRAFANA=http://localhost:3000
	go run ./dashboards/pictures -grafana $(GRAFANA) $(ARGS)

images: ## build the images of the app and of loadgen, with binaries built here: REGISTRY=loadlab TAG=dev ARCH=amd64
	@REGISTRY='$(REGISTRY)' TAG='$(TAG)' ARCH='$(ARCH)' .ci/images

test: servers ## every test, with the race detector, on real servers
	go test -race -shuffle=on -timeout 8m ./...

test-compose: ## the compose stack in a Docker engine of its own, with stand-ins for the images that it would pull (Debian, as root)
	@.ci/docker
	go test -count=1 -v -timeout 30m ./internal/composetest -engine

test-kubernetes: ## runs in a cluster: a control plane of Kubernetes, built here once, whose pods are processes (Debian, as root)
	@program=$$(.ci/kubernetes) && go test -count=1 -v -timeout 30m ./internal/kubetest -controlplane "$$program"

test-pinned: servers ## dashboards, rules and metrics on the Prometheus that docker-compose.yml pins, traces on Jaeger; both are built (once; some 14 minutes of two processors)
	@pinned=$$(.ci/pinned) && export PATH="$$pinned:$$PATH" && prometheus --version | head -1 && jaeger version 2>/dev/null && echo \
		&& go test -count=1 -timeout 9m ./internal/promtest ./dashboards/promql ./dashboards/board \
		&& go test -count=1 -timeout 9m -run 'TestTelemetry|TestReportInPrometheus|TestPromtool|TestJaeger' ./internal/e2e

test-grafana: servers ## every dashboard, drawn by the parts of Grafana that npm has, of five versions: PNGs in pictures/ (Node.js; they are built once, in some 8 minutes)
	@parts=$$(.ci/grafana) && mkdir -p pictures && go test -count=1 -timeout 30m -run 'TestReportInPrometheus/drawn|TestExpressionsHaveData/classic/drawn' -artifacts -outputdir '$(CURDIR)/pictures' ./dashboards/board ./internal/e2e -grafana "$$parts"

test-short: ## the tests that take no time
	go test -short -shuffle=on ./...

lint: $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) ## gofmt, vet, golangci-lint, go mod tidy
	@test -z "$$(gofmt -l app loadgen otel dashboards internal)" || { echo "not gofmt'ed:"; gofmt -l app loadgen otel dashboards internal; exit 1; }
	go vet ./...
	go mod tidy -diff
	$< run ./...

$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION):
	@mkdir -p $(TOOLS)
	@echo "building golangci-lint $(GOLANGCI_VERSION) (once; takes a few minutes)"
	@GOBIN=$(TOOLS) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/golangci-lint $@

bench: build servers ## what a hit costs with each strategy, what the app serves on the local stack, and the benchmarks
	@echo "== what a hit costs";                  bin/loadgen run hits --stack local
	@echo "== telemetry off";                     bin/loadgen run capacity --stack local --rounds 1 --traces -1
	@echo "== default sampling, 5 traces a second"; bin/loadgen run capacity --stack local --rounds 1
	@echo "== every request traced";              bin/loadgen run capacity --stack local --rounds 1 --traces 1e9 --allow-limited || true
	go test -run '^$$' -bench . -benchmem -benchtime 500ms ./...

bench-engine: ## the generator beside wrk, hey, fortio and vegeta, where they are on the PATH; then what variables and bodies cost beside a plain request
	go run ./loadgen/bench $(ARGS)
	go test -run '^$$' -bench '^BenchmarkRequest$$' -benchtime 3s ./loadgen/internal/client

bench-workers: ## what it costs to merge what workers measure, and to lead a hundred of them
	go test -run '^$$' -bench 'Merged$$' -benchtime 3x ./loadgen/internal/measure
	go test -run '^$$' -bench Coordinator -benchtime 1x ./loadgen/internal/shard

bench-link: ## what a wire of a given length costs: pings through a link, and its CPU time for each
	go test -run '^$$' -bench RoundTrip -benchtime 3s ./loadgen/internal/world/link

bench-gates: build ## how often loadgen ab is right, in counts; ARGS='-aa 60 -slow 30 -work 10 -causes 5 -only NAME -keep FILE' (some 4 hours; FILE goes on where it stopped)
	go run ./loadgen/bench/gates $(ARGS)

law-check: build ## runs of correct strategies, simulated and real: how many say that a law differs? RUNS=50
	@set -o pipefail; go test -run 'CorrectStrategies|WrongStrategies' -v -timeout 60m ./loadgen/internal/law -runs 500 | grep -E 'differ|^ *---|^ok|FAIL'
	.ci/law-check $(RUNS)

otel-check: ## traces of a Node service of two processes, with OpenTelemetry's SDK from npm (needs node and npm)
	@mkdir -p .cache/otel
	@cp loadgen/testdata/otel/package.json loadgen/testdata/otel/orders.js .cache/otel/
	@cd .cache/otel && npm install --no-audit --no-fund --silent
	go test -short -count=1 -run TestTracesOfANodeService -v ./loadgen

pictures: ## the pictures of README, of the run in docs/pictures, in Chromium
	go run ./loadgen/bench/pictures

soak: build ## every scenario RUNS times on both stacks, with one processor kept busy: do its gates hold? RUNS=10 ROUNDS=1
	.ci/soak $(RUNS) $(ROUNDS)

servers: ## install PostgreSQL and redis-server where the tests need them (Debian, as root)
	@.ci/servers

tidy: ## tidy go.mod and format
	go mod tidy
	gofmt -w app loadgen otel dashboards internal

clean: ## remove what was built and measured
	rm -rf bin runs pictures .cache
