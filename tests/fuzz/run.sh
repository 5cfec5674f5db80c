#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzzer for a time: tests/fuzz/run.sh [SECONDS] (60 each by default). New inputs go
# to build/fuzz/corpus/NAME, a crash's input to build/fuzz; put it into tests/fuzz/corpus/NAME
# when it is fixed.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
seconds=${1:-60}
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
for seeds in tests/fuzz/corpus/*; do
    name=$(basename "$seeds")
    mkdir -p "build/fuzz/corpus/$name"
    echo "== $name"
    "build/fuzz/tests/${name}_fuzzer" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="build/fuzz/$name-" "build/fuzz/corpus/$name" "$seeds"
done
