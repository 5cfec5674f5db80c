#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Each load and measurement of tests/load/ with the release build, small and short: it runs,
# and every reply is right. No time is judged, so that other tests may run beside them; as
# root they have a network and processes of their own, which end with this. Called by
# tests/run.sh.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# shellcheck source=tests/jobs/report.sh
. "$root/tests/jobs/report.sh"

if [ -z "${GATHERD_UNSHARED:-}" ] && [ "$(id -u)" -eq 0 ]; then
    exec env GATHERD_UNSHARED=yes unshare --net --pid --fork --kill-child --mount-proc \
        sh -c 'ip link set lo up && exec "$@"' sh "$0" "$@"
fi

gatherd=${GATHERD:-$root/build/release/gatherd}

load() {
    what=$1
    script=tests/load/$2
    shift 2
    check "$what" "$script" "$@" --gatherd "$gatherd" || true
}

start_report build/results-loads
part=${GATHERD_PART:-loads}
load "every load passes, small and short" run.py --smoke
load "small batches are answered beside large ones" fairness.py --smoke
load "retries and hedges stay in their budget" attempts.py --smoke
load "a long list through gatherd run" run_cli.py --smoke
load "TLS and HTTP/2 upstreams under load" tls.py --smoke
load "the race runs, small and short" race.py --quick --peers lua,aiohttp \
    --only idle,n10,tail,large,https --svg "$results/race.svg"
load "what tracing costs is measured, small and short" tracing.py --smoke
load "what a batch costs is measured, small and short" cost.py --smoke
if has perf && has strace; then
    load "where the time goes is measured, small and short" layers.py --smoke
else
    skip "where the time goes" "perf or strace is not installed"
fi
end_report
