# SPDX-License-Identifier: Apache-2.0
"""The misbehaving upstream itself: a test tool that lies would make every other test lie."""
import http.client
import socket
import ssl

import pytest
from harness.client import RawClient
from harness.process import accepts


def get(upstream, path):
    connection = http.client.HTTPConnection(upstream.host, upstream.port, timeout=5)
    connection.request("GET", path)
    return connection.getresponse()


def test_requests_are_counted_by_key(upstream):
    key = upstream.new_key()
    for _ in range(3):
        get(upstream, f"/ok?key={key}").read()
    assert upstream.stats(key) == {"requests": 3, "completed": 3, "aborted": 0, "reused": 0,
                                   "bad": 0, "in_flight": 0, "connections": 3,
                                   "peak_in_flight": 1}


def test_a_client_that_leaves_is_counted_as_aborted(upstream):
    key = upstream.new_key()
    with RawClient(upstream.port) as raw:
        raw.send(f"GET /hang?key={key} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert not upstream.wait_idle(key, 0.2)
    assert upstream.wait_idle(key, 2)
    assert upstream.stats(key)["aborted"] == 1


def test_a_client_that_leaves_unread_is_noticed_too(upstream):
    key = upstream.new_key()
    with RawClient(upstream.port) as raw:
        raw.send(f"POST /noread?key={key} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
                 .encode())
        assert not upstream.wait_idle(key, 0.2)
    assert upstream.wait_idle(key, 2)


def test_a_truncated_reply_is_truncated(upstream):
    with pytest.raises(http.client.IncompleteRead):
        get(upstream, "/truncate").read()


def test_a_reset_resets(upstream):
    with pytest.raises(ConnectionResetError):
        get(upstream, "/reset")


def test_the_refused_port_refuses_and_the_black_hole_does_not_answer(upstream):
    assert not accepts(upstream.ports["tcp"]["refused"])
    with pytest.raises(socket.timeout):
        socket.create_connection(("127.0.0.1", upstream.ports["tcp"]["blackhole"]), timeout=0.3)


@pytest.mark.parametrize("name, reason", [("expired", "expired"), ("untrusted", "issuer"),
                                          ("wrong-host", "Hostname mismatch"),
                                          ("self-signed", "self-signed")])
def test_each_bad_certificate_is_bad_in_its_own_way(upstream, name, reason):
    context = ssl.create_default_context(cafile=upstream.ca_file)
    with socket.create_connection(("127.0.0.1", upstream.ports["tls"][name])) as plain:
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            context.wrap_socket(plain, server_hostname="localhost")


def test_the_good_certificate_is_good(upstream):
    context = ssl.create_default_context(cafile=upstream.ca_file)
    with socket.create_connection(("127.0.0.1", upstream.ports["tls"]["good"])) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            secure.sendall(b"GET /ok HTTP/1.0\r\n\r\n")
            assert secure.recv(100).startswith(b"HTTP/1.1 200 OK")


def ask_dns(upstream, name, kind=1):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    query = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0" + labels + b"\0\0" + bytes([kind]) + b"\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.sendto(query, ("127.0.0.1", upstream.ports["dns"]))
        return sock.recv(4096)


def test_the_name_server_does_as_the_label_says(upstream):
    assert ask_dns(upstream, "a-192-0-2-7.test").endswith(bytes((192, 0, 2, 7)))
    assert ask_dns(upstream, "nx.test")[3] & 15 == 3
    assert ask_dns(upstream, "multi-1-2-3-4-and-5-6-7-8.test")[7] == 2
    assert ask_dns(upstream, "rebind-1-2-3-4-then-5-6-7-8.test").endswith(bytes((1, 2, 3, 4)))
    assert ask_dns(upstream, "rebind-1-2-3-4-then-5-6-7-8.test").endswith(bytes((5, 6, 7, 8)))
    with pytest.raises(socket.timeout):
        ask_dns(upstream, "timeout.test")
