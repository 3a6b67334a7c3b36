SHELL := /bin/bash

PKG ?= ./...
FUZZTIME ?= 30s
TESTTIME ?= 20m
BENCH ?=
# Packages tested at a time: more of them on a large machine only compete for the one PostgreSQL.
P ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 4 ? n : 4)))

.PHONY: help run test test-pg lint verify generate bench fuzz install
.DEFAULT_GOAL := help

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start Pepay for development: a chain, a merchant and a checkout in one process
	go run ./cmd/pepay dev

test: ## run all tests with the race detector, on SQLite and a throw-away PostgreSQL (PKG=./internal/money/... for some)
	scripts/test.sh -race -timeout=$(TESTTIME) -p=$(P) $(PKG)

test-pg: ## run what uses a database on every PostgreSQL version installed here
	scripts/test-pg.sh -race -timeout=$(TESTTIME) -p=$(P)

lint: ## golangci-lint and gofumpt; the first time builds them, which takes minutes
	scripts/verify.sh format lint

verify: ## vet, format, floors, go.mod, generated documents, byte code of the contracts
	scripts/verify.sh

generate: ## write the generated documents anew
	go generate ./...

bench: ## measure both engines with durable commits (BENCH=-bench=Sockets)
	scripts/bench.sh $(BENCH)

fuzz: ## run every fuzz target for FUZZTIME, one after the other
	scripts/fuzz.sh $(FUZZTIME)

install: ## install what tests need and this machine lacks (Debian, as root)
	scripts/install.sh
