#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lints openapi.yaml and the workflows, then holds a running gatherd against them.
# Needs Node 20 and what package-lock.json names, from the npm registry: without them it says so
# and counts as skipped. GATHERD names the binary.  Ends with "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
export GATHERD="${GATHERD:-$here/../../build/release/gatherd}"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true NO_COLOR=1

skip() {
    if [ -n "${GATHERD_RESULTS:-}" ]; then
        printf 'skipped\tcontract\t%s\n' "$1" >>"$GATHERD_RESULTS/checks"
    fi
    echo "contract tests skipped: $1" >&2
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
if [ "${major:-0}" -lt 20 ] || ! command -v npm >/dev/null; then
    skip "Node 20 or newer and npm are needed"
fi
if [ ! -x "$here/node_modules/.bin/redocly" ] ||
    ! cmp -s "$here/package-lock.json" "$here/node_modules/.locked-by"; then
    if ! (cd "$here" && timeout 300 npm ci --no-audit --no-fund --loglevel=error \
        --fetch-retries=1 --fetch-timeout=60000); then
        skip "the npm registry does not give what package-lock.json names"
    fi
    cp "$here/package-lock.json" "$here/node_modules/.locked-by"
fi
exec /usr/bin/python3 "$here/run.py"
