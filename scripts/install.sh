#!/usr/bin/env bash
# Installs what the tests need and this machine lacks. Run again, it does nothing.
# With --check it installs nothing and fails if something is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

command -v go >/dev/null || die "Go is not installed. Pepay needs the version named in go.mod ($(awk '$1 == "go" {print $2}' go.mod)) or a later one: https://go.dev/dl/"

# What to look for, and the Debian packages that bring it.
missing=()
need() { missing+=("$@"); }
command -v gcc >/dev/null || need gcc libc6-dev # the race detector is linked by it
[[ -n "$(postgres_bins)" ]] || need postgresql
[[ -n "$(browser)" ]] || need chromium
[[ -n "$(find /usr/share/fonts /usr/local/share/fonts -iname '*.ttf' -o -iname '*.otf' 2>/dev/null | head -n 1)" ]] || need fonts-dejavu-core
command -v npm >/dev/null || need nodejs npm # compiles the contracts, to compare with the committed byte code

if [[ ${#missing[@]} -eq 0 ]]; then
	exit 0
fi
if [[ "${1:-}" == --check || "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then
	die "this machine lacks what these Debian packages bring: ${missing[*]}
    On Debian or Ubuntu:  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}
    Elsewhere install a C compiler, a PostgreSQL server, Chromium, a font, Node and npm; name a PostgreSQL or a
    browser in an unusual place with PG_BIN (the folder of initdb) and CHROMIUM (the program)."
fi

export DEBIAN_FRONTEND=noninteractive
say "installing ${missing[*]} (a few minutes on a slow line)"
apt-get update -q
apt-get install -y -q --no-install-recommends "${missing[@]}"
[[ -n "$(postgres_bins)" && -n "$(browser)" ]] || die "installed ${missing[*]}, but still found no PostgreSQL server or no browser"
say "installed ${missing[*]}"
