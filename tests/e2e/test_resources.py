# SPDX-License-Identifier: Apache-2.0
"""What the machine may lack: memory, a reader of the log, time that goes forward, luck."""
import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.gatherd import REPOSITORY, binary, sanitizer
from harness.process import wait_until

no_sanitizer = pytest.mark.skipif(sanitizer() != "none", reason="a sanitizer's own memory")


def memory_kib(gatherd, field):
    with open(f"/proc/{gatherd.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


@no_sanitizer
@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_l7_many_endless_bodies_stay_within_the_budget(start_gatherd, upstream, workers):
    """L7: 400 bodies that never end, 1 MiB of each wanted: what they take beside what 400
    connections take anyway is the budget's, and what malloc keeps for each further thread
    (memory_tune)."""
    budget_mib, kept_mib = 64, 32 * (workers - 1)
    gatherd = start_gatherd(options(
        memory__reply_budget=f"{budget_mib}MiB", fetch__body_max_bytes="1MiB",
        server__workers=workers, batch__deadline="5s"))

    def ask(path):
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: gatherd.post([upstream.url(path)] * 50), range(8)))
    for _ in range(2):
        ask("bytes/20000")
        ask("delay/500")
    before = memory_kib(gatherd, "VmHWM")
    replies = ask("endless")
    assert {reply.status for reply in replies} <= {200, 503}
    assert any(reply.status == 200 for reply in replies)
    for reply in replies:
        if reply.status == 200:
            codes = {r["error"]["code"] for r in reply.json()["responses"]}
            assert codes <= {"too_large", "deadline", "timeout_total", "overloaded"}
    grown = (memory_kib(gatherd, "VmHWM") - before) / 1024
    assert grown <= budget_mib * 1.1 + kept_mib, f"{grown:.0f} MiB more than before"


@no_sanitizer
def test_l7_with_little_address_space_it_sheds_and_recovers(start_gatherd, upstream):
    """L7: ulimit -v: refusals or failed items while memory lacks, and service after it."""
    gatherd = start_gatherd(options(server__workers=1, fetch__timeout="3s"))
    room = memory_kib(gatherd, "VmSize") * 1024 + (24 << 20)
    subprocess.run(("prlimit", f"--pid={gatherd.pid}", f"--as={room}"), check=True)
    items = [upstream.url("bytes/1000000")] * 40

    def ask(_):
        try:
            return gatherd.post(items).status
        except OSError:
            return "closed"
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(ask, range(18)))
    assert gatherd.is_alive, gatherd.child.errors()[-2000:]
    assert set(statuses) <= {200, 500, 503, "closed"}
    wait_until(lambda: gatherd.post([upstream.url("ok")]).status == 200, 10, "served again")


def test_l11_a_clock_set_back_or_forth_changes_no_deadline():
    """L11: only base/clock.c reads clocks, and the wall clock only for what is told to others:
    the stamps of the log, of spans, of the start and of reloads, a signature's time, and the
    date of a Retry-After held against it."""
    readers = subprocess.run(
        ("grep", "-rlE", r"\b(clock_gettime|gettimeofday|time|timespec_get|clock)\s*\((NULL|&|CLOCK)",
         "--include=*.c", "--include=*.h", "service"), cwd=REPOSITORY, check=False,
        capture_output=True, text=True).stdout.split()
    assert readers == ["service/base/clock.c"]
    text = (REPOSITORY / "service/base/clock.c").read_text("utf-8")
    assert text.count("CLOCK_MONOTONIC") == 1
    assert set(re.findall(r"^\w+ (\w+)\([^)]*\)\n\{[^}]*CLOCK_REALTIME", text, re.M)) == \
        {"clock_wall_text", "clock_wall_s", "clock_wall_ms", "clock_wall_us"}
    assert users_of("clock_wall_text") == ["base/log.c"]
    assert users_of("clock_wall_ms") == ["http/handle_live.c", "reload.c", "serve.c"]
    assert users_of("clock_wall_us") == ["http/batch_trace.c"]
    assert users_of("clock_wall_s") == ["batch/attempts.c", "batch/signer.c"]


def users_of(function):
    found = subprocess.run(("grep", "-rlw", function, "service"), cwd=REPOSITORY, check=False,
                           capture_output=True, text=True).stdout.split()
    return sorted({path.removeprefix("service/") for path in found} - {"base/clock.c", "base/clock.h"})


@pytest.mark.parametrize("where", ["</dev/null >/dev/full 2>&1", ">&- 2>&-"])
def test_l12_it_serves_on_when_nothing_can_be_logged(start_gatherd, upstream, where):
    """L12: a full disk and closed streams."""
    gatherd = start_gatherd(prefix=("sh", "-c", f'exec "$0" "$@" {where}'))
    for _ in range(20):
        gatherd.batch([upstream.url("ok"), upstream.url("status/404")])


def test_l12_a_reader_that_stopped_reading_the_log_stops_nothing(start_gatherd, upstream, tmp_path):
    """L12: lines wait for it, up to a ceiling: test_logs.py goes over that."""
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        with pytest.raises(BlockingIOError):
            while True:
                os.write(reader, b"x" * 4096)
        gatherd = start_gatherd(prefix=("sh", "-c", f'exec "$0" "$@" 2>"{fifo}"'))
        began = time.monotonic()
        for _ in range(20):
            gatherd.batch([upstream.url("ok")])
        assert time.monotonic() - began < 10
        seen = b""

        def has_come():
            nonlocal seen
            try:
                while True:
                    seen += os.read(reader, 65536)
            except BlockingIOError:
                return seen.count(b'"event":"batch"') == 20
        wait_until(has_come, 5, "the lines")
    finally:
        os.close(reader)


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGKILL])
def test_l15_after_a_crash_the_next_process_takes_over_at_once(start_gatherd, upstream, number):
    """L15: nothing of the old one is in the way: no port, no file, no state."""
    old = start_gatherd()
    old.batch([upstream.url("ok")])
    old.signal(number)
    assert old.wait() == -number
    new = start_gatherd(port=old.port)
    new.batch([upstream.url("ok")])


@no_sanitizer
def test_l15_assertions_are_in_the_shipped_build_and_the_unit_restarts_it():
    """L15: NDEBUG never hides a broken contract, and a process that ended is replaced."""
    symbols = subprocess.run(("nm", "-D", binary()), check=True, capture_output=True, text=True)
    assert "__assert_fail" in symbols.stdout
    unit = (REPOSITORY / "deploy/gatherd.service").read_text("utf-8")
    assert "\nRestart=on-failure\n" in unit
