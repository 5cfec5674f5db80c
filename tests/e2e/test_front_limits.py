# SPDX-License-Identifier: Apache-2.0
"""Who is kept out at the door: addresses with too many connections, floods of wrong keys, and
browsers that were told another name."""
import hashlib
import http.client
import socket
import time

import pytest
from harness.client import RawClient, request
from harness.configuration import options
from harness.contract import check_reply_headers
from harness.gatherd import Gatherd
from harness.namespace import CannotUnshare, Namespace
from harness.process import accepts, free_port, wait_until

KEY = "k3y-of-the-tests"
KEYS = {"auth": {"mode": "keys", "keys": [
    {"name": "tester", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}]}}
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def sample(text, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name))


# Connections per address.

@pytest.fixture(scope="module")
def namespace(tmp_path_factory):
    try:
        made = Namespace(tmp_path_factory.mktemp("addresses"), addresses=(
            "192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/128", "2001:db8::2/128",
            "2001:db8:0:1::1/128"))
    except CannotUnshare as reason:
        pytest.skip(f"no network namespace: {reason}")
    yield made
    made.close()


def connect_from(source, target, port):
    """A raw client of the given address."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    raw = RawClient.__new__(RawClient)
    raw.received = b""
    raw.socket = socket.socket(family)
    raw.socket.settimeout(10)
    raw.socket.bind((source, 0))
    raw.socket.connect((target, port))
    return raw


def status_from(source, target, port):
    """The status a new connection gets, and the connection."""
    raw = connect_from(source, target, port)
    try:
        raw.send(GET)
    except OSError:
        pass
    reply = raw.read_reply()
    if reply.status == 503:
        assert reply.header("retry-after") and reply.header("connection") == "close"
        check_reply_headers(reply)
        raw.socket.close()
    return reply.status, raw


def check_addresses(port, target, sources, other):
    """Four connections from `sources` together; `other` has four of its own."""
    kept = []
    for source in (*sources, *sources, *sources, *sources)[:4]:
        status, raw = status_from(source, target, port)
        assert status == 200
        kept.append(raw)
    for source in sources:
        assert status_from(source, target, port)[0] == 503
    assert status_from(other, target, port)[0] == 200
    kept.pop().socket.close()
    wait_until(lambda: status_from(sources[0], target, port)[0] == 200, 3, "room again")
    for raw in kept:
        raw.socket.close()


@pytest.mark.root
def test_h12_an_address_has_its_own_limit_of_connections(namespace, tmp_path):
    """IPv6 by /64; loopback is never counted; what is refused is counted by reason."""
    port = 18080
    gatherd = namespace.call(
        Gatherd, tmp_path, options(server__max_connections_per_address=4, server__listen=[
            f"0.0.0.0:{port}", f"[::]:{port}"]), prefix=namespace.prefix, port=port)
    try:
        namespace.call(check_addresses, port, "192.0.2.1", ["192.0.2.1"], "192.0.2.2")
        namespace.call(check_addresses, port, "2001:db8::1", ["2001:db8::1", "2001:db8::2"],
                       "2001:db8:0:1::1")
        many = namespace.call(lambda: [status_from("127.0.0.1", "127.0.0.1", port)
                                       for _ in range(12)])
        assert {status for status, _ in many} == {200}
        for _, raw in many:
            raw.socket.close()
        text = namespace.call(gatherd.metrics)
        assert sample(text, 'gatherd_client_connections_refused_total{reason='
                            '"max_connections_per_address"}') >= 3
        assert sample(text, 'gatherd_client_connections_refused_total{reason='
                            '"max_connections"}') == 0
    finally:
        gatherd.stop()


# Wrong keys.

def ask(gatherd, key):
    return gatherd.request("POST", "/v1/batch", b"[]", {
        "content-type": "application/json", "authorization": f"Bearer {key}"})


def test_o7_a_flood_of_wrong_keys_is_held_back(start_gatherd):
    gatherd = start_gatherd(KEYS, options(auth__failures_per_minute=5, server__workers=1))
    assert [ask(gatherd, f"wrong{n}").status for n in range(8)] == [401] * 5 + [429] * 3
    reply = ask(gatherd, KEY)
    assert reply.status == 429, "a guess is not looked at"
    assert 1 <= int(reply.header("retry-after")) <= 60
    assert reply.json()["type"] == "/problems/rate-limited"
    check_reply_headers(reply)
    assert gatherd.get("/healthz").status == 200
    text = gatherd.metrics()
    assert sample(text, 'gatherd_auth_refused_total{reason="key"}') == 5
    assert sample(text, 'gatherd_auth_refused_total{reason="held_back"}') == 4


def test_o7_an_address_with_a_sound_key_is_not_held_back(start_gatherd):
    gatherd = start_gatherd(KEYS, options(auth__failures_per_minute=5, server__workers=1))
    assert ask(gatherd, KEY).status in (200, 400)
    assert {ask(gatherd, "wrong").status for _ in range(20)} == {401}
    assert ask(gatherd, KEY).status in (200, 400)


def test_o7_the_limit_may_be_off(start_gatherd):
    gatherd = start_gatherd(KEYS, options(auth__failures_per_minute=0))
    assert {ask(gatherd, "wrong").status for _ in range(50)} == {401}
    assert ask(gatherd, KEY).status in (200, 400)


def test_o7_a_flood_of_wrong_keys_is_refused_before_its_bodies_are_read(start_gatherd):
    gatherd = start_gatherd(KEYS)
    for n in range(60):
        with gatherd.raw() as raw:
            raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     b"X-Api-Key: wrong%d\r\nContent-Length: 1000000\r\n\r\n" % n)
            reply = raw.read_reply()
            assert reply.status in (401, 429) and reply.header("connection") == "close"
    assert sample(gatherd.metrics(), "gatherd_batches_total") == 0


# Other names.

def host_status(port, host, path="/healthz", version=b"1.1"):
    with RawClient(port) as raw:
        line = b"" if host is None else b"Host: %s\r\n" % host
        raw.send(b"GET %s HTTP/%s\r\n%s\r\n" % (path.encode(), version, line))
        reply = raw.read_reply()
    check_reply_headers(reply)
    return reply


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    running = Gatherd(tmp_path_factory.mktemp("named"), options(server__hosts=[
        "gatherd.example", "127.0.0.1", "[::1]"]))
    yield running
    running.stop()


@pytest.mark.parametrize("host", [b"gatherd.example", b"GATHERD.example:8080", b"127.0.0.1",
                                  b"127.0.0.1:1", b"[::1]", b"[::1]:8080", b"gatherd.example."])
def test_h16_the_names_of_the_service_are_answered(named, host):
    assert host_status(named.port, host).status == 200


@pytest.mark.parametrize("host", [b"evil.test", b"evil.test:8080", b"localhost", b"127.0.0.2",
                                  b"gatherd.example.evil.test", b"xgatherd.example"])
@pytest.mark.parametrize("path", ["/healthz", "/v1/batch?url=http://127.0.0.1:9/", "/metrics",
                                  "/nope"])
def test_h16_another_name_is_misdirected(named, host, path):
    """A page whose owner points its name to 127.0.0.1 sends that name in Host."""
    reply = host_status(named.port, host, path)
    assert reply.status == 421 and reply.json()["type"] == "/problems/misdirected"
    assert reply.header("connection") == "close"


def test_h16_without_a_name_there_is_no_answer_either(named):
    assert host_status(named.port, None, version=b"1.0").status == 421
    with RawClient(named.port) as raw:  # libmicrohttpd 1.0 answers this one itself
        raw.send(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert raw.read_reply().status == 400


def test_h16_probes_of_the_ops_listener_go_by_any_name(start_gatherd):
    ops = free_port()
    start_gatherd(options(server__hosts=["127.0.0.1"], ops__listen=[f"127.0.0.1:{ops}"]),
                  wait=False)
    wait_until(lambda: accepts(ops), 10, "the ops listener")
    assert host_status(ops, b"10.1.2.3:9090").status == 200


PLAIN_FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]


@pytest.mark.parametrize("kind", PLAIN_FORMS)
def test_h16_what_a_form_can_send_is_no_batch(gatherd, upstream, kind):
    """Browsers send these three to any site without asking it (Fetch, CORS-safelisted)."""
    key = upstream.new_key()
    body = f'["{upstream.url("ok", key=key)}"]'.encode()
    reply = gatherd.request("POST", "/v1/batch", body,
                            {"content-type": kind, "origin": "http://evil.test"})
    assert reply.status == 415 and upstream.stats(key)["requests"] == 0


@pytest.mark.parametrize("method, path", [("GET", "/healthz"), ("GET", "/"), ("GET", "/metrics"),
                                          ("OPTIONS", "/v1/batch"), ("GET", "/nope"),
                                          ("GET", "/openapi.yaml"), ("POST", "/v1/batch")])
def test_h16_no_reply_has_cors_and_every_one_has_nosniff(gatherd, method, path):
    reply = gatherd.request(method, path, None, {
        "origin": "http://evil.test", "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
        "access-control-request-private-network": "true"})
    assert not [n for n, _ in reply.headers if n.lower().startswith("access-control")]
    assert reply.header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize("limit", [None, "4KiB", "64KiB", "256KiB"])
def test_a_head_may_be_as_large_as_configured(start_gatherd, limit):
    """And a larger one is refused, by a line that names the option while it can be read."""
    extra = {"server__head_max_bytes": limit} if limit else {}
    gatherd = start_gatherd(options(**extra))
    most = int((limit or "16KiB").removesuffix("KiB")) * 1024
    reply = gatherd.request("GET", "/healthz", headers={"x-fill": "v" * (most - 600)})
    assert reply.status == 200
    reply = gatherd.request("GET", "/healthz", headers={"x-fill": "v" * (most + 1)})
    assert reply.status == 431
    assert "server.head_max_bytes" in reply.json()["detail"]
    reply = gatherd.get("/v1/batch?url=" + "x" * most)
    assert reply.status == 414
    assert "server.head_max_bytes" in reply.json()["detail"]
    reply = gatherd.request("GET", "/healthz", headers={"x-fill": "v" * (2 * most + 4096)})
    assert reply.status == 431


def test_h16_refusals_made_by_hand_have_nosniff_too(start_gatherd):
    """408, 413, 414, 431 are written past the HTTP library."""
    gatherd = start_gatherd(options(server__head_timeout="300ms", server__body_timeout="300ms",
                                    server__request_max_bytes="1KiB"))
    head = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    rows = {408: b"GET /healthz HT", 413: head + b"Transfer-Encoding: chunked\r\n\r\n" +
            b"800\r\n" + b" " * 2048 + b"\r\n", 414: b"GET /" + b"a" * 17000 + b" HTTP/1.1\r\n" +
            b"Host: x\r\n\r\n", 431: b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 17500 +
            b"\r\n\r\n"}
    for status, request_bytes in rows.items():
        with gatherd.raw() as raw:
            raw.send(request_bytes)
            reply = raw.read_reply()
        assert reply.status == status, reply
        assert reply.header("x-content-type-options") == "nosniff"
        assert reply.header("cache-control") == "no-store"
        check_reply_headers(reply)
