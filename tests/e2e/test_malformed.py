# SPDX-License-Identifier: Apache-2.0
"""H1-H7, H13, H15: bytes that are no request, over raw sockets.  One reply or a close, in time,
and never an answer to what stands behind."""
import importlib.util
import subprocess

import pytest
from harness.configuration import options
from harness.client import parse_reply
from harness.contract import REQUEST_ID
from harness.gatherd import REPOSITORY, Gatherd, binary
from harness.malformed import LAX, LAX_STATUSES, ROWS, SKIPPED, SOUND

SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n\r\n"

LAST = SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """Short clocks, so that what waits for more bytes ends soon."""
    running = Gatherd(tmp_path_factory.mktemp("malformed"), options(
        server__head_timeout="400ms", server__body_timeout="400ms",
        server__request_max_bytes="64KiB"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def is_lax_library():
    """libmicrohttpd before 1.0 hides some faults; the connection is closed instead."""
    text = subprocess.run((binary(), "version"), capture_output=True, text=True, check=True).stdout
    [line] = [line for line in text.splitlines() if line.startswith("libmicrohttpd")]
    return line.split()[1].startswith("0.")


def load_long(name):
    path = REPOSITORY / f"tests/long/{name}.py"
    spec = importlib.util.spec_from_file_location(f"long_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exchange(gatherd, *parts):
    """Sends the parts, one segment each, and reads to the end: the bytes that came."""
    with gatherd.raw() as raw:
        try:
            for part in parts:
                raw.send(part)
        except OSError:
            pass
        return raw.read_to_end()


def replies_in(data, method="GET"):
    """Every byte that came belongs to a whole reply."""
    replies = []
    while data:
        reply, used = parse_reply(data, method)
        assert reply, data
        replies.append(reply)
        data = data[used:]
        check_ours_or_the_librarys(reply)
    return replies


def check_ours_or_the_librarys(reply):
    """What libmicrohttpd refuses before it asks us is a constant page of its own."""
    if reply.header("x-request-id"):
        assert REQUEST_ID.match(reply.header("x-request-id")), reply
        assert reply.header("x-content-type-options") == "nosniff", reply
        return
    assert reply.status >= 400 and reply.header("connection").lower() == "close", reply
    assert reply.body == b"" or reply.body.startswith(b"<html><head><title>"), reply
    names = {name.lower() for name, _ in reply.headers}
    assert names <= {"date", "connection", "content-length", "content-type"}, reply


@pytest.mark.parametrize("kind, name, data, statuses", ROWS, ids=[f"{r[0]} {r[1]}" for r in ROWS])
def test_h_one_refusal_or_a_close(strict, is_lax_library, kind, name, data, statuses):
    """H1, H2, H3, H4, H5, H6, H7, H13, H15, O7, O17: the id of each case begins with its row."""
    if is_lax_library and name in SKIPPED:
        assert [r.status for r in replies_in(exchange(strict, data + LAST))] == [200]
        return
    method = data.split(b" ")[0].decode("latin-1")
    for parts in ((data + SMUGGLED,), (data, SMUGGLED)):
        got = exchange(strict, *parts)
        assert b"smuggled" not in got, got
        replies = replies_in(got, method)
        assert len(replies) <= 1, got
        assert replies or "close" in statuses, "closed without a word"
        if replies and str(replies[0].status) not in statuses:
            assert is_lax_library and name in LAX and replies[0].status in LAX_STATUSES, got
        if replies:
            assert replies[0].header("connection").lower() == "close", got
    assert strict.get("/healthz").status == 200, f"after {kind}"


@pytest.mark.parametrize("name, data, status", SOUND, ids=[r[0] for r in SOUND])
def test_h_a_sound_request_that_looks_odd_is_answered(strict, is_lax_library, name, data, status):
    for parts in ((data + LAST,), (data, LAST)):
        replies = replies_in(exchange(strict, *parts))
        assert [r.status for r in replies] == [status, 200] or \
            is_lax_library and [r.status for r in replies] == [status] and \
            replies[0].header("connection").lower() == "close", (name, replies)


def test_h11_a_malformed_request_behind_a_good_one_ends_the_connection(strict):
    good = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for bad in (b"GET /healthz HTTP/1.1\r\n\r\n", b"garbage\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"):
        got = exchange(strict, good * 3 + bad + SMUGGLED)
        replies = replies_in(got)
        assert [r.status for r in replies[:3]] == [200] * 3 and len(replies) <= 4
        assert b"smuggled" not in got


def test_h_the_table_is_as_long_as_promised():
    assert len(ROWS) >= 150 and len({(kind, name) for kind, name, _, _ in ROWS}) == len(ROWS)


def test_h_two_thousand_mutated_requests(tmp_path):
    """The short form of tests/long/malformed.py."""
    script = load_long("malformed")
    gatherd = Gatherd(tmp_path, script.CONFIGURATION)
    try:
        assert not script.run(gatherd, 2000, seed=3)
    finally:
        gatherd.stop()


@pytest.mark.slow
def test_h8_slow_clients_beside_normal_load(tmp_path):
    """H8, H9: the short form of tests/long/slow_clients.py, without a bar on time."""
    script = load_long("slow_clients")
    said = []
    assert not script.run(tmp_path, script.parse_arguments(["--smoke"]), said.append), said
