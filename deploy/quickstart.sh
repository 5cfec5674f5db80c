#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# From a fresh checkout to a running gatherd: sets up, builds, starts it beside a small
# demo upstream, shows that three tasks of two seconds take two seconds and not six, and
# stays until Ctrl-C. With --once it returns after the demonstration.
#
# GATHERD_PORT (8080) and GATHERD_DEMO_PORT (8081) choose other ports, GATHERD a binary
# that is there already.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
port=${GATHERD_PORT:-8080}
demo_port=${GATHERD_DEMO_PORT:-8081}
service=http://127.0.0.1:$port
demo=http://127.0.0.1:$demo_port
logs=$root/build/quickstart
serve_pid=
demo_pid=

say() { printf '%s\n' "$*"; }

die() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

# Called by the trap.
# shellcheck disable=SC2317
stop() {
    for pid in $serve_pid $demo_pid; do kill "$pid" 2>/dev/null || true; done
    for pid in $serve_pid $demo_pid; do wait "$pid" 2>/dev/null || true; done
}

# curl's status 7 is "nobody listens there".
require_free() {
    status=0
    curl -s -o /dev/null --noproxy '*' --max-time 2 "http://127.0.0.1:$1/" || status=$?
    if [ "$status" -ne 7 ]; then
        die "port $1 is taken; choose another one with $2, e.g. $2=$(($1 + 1000)) $0"
    fi
}

build() {
    say "Building gatherd ..."
    log=$logs/build.log
    if ! { cmake --preset release -DGATHERD_TESTS=OFF &&
        cmake --build --preset release; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        die "the build failed; all of its output is in $log"
    fi
}

start() {
    "$gatherd" demo --listen "127.0.0.1:$demo_port" >"$logs/demo.log" 2>&1 &
    demo_pid=$!
    "$gatherd" serve --config config/quickstart.yaml \
        --set "server.listen=[\"127.0.0.1:$port\"]" >"$logs/gatherd.log" 2>&1 &
    serve_pid=$!
    wait_for "$demo/" "$demo_pid" "$logs/demo.log"
    wait_for "$service/readyz" "$serve_pid" "$logs/gatherd.log"
}

wait_for() {
    for _ in $(seq 100); do
        if curl -s -o /dev/null --noproxy '*' --max-time 2 "$1"; then return; fi
        if ! kill -0 "$2" 2>/dev/null; then break; fi
        sleep 0.1
    done
    tail -n 20 "$3" >&2
    die "nothing answers on $1; the log is $3"
}

demonstrate() {
    slow=$demo/delay/2000
    batch="[\"$slow\", \"$slow\", \"$slow\"]"
    say ""
    say "Three tasks of two seconds each, sent as one batch:"
    say ""
    say "  curl $service/v1/batch -H 'content-type: application/json' \\"
    say "       -d '$batch'"
    say ""
    began=$(date +%s%N)
    reply=$(curl -sS --noproxy '*' --max-time 30 "$service/v1/batch" \
        -H 'content-type: application/json' -d "$batch") || die "no reply"
    took=$((($(date +%s%N) - began) / 10000000))
    # One response a line, for the eye.
    say "$reply" | tr -d '\n' | sed -e 's/{"id"/\n  &/g' -e 's/\],"summary"/\n],"summary"/'
    printf '\n\n'
    if [ "$took" -ge 400 ]; then die "that took $took hundredths of a second, which is not at once"; fi
    case $reply in
    *'"ok":3'* | *'"ok": 3'*) ;;
    *) die "not all three came back" ;;
    esac
    say "It took $((took / 100)).$(printf %02d $((took % 100))) seconds, not 6."
}

invite() {
    say ""
    say "gatherd is on $service, the demo upstream on $demo. In a browser:"
    say ""
    say "  $service/console"
    say ""
    say "Try next:"
    say ""
    say "  curl '$service/v1/batch?url=$demo/json&url=$demo/status/404&include=body,timing'"
    say ""
    say "The logs are in $logs. Ctrl-C ends both."
}

case ${1:-} in
"" | --once) ;;
*)
    say "usage: deploy/quickstart.sh [--once]" >&2
    exit 64
    ;;
esac

mkdir -p "$logs"
gatherd=${GATHERD:-}
deploy/setup.sh --build
require_free "$port" GATHERD_PORT
require_free "$demo_port" GATHERD_DEMO_PORT
if [ -z "$gatherd" ]; then
    build
    gatherd=$root/build/release/gatherd
fi
trap stop EXIT
trap 'exit 0' INT TERM
trap 'exit 129' HUP
start
demonstrate
if [ "${1:-}" = --once ]; then exit 0; fi
invite
wait "$serve_pid" || true
tail -n 5 "$logs/gatherd.log" >&2
die "gatherd ended; its log is $logs/gatherd.log"
