#!/usr/bin/env bash
# Checks what can be checked without running the program.
#   scripts/verify.sh [step...]      all but lint without one
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

# Built as make test builds it, so that a cold cache is filled only once.
vet() { go vet -race ./...; }

format() {
	local gofumpt files
	gofumpt="$(scripts/tool.sh gofumpt)"
	files="$(find . -name '*.go' -not -path './.*' -not -path '*/node_modules/*' -exec "$gofumpt" -l {} +)"
	[[ -z "$files" ]] || die "not formatted (run $gofumpt -w .):"$'\n'"$files"
}

arch() { go test -count=1 .; }

tidy() { go mod tidy -diff || die "go.mod or go.sum is not tidy: run go mod tidy"; }

# Compares with a copy and not with git, so that it says the same on a tree with
# work in progress.
docs() {
	local was
	was="$(mktemp -d)"
	cp -R docs "$was/docs"
	go generate ./...
	diff -ru "$was/docs" docs || die "the generated documents were out of date; they are up to date now"
	rm -rf "$was"
}

lint() {
	local golangci
	golangci="$(scripts/tool.sh golangci-lint)"
	"$golangci" run ./...
}

contracts() { go test -count=1 -run='^TestSourceGivesBytecode$' ./contracts; }

[[ $# -gt 0 ]] || set -- vet format arch tidy docs contracts
for step in "$@"; do
	say "verify: $step"
	$step
done
