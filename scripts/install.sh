#!/usr/bin/env bash
# Installs what the tests need and this machine lacks. Run again, it does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh

command -v go >/dev/null || die "Go is not installed. Pepay needs the version named in go.mod ($(awk '$1 == "go" {print $2}' go.mod)) or a later one: https://go.dev/dl/"

# The Debian packages that bring what is missing.
missing=()
command -v gcc >/dev/null || missing+=(gcc libc6-dev) # links the race detector
[[ -n "$(postgres_bins)" ]] || missing+=(postgresql)
[[ -n "$(browser)" ]] || missing+=(chromium)
[[ -n "$(find /usr/share/fonts /usr/local/share/fonts \( -iname '*.ttf' -o -iname '*.otf' \) 2>/dev/null | head -n 1)" ]] || missing+=(fonts-dejavu-core)

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null; }

if [[ ${#missing[@]} -gt 0 ]]; then
	if [[ "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then
		die "this machine lacks what these Debian packages bring: ${missing[*]}
    On Debian or Ubuntu:  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}
    Elsewhere install a C compiler, a PostgreSQL server, Chromium and a font; name a PostgreSQL or a browser in an
    unusual place with PG_BIN (the folder of initdb) and CHROMIUM (the program)."
	fi
	say "installing ${missing[*]} (a few minutes on a slow line)"
	apt-get update -q
	apt_install "${missing[@]}"
	[[ -n "$(postgres_bins)" && -n "$(browser)" ]] || die "installed ${missing[*]}, but still found no PostgreSQL server or no browser"
fi

# Node compiles the contracts, to compare with the committed byte code. All else
# works without it.
if ! command -v npm >/dev/null; then
	if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
		say "installing nodejs and npm"
		apt-get update -q
		apt_install nodejs npm || say "could not install Node and npm"
	fi
	command -v npm >/dev/null || say "without Node and npm the contracts are not compiled: that test will be skipped"
fi
