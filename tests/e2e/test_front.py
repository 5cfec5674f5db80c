# SPDX-License-Identifier: Apache-2.0
"""The service's own HTTP: heads, ids, keep-alive, and bytes that are not a request."""
import json
import re
import signal
import socket
import time

import pytest
from harness.contract import REQUEST_ID, check_reply_headers
from harness.process import wait_until

ROUTES = ["/", "/healthz", "/readyz", "/metrics", "/openapi.yaml", "/problems/invalid-batch"]


@pytest.mark.parametrize("path", ROUTES)
def test_head_answers_like_get_without_a_body(gatherd, path):
    with gatherd.raw() as raw:
        raw.send(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        data = raw.read_to_end()
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and body == b""
    assert f"content-type: {gatherd.get(path).header('content-type')}".encode() in head.lower()


def test_head_on_the_batch_runs_the_get_form_or_says_no(gatherd, upstream):
    reply = gatherd.request("HEAD", f"/v1/batch?url={upstream.url('ok')}")
    assert reply.status == 200 and reply.body == b""


@pytest.mark.parametrize("path", [*ROUTES, "/nope"])
def test_every_reply_carries_a_request_id(gatherd, path):
    check_reply_headers(gatherd.get(path))


@pytest.mark.parametrize("given", ["abc", "a.b_c:d-e", "x" * 128, "0"])
def test_the_callers_request_id_comes_back(gatherd, given):
    """O17: letters, digits and ._:-, up to 128 of them."""
    assert gatherd.get("/healthz", **{"X-Request-Id": given}).header("x-request-id") == given
    assert gatherd.get("/nope", **{"X-Request-Id": given}).json()["requestId"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a/b", "a\"b", "\u00e9".encode(), "a;b"])
def test_an_unfit_request_id_is_replaced(gatherd, given):
    """O17, H14: no other byte of a caller gets into a head."""
    chosen = gatherd.get("/healthz", **{"X-Request-Id": given}).header("x-request-id")
    assert chosen != given and REQUEST_ID.match(chosen)


OUR_HEADERS = {"date", "connection", "content-length", "content-type", "x-request-id",
               "cache-control", "x-content-type-options", "gatherd-complete", "retry-after"}


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nSet-Cookie: b", "\u2028", "a\x00b"])
def test_h14_no_text_of_a_caller_or_upstream_gets_into_a_head(gatherd, upstream, text):
    """H14: ids, names of fields, upstream headers and error texts stay in the document."""
    hostile = upstream.raw_url(b"HTTP/1.1 503 No\r\nRetry-After: 1;X-Evil\r\nX-Evil: 1\r\n"
                               b"Content-Length: 0\r\n\r\n")
    for document in ([{"url": hostile, "id": text}], [{"url": text}], {text: 1},
                     [{"url": hostile, "headers": {text: text}}]):
        reply = gatherd.post(document)
        assert {name.lower() for name, _ in reply.headers} <= OUR_HEADERS, reply
        assert not [value for _, value in reply.headers if "evil" in value.lower()]


def test_request_ids_differ(gatherd):
    assert len({gatherd.get("/healthz").header("x-request-id") for _ in range(50)}) == 50


def test_a_batch_reply_may_not_be_stored(gatherd, upstream):
    reply = gatherd.post([upstream.url("ok")])
    assert reply.header("cache-control") == "no-store"
    assert reply.header("gatherd-complete") == "true"
    assert gatherd.post([upstream.url("close")]).header("gatherd-complete") == "false"


def test_no_cors_is_offered(gatherd, upstream):
    """H16: nor to a batch that ran."""
    reply = gatherd.post([upstream.url("ok")], {"origin": "http://evil.test"})
    assert not [n for n, _ in reply.headers if n.lower().startswith("access-control")]


def test_a_connection_serves_many_batches(gatherd, upstream):
    body = json.dumps([upstream.url("ok")]).encode()
    with gatherd.raw() as raw:
        for _ in range(20):
            raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            assert raw.read_reply().json()["summary"]["ok"] == 1


def test_a_refused_batch_leaves_the_connection_usable(gatherd, upstream):
    with gatherd.raw() as raw:
        for body, status in ((b"[5]", 400), (json.dumps([upstream.url("ok")]).encode(), 200)) * 3:
            raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            reply = raw.read_reply()
            assert reply.status == status


def test_a_chunked_batch_is_read(gatherd, upstream):
    body = json.dumps([upstream.url("ok")]).encode()
    with gatherd.raw() as raw:
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\n")
        for byte in body:
            raw.send(b"1\r\n%c\r\n" % byte)
        raw.send(b"0\r\n\r\n")
        assert raw.read_reply().json()["summary"]["ok"] == 1


def test_a_batch_sent_byte_by_byte_is_read(gatherd, upstream):
    body = json.dumps([upstream.url("ok")]).encode()
    request = (b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    with gatherd.raw() as raw:
        for byte in request:
            raw.send(bytes([byte]))
        assert raw.read_reply().json()["summary"]["ok"] == 1


def test_expect_100_continue_is_continued(gatherd, upstream):
    """H7: when the body is welcome."""
    body = json.dumps([upstream.url("ok")]).encode()
    with gatherd.raw() as raw:
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert raw.receive().startswith(b"HTTP/1.1 100 ")
        assert raw.send(body).read_reply().json()["summary"]["ok"] == 1


def test_pipelined_requests_are_answered_in_order_or_closed(gatherd, upstream):
    """H11: ten in one segment."""
    requests = b"".join(b"GET /v1/batch?url=%s HTTP/1.1\r\nHost: x\r\nX-Request-Id: r%d\r\n\r\n" %
                        (upstream.url("ok").encode(), n) for n in range(10))
    with gatherd.raw() as raw:
        raw.send(requests)
        ids = []
        while len(ids) < 10 and (reply := raw.read_reply()):
            ids.append(reply.header("x-request-id"))
    assert ids == [f"r{n}" for n in range(len(ids))] and ids


MALFORMED = {
    "not http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "http 2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "odd version": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "binary method": b"\xff\xfe /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "space before colon": b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
    "two lengths": b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]x",
    "length and chunked": b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                          b"\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       b"Content-Length: -1\r\n\r\n",
    "huge length": b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   b"Content-Length: 99999999999999999999\r\n\r\n",
    "bad chunk": b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
    "unknown coding": b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                      b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request_is_refused_and_the_connection_closed(gatherd, name):
    """H1-H4, H13: the first of many; see test_malformed.py."""
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n\r\n"
    with gatherd.raw() as raw:
        try:
            raw.send(MALFORMED[name] + smuggled)
        except OSError:
            pass
        data = raw.read_to_end()
    assert b"smuggled" not in data, data
    assert len(re.findall(rb"HTTP/1\.1 \d", data)) <= 1, data
    assert not data or data.split(b" ", 2)[1][:1] in (b"4", b"5"), data


def test_a_long_url_is_refused(gatherd):
    """H6: not read into memory without end."""
    reply = gatherd.get("/v1/batch?url=" + "x" * 40000)
    assert reply.status in (414, 431, 413)


def test_large_or_many_headers_are_refused(gatherd):
    """H6: 431, or 400 from the library."""
    for headers in ({"x-big": "v" * 60000}, {f"x-{n}": "v" for n in range(3000)}):
        with gatherd.raw() as raw:
            lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
            try:
                raw.send(f"GET /healthz HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
            except OSError:
                pass
            reply = raw.read_reply()
            assert reply is None or reply.status in (431, 400), reply


@pytest.mark.slow
def test_a_head_that_drips_is_cut_at_its_deadline(start_gatherd):
    """H8: a byte now and then is no progress."""
    gatherd = start_gatherd({"server": {"head_timeout": "1s", "body_timeout": "1s"}})
    for part in (b"GET /healthz HTTP/1.1\r\nX-Slow: ",
                 b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 1000\r\n\r\n"):
        with gatherd.raw() as raw:
            started = time.monotonic()
            raw.send(part)
            raw.socket.settimeout(0.2)
            data = None
            while data is None and time.monotonic() - started < 6:
                try:
                    raw.send(b" ")
                    data = raw.socket.recv(1000)
                except TimeoutError:
                    continue
                except OSError:
                    data = b""
            assert time.monotonic() - started < 4
            assert data == b"" or data.startswith(b"HTTP/1.1 408")


@pytest.mark.slow
def test_a_head_that_stops_after_its_first_byte_is_cut_too(start_gatherd):
    """The byte may be read before the service's own clock sees that it came."""
    gatherd = start_gatherd({"server": {"head_timeout": "1s"}})
    clients = [gatherd.raw() for _ in range(20)]
    idle = gatherd.raw()
    for raw in clients:
        raw.send(b"G")
    started = time.monotonic()
    data = [raw.read_to_end(5) for raw in clients]
    assert time.monotonic() - started < 4
    assert all(b.startswith(b"HTTP/1.1 408") for b in data), data
    idle.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert idle.read_reply().status == 200


@pytest.mark.parametrize("part", [
    b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n",
    b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 5000\r\n\r\n["])
def test_a_client_that_closes_with_its_last_bytes_is_not_waited_for(start_gatherd, part):
    """Bytes and FIN in one look at the socket are one event, of which libmicrohttpd reads the
    bytes only: before, the connection stayed for all of the head's or the body's time."""
    gatherd = start_gatherd({"server": {"head_timeout": "60s", "body_timeout": "60s"}})
    with gatherd.raw() as raw:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.read_reply().status == 200
        gatherd.settle()
        gatherd.signal(signal.SIGSTOP)
        raw.send(part)
        raw.socket.shutdown(socket.SHUT_WR)
        gatherd.signal(signal.SIGCONT)
        assert raw.is_closed_within(30)


def test_above_the_connection_limit_a_503_is_sent(start_gatherd):
    """H12: an answer, no silence."""
    gatherd = start_gatherd({"server": {"max_connections": 20}})
    clients = [gatherd.raw() for _ in range(60)]
    replies = []
    for raw in clients:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        replies.append(raw.read_reply())
    for raw in clients:     # not before: each that goes makes room for one more
        raw.socket.close()
    refused = [reply for reply in replies if reply.status == 503]
    assert len(refused) >= 40 and all(reply.header("retry-after") for reply in refused)
    for reply in refused:
        check_reply_headers(reply)
        assert reply.json()["requestId"] == reply.header("x-request-id")
        assert reply.header("x-content-type-options") == "nosniff"
    wait_until(lambda: gatherd.get("/healthz").status == 200, 5, "room again")


def test_idle_connections_are_closed(start_gatherd):
    """H8: kept alive, but not for ever."""
    gatherd = start_gatherd({"server": {"idle_timeout": "1s"}})
    with gatherd.raw() as raw:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.read_reply().status == 200
        assert raw.is_closed_within(4)


def test_many_connections_at_once_are_served(gatherd, upstream):
    clients = [gatherd.raw() for _ in range(200)]
    for raw in clients:
        raw.send(b"GET /v1/batch?url=%s HTTP/1.1\r\nHost: x\r\n\r\n" %
                 upstream.url("delay/100").encode())
    for raw in clients:
        assert raw.read_reply().json()["summary"]["ok"] == 1
        raw.socket.close()
