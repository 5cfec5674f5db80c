# SPDX-License-Identifier: Apache-2.0
"""A restart that loses no request: sockets that a service manager holds, and a stop that tells balancers first."""
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import wait_until

PASS_ON = """
import os, sys
count = int(sys.argv[1])
for i in range(count):  # above the numbers they get
    os.dup2(int(sys.argv[2 + i]), 100 + i)
for i in range(count):
    os.dup2(100 + i, 3 + i, True)
    os.close(100 + i)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""
"""Does what systemd does for a service with a socket unit."""


@pytest.fixture
def manager():
    """Opens listening sockets, as a service manager, and holds them."""
    opened = []

    def listen(path=None):
        sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        sock.bind(str(path) if path else ("127.0.0.1", 0))
        sock.listen(128)
        sock.set_inheritable(True)
        opened.append(sock)
        return sock
    yield listen
    for sock in opened:
        sock.close()


def activated(start_gatherd, sockets, names, *trees, **arguments):
    numbers = [str(sock.fileno()) for sock in sockets]
    return start_gatherd(*trees, close_fds=False,
                         environment={"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": names},
                         prefix=(sys.executable, "-c", PASS_ON, str(len(sockets)), *numbers), **arguments)


def port_of(sock):
    return sock.getsockname()[1]


def events(gatherd):
    return [line["event"] for line in gatherd.log_lines()]


# Socket activation.

def test_sockets_of_a_manager_are_found_by_their_names(start_gatherd, manager):
    ops, web = manager(), manager()
    gatherd = activated(start_gatherd, (ops, web), "ops:web",
                        options(server__listen=["fd:web"], ops__listen=["fd:ops"]),
                        port=port_of(web), wait=False)
    wait_until(lambda: "started" in events(gatherd), 20, "the start")
    assert gatherd.get("/healthz").status == 200 and gatherd.get("/metrics").status == 404
    gatherd.port = port_of(ops)
    assert gatherd.get("/metrics").status == 200
    assert "sockets_unused" not in events(gatherd)


def test_a_managers_socket_that_is_bound_to_a_configured_address_is_used(start_gatherd, manager, tmp_path):
    """One configuration for both: without the manager gatherd binds the same addresses itself."""
    path = tmp_path / "web.sock"
    tcp, local = manager(), manager(path)
    gatherd = activated(start_gatherd, (tcp, local), "",
                        options(server__listen=[f"127.0.0.1:{port_of(tcp)}", f"unix:{path}"]), port=port_of(tcp))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    gatherd.stop()
    assert path.exists(), "the manager's file is the manager's"


def test_a_name_that_no_socket_has_is_said(start_gatherd, manager):
    sock = manager()
    gatherd = activated(start_gatherd, (sock,), "web", options(server__listen=["fd:wbe"]), wait=False)
    assert gatherd.wait() == 1
    assert "fd:wbe" in gatherd.child.errors() and "FileDescriptorName" in gatherd.child.errors()


def test_sockets_nobody_asked_for_are_warned_of(start_gatherd, manager):
    gatherd = activated(start_gatherd, (manager(),), "web")
    assert "sockets_unused" in events(gatherd)


def test_between_two_processes_clients_wait_and_none_is_refused(start_gatherd, manager, upstream):
    """What systemctl restart does: the socket stays, and with it who connects meanwhile."""
    sock = manager()
    first = activated(start_gatherd, (sock,), "web", options(server__listen=["fd:web"]), port=port_of(sock))
    with first.raw() as kept:
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.read_reply().status == 200
        first.signal(signal.SIGTERM)
        wait_until(lambda: "draining" in events(first), 5, "the drain")
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = kept.read_reply()
        assert reply.status == 200 and reply.header("connection") == "close"
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(first.batch, [upstream.url("ok")]) for _ in range(8)]
        assert first.wait() == 0
        second = activated(start_gatherd, (sock,), "web", options(server__listen=["fd:web"]), port=port_of(sock))
        assert all(one.result()["summary"]["ok"] == 1 for one in waiting)
    second.stop()


# SIGTERM with server.drain_delay.

def test_with_a_drain_delay_it_serves_on_while_readiness_fails(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__drain_delay="1500ms"))
    with gatherd.raw() as kept:
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.read_reply().header("connection") != "close"
        started = time.monotonic()
        gatherd.signal(signal.SIGTERM)
        wait_until(lambda: gatherd.get("/readyz").status == 503, 1.4, "readiness to fail")
        reply = gatherd.post({"urls": [upstream.url("ok")]})
        assert reply.status == 200 and reply.json()["summary"]["ok"] == 1
        assert reply.header("connection") == "close"
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.read_reply().header("connection") == "close"
        assert kept.is_closed_within(1)
    assert gatherd.wait() == 0
    assert 1.4 < time.monotonic() - started < 1.5 + 2 * slowness()


def test_a_second_signal_ends_a_drain_delay_at_once(start_gatherd):
    gatherd = start_gatherd(options(server__drain_delay="60s"))
    gatherd.signal(signal.SIGTERM)
    wait_until(lambda: gatherd.get("/readyz").status == 503, 5, "readiness to fail")
    gatherd.signal(signal.SIGTERM)
    assert gatherd.wait(5) == 0
