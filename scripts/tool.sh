#!/usr/bin/env bash
# Prints the path of a Go tool in exactly one version, and builds it into .tools/bin
# if it is nowhere yet:
#   scripts/tool.sh [--have] module[/path] version
# With --have it builds nothing and fails instead.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
build=yes
if [[ "$1" == --have ]]; then
	build=no
	shift
fi
path="$1" version="$2" name="$(basename "$1")"
for file in ".tools/bin/$name" "$(go env GOPATH)/bin/$name" "$(command -v "$name" || true)"; do
	if [[ -x "$file" ]] && go version -m "$file" 2>/dev/null | awk -v v="$version" '$1 == "mod" {found = $3 == v} END {exit !found}'; then
		realpath "$file"
		exit 0
	fi
done
[[ $build == yes ]] || exit 1
say "building $name $version into .tools/bin (gofumpt takes seconds, golangci-lint some three minutes)"
GOBIN="$PWD/.tools/bin" GOFLAGS=-buildvcs=false go install "$path@$version"
realpath ".tools/bin/$name"
