# SPDX-License-Identifier: Apache-2.0
"""The console's routes: on which listeners they are, and which requests they refuse."""
import gzip
import hashlib
import http.client
import json
import re
import signal
import socket
import threading

import pytest
from harness.client import request
from harness.configuration import options
from harness.gatherd import REPOSITORY
from harness.process import accepts, free_port, wait_until

JSON = {"content-type": "application/json"}


def with_ops(start_gatherd, *trees, address="127.0.0.1", **more):
    ops = free_port()
    gatherd = start_gatherd(options(ops__listen=[f"{address}:{ops}"], **more), *trees, wait=False)
    wait_until(lambda: accepts(ops) and accepts(gatherd.port), 10, "both listeners")
    wait_until(lambda: request(ops, "GET", "/readyz").status == 200, 10, "readiness")
    return gatherd, ops


def post(port, urls, path="/v1/batch", **headers):
    body = json.dumps(urls).encode()
    return request(port, "POST", path, body, {**JSON, **headers})


def test_a_loopback_service_has_the_console(gatherd):
    reply = gatherd.get("/console")
    assert reply.status == 200 and reply.header("content-type").startswith("text/html")


NAMES = sorted(path.name for path in (REPOSITORY / "service/http/console").iterdir())


def test_every_file_of_the_page_is_served_as_it_is(gatherd):
    for name in NAMES:
        reply = gatherd.get(f"/console/{name}")
        assert reply.status == 200, name
        assert reply.body == (REPOSITORY / "service/http/console" / name).read_bytes()
        kind = {"js": "text/javascript", "css": "text/css", "html": "text/html",
                "svg": "image/svg+xml"}[name.rpartition(".")[2]]
        assert reply.header("content-type").startswith(kind)
    assert gatherd.get("/console").body == gatherd.get("/console/index.html").body


def test_the_page_loads_nothing_that_is_not_there(gatherd):
    for name in NAMES:
        text = gatherd.get(f"/console/{name}").body.decode()
        loaded = re.findall(r"(?:from |import )\"\./([^\"]+)\"|(?:src|href)=\"/console/([^\"]+)\"", text)
        assert {first or second for first, second in loaded} <= set(NAMES), name


def test_files_travel_compressed_for_those_who_take_it(gatherd):
    plain = gatherd.get("/console/console.css")
    for value in ("gzip", "gzip, deflate, br", "br, GZIP;q=0.5"):
        reply = gatherd.get("/console/console.css", **{"Accept-Encoding": value})
        assert reply.header("content-encoding") == "gzip", value
        assert gzip.decompress(reply.body) == plain.body
        assert reply.header("etag") != plain.header("etag")
    for value in ("identity", "br", "gzip;q=0", ""):
        reply = gatherd.get("/console/console.css", **{"Accept-Encoding": value})
        assert not reply.header("content-encoding") and reply.body == plain.body, value
    assert plain.header("vary") == "Accept-Encoding"


def test_a_file_that_is_known_is_not_sent_again(gatherd):
    for accepted in ("gzip", "identity"):
        first = gatherd.get("/console/main.js", **{"Accept-Encoding": accepted})
        tag = first.header("etag")
        assert re.fullmatch(r'"[0-9a-f]{32}(-gzip)?"', tag)
        assert first.header("cache-control") == "no-cache"
        for value in (tag, f'"x", W/{tag}', "*"):
            again = gatherd.get("/console/main.js", **{"Accept-Encoding": accepted, "If-None-Match": value})
            assert (again.status, again.body, again.header("etag")) == (304, b"", tag), value
        other = gatherd.get("/console/main.js", **{"Accept-Encoding": accepted, "If-None-Match": '"other"'})
        assert other.status == 200


def test_head_tells_what_get_would(gatherd):
    for path in ("/console", "/console/main.js"):
        got, told = gatherd.get(path), gatherd.request("HEAD", path)
        assert told.status == 200 and told.body == b""
        for name in ("content-length", "etag", "content-type", "content-security-policy"):
            assert told.header(name) == got.header(name), name


def test_the_page_may_do_next_to_nothing(gatherd):
    """Nothing inline, nothing from elsewhere, in nobody's frame."""
    for path in ("/console", "/console/main.js"):
        reply = gatherd.get(path)
        policy = dict(part.strip().split(" ", 1) for part in reply.header("content-security-policy").split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["trusted-types"] == "'none'" and "unsafe" not in str(policy)
        assert reply.header("x-content-type-options") == "nosniff"
        assert reply.header("referrer-policy") == "no-referrer"
    page = gatherd.get("/console").body.decode()
    assert not re.search(r"<style|style=|<script>|onclick|https?://(?!a\.example|b\.example)", page)


def test_what_is_no_file_of_it_is_404(gatherd):
    for path in ("/console/", "/console/nope.js", "/console/../healthz", "/console/main.js/x", "/console/MAIN.JS"):
        assert gatherd.get(path).status == 404, path
    assert gatherd.request("POST", "/console").status == 405


def test_the_front_page_links_to_the_console_where_it_is(gatherd, start_gatherd):
    assert b'href="/console"' in gatherd.get("/").body
    other, _ = with_ops(start_gatherd)
    assert b"/console" not in other.get("/").body


def test_a_public_service_has_none(start_gatherd):
    """Also not for who comes by its loopback address: a proxy beside it does."""
    port = free_port()
    gatherd = start_gatherd(options(server__listen=[f"0.0.0.0:{port}"], auth__mode="none"),
                            port=port)
    reply = gatherd.get("/console")
    assert reply.status == 404 and "loopback" in reply.json()["detail"]


def test_the_console_moves_to_the_operations_listener(start_gatherd):
    gatherd, ops = with_ops(start_gatherd)
    assert request(ops, "GET", "/console").status == 200
    reply = gatherd.get("/console")
    assert reply.status == 404 and "ops.listen" in reply.json()["detail"]


def test_a_loopback_operations_listener_takes_batches(start_gatherd, upstream):
    _, ops = with_ops(start_gatherd)
    reply = post(ops, [upstream.url("ok")])
    assert reply.status == 200 and reply.json()["summary"]["ok"] == 1
    reply = post(ops, [upstream.url("ok")], "/v1/explain")
    assert reply.status == 200


def test_a_public_operations_listener_takes_none_without_keys(start_gatherd, upstream):
    _, ops = with_ops(start_gatherd, address="0.0.0.0", auth__mode="none")
    reply = post(ops, [upstream.url("ok")])
    assert reply.status == 404 and "auth.mode" in reply.json()["detail"]
    assert post(ops, [], "/v1/explain").status == 404
    assert request(ops, "GET", "/console").status == 200


def test_a_public_operations_listener_takes_batches_with_a_key(start_gatherd, upstream):
    key = "gd_" + hashlib.sha256(b"console").hexdigest()[:56]
    entry = {"name": "console", "sha256": hashlib.sha256(key.encode()).hexdigest()}
    _, ops = with_ops(start_gatherd, {"auth": {"mode": "keys", "keys": [entry]}},
                      address="0.0.0.0")
    assert post(ops, [upstream.url("ok")]).status == 401
    assert post(ops, [upstream.url("ok")], **{"x-api-key": key}).status == 200


def test_a_batch_on_the_operations_listener_is_drained_too(start_gatherd, upstream):
    gatherd, ops = with_ops(start_gatherd)
    key, replies = upstream.new_key(), []
    running = threading.Thread(
        target=lambda: replies.append(post(ops, [upstream.url("delay/1500", key=key)])))
    running.start()
    wait_until(lambda: upstream.stats(key)["in_flight"] == 1, 5, "the batch")
    gatherd.signal(signal.SIGTERM)
    running.join()
    assert replies[0].status == 200 and replies[0].json()["summary"]["ok"] == 1
    assert gatherd.wait() == 0


def test_batches_on_the_operations_listener_end_with_the_drain(start_gatherd, upstream):
    gatherd, ops = with_ops(start_gatherd, server__drain_timeout="500ms")
    key, replies = upstream.new_key(), []
    running = threading.Thread(
        target=lambda: replies.append(post(ops, [upstream.url("delay/9000", key=key)])))
    running.start()
    wait_until(lambda: upstream.stats(key)["in_flight"] == 1, 5, "the batch")
    gatherd.signal(signal.SIGTERM)
    running.join()
    assert replies[0].json()["responses"][0]["error"]["code"] == "cancelled"
    assert gatherd.wait() == 0


FOREIGN = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
           {"Origin": "http://evil.example"}, {"Origin": "null"}]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_pages_from_elsewhere_cannot_send_a_batch_there(start_gatherd, upstream, headers):
    _, ops = with_ops(start_gatherd)
    reply = post(ops, [upstream.url("ok")], **headers)
    assert reply.status == 403 and reply.json()["type"] == "/problems/forbidden"
    own = {"Origin": f"http://127.0.0.1:{ops}"}
    assert post(ops, [upstream.url("ok")], **own).status == 200
    assert post(ops, [upstream.url("ok")], **{"Sec-Fetch-Site": "same-origin"}).status == 200


def test_a_name_that_is_not_ours_is_refused(start_gatherd, upstream):
    """DNS rebinding: evil.example has been given our address."""
    gatherd, ops = with_ops(start_gatherd)
    for port, path in ((ops, "/console"), (gatherd.port, "/healthz")):
        reply = request(port, "GET", path, headers={"Host": "evil.example"})
        assert reply.status == (421 if path == "/console" else 200), path
    assert post(ops, [upstream.url("ok")], Host=f"evil.example:{ops}").status == 421
    assert request(ops, "GET", "/metrics", headers={"Host": "gatherd-ops"}).status == 200


def test_a_name_of_ours_is_taken(start_gatherd):
    _, ops = with_ops(start_gatherd, server__hosts=["gateway.example"])
    for host, status in (("gateway.example", 200), ("localhost", 200), ("other.example", 421)):
        assert request(ops, "GET", "/console", headers={"Host": host}).status == status, host


def test_the_loopback_of_ipv6_is_local_too(start_gatherd):
    port, six = free_port(), free_port()
    start_gatherd(options(server__listen=[f"127.0.0.1:{port}", f"[::1]:{six}"]), port=port)
    connection = http.client.HTTPConnection("::1", six, timeout=10)
    connection.request("GET", "/console")
    assert connection.getresponse().status == 200
    connection.close()


def test_on_a_unix_socket_any_name_will_do(start_gatherd, tmp_path):
    path = tmp_path / "ops.sock"
    start_gatherd(options(server__listen=[f"unix:{path}", f"127.0.0.1:{(port := free_port())}"]),
                  port=port)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        sock.sendall(b"GET /console HTTP/1.1\r\nHost: gatherd\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")
