#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Sets up, builds and runs the tests; ends with one line "N passed, N failed, N skipped".
# Works from any folder, on a fresh Debian 12 or 13, with nothing started before. What
# needs root (network namespaces, and installing what is missing) says so and is counted
# as skipped without it.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
# shellcheck source=tests/jobs/report.sh
. "$root/tests/jobs/report.sh"

# The build that the unit and end-to-end tests use.
checked=${GATHERD_PRESET:-asan}
# Tests wait for clocks two thirds of their time: three beside one another on two cores.
workers=$(($(nproc) * 3 / 2))
# What takes all of the processor, and what judges times, comes when others have ended.
all_parts="lint unit e2e release contract package tsan coverage clang valgrind console"
# Which build each part needs.
builds="unit:$checked e2e:$checked release:release contract:release package:release tsan:tsan
    coverage:coverage clang:clang valgrind:release console:release"

usage() {
    cat <<'USAGE'
usage: tests/run.sh [part ...]
  lint      shell scripts, service file, Prometheus and compose files
  unit      unit tests and source checks, with AddressSanitizer and UBSan
  e2e       the service against misbehaving upstreams, with the same build
  release   the release build: unit tests, end-to-end tests in its sandbox, and everything
            once under load
  contract  openapi.yaml, and the running service held against it
  package   installing, and the Debian package
  tsan      the service with ThreadSanitizer, tested and under load
  coverage  which lines tests reach: 92 % of service/, all of tests/style/pure_files.txt
  clang     builds without a warning under clang
  valgrind  the service under Valgrind, a short run; instructions per item, as recorded
  console   the console in Chromium: templates, 1,000 items, keyboard, phone, axe-core
Without a part: all. Variables: GATHERD_PYTEST and GATHERD_CTEST (more arguments for
either), GATHERD_PRESET (another build than asan for unit and e2e), GATHERD_SETUP (what
deploy/setup.sh is asked for; --test).
USAGE
}

# Once the first build is there, the others are made beside the tests, with what these leave
# of the processor, in the order in which they are needed.
build() {
    preset=$1
    if [ -e "$results/built-$preset" ]; then return; fi
    check "builds: $preset" tests/jobs/build.sh wait "$preset" || return 1
    : >"$results/built-$preset"
    if [ -n "$ahead" ] && [ ! -e "$results/build-begun" ]; then
        : >"$results/build-begun"
        # shellcheck disable=SC2086
        beside builds tests/jobs/build.sh ahead $ahead
    fi
}

# find_ahead PART...: the builds these parts need, but for the first.
find_ahead() {
    ahead=
    first=
    for part in "$@"; do
        for pair in $builds; do
            case $pair in "$part":*) ;; *) continue ;; esac
            preset=${pair#*:}
            if [ -z "$first" ]; then first=$preset; fi
            case " $first $ahead " in *" $preset "*) ;; *) ahead="$ahead $preset" ;; esac
        done
    done
}

run_ctest() {
    # shellcheck disable=SC2086
    counted ctest "$part.xml" ctest --test-dir "build/$1" --output-on-failure \
        --parallel "$workers" --output-junit "$results/$part.xml" \
        --test-output-size-passed 1000000 --no-tests=error ${GATHERD_CTEST:-}
}

run_pytest() {
    binary=$root/build/$1/gatherd
    shift
    # A part may run it more than once: none may write over another's results.
    junit_name=$part-pytest
    while [ -e "$results/$junit_name.xml" ]; do junit_name=$junit_name-more; done
    # shellcheck disable=SC2086
    counted pytest "$junit_name.xml" env GATHERD="$binary" PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 -m pytest -q -n "$workers" \
        --junitxml="$results/$junit_name.xml" ${GATHERD_PYTEST:-} "$@"
}

shell_scripts() {
    find .ci deploy tests -name node_modules -prune \
        -o -type f \( -name '*.sh' -o -path '.ci/run' \) -print
}

part_lint() {
    if has shellcheck; then
        for script in $(shell_scripts); do
            check "shellcheck $script" shellcheck "$script" || true
        done
    else
        skip shellcheck "not installed"
    fi
    if has promtool; then
        check "promtool accepts prometheus.yml" \
            promtool check config deploy/prometheus/prometheus.yml || true
    else
        skip promtool "not installed"
    fi
    if has systemd-analyze; then
        # O12.
        check "the unit's exposure is at most 1.5" systemd-analyze security \
            --offline=true --threshold=15 deploy/gatherd.service || true
    else
        skip "the unit's exposure" "systemd-analyze is not installed"
    fi
    for file in compose.yaml compose.scale.yaml; do
        check "$file is YAML" /usr/bin/python3 -c \
            'import sys, yaml; yaml.safe_load(open(sys.argv[1]))' "deploy/$file" || true
    done
}

part_unit() {
    build "$checked"
    run_ctest "$checked"
}

part_e2e() {
    build "$checked"
    if [ "$(id -u)" -ne 0 ]; then
        echo "not root: the tests in network namespaces are skipped"
    fi
    run_pytest "$checked" tests/e2e
}

part_release() {
    build release
    run_ctest release || true
    beside loads env GATHERD="$root/build/release/gatherd" GATHERD_PART=release \
        nice -n 10 tests/jobs/loads.sh
    # As the image runs it: every service of the tests in its sandbox. What no system call
    # could change was had with the checked build, or the release build does it on Debian 13.
    # shellcheck disable=SC2046
    GATHERD_SANDBOX=on run_pytest release -m "not slow" tests/e2e \
        $(printf -- '--ignore=tests/e2e/test_%s.py ' torture long ssrf fuzz unasked wait \
            asyncio_examples run run_terminal completions docs doc_mentions doc_pages clients \
            deployments kubernetes attempts_meet webhooks references for_each expect \
            small_answers explain feature_pairs malformed tls_vouching run_ends feature_edges \
            breaker retries coalescing deadline_header) || true
    run_pytest release tests/e2e/test_torture.py || true # sanitizers have own allocators
    join loads || true
    # Ports of its own: the usual ones may be taken by a quick start that is running.
    check "the quick start shows three tasks done at once" env GATHERD_PORT=18980 \
        GATHERD_DEMO_PORT=18981 GATHERD="$root/build/release/gatherd" \
        deploy/quickstart.sh --once || true
}

part_contract() {
    build release
    GATHERD=$root/build/release/gatherd tests/contract/run.sh
}

part_console() {
    build release
    GATHERD=$root/build/release/gatherd tests/console/run.sh
}

part_package() {
    build release
    tests/jobs/package.sh
}

part_clang() {
    if ! has clang; then
        skip "builds under clang" "clang is not installed"
        return
    fi
    build clang
}

part_tsan() {
    build tsan
    # L14. What threads share shows in starting, ending, cancelling and counting, in large
    # documents, in the limits of callers and addresses, in tainted origins, circuits and the
    # retry budget, and in reloads.
    # shellcheck disable=SC2046
    run_pytest tsan -m "not slow" $(printf 'tests/e2e/test_%s.py ' batch_spellings replies \
        all_cores cancel shutdown front ops memory keys front_limits unasked breaker retries live run_ends logs reload restart) || true
    rm -f "$results"/tsan-report*
    check "every load passes, small and short" \
        env TSAN_OPTIONS="log_path=$results/tsan-report second_deadlock_stack=1" \
        tests/load/run.py --smoke --gatherd "$root/build/tsan/gatherd" || true
    check "no data race under load" no_reports "$results"/tsan-report*
}

no_reports() {
    for report in "$@"; do
        if [ -s "$report" ]; then
            cat "$report"
            return 1
        fi
    done
}

part_valgrind() {
    if ! has valgrind; then
        skip "Valgrind is content" "valgrind is not installed"
        return
    fi
    build release
    tests/jobs/valgrind.sh || true
    guard_instructions
}

# 77: nothing is recorded for the libraries of this machine.
guard_instructions() {
    what="instructions per item have not grown"
    status=0
    tests/load/instructions.py --gatherd "$root/build/release/gatherd" \
        >"$results/instructions.txt" 2>&1 || status=$?
    case $status in
    0) pass "$what" ;;
    77) skip "$what" "$(tail -n 1 "$results/instructions.txt")" ;;
    *) fail "$what" ;;
    esac
    sed 's/^/        /' "$results/instructions.txt"
}

# These end-to-end files reach what unit tests do not; the others would only repeat it.
part_coverage() {
    if ! has gcovr; then
        skip "coverage" "gcovr is not installed"
        return
    fi
    build coverage
    find build/coverage -name '*.gcda' -delete
    run_ctest coverage || true
    # shellcheck disable=SC2046
    run_pytest coverage -m "not slow" $(printf 'tests/e2e/test_%s.py ' start ops demo listeners \
        shutdown keys refusals redirects front cancel real_servers replies run run_ends reload \
        tracing top live console explain) || true
    check "at least 92 % of the lines of service/ are reached" gcovr -r . \
        --object-directory build/coverage --filter service/ --fail-under-line 92 \
        --html-details build/coverage.html --txt build/coverage.txt || true
    # shellcheck disable=SC2046
    check "all lines of the policy files are reached" gcovr -r . \
        --object-directory build/coverage --fail-under-line 100 \
        $(sed -n 's/^service/--filter &/p' tests/style/pure_files.txt) || true
    tail -n 3 build/coverage.txt
}

set_up() {
    status=0
    deploy/setup.sh "${GATHERD_SETUP:---test}" || status=$?
    case $status in
    0) ;;
    2) skip "what needs the missing packages" "deploy/setup.sh could not get them" ;;
    *) fail "deploy/setup.sh"; return 1 ;;
    esac
}

case ${1:-} in
-h | --help) usage; exit 0 ;;
esac
for part in "$@"; do
    case " $all_parts " in
    *" $part "*) ;;
    *) echo "tests/run.sh: there is no part \"$part\"" >&2; usage >&2; exit 64 ;;
    esac
done
start_report build/results
trap end_beside EXIT
trap 'exit 130' INT TERM
part=setup
if set_up; then
    # shellcheck disable=SC2086
    if [ $# -eq 0 ]; then set -- $all_parts; fi
    find_ahead "$@"
    for part in "$@"; do run_part "$part"; done
fi
end_report
