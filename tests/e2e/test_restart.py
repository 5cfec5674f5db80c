# SPDX-License-Identifier: Apache-2.0
"""A restart that loses no request: sockets that a service manager holds, and a stop that tells balancers first."""
import os
import select
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import BASE, merge, options, to_yaml
from harness.process import free_port, wait_until
from harness.reloading import write

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
    wait_until(lambda: "sockets_unused" in events(gatherd), 5, "the warning")


def test_between_two_processes_clients_wait_and_none_is_refused(start_gatherd, manager, upstream):
    """What systemctl restart does: the socket stays, and with it who connects meanwhile."""
    sock = manager()
    first = activated(start_gatherd, (sock,), "web", options(server__listen=["fd:web"]), port=port_of(sock))
    with first.raw() as kept:
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.read_reply().status == 200
        first.signal(signal.SIGTERM)
        # Straight from the file: a connection that is not used for a second is closed.
        wait_until(lambda: '"draining"' in first.child.errors(), 5, "the drain")
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
    gatherd = start_gatherd(options(server__drain_delay="4s"))
    with gatherd.raw() as kept:
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.read_reply().header("connection") != "close"
        started = time.monotonic()
        gatherd.signal(signal.SIGTERM)
        wait_until(lambda: gatherd.get("/readyz").status == 503, 2, "readiness to fail")
        reply = gatherd.post({"urls": [upstream.url("ok")]})
        assert reply.status == 200 and reply.json()["summary"]["ok"] == 1
        assert reply.header("connection") == "close"
        kept.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.read_reply().header("connection") == "close"
        assert kept.is_closed_within(2)
    assert gatherd.wait() == 0
    assert time.monotonic() - started > 3.9


def test_a_process_that_ends_is_not_reloaded(start_gatherd, tmp_path):
    path = tmp_path / "late.sock"
    gatherd = start_gatherd(options(server__drain_delay="60s"))
    gatherd.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in events(gatherd), 5, "the first signal")
    write(gatherd, options(server__listen=[f"127.0.0.1:{gatherd.port}", f"unix:{path}"]))
    gatherd.signal(signal.SIGHUP)
    wait_until(lambda: "reload_refused" in events(gatherd), 5, "an answer to the signal")
    assert gatherd.request("POST", "/-/reload").status == 409
    assert not path.exists()
    gatherd.signal(signal.SIGTERM)
    assert gatherd.wait(5) == 0


def test_a_second_signal_ends_a_drain_delay_at_once(start_gatherd):
    gatherd = start_gatherd(options(server__drain_delay="60s"))
    gatherd.signal(signal.SIGTERM)
    wait_until(lambda: gatherd.get("/readyz").status == 503, 5, "readiness to fail")
    time.sleep(0.3)     # or it would be the first one once more
    gatherd.signal(signal.SIGTERM)
    assert gatherd.wait(5) == 0


# Hand-over to a new process.

class Generations:
    """One gatherd after the other, with the same configuration."""

    def __init__(self, start_gatherd, folder, *trees, **arguments):
        self.start_gatherd, self.folder, self.arguments = start_gatherd, folder, arguments
        self.door = folder / "handover.sock"
        self.trees = (options(server__handover=f"unix:{self.door}"), *trees)
        self.count = 0
        self.latest = None

    def next(self, *trees, **arguments):
        """Starts another one; returns it once it said that it started."""
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        port = self.latest.port if self.latest else free_port()
        self.latest = self.start_gatherd(*self.trees, *trees, folder=folder, port=port, wait=False,
                                         **{**self.arguments, **arguments})
        one = self.latest
        wait_until(lambda: "started" in events(one) or not one.is_alive, 20, "the start")
        assert one.is_alive, one.child.errors()
        return one


def test_each_one_says_whom_it_follows(start_gatherd, tmp_path):
    """The hand-over's own socket goes from one to the next, and was made by the first."""
    generations = Generations(start_gatherd, tmp_path)
    line = [generations.next() for _ in range(3)]
    for old, new in zip(line, line[1:]):
        said = [entry["from"] for entry in new.log_lines() if entry["event"] == "taking_over"]
        assert said == [old.pid]
        assert old.wait() == 0


def test_a_new_process_takes_over_and_the_old_one_ends(start_gatherd, upstream, tmp_path):
    generations = Generations(start_gatherd, tmp_path)
    first = generations.next()
    key = upstream.new_key()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first.batch, [upstream.url("delay/1000", key=key)])
        wait_until(lambda: upstream.stats(key)["in_flight"] == 1, 5, "the batch")
        second = generations.next()
        assert second.get("/readyz").status == 200
        assert running.result()["summary"]["ok"] == 1
    assert first.wait() == 0
    assert second.batch([upstream.url("ok")])["summary"]["ok"] == 1
    assert generations.door.exists()
    second.stop()
    assert not generations.door.exists()


def ask(path, target="/healthz"):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(f"GET {target} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        return int(client.recv(100).split()[1])


def test_a_new_process_that_cannot_start_leaves_the_old_one_serving(start_gatherd, tmp_path):
    path = tmp_path / "web.sock"
    listen = options(server__listen=["127.0.0.1:0", f"unix:{path}"])
    generations = Generations(start_gatherd, tmp_path, listen)
    first = generations.next(options(server__workers=1))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / "bad").mkdir()
        second = start_gatherd(*generations.trees, options(ops__listen=[f"127.0.0.1:{port_of(taken)}"]),
                               folder=tmp_path / "bad", wait=False)
        assert second.wait() == 1 and "in use" in second.child.errors()
    wait_until(lambda: "handover_failed" in events(first), 5, "the old one's word")
    assert ask(path) == 200 and generations.door.exists()
    third = generations.next()
    assert first.wait() == 0 and ask(path) == 200
    third.stop()
    assert not path.exists() and not generations.door.exists()


def test_unix_and_ops_listeners_and_chosen_ports_are_handed_on(start_gatherd, tmp_path):
    path, ops = tmp_path / "web.sock", tmp_path / "ops.sock"
    generations = Generations(start_gatherd, tmp_path, options(
        server__listen=["127.0.0.1:0", f"unix:{path}"], ops__listen=[f"unix:{ops}"]))
    bound, inode = set(), path
    for _ in range(3):
        one = generations.next()
        started = next(line for line in one.log_lines() if line["event"] == "started")
        bound.add(started["listen"])
        assert ask(path) == 200 and ask(ops, "/readyz") == 200
        inode = path.stat().st_ino if inode is path else inode
        assert path.stat().st_ino == inode, "the same socket, and not a new one of its name"
    assert len(bound) == 1, bound


def test_listeners_may_differ_between_the_two(start_gatherd, tmp_path):
    """What the new one does not want is served to its end by the old one and then gone."""
    kept, dropped, fresh = (tmp_path / f"{name}.sock" for name in ("kept", "dropped", "fresh"))
    generations = Generations(start_gatherd, tmp_path)
    first = generations.next(options(server__listen=[f"unix:{kept}", f"unix:{dropped}"]))
    generations.next(options(server__listen=[f"unix:{kept}", f"unix:{fresh}"]))
    assert first.wait() == 0
    assert ask(kept) == 200 and ask(fresh) == 200 and not dropped.exists()


@pytest.mark.skipif(bool(os.environ.get("GATHERD_SANDBOX")), reason="a sandboxed process opens no listener")
def test_a_listener_that_came_by_a_reload_is_handed_on_too(start_gatherd, tmp_path):
    first_path, second_path = tmp_path / "a.sock", tmp_path / "b.sock"
    both = options(server__listen=[f"unix:{first_path}", f"unix:{second_path}"])
    generations = Generations(start_gatherd, tmp_path)
    first = generations.next(options(server__listen=[f"unix:{first_path}"]))
    first.config_path.write_text(to_yaml(merge(BASE, *generations.trees, both)) + "\n")
    first.signal(signal.SIGHUP)
    wait_until(lambda: second_path.exists() and ask(second_path) == 200, 5, "the new listener")
    inode = second_path.stat().st_ino
    generations.next(both)
    assert first.wait() == 0
    assert ask(first_path) == 200 and ask(second_path) == 200 and second_path.stat().st_ino == inode


def test_sigterm_to_a_process_that_was_followed_changes_nothing(start_gatherd, upstream, tmp_path):
    generations = Generations(start_gatherd, tmp_path)
    first = generations.next()
    key = upstream.new_key()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first.batch, [upstream.url("delay/1500", key=key)])
        wait_until(lambda: upstream.stats(key)["in_flight"] == 1, 5, "the batch")
        generations.next()
        first.signal(signal.SIGTERM)
        assert running.result()["summary"]["ok"] == 1
    assert first.wait() == 0


def test_clients_of_the_old_process_are_seen_off_between_two_requests(start_gatherd, tmp_path):
    """Those that ask again are answered and told to come back, those that do not are let go."""
    generations = Generations(start_gatherd, tmp_path)
    first = generations.next()
    with first.raw() as busy, first.raw() as idle, first.raw() as silent:
        for client in (busy, idle):
            client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.read_reply().status == 200
        generations.next()
        busy.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = busy.read_reply()
        assert reply.status == 200 and reply.header("connection") == "close"
        assert busy.is_closed_within(3) and idle.is_closed_within(3)
        silent.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert silent.read_reply().status == 200
    assert first.wait() == 0


def test_who_does_not_end_its_batches_is_ended_at_the_drain_timeout(start_gatherd, upstream, tmp_path):
    generations = Generations(start_gatherd, tmp_path, options(server__drain_timeout="700ms"))
    first = generations.next()
    key = upstream.new_key()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first.batch, [upstream.url("hang", key=key)])
        wait_until(lambda: upstream.stats(key)["in_flight"] == 1, 5, "the batch")
        generations.next()
        assert running.result()["responses"][0]["error"]["code"] == "cancelled"
    assert first.wait() == 0


@pytest.mark.parametrize("said", [b"", b"ready", b"ready 1", b"ready 11x", b"GET / HTTP/1.1\r\n\r\n"])
def test_whoever_connects_and_says_nonsense_gets_nothing_done(start_gatherd, tmp_path, said):
    generations = Generations(start_gatherd, tmp_path)
    first = generations.next()
    assert generations.door.stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        stranger.settimeout(5)
        stranger.connect(str(generations.door))
        text, fds, _, _ = socket.recv_fds(stranger, 4096, 8)
        assert text.startswith(b"gatherd 1\0") and len(fds) == 2
        for fd in fds:
            os.close(fd)
        if said:
            stranger.send(said)
            assert stranger.recv(100) in (b"", b"yours")
    wait_until(lambda: "handover_failed" in events(first), 5, "the old one's word")
    assert first.get("/readyz").status == 200
    generations.next()


@pytest.mark.root
def test_another_user_gets_no_sockets(start_gatherd, tmp_path):
    generations = Generations(start_gatherd, tmp_path)
    first = generations.next()
    generations.door.chmod(0o666)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    script = ("import os, socket, sys\nos.setuid(65534)\ns = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
              "s.connect(sys.argv[1])\nprint(socket.recv_fds(s, 4096, 8)[:2])")
    done = subprocess.run([sys.executable, "-c", script, str(generations.door)], capture_output=True,
                          text=True, timeout=10)
    assert done.stdout == "(b'', [])\n", done
    wait_until(lambda: "another user" in first.child.errors(), 5, "the reason in the log")


class Predecessor:
    """Plays the running gatherd towards a real new one."""

    def __init__(self, folder):
        self.path = folder / "handover.sock"
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.door.bind(str(self.path))
        self.door.listen()
        self.door.settimeout(20)
        self.web = socket.socket()
        self.web.bind(("127.0.0.1", 0))
        self.web.listen()

    def give(self, text=None):
        """Accepts and sends; returns the connection once the new one said that it is ready."""
        talk, _ = self.door.accept()
        talk.settimeout(20)
        label = f"127.0.0.1:{port_of(self.web)}".encode()
        socket.send_fds(talk, [text or b"gatherd 1\0m0" + label + b"\0h0\0"],
                        [self.web.fileno(), self.door.fileno()])
        return talk, talk.recv(100)

    def close(self):
        self.door.close()
        self.web.close()


@pytest.fixture
def predecessor(tmp_path):
    one = Predecessor(tmp_path)
    yield one
    one.close()


def follower(start_gatherd, predecessor):
    return start_gatherd(options(server__handover=f"unix:{predecessor.path}"), port=port_of(predecessor.web),
                         wait=False)


def test_one_that_dies_before_its_last_word_is_followed_all_the_same(start_gatherd, predecessor):
    gatherd = follower(start_gatherd, predecessor)
    talk, said = predecessor.give()
    assert said == b"ready 11"
    talk.close()
    gatherd.wait_ready()
    wait_until(lambda: "taking_over" in events(gatherd), 5, "the log")
    gatherd.stop()


@pytest.mark.parametrize("is_accepted", [False, True])
def test_one_that_dies_before_it_gives_anything_leaves_its_addresses(start_gatherd, predecessor, is_accepted):
    gatherd = follower(start_gatherd, predecessor)
    assert select.select([predecessor.door], [], [], 20)[0], "it asks"
    talk = predecessor.door.accept()[0] if is_accepted else None
    predecessor.close()
    if talk:
        talk.close()
    gatherd.wait_ready()
    said = [line["message"] for line in gatherd.log_lines() if line["event"] == "taking_over"]
    assert len(said) == 1 and "gone" in said[0], said
    assert predecessor.path.exists()
    gatherd.stop()


def test_one_that_is_killed_while_it_is_asked_is_followed(start_gatherd, tmp_path):
    generations = Generations(start_gatherd, tmp_path)
    first = generations.next()
    first.signal(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(generations.next)
        time.sleep(0.5)
        assert not second.done(), "it waits"
        first.signal(signal.SIGKILL)
        assert second.result().get("/readyz").status == 200
    assert first.wait() == -signal.SIGKILL


def test_one_that_gives_nothing_and_goes_on_is_left_alone(start_gatherd, predecessor):
    gatherd = follower(start_gatherd, predecessor)
    for _ in range(2):  # once more, as it might have ended
        predecessor.door.accept()[0].close()
    assert gatherd.wait() == 1 and "gives nothing" in gatherd.child.errors()
    assert predecessor.path.exists()


@pytest.mark.parametrize("word", [b"late", b"no"])
def test_one_that_goes_on_serving_is_left_alone(start_gatherd, predecessor, word):
    gatherd = follower(start_gatherd, predecessor)
    talk, _ = predecessor.give()
    with talk:
        talk.send(word)
        assert gatherd.wait() == 1 and "goes on serving" in gatherd.child.errors()
    assert predecessor.path.exists()


def test_what_speaks_otherwise_is_no_predecessor(start_gatherd, predecessor):
    gatherd = follower(start_gatherd, predecessor)
    talk, said = predecessor.give(b"gatherd 2\0m0x\0h0\0")
    with talk:
        assert said == b"" and gatherd.wait() == 1
    assert "stop it and start this one" in gatherd.child.errors()


# sd_notify.

def test_a_service_manager_is_told_what_happens(start_gatherd, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager_:
        manager_.bind(str(tmp_path / "notify"))
        manager_.settimeout(20)
        gatherd = start_gatherd(options(server__drain_timeout="7s"),
                                environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert manager_.recv(1000) == b"READY=1\nSTATUS=serving"
        gatherd.signal(signal.SIGTERM)
        stopping = manager_.recv(1000).decode().split("\n")
        assert stopping[0] == "STOPPING=1" and stopping[1] == "EXTEND_TIMEOUT_USEC=11000000"
    assert gatherd.wait() == 0


def test_a_service_manager_that_is_not_there_is_no_reason_not_to_start(start_gatherd, tmp_path):
    gatherd = start_gatherd(environment={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    wait_until(lambda: "notify_failed" in events(gatherd), 5, "the warning")
