#!/usr/bin/env bash
# Prints the path of a tool in the one version everybody uses, and builds it into
# .tools/bin if it is nowhere yet. With --have it builds nothing and fails instead.
#   scripts/tool.sh [--have] gofumpt|golangci-lint
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
build=yes
if [[ "${1:-}" == --have ]]; then
	build=no
	shift
fi
name="${1:-}"
case "$name" in
gofumpt) package=mvdan.cc/gofumpt version=v0.12.0 takes="some seconds" ;;
golangci-lint) package=github.com/golangci/golangci-lint/v2/cmd/golangci-lint version=v2.15.0 takes="three minutes or more" ;;
*) die "usage: scripts/tool.sh [--have] gofumpt|golangci-lint" ;;
esac
for file in ".tools/bin/$name" "$(go env GOPATH)/bin/$name" "$(command -v "$name" || true)"; do
	if [[ -x "$file" ]] && go version -m "$file" 2>/dev/null | awk -v v="$version" '$1 == "mod" {found = $3 == v} END {exit !found}'; then
		realpath "$file"
		exit
	fi
done
[[ $build == yes ]] || die "$name $version is not installed"
say "building $name $version into .tools/bin ($takes)"
GOBIN="$PWD/.tools/bin" GOFLAGS=-buildvcs=false go install "$package@$version"
realpath ".tools/bin/$name"
