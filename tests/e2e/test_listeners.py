# SPDX-License-Identifier: Apache-2.0
"""The ways to listen, and who may call: addresses, sockets handed over, TLS, keys."""
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import sys
from pathlib import Path

import pytest
from harness.client import RawClient, request
from harness.configuration import options
from harness.gatherd import run_cli
from harness.process import accepts, free_port, wait_until


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask_unix(path, target):
    connection = UnixConnection(str(path))
    connection.request("GET", target)
    return connection.getresponse().status


def test_several_listeners_of_every_kind(start_gatherd, tmp_path):
    port, six, path = free_port(), free_port(), tmp_path / "gatherd.sock"
    gatherd = start_gatherd(options(server__listen=[
        f"127.0.0.1:{port}", f"[::1]:{six}", f"unix:{path}"]), port=port)
    assert gatherd.get("/healthz").status == 200
    assert ask_unix(path, "/healthz") == 200
    with socket.create_connection(("::1", six), timeout=5) as sock:
        sock.sendall(b"GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
    assert run_cli("health", "--listen", f"unix:{path}").returncode == 0
    gatherd.stop()
    assert not path.exists()


def watched_descriptors(pid):
    """For each epoll set of the process, how many descriptors are in it."""
    counts = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            if os.readlink(f"/proc/{pid}/fd/{fd}") == "anon_inode:[eventpoll]":
                text = Path(f"/proc/{pid}/fdinfo/{fd}").read_text(encoding="ascii")
                counts.append((fd, text.count("tfd:")))
        except FileNotFoundError:
            pass
    return dict(counts)


def test_connections_go_to_the_worker_with_the_fewest(start_gatherd):
    """Two workers, each with two epoll sets that hold a client (its own and libmicrohttpd's):
    of four clients each worker gets two."""
    gatherd = start_gatherd(options(server__workers=2))
    gatherd.settle()    # the connections of the readiness probe are closed
    before = watched_descriptors(gatherd.pid)
    clients = []
    for _ in range(4):
        connection = http.client.HTTPConnection("127.0.0.1", gatherd.port, timeout=10)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        clients.append(connection)
    after = watched_descriptors(gatherd.pid)
    more = sorted(after[fd] - before.get(fd, 0) for fd in after)
    for connection in clients:
        connection.close()
    assert [count for count in more if count > 0] == [2, 2, 2, 2]


def test_a_stale_socket_file_is_replaced_but_a_live_one_is_not(start_gatherd, tmp_path):
    path = tmp_path / "gatherd.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    gatherd = start_gatherd(options(server__listen=[f"unix:{path}"]), wait=False)
    wait_until(lambda: path.exists() and gatherd.is_alive and can_connect(path), 10, "the socket")
    assert ask_unix(path, "/healthz") == 200
    second = start_gatherd(options(server__listen=[f"unix:{path}"]), wait=False)
    assert second.wait() not in (0, 99)
    assert ask_unix(path, "/healthz") == 200


def can_connect(path):
    try:
        return ask_unix(path, "/healthz") == 200
    except OSError:
        return False


def test_a_socket_handed_over_is_used(start_gatherd):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        script = ("import os, sys; os.dup2(int(sys.argv[1]), 3, True); "
                  "os.execv(sys.argv[2], sys.argv[2:])")
        os.set_inheritable(listener.fileno(), True)
        gatherd = start_gatherd(options(server__listen=["fd:3"]), port=port, close_fds=False,
                                prefix=(sys.executable, "-c", script, str(listener.fileno())))
    assert gatherd.get("/healthz").status == 200


def test_a_file_in_the_way_of_a_unix_socket_stays_and_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    done = run_cli("serve", "--config", "/dev/null", "--set", f'server.listen=["unix:{path}"]')
    assert done.returncode == 1 and "no socket" in done.stderr, done.stderr
    assert path.read_text() == "mine"


def test_port_0_takes_a_free_port_and_says_which(start_gatherd):
    gatherd = start_gatherd(options(server__listen=["127.0.0.1:0"]), wait=False)
    found = wait_until(lambda: re.search(r"127\.0\.0\.1:([1-9]\d*)", gatherd.child.errors()), 10,
                       "the port in the log")
    port = int(found[1])
    wait_until(lambda: accepts(port), 5, "the listener")
    assert request(port, "GET", "/healthz").status == 200


# Keys.

@pytest.fixture(scope="module")
def made_key():
    done = run_cli("key", "new", "tester")
    key = re.search(r": (\S+)$", done.stdout.splitlines()[0])[1]
    digest = re.search(r'sha256: "([0-9a-f]{64})"', done.stdout)[1]
    return key, digest


def with_keys(start_gatherd, digest):
    return start_gatherd({"auth": {"mode": "keys", "keys": [{"name": "tester", "sha256": digest}]}})


def test_a_new_key_is_random_and_only_its_hash_is_stored(made_key):
    key, digest = made_key
    assert hashlib.sha256(key.encode()).hexdigest() == digest
    assert key not in run_cli("key", "new", "tester").stdout


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"},
                                     {"authorization": "Basic KEY"}, {"authorization": "KEY"},
                                     {"authorization": "Bearer "}, {"x-api-key": ""},
                                     {"authorization": "Bearer wrong", "x-api-key": "KEY"}])
def test_without_a_right_key_a_batch_is_refused(start_gatherd, upstream, made_key, headers):
    gatherd = with_keys(start_gatherd, made_key[1])
    key = upstream.new_key()
    sent = {name: value.replace("KEY", made_key[0]) for name, value in headers.items()}
    reply = gatherd.post([upstream.url("ok", key=key)], sent)
    assert reply.status == 401 and reply.json()["type"] == "/problems/unauthorized"
    assert reply.header("www-authenticate").startswith("Bearer")
    assert upstream.stats(key)["requests"] == 0


def test_with_the_key_a_batch_runs(start_gatherd, upstream, made_key):
    gatherd = with_keys(start_gatherd, made_key[1])
    for headers in ({"authorization": f"Bearer {made_key[0]}"}, {"x-api-key": made_key[0]},
                    {"authorization": f"bearer {made_key[0]}"}):
        assert gatherd.post([upstream.url("ok")], headers).status == 200
    assert gatherd.get("/healthz").status == 200
    assert made_key[0] not in gatherd.child.errors()


def test_a_wrong_key_is_refused_before_the_body_is_read(start_gatherd, made_key):
    """O7: the head is enough."""
    gatherd = with_keys(start_gatherd, made_key[1])
    with gatherd.raw() as raw:
        raw.send(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: 1000000\r\n\r\n")
        assert raw.read_reply().status == 401


# TLS.

class TlsClient:
    def __init__(self, upstream, port, client=None, **options_):
        folder = upstream.ports["certificates"]
        self.context = ssl.create_default_context(cafile=upstream.ca_file)
        for name, value in options_.items():
            setattr(self.context, name, value)
        if client:
            self.context.load_cert_chain(f"{folder}/{client}.pem", f"{folder}/{client}.key")
        self.port = port

    def post(self, document, accept="*/*"):
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=10,
                                                 context=self.context)
        try:
            connection.request("POST", "/v1/batch", json.dumps(document),
                               {"content-type": "application/json", "accept": accept})
            body = connection.getresponse().read()
            return [json.loads(line) for line in body.splitlines()] if "ndjson" in accept \
                else json.loads(body)
        finally:
            connection.close()


def start_tls(start_gatherd, upstream, **more):
    folder = upstream.ports["certificates"]
    gatherd = start_gatherd({"server": {"tls": {"certificate": f"{folder}/good.pem",
                                                "key": f"{folder}/good.key", **more}}}, wait=False)
    wait_until(lambda: accepts(gatherd.port) or not gatherd.is_alive, 10, "the TLS listener")
    assert gatherd.is_alive, gatherd.child.errors()
    return gatherd


def test_batches_are_served_over_tls(start_gatherd, upstream):
    gatherd = start_tls(start_gatherd, upstream)
    client = TlsClient(upstream, gatherd.port)
    document = client.post([upstream.url("bytes/200000")] * 10)
    assert [len(r["body"]) for r in document["responses"]] == [200000] * 10


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_batches_are_streamed_over_tls(start_gatherd, upstream):
    gatherd = start_tls(start_gatherd, upstream)
    urls = [upstream.url("bytes/200000")] * 10 + [upstream.url("delay/100")]
    lines = TlsClient(upstream, gatherd.port).post(urls, "application/x-ndjson")
    sizes = {line["id"]: len(line["body"]) for line in lines[:11]}
    assert sizes == {**{str(n): 200000 for n in range(10)}, "10": len("late\n")}
    assert lines[11]["summary"]["ok"] == 11


def test_old_tls_is_refused(start_gatherd, upstream):
    """H13: 1.0 and 1.1."""
    gatherd = start_tls(start_gatherd, upstream)
    client = TlsClient(upstream, gatherd.port)
    client.context.set_ciphers("ALL:@SECLEVEL=0")
    client.context.minimum_version = ssl.TLSVersion.TLSv1
    client.context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client.post([])


def test_o6_a_client_certificate_is_asked_for_where_configured(start_gatherd, upstream):
    gatherd = start_tls(start_gatherd, upstream, client_ca=upstream.ca_file)
    document = TlsClient(upstream, gatherd.port, client="client").post([upstream.url("ok")])
    assert document["summary"]["ok"] == 1
    for wrong in (None, "untrusted"):
        try:
            document = TlsClient(upstream, gatherd.port, client=wrong).post([upstream.url("ok")])
            assert document["status"] == 403, document
        except (ssl.SSLError, ConnectionError, http.client.HTTPException):
            pass


def test_plain_http_on_the_tls_port_is_closed(start_gatherd, upstream):
    """H13: quickly, without an answer in clear text."""
    gatherd = start_tls(start_gatherd, upstream)
    with RawClient(gatherd.port) as raw:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" not in raw.read_to_end()[:15]


def test_a_certificate_that_cannot_be_read_refuses_to_start(start_gatherd, upstream):
    folder = upstream.ports["certificates"]
    for certificate, key in (("/nonexistent.pem", f"{folder}/good.key"),
                             (f"{folder}/good.pem", f"{folder}/expired.key")):
        gatherd = start_gatherd({"server": {"tls": {"certificate": certificate, "key": key}}},
                                wait=False)
        assert gatherd.wait() not in (0, 99)
        assert gatherd.child.errors().strip()
