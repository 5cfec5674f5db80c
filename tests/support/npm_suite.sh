# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by the suites that need Node 20 and what a package-lock.json names, from the npm
# registry. Without them a suite says so and counts as skipped. The caller sets $suite, its
# part of tests/run.sh, and $here, its folder with the package-lock.json.

export GATHERD="${GATHERD:-${here:?}/../../build/release/gatherd}"

# skip_suite WHY: the end.
skip_suite() {
    if [ -n "${GATHERD_RESULTS:-}" ]; then
        printf 'skipped\t%s\t%s\n' "${suite:?}" "$1" >>"$GATHERD_RESULTS/checks"
    fi
    echo "${suite:?} tests skipped: $1" >&2
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

# need_node: Node and npm are there.
need_node() {
    major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
    if [ "${major:-0}" -lt 20 ] || ! command -v npm >/dev/null; then
        skip_suite "Node 20 or newer and npm are needed"
    fi
}

# need_packages: those that are locked are installed; once, while the lock stays the same.
need_packages() {
    if cmp -s "$here/package-lock.json" "$here/node_modules/.locked-by"; then return; fi
    if ! (cd "$here" && timeout 300 npm ci --no-audit --no-fund --loglevel=error \
        --fetch-retries=1 --fetch-timeout=60000); then
        skip_suite "the npm registry does not give what package-lock.json names"
    fi
    cp "$here/package-lock.json" "$here/node_modules/.locked-by"
}
