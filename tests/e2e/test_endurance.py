# SPDX-License-Identifier: Apache-2.0
"""The same again and again: nothing may pile up."""
import random
import re
import threading

import pytest
from harness.configuration import options
from harness.faults import FAULTS, LATE_EXTRAS
from harness.gatherd import sanitizer, slowness
from harness.process import wait_until

PATHS = [path for path, _ in FAULTS if path not in (*LATE_EXTRAS, "1xx-flood", "drip")]
QUICK = options(fetch__connect_timeout="500ms", fetch__first_byte_timeout="400ms",
                fetch__idle_timeout="400ms", fetch__timeout="1s", server__workers=2)


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def threads(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads"))


@pytest.mark.slow
def test_faults_leave_nothing_behind(start_gatherd, upstream):
    """U2, U3, U4, U5, U7, U8, U9, U10, U11: all faults, over and over, in mixed order: memory,
    descriptors and threads stay."""
    gatherd = start_gatherd(QUICK)
    rng = random.Random(5)

    def one_round():
        paths = rng.sample(PATHS, len(PATHS))
        urls = [upstream.url(path) for path in paths for _ in range(3)]
        gatherd.batch(urls, deadlineMs=10000, concurrency=150)
    one_round()
    one_round()
    before, threads_before = resident_mib(gatherd.pid), threads(gatherd.pid)
    for _ in range(6):
        one_round()
    assert threads(gatherd.pid) == threads_before
    if sanitizer() == "none":
        assert resident_mib(gatherd.pid) - before < 24


@pytest.mark.slow
@pytest.mark.parametrize("path, code", [
    ("reset", "reset"), ("close", "empty_reply"), ("truncate", "truncated"),
    ("hang", "timeout_first_byte"), ("hang-mid", "timeout_idle"), ("garbage", "bad_reply"),
    ("endless", "too_large"), ("endless-headers", "headers_too_large"), ("gzip-bad", "decode"),
    ("bad-chunk?k=not-hex", "bad_reply"), ("dup-length", "bad_reply")])
def test_a_hundred_of_one_fault_at_once(start_gatherd, upstream, path, code):
    # Another short clock would end on a busy machine what is to end otherwise.
    clock = {f"fetch__{code.removeprefix('timeout_')}_timeout": "400ms"} \
        if code.startswith("timeout") else {}
    gatherd = start_gatherd(options(server__workers=2, **clock))
    items = [{"url": upstream.url(path), "maxBodyBytes": 200_000}] * 100
    document = gatherd.batch(items + [upstream.url("ok")], deadlineMs=int(6000 * slowness()))
    codes = {r["error"]["code"] for r in document["responses"][:100]}
    assert codes == {code}
    assert document["responses"][100]["status"] == 200


@pytest.mark.slow
def test_clients_that_come_and_go_get_their_own_answers(start_gatherd, upstream):
    """L17: Eight clients with a nonce in every item, a fifth of them faults, some leaving early."""
    gatherd = start_gatherd(QUICK)
    mixed_up = []

    def client(number):
        rng = random.Random(number)
        for n in range(25):
            items = []
            for i in range(12):
                nonce = f"{number}-{n}-{i}"
                fault = rng.random() < 0.2
                items.append({"id": nonce, "url": upstream.url(rng.choice(PATHS)) if fault
                              else upstream.url("echo", nonce=nonce)})
            if rng.random() < 0.15:
                with gatherd.raw() as raw:
                    raw.send(b"GET /v1/batch?url=%s HTTP/1.1\r\nHost: x\r\n\r\n" %
                             upstream.url("hang").encode())
                continue
            for item, reply in zip(items, gatherd.batch(items, deadlineMs=5000)["responses"]):
                if "nonce=" in item["url"] and reply["status"] == 200 and \
                        reply["body"]["target"] != f"/echo?nonce={item['id']}":
                    mixed_up.append((item, reply))
    running = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert not mixed_up
    wait_until(lambda: "gatherd_batches_in_flight 0" in gatherd.metrics(), 5, "no batch left")


def test_over_the_reply_budget_new_batches_wait_outside(start_gatherd, upstream):
    gatherd = start_gatherd(options(memory__reply_budget="32MiB"))
    stalled = []
    # One after the other: at once, the batches would take the budget from each other, and as
    # many of their items could fail as leave less than seven eighths of it held.
    for held in (16_000_000, 32_000_000):
        raw = gatherd.raw()
        query = "&".join([f"url={upstream.url('bytes/4000000')}"] * 4)
        raw.send(f"GET /v1/batch?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        stalled.append(raw)
        wait_until(lambda: held_bytes(gatherd) >= held, 15, f"{held} bytes held")
    refused = over_budget(gatherd, upstream)
    assert refused.status == 503 and refused.header("retry-after")
    assert refused.json()["type"] == "/problems/overloaded"
    assert gatherd.get("/healthz").status == 200
    for raw in stalled:
        raw.socket.close()
    wait_until(lambda: not over_budget(gatherd, upstream), 10, "batches welcome again")


def held_bytes(gatherd):
    line = re.search(r"^gatherd_held_reply_bytes (\S+)$", gatherd.metrics(), re.MULTILINE)
    return float(line.group(1))


def over_budget(gatherd, upstream):
    reply = gatherd.post([upstream.url("ok")])
    return reply if reply.status != 200 else None
