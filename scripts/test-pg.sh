#!/usr/bin/env bash
# Runs the tests that use a database on every PostgreSQL version installed here.
#   scripts/test-pg.sh [go test flags]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

store="$(go list -m)/internal/store"
packages="$(go list -test -f "{{if not .ForTest}}{{.ImportPath}} {{join .Deps \" \"}}{{end}}" ./... |
	awk -v store="$store" '$1 ~ /\.test$/ { for (i = 2; i <= NF; i++) if ($i == store) { sub(/\.test$/, "", $1); print $1; next } }')"
[[ -n "$packages" ]] || die "no package's tests use $store"
bins="$(postgres_bins)"
[[ -n "$bins" ]] || die "no PostgreSQL server found; run make install"
export REQUIRE_POSTGRES=1
for bin in $bins; do
	# shellcheck disable=SC2086 # a list
	PG_BIN="$bin" scripts/postgres.sh go test -count=1 "$@" $packages
done
