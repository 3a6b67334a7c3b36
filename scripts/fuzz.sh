#!/usr/bin/env bash
# Runs every fuzz target of the tree, one after the other, each for a time.
#   scripts/fuzz.sh 30s
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
targets="$(grep -rEo --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]*' . | sed 's/:func /:/' | sort)"
[[ -n "$targets" ]] || die "no fuzz targets found"
for t in $targets; do
	package="$(dirname "${t%%:*}")" name="${t##*:}"
	say "$name in $package for $1"
	go test -run='^$' -fuzz="^$name\$" -fuzztime="$1" "$package"
done
say "every operation of api/openapi.yaml, on both engines, for $1"
FUZZ_API_TIME="$1" scripts/postgres.sh go test -count=1 -timeout=0 -run='^TestFuzzAPI$' -v ./internal/server
