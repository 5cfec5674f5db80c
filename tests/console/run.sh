#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console in a browser: every template run, 1,000 and 10,000 items smooth, keyboard,
# phone width, hostile replies, axe-core, and the live page under load.
# Needs Chromium, Node 20 and what package-lock.json names, from the npm registry: without
# them it says so and counts as skipped. GATHERD names the binary, CONSOLE_SHOTS a folder
# for screenshots, arguments choose tests by a part of their name. Ends with "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
export GATHERD="${GATHERD:-$here/../../build/release/gatherd}"

skip() {
    if [ -n "${GATHERD_RESULTS:-}" ]; then
        printf 'skipped\tconsole\t%s\n' "$1" >>"$GATHERD_RESULTS/checks"
    fi
    echo "console tests skipped: $1" >&2
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
if [ "${major:-0}" -lt 20 ] || ! command -v npm >/dev/null; then
    skip "Node 20 or newer and npm are needed"
fi
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome)}
if [ -z "$CHROMIUM" ]; then skip "chromium is not installed"; fi
export CHROMIUM
if [ ! -d "$here/node_modules/playwright-core" ] ||
    ! cmp -s "$here/package-lock.json" "$here/node_modules/.locked-by"; then
    if ! (cd "$here" && timeout 300 npm ci --no-audit --no-fund --loglevel=error \
        --fetch-retries=1 --fetch-timeout=60000); then
        skip "the npm registry does not give what package-lock.json names"
    fi
    cp "$here/package-lock.json" "$here/node_modules/.locked-by"
fi
exec timeout 240 node "$here/run.mjs" "$@"
