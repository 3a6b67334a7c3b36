#!/usr/bin/env bash
# Measures the program against its goals, both engines as they are meant to run:
# every commit reaches the disk. Prints one table; a missed goal fails nothing.
#   scripts/bench.sh [go test flags, such as -bench=Sockets]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
TMPDIR="$(mktemp -d /var/tmp/pepay-bench.XXXXXX)" # for SQLite; /tmp may be memory
export TMPDIR BENCH_PEPAY="$TMPDIR/pepay"
trap 'rm -rf "$TMPDIR"' EXIT
say "building the program and the benchmarks"
go build -o "$BENCH_PEPAY" ./cmd/pepay
go test -c -o "$TMPDIR/bench.test" ./internal/bench
flags=(-test.run='^$' -test.bench=. -test.benchtime=1x -test.timeout=15m)
for f in "$@"; do flags+=("-test.${f#-}"); done
say "measuring for some minutes: nothing else should run on this machine"
cd internal/bench
../../scripts/postgres.sh --durable "$TMPDIR/bench.test" "${flags[@]}" >"$TMPDIR/log" || {
	cat "$TMPDIR/log" >&2
	die "a benchmark could not be carried out"
}
