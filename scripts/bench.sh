#!/usr/bin/env bash
# Measures both engines as they are meant to run: every commit reaches the disk.
#   scripts/bench.sh [go test flags]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
[[ -d internal/bench ]] || die "there is no internal/bench"
TMPDIR="$(mktemp -d /var/tmp/pepay-bench.XXXXXX)" # for SQLite; /tmp may be memory
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
say "building the benchmarks, then measuring: nothing else should run on this machine"
scripts/postgres.sh --durable go test -run='^$' -bench=. -timeout=30m "$@" ./internal/bench/...
