#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs fuzzers for a time: tests/fuzz/run.sh [SECONDS [NAME ...]], 60 seconds each and all of
# them by default. New inputs go to build/fuzz/corpus/NAME, a crash's input to build/fuzz; put it
# into tests/fuzz/corpus/NAME when it is fixed.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
seconds=${1:-60}
if [ $# -gt 0 ]; then shift; fi
if [ $# -eq 0 ]; then
    for seeds in tests/fuzz/corpus/*; do set -- "$@" "$(basename "$seeds")"; done
fi
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
for name in "$@"; do
    mkdir -p "build/fuzz/corpus/$name"
    echo "== $name"
    "build/fuzz/tests/${name}_fuzzer" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" \
        "tests/fuzz/corpus/$name"
done
