#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one Criterion program so that a sanitizer's report or an empty run fails: Criterion
# runs each test in a child, prints the child's leak report and still says "Passing", and a
# run of no tests at all exits with 0.
set -u
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$reports/san"
UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}print_stacktrace=1"
export ASAN_OPTIONS UBSAN_OPTIONS
"$@" >"$reports/out" 2>&1
status=$?
cat "$reports/out"
if [ -n "$(find "$reports" -name 'san*' -size +0c)" ]; then
    cat "$reports"/san*
    echo "FAILED: a sanitizer has something to report"
    exit 1
fi
if ! grep -q 'Tested: [1-9]' "$reports/out"; then
    echo "FAILED: no test ran"
    exit 1
fi
if grep -q 'Assertion Failed' "$reports/out"; then
    echo "FAILED: an assertion, if only where a test is ended"
    exit 1
fi
exit $status
