#!/usr/bin/env bash
# Runs go test with all that the tests may ask for: both engines, a browser.
#   scripts/test.sh [go test flags and packages]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/say.sh
scripts/install.sh
CHROMIUM="$(browser)"
export CHROMIUM REQUIRE_POSTGRES=1 REQUIRE_BROWSER=1
say "go test $*"
exec scripts/postgres.sh go test "$@"
