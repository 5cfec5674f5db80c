# SPDX-License-Identifier: Apache-2.0
"""What the process gives up: core dumps, debuggers, new privileges, and with
process.sandbox nearly everything but serving."""
import http.client
import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness.configuration import options
from harness.gatherd import Gatherd, binary, run_cli
from harness.process import accepts, free_port, wait_until

NOBODY = 65534
SANDBOX = options(process__sandbox="on")
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}
"""LeakSanitizer needs fork and ptrace, which the sandbox takes away."""


def status_of(gatherd):
    lines = Path(f"/proc/{gatherd.pid}/status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def event(gatherd, name):
    found = [line for line in gatherd.log_lines() if line["event"] == name]
    assert len(found) <= 1, found
    return found[0] if found else None


def figures(gatherd, prefix="process_"):
    pairs = (line.split() for line in gatherd.metrics().splitlines() if line.startswith(prefix))
    return {name: float(value) for name, value in pairs}


@pytest.fixture
def as_nobody():
    """Starts a service as a user that is not root, in a folder that it can reach."""
    folder = Path(tempfile.mkdtemp(prefix="gatherd-nobody-"))
    folder.chmod(0o777)
    program = folder / "gatherd"
    shutil.copy(binary(), program)
    program.chmod(0o755)
    # setpriv changes the user and becomes the copy, which the user can reach.
    prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--",
              "sh", "-c", f'shift; exec {program} "$@"', "sh")
    started = []

    def start(*trees):
        started.append(Gatherd(folder, *trees, prefix=prefix, environment=NO_LEAK_CHECK))
        return started[-1]
    yield start
    for gatherd in started:
        gatherd.stop()
    shutil.rmtree(folder)


def can_read(path):
    """Whether another process of the same user gets at it."""
    done = subprocess.run(["head", "-c", "0", path], user=NOBODY, group=NOBODY, extra_groups=[],
                          capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.root
def test_o10_others_of_the_same_user_cannot_look_into_it(as_nobody):
    gatherd = as_nobody()
    for secret in ("mem", "environ", "maps"):
        assert not can_read(f"/proc/{gatherd.pid}/{secret}"), secret
    limits = Path(f"/proc/{gatherd.pid}/limits").read_text(encoding="ascii")
    assert [line.split()[4:6] for line in limits.splitlines()
            if line.startswith("Max core file size")] == [["0", "0"]]
    assert status_of(gatherd)["NoNewPrivs"] == "1"
    assert event(gatherd, "running_as_root") is None


@pytest.mark.root
def test_it_still_reads_its_own_figures(as_nobody):
    for tree in ({}, SANDBOX):
        got = figures(as_nobody(tree))
        assert got["process_open_fds"] > 5 and got["process_threads"] >= 2
        assert got["process_resident_memory_bytes"] > 1e6
        assert got["process_start_time_seconds"] > 1e9


@pytest.mark.root
def test_core_dumps_and_debuggers_can_be_asked_for(as_nobody):
    gatherd = as_nobody(options(process__core_dumps="on"))
    assert can_read(f"/proc/{gatherd.pid}/maps")
    assert status_of(gatherd)["NoNewPrivs"] == "1"


@pytest.mark.root
def test_running_as_root_is_warned_of(start_gatherd):
    assert event(start_gatherd(), "running_as_root")["level"] == "warning"


def memory_of(pid):
    """What is mapped readable, piece by piece, without a sanitizer's terabytes."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            first, last = (int(text, 16) for text in line.split()[0].split("-"))
            if line.split()[1].startswith("r") and last - first < 2 ** 28:
                try:
                    memory.seek(first)
                    yield memory.read(last - first)
                except (OSError, ValueError, OverflowError):
                    continue


@pytest.mark.root
def test_the_text_of_the_tls_key_is_wiped_once_it_is_read(start_gatherd, upstream):
    folder = Path(upstream.ports["certificates"])
    gatherd = start_gatherd({"server": {"tls": {
        "certificate": f"{folder}/good.pem", "key": f"{folder}/good.key"}}}, wait=False)
    wait_until(lambda: event(gatherd, "started") or not gatherd.is_alive, 10, "the start")
    # Two lines with the break between them: GnuTLS joins them in copies of its own, of
    # which it may leave one in freed memory.
    certificate, key = (b"\n".join((folder / name).read_bytes().splitlines()[1:3])
                        for name in ("good.pem", "good.key"))
    pieces = list(memory_of(gatherd.pid))
    assert any(certificate in piece for piece in pieces), "the search finds nothing at all"
    assert not any(key in piece for piece in pieces)


# The sandbox.


def test_without_the_option_there_is_no_sandbox_and_the_log_says_so(start_gatherd):
    gatherd = start_gatherd(options(process__sandbox="off"))
    assert event(gatherd, "sandbox")["systemCalls"] == "open"
    assert status_of(gatherd)["Seccomp"] == "0" or Path("/.dockerenv").exists()


def test_o13_every_thread_is_in_the_sandbox_and_the_log_says_so(start_gatherd):
    gatherd = start_gatherd(SANDBOX, options(server__workers=3), environment=NO_LEAK_CHECK)
    line = event(gatherd, "sandbox")
    assert line["systemCalls"] == "filtered"
    assert (line["files"] == "restricted") == (line["landlock"] > 0)
    tasks = list(Path(f"/proc/{gatherd.pid}/task").iterdir())
    assert len(tasks) >= 4
    assert event(gatherd, "sandbox_incomplete") is None or line["landlock"] == 0
    for task in tasks:
        assert "\nSeccomp:\t2\n" in (task / "status").read_text(encoding="ascii")

    def niceness():
        return {(task / "stat").read_text().rpartition(") ")[2].split()[16] for task in tasks}
    # The thread that reads large documents steps back, first thing it does.
    wait_until(lambda: len(niceness()) == 2, 5, "one thread behind the others")


def ask_unix(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        sock.sendall(b"GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n")
        return sock.recv(100)


def test_in_the_sandbox_it_serves_all_it_can_and_drains(start_gatherd, upstream, tmp_path):
    path, ops = tmp_path / "gatherd.sock", free_port()
    gatherd = start_gatherd(SANDBOX, options(
        fetch__ca_file=upstream.ca_file, ops__listen=[f"127.0.0.1:{ops}", f"unix:{path}"]),
        environment=NO_LEAK_CHECK, wait=False)
    gatherd.port, batches = ops, gatherd.port
    gatherd.start()
    assert ask_unix(path).startswith(b"HTTP/1.1 200")
    assert figures(gatherd)["process_open_fds"] > 5
    gatherd.port = batches
    urls = [upstream.url("ok"), upstream.tls("good"), upstream.url("bytes/300000"),
            upstream.url("ok").replace("127.0.0.1", "localhost")]
    document = gatherd.batch(urls * 25)
    assert document["summary"]["ok"] == 100, document["responses"]
    assert gatherd.fetch("http://no-such-host.invalid/")["error"]["code"] == "dns"
    gatherd.stop()
    assert not path.exists()


def test_in_the_sandbox_tls_is_served(start_gatherd, upstream):
    folder = upstream.ports["certificates"]
    gatherd = start_gatherd(SANDBOX, {"server": {"tls": {
        "certificate": f"{folder}/good.pem", "key": f"{folder}/good.key"}}},
        environment=NO_LEAK_CHECK, wait=False)
    wait_until(lambda: accepts(gatherd.port) or not gatherd.is_alive, 10, "the TLS listener")
    context = ssl.create_default_context(cafile=upstream.ca_file)
    context.check_hostname = False
    for _ in range(3):
        connection = http.client.HTTPSConnection("127.0.0.1", gatherd.port, timeout=10,
                                                 context=context)
        connection.request("GET", "/v1/batch?url=" + upstream.url("ok"))
        assert b'"ok":1' in connection.getresponse().read()
        connection.close()


def test_a_removed_unix_socket_folder_does_not_hinder_the_end(start_gatherd, tmp_path):
    folder = tmp_path / "sockets"
    folder.mkdir()
    gatherd = start_gatherd(SANDBOX, options(ops__listen=[f"unix:{folder}/s"]),
                            environment=NO_LEAK_CHECK, wait=False)
    wait_until((folder / "s").exists, 10, "the unix listener")
    wait_until(lambda: accepts(gatherd.port), 10, "the listener")
    shutil.rmtree(folder)
    assert gatherd.child.stop(15) == 0


# What it says about the libraries it stands on.


def test_o15_an_old_libmicrohttpd_is_named_where_others_can_call(start_gatherd):
    versions = dict(line.split(" ", 1) for line in run_cli("version").stdout.splitlines())
    is_old = "older than 1.0.3" in versions["libmicrohttpd"]
    assert is_old == (tuple(map(int, versions["libmicrohttpd"].split()[0].split("."))) < (1, 0, 3))
    assert event(start_gatherd(), "old_libmicrohttpd") is None
    port = free_port()
    public = start_gatherd(options(server__listen=[f"0.0.0.0:{port}"]), port=port)
    line = event(public, "old_libmicrohttpd")
    assert (line is not None) == is_old
    assert not is_old or (line["level"] == "warning" and "proxy" in line["message"])
