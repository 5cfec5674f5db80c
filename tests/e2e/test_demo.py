# SPDX-License-Identifier: Apache-2.0
"""gatherd demo: the small upstream to try gatherd against, asked directly."""
import asyncio
import gzip
import http.client
import json
import re
import resource
import subprocess
import time

import pytest

from harness.gatherd import binary, slowness


@pytest.fixture(scope="module")
def port():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    child = subprocess.Popen([binary(), "demo", "--listen", "127.0.0.1:0"],
                             stdout=subprocess.PIPE, text=True)
    line = child.stdout.readline()
    yield int(re.fullmatch(r"demo upstream on http://127\.0\.0\.1:(\d+)\n", line)[1])
    child.terminate()
    assert child.wait(10) == 0
    child.stdout.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask(port, method, target, body=None, headers=None):
    """One request on a connection of its own: (reply, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, target, body, headers or {})
        reply = connection.getresponse()
        return reply, reply.read()
    finally:
        connection.close()


def test_the_root_lists_every_route(port):
    reply, body = ask(port, "GET", "/")
    assert reply.status == 200
    for route in ("/json", "/delay/N", "/status/N", "/fail/hang"):
        assert route in body.decode()


def test_good_replies_of_each_kind(port):
    reply, body = ask(port, "GET", "/json")
    assert reply.headers["Content-Type"] == "application/json" and json.loads(body)
    reply, body = ask(port, "GET", "/text")
    assert reply.headers["Content-Type"].startswith("text/plain") and body
    reply, body = ask(port, "GET", "/image")
    assert reply.headers["Content-Type"] == "image/png" and body.startswith(b"\x89PNG\r\n")
    reply, body = ask(port, "GET", "/gzip")
    assert reply.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(body)) == {"compressed": True}


def test_numbers_are_taken_and_bounded(port):
    for status in (200, 204, 304, 404, 503, 599):
        assert ask(port, "GET", f"/status/{status}")[0].status == status
    reply, body = ask(port, "GET", "/bytes/1000000")
    assert len(body) == 1000000 and body.startswith(b"abcdefghijklmnopqrstuvwxyzab")
    for target in ("/status/199", "/status/600", "/status/", "/status/2x", "/delay/60001",
                   "/delay/-1", "/bytes/67108865", "/bytes/99999999999999999999"):
        assert ask(port, "GET", target)[0].status == 400, target
    assert ask(port, "GET", "/nowhere")[0].status == 404


def test_echo_tells_the_whole_request(port):
    reply, body = ask(port, "POST", "/echo?a=1&b=%20", "gr\u00fc\u00dfe".encode(), {"X-One": "1"})
    told = json.loads(body)
    assert told["method"] == "POST" and told["target"] == "/echo?a=1&b=%20"
    assert told["headers"]["X-One"] == "1" and told["body"] == "gr\u00fc\u00dfe"
    assert json.loads(ask(port, "PUT", "/echo", b"\xff\x00")[1])["bodyBase64"] == "/wA="
    assert ask(port, "POST", "/echo", b"x" * (2 << 20))[0].status == 413


def test_redirects_lead_to_json(port):
    reply, _ = ask(port, "GET", "/redirect/2")
    assert reply.status == 302 and reply.headers["Location"] == "/redirect/1"
    assert ask(port, "GET", "/redirect/0")[0].status == 200


def test_head_has_a_length_and_no_body(port):
    reply, body = ask(port, "HEAD", "/json")
    assert reply.status == 200 and body == b"" and int(reply.headers["Content-Length"]) > 20


def test_a_connection_is_kept(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/text")
    connection.getresponse().read()
    kept = connection.sock
    connection.request("GET", "/delay/20")
    assert json.loads(connection.getresponse().read()) == {"delayedMs": 20}
    assert connection.sock is kept
    connection.close()


def test_failures_are_what_they_are_called(port):
    with pytest.raises(http.client.RemoteDisconnected):
        ask(port, "GET", "/fail/close")
    with pytest.raises(ConnectionResetError) as caught:
        ask(port, "GET", "/fail/reset")
    assert not isinstance(caught.value, http.client.RemoteDisconnected)
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(port, "GET", "/fail/truncate")
    assert len(cut.value.partial) == 500 and cut.value.expected == 500


def test_a_thousand_delays_run_side_by_side(port):
    async def one():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /delay/1000 HTTP/1.1\r\nHost: demo\r\n\r\n")
        head = await reader.readuntil(b"}\n")
        writer.close()
        return head.startswith(b"HTTP/1.1 200 ")

    async def everyone():
        return await asyncio.gather(*[one() for _ in range(1000)])

    start = time.monotonic()
    assert all(asyncio.run(everyone()))
    took = time.monotonic() - start
    assert 1.0 <= took < 10 * slowness(), took      # one after the other: 17 minutes


def test_it_stops_while_replies_are_still_delayed(port):
    child = subprocess.Popen([binary(), "demo", "--listen", "127.0.0.1:0"],
                             stdout=subprocess.PIPE, text=True)
    own = int(child.stdout.readline().rsplit(":", 1)[1])
    waiting = http.client.HTTPConnection("127.0.0.1", own, timeout=10)
    waiting.request("GET", "/fail/hang")
    time.sleep(0.2)
    child.terminate()
    assert child.wait(5) == 0
    child.stdout.close()
    waiting.close()


def test_a_port_in_use_is_named(port):
    done = subprocess.run([binary(), "demo", "--listen", f"127.0.0.1:{port}"],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode != 0
    assert f"127.0.0.1:{port}" in done.stderr and "in use" in done.stderr
