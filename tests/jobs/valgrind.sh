#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The release build under Valgrind, with a few batches of every kind of ending: no bad
# access, no block lost, and a clean end on SIGTERM. Called by tests/run.sh.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# shellcheck source=tests/jobs/report.sh
. "$root/tests/jobs/report.sh"

gatherd=${GATHERD:-$root/build/release/gatherd}
work=$(mktemp -d)
demo_pid=
serve_pid=

clean_up() {
    for pid in $demo_pid $serve_pid; do kill -9 "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}

free_port() {
    /usr/bin/python3 -c 'import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])'
}

wait_for() {
    for _ in $(seq 300); do
        if curl -fsS --noproxy '*' -o /dev/null "$1" 2>/dev/null; then return; fi
        sleep 0.1
    done
    tail -n 20 "$work"/*.log
    return 1
}

start_both() {
    "$gatherd" demo --listen "127.0.0.1:$demo_port" >"$work/demo.log" 2>&1 &
    demo_pid=$!
    valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect \
        --errors-for-leak-kinds=definite,indirect --error-exitcode=9 --track-fds=no \
        --log-file="$work/valgrind.txt" \
        "$gatherd" serve --config config/quickstart.yaml --set server.workers=2 \
        --set "server.listen=[\"127.0.0.1:$port\"]" >"$work/serve.log" 2>&1 &
    serve_pid=$!
    wait_for "http://127.0.0.1:$demo_port/json" && wait_for "http://127.0.0.1:$port/readyz"
}

post() {
    curl -sS --noproxy '*' --max-time 60 -H 'content-type: application/json' \
        --data-binary "$1" "http://127.0.0.1:$port/v1/batch"
}

many_urls() {
    seq 200 | sed "s|.*|\"http://127.0.0.1:$demo_port/json\"|" | paste -sd, | sed 's/.*/[&]/'
}

run_batches() {
    demo=http://127.0.0.1:$demo_port
    for _ in 1 2 3; do
        post "$(many_urls)" | grep -q '"ok": *200' || return 1
    done
    post "{\"requests\": [\"$demo/status/503\", \"$demo/delay/2000\", \"$demo/nothing-here\",
        \"http://127.0.0.1:1/\", \"http://nowhere.invalid/\", \"ftp://x/\", \"$demo/text\",
        {\"url\": \"$demo/json\", \"method\": \"POST\", \"body\": {\"a\": [1, 2]}}],
        \"deadlineMs\": 1500, \"include\": [\"headers\", \"body\", \"timing\"]}" |
        grep -q '"total": *8' &&
        post '{"urls": [1], "nope": 2}' | grep -q '"errors"' &&
        post 'not json' | grep -q '"status": *400' &&
        curl -fsS --noproxy '*' "http://127.0.0.1:$port/metrics" | grep -q '^gatherd_'
}

ends_clean() {
    kill "$serve_pid"
    status=0
    wait "$serve_pid" || status=$?
    serve_pid=
    echo "exit status $status"
    cat "$work/valgrind.txt"
    [ "$status" -eq 0 ]
}

start_report build/results-valgrind
part=${GATHERD_PART:-valgrind}
trap clean_up EXIT
trap 'exit 130' INT TERM
demo_port=$(free_port)
port=$(free_port)
# Started outside of check's redirections, so that the pids are this shell's.
if start_both >"$work/start.log" 2>&1; then
    pass "starts under Valgrind"
    check "batches of every ending are answered" run_batches || true
    check "Valgrind has nothing to report, and SIGTERM ends it with 0" ends_clean || true
else
    fail "starts under Valgrind"
    cat "$work/start.log" "$work/valgrind.txt" || true
fi
end_report
