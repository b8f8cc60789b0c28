# Everything a developer does here; .ci/run calls these targets as well.
# `make run` needs Go alone. `make test` fetches what it misses (test/setup).

.DEFAULT_GOAL := build
SHELL := /bin/bash

GO       ?= go
# How long each fuzz target runs.
FUZZTIME ?= 10s
# Which benchmarks run, and how often; feed two runs to benchstat.
BENCH    ?= .
COUNT    ?= 1
# Which packages are tested.
PKG      ?= ./...

GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help build run test lint fmt vuln fuzz bench load generate clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

build: ## build bin/hubline
	$(GO) build -o bin/hubline ./cmd/hubline

run: build ## build and run the server with something to see on its page
	bin/hubline serve --demo

test: build ## all tests: Go with the race detector, then the npm clients
	test/setup/install.sh
	test/setup/go-test.sh $(PKG)
	test/setup/npm-test.sh

lint: ## vet and golangci-lint
	$(GO) vet ./...
	"$$(test/setup/golangci-lint.sh)" run

fmt: ## format all Go code with gofumpt
	"$$(test/setup/golangci-lint.sh)" fmt

vuln: ## look for known vulnerabilities (asks the Go vulnerability database)
	$(GO) run $(GOVULNCHECK) ./...

fuzz: ## run each fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) test/setup/fuzz.sh $(PKG)

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $(PKG)

load: build ## measure the server under load (see test/load)
	test/load/run.sh

generate: ## make generated files anew
	$(GO) generate ./...

clean: ## remove what was built
	rm -rf bin
