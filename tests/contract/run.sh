#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lints openapi.yaml and the workflows, then holds a running gatherd against them.
# Needs node and npm; GATHERD names the binary.  Ends with "N passed, N failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
export GATHERD="${GATHERD:-$here/../../build/release/gatherd}"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true NO_COLOR=1

if ! command -v npm >/dev/null; then
    echo "contract tests: npm is missing" >&2
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
if [ ! -x "$here/node_modules/.bin/redocly" ] ||
    ! cmp -s "$here/package-lock.json" "$here/node_modules/.locked-by"; then
    if ! (cd "$here" && npm ci --no-audit --no-fund --loglevel=error); then
        echo "contract tests: npm ci failed" >&2
        echo "0 passed, 1 failed"
        exit 1
    fi
    cp "$here/package-lock.json" "$here/node_modules/.locked-by"
fi
exec /usr/bin/python3 "$here/run.py"
