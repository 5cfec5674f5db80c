#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The builds of the tests: presets, and "clang". Called by tests/run.sh.
#   make BUILD       makes it
#   ahead BUILD...   makes them one after the other, with what others leave of the processor
#   wait BUILD       waits for it if it is one of those, makes it if not; what the build
#                    printed, and its status
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
state=${GATHERD_RESULTS:-$root/build}/builds

# The quick start leaves the tests out of the build folder it shares with this.
make_build() {
    case $1 in
    clang) set -- -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER=clang -DGATHERD_TESTS=OFF ;;
    tsan | fuzz) set -- --preset "$1" -DGATHERD_TESTS=OFF ;;
    *) set -- --preset "$1" -DGATHERD_TESTS=ON ;;
    esac
    cmake "$@" && cmake --build "build/$build"
}

make_ahead() {
    mkdir -p "$state"
    echo "$$" >"$state/pid"
    for build in "$@"; do
        status=0
        nice -n 10 "$0" make "$build" >"$state/$build.txt" 2>&1 || status=$?
        echo "$status" >"$state/$build.new"
        mv "$state/$build.new" "$state/$build.status"
    done
    rm "$state/pid"
}

is_coming() { [ -e "$state/pid" ] && kill -0 "$(cat "$state/pid")" 2>/dev/null; }

# Nothing is left to come first; only root may say so.
hurry() { renice -n 0 -g "$(ps -o pgid= -p "$(cat "$state/pid")")" || true; }

wait_for() {
    while [ ! -e "$state/$1.status" ] && is_coming; do
        hurry >/dev/null 2>&1
        sleep 0.3
    done
    if [ ! -e "$state/$1.status" ]; then exec "$0" make "$1"; fi
    cat "$state/$1.txt"
    return "$(cat "$state/$1.status")"
}

task=$1
build=$2
shift
case $task in
make) make_build "$1" ;;
ahead) make_ahead "$@" ;;
wait) wait_for "$1" ;;
esac
