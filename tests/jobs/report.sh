# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# Sourced by tests/run.sh, .ci/run and the jobs: parts, checks and their counting.
# Every outcome is a line in $results/checks or a test case in a JUnit file beside it;
# tests/jobs/tally.py sums both up. The caller sets $root, the folder of the project.

# One folder for all that run together; whoever starts first makes it.
start_report() {
    if [ -n "${GATHERD_RESULTS:-}" ]; then
        results=$GATHERD_RESULTS
        report_is_ours=
    else
        mkdir -p "$1"
        results=$(cd "$1" && pwd)
        rm -rf "${results:?}"/*
        report_is_ours=yes
    fi
    GATHERD_RESULTS=$results
    export GATHERD_RESULTS
    part=start
}

# The closing line: "N passed, N failed, N skipped". Only who made the folder has the
# last word. Returns 1 when anything failed, or anything of this part.
end_report() {
    if [ -z "$report_is_ours" ]; then
        if grep -q "^failed	$part	" "$results/checks" 2>/dev/null; then return 1; fi
        return 0
    fi
    unset GATHERD_RESULTS
    /usr/bin/python3 "${root:?}/tests/jobs/tally.py" "$results"
}

record() { printf '%s\t%s\t%s\n' "$1" "$part" "$2" >>"$results/checks"; }
pass() { record passed "$1"; printf 'ok      %s\n' "$1"; }
fail() { record failed "$1"; printf 'FAILED  %s\n' "$1"; }
skip() { record skipped "$1: $2"; printf 'skipped %s: %s\n' "$1" "$2"; }

# check WHAT COMMAND...: one check; its output is shown only when it fails. A function
# given as the command must join its steps with &&: errexit does not reach in here.
check() {
    what=$1
    shift
    output=$(mktemp)
    if "$@" >"$output" 2>&1 </dev/null; then
        pass "$what"
        rm -f "$output"
        return 0
    fi
    fail "$what"
    tail -n 60 "$output" | sed 's/^/        /'
    rm -f "$output"
    return 1
}

# counted NAME JUNIT COMMAND...: a runner that writes its own JUnit file. A bad end that
# the file does not tell of is a failure of its own.
counted() {
    what=$1
    junit=$results/$2
    shift 2
    if "$@" </dev/null; then
        if [ -s "$junit" ]; then return 0; fi
        fail "$what: no test ran"
    elif ! grep -Eq '<(failure|error)[ >]' "$junit" 2>/dev/null; then
        fail "$what: ended badly"
    fi
    return 1
}

# Whether this part has some already.
has_failures() {
    grep -q "^failed	$part	" "$results/checks" 2>/dev/null ||
        grep -Elq '<(failure|error)[ >]' "$results/$part"*.xml 2>/dev/null
}

# run_part NAME: the function part_NAME in a shell of its own, timed.
run_part() {
    part=$1
    name=$(echo "$part" | tr - _)
    began=$(date +%s)
    printf '\n=== %s\n' "$part"
    set +e
    (set -e; "part_$name")
    status=$?
    set -e
    if [ "$status" -ne 0 ] && ! has_failures; then
        fail "$part ended with status $status"
    fi
    printf '%s\t%s\n' "$part" $(($(date +%s) - began)) >>"$results/seconds"
}

# beside NAME COMMAND...: starts a command that runs beside what follows, in a process group
# of its own; what it prints is kept for join. Tests wait for clocks: what computes may use
# the processor meanwhile.
beside() {
    kept=$results/beside.$$.$1
    shift
    # shellcheck disable=SC2016
    setsid sh -c 'echo $$ >"$0.group"; status=0; "$@" || status=$?; rm "$0.group"
        exit $status' "$kept" "$@" >"$kept.txt" 2>&1 </dev/null &
    echo "$!" >"$kept.pid"
}

# join NAME: in the shell that called beside: waits for the end of the command, shows what it
# printed, and returns its status. A bad end that no check of this part tells of, and one by a
# signal, is a failure of its own.
join() {
    kept=$results/beside.$$.$1
    status=0
    wait "$(cat "$kept.pid")" || status=$?
    cat "$kept.txt"
    if [ "$status" -gt 128 ] || { [ "$status" -ne 0 ] && ! has_failures; }; then
        fail "$1 ended with status $status"
    fi
    return "$status"
}

# For the trap of who used beside: no such command outlives this run, but what it let go.
# They have ten seconds to clean up.
end_beside() {
    for file in "$results/beside.$$".*.group; do
        if [ ! -e "$file" ]; then continue; fi
        group=$(cat "$file")
        kill -s TERM -- "-$group" 2>/dev/null || true
        looks=100
        while [ "$looks" -gt 0 ] && kill -s 0 -- "-$group" 2>/dev/null; do
            looks=$((looks - 1))
            sleep 0.1
        done
    done
}

has() { command -v "$1" >/dev/null 2>&1; }
