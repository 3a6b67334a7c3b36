#!/usr/bin/env bash
# Runs a command with a PostgreSQL of its own, whose address is in TEST_POSTGRES,
# and removes it afterwards whatever happens:
#   scripts/postgres.sh [--durable] command...
# The server listens on a Unix socket only. Without --durable it never waits for
# the disk, which is right for tests and wrong for measurements. PG_BIN chooses the
# folder of its programs; otherwise it is the newest installed.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
. "$here/say.sh"

sync=(-c fsync=off -c synchronous_commit=off -c full_page_writes=off) init=(--no-sync) at=/tmp
if [[ "${1:-}" == --durable ]]; then
	sync=() init=() at=/var/tmp # /tmp may be memory
	shift
fi
[[ $# -gt 0 ]] || die "usage: scripts/postgres.sh [--durable] command..."
bin="$(postgres_bins | tail -n 1)"
[[ -x "$bin/initdb" ]] || die "no PostgreSQL server found${PG_BIN:+ in $PG_BIN}; run make install, or set PG_BIN to the folder of initdb"

dir="$(mktemp -d "$at/pepay-pg.XXXXXX")" # short: a socket's path has at most 107 bytes
as=()
if [[ "$(id -u)" == 0 ]]; then # PostgreSQL refuses to run as root
	id postgres >/dev/null 2>&1 || die "PostgreSQL does not run as root and there is no user postgres; run this as another user"
	chown postgres "$dir"
	as=(runuser -u postgres --)
fi

clean() {
	local status=$?
	trap '' INT TERM HUP
	pkill -TERM -P $$ 2>/dev/null || true # the command, if a signal ended us before it
	if [[ -f "$dir/data/postmaster.pid" ]]; then
		in_dir "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null || say "could not stop the PostgreSQL in $dir"
	fi
	rm -rf "$dir"
	exit $status
}
trap clean EXIT

in_dir() { (cd "$dir" && "${as[@]}" "$@"); }

say "starting a throw-away $("$bin/postgres" --version) in $dir"
in_dir "$bin/initdb" -D "$dir/data" -A trust -U postgres --locale=C -E UTF8 "${init[@]}" >"$dir/initdb.log" 2>&1 || {
	cat "$dir/initdb.log" >&2
	die "initdb failed"
}
# Many tests at a time, each with a pool of its own, want many connections.
in_dir "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 \
	-o "-k $dir -c listen_addresses= -c max_connections=1000 ${sync[*]}" start >/dev/null || {
	cat "$dir/data/server.log" >&2
	die "PostgreSQL did not start"
}
export TEST_POSTGRES="postgres://postgres@/postgres?host=$dir"
"$@"
