# SPDX-License-Identifier: Apache-2.0
"""What the machine runs out of: slots of an origin, descriptors, local ports, packets.  Items
fail with their codes, nothing hangs or spins, and it recovers by itself."""
import itertools
import os
import resource
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.configuration import options
from harness.gatherd import Gatherd, slowness
from harness.namespace import CannotUnshare, Namespace
from harness.process import wait_until
from harness.upstream_process import Upstream

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def cpu_share(pid, seconds):
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / seconds


def test_l4_an_origin_that_hangs_takes_its_own_slots_only(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__per_origin=4, server__workers=1))
    key = upstream.new_key()
    hanging = [upstream.url("hang", key=key)] * 60
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(gatherd.batch, hanging, deadlineMs=int(2000 * slowness()))
        wait_until(lambda: upstream.stats(key)["in_flight"] == 4, 5, "all slots taken")
        for _ in range(5):
            document = gatherd.batch([f"http://localhost:{upstream.port}/ok"] * 12)
            assert document["summary"]["ok"] == 12
        assert not slow.done(), "they waited for what hangs"
        codes = {r["error"]["code"] for r in slow.result()["responses"]}
    assert codes <= {"deadline", "timeout_first_byte"}


# ------------------------------------------------------------------------ descriptors

class FewDescriptors:
    """Leaves a running process `spare` descriptors beside those it has, and gives all back."""

    def __init__(self, gatherd, spare):
        self.pid = gatherd.pid
        self.descriptors = gatherd.descriptors
        # What is still being closed, the connection that asked whether it is ready for one,
        # would be one more to spare.
        wait_until(self.are_settled, 10, "no descriptor to come or go")
        self.before = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        taken = self.descriptors()
        free = (number for number in itertools.count() if number not in taken)
        self.limit = next(itertools.islice(free, spare, None))

    def are_settled(self):
        before = self.descriptors()
        time.sleep(0.2)
        return self.descriptors() == before

    def __enter__(self):
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (self.limit, self.before[1]))

    def __exit__(self, *_):
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, self.before)


@pytest.mark.parametrize("spare, wait_ms, codes", [
    (0, 800, {"overloaded"}), (3, 800, {"ok", "overloaded"}), (8, 15000, {"ok"})])
def test_l5_without_descriptors_items_wait_or_are_overloaded_and_it_recovers(
        start_gatherd, upstream, spare, wait_ms, codes):
    gatherd = start_gatherd(options(fetch__queue_timeout=f"{wait_ms}ms"))
    with gatherd.raw() as client:
        client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").read_reply()
        started, reply = ask_with_few(gatherd, upstream, client, spare, wait_ms)
    assert time.monotonic() - started < wait_ms / 1000 + 3.2 + 0.5 * slowness()
    assert reply.status == 200
    assert {r["error"]["code"] if "error" in r else "ok"
            for r in reply.json()["responses"]} <= codes
    document = gatherd.batch([upstream.url("delay/20")] * 40)
    assert document["summary"]["ok"] == 40, document["responses"][0]


def ask_with_few(gatherd, upstream, client, spare, wait_ms):
    """A batch of forty while so many descriptors are left; when it began, and its reply."""
    with FewDescriptors(gatherd, spare):
        urls = "&".join([f"url={upstream.url('delay/100')}"] * 40)
        started = time.monotonic()
        client.send(f"GET /v1/batch?deadlineMs={wait_ms + 3200}&{urls} HTTP/1.1\r\n"
                    f"Host: x\r\n\r\n".encode())
        return started, client.read_reply()


def test_l5_clients_that_cannot_be_accepted_make_nobody_spin(start_gatherd, upstream):
    """M13: a listener stays readable while accept fails; to ask again at once burns a core."""
    gatherd = start_gatherd()
    gatherd.fetch(upstream.url("ok"))
    clients = []
    try:
        with FewDescriptors(gatherd, spare=2):
            clients = [gatherd.raw() for _ in range(30)]
            time.sleep(0.3)
            assert cpu_share(gatherd.pid, 2.0) < 0.05 * slowness()
        wait_until(lambda: gatherd.get("/healthz").status == 200, 5, "an answer")
        for client in clients:
            client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answered = [client.read_reply() for client in clients]
        assert all(r is None or r.status == 200 for r in answered)
        assert sum(r is not None for r in answered) >= 20
    finally:
        for client in clients:
            client.socket.close()


# ----------------------------------------------------------------- in a network namespace

class Rig:
    def __init__(self, folder, *trees):
        self.namespace = Namespace(folder)
        self.upstream = Upstream(folder, "--max-seconds", "300", prefix=self.namespace.prefix)
        self.gatherd = self.namespace.call(Gatherd, folder, *trees,
                                           prefix=self.namespace.prefix)

    def run(self, *command):
        return subprocess.run((*self.namespace.prefix, *command), capture_output=True, text=True,
                              check=False)

    def batch(self, requests, **fields):
        return self.namespace.call(self.gatherd.batch, requests, **fields)

    def close(self):
        self.namespace.call(self.gatherd.stop)
        self.upstream.stop()
        self.namespace.close()


@pytest.fixture
def start_rig(tmp_path):
    started = []

    def start(*trees):
        try:
            started.append(Rig(tmp_path, *trees))
        except CannotUnshare as reason:
            pytest.skip(f"no network namespace here: {reason}")
        return started[-1]
    yield start
    for rig in started:
        rig.close()


@pytest.mark.root
def test_l8_without_local_ports_items_end_with_connect_and_it_recovers(start_rig):
    rig = start_rig(options(fetch__per_origin=200, server__workers=1))
    assert rig.run("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=40000 40031"
                   ).returncode == 0
    document = rig.batch([rig.upstream.url("delay/300")] * 100, deadlineMs=4000, concurrency=100)
    codes = [r["error"]["code"] if "error" in r else "ok" for r in document["responses"]]
    assert set(codes) == {"ok", "connect"} and 0 < codes.count("ok") <= 32
    message = next(r["error"]["message"] for r in document["responses"] if "error" in r)
    assert message == "no local port is left to connect from"
    assert document["reply"].seconds < 3.5 * slowness()     # the deadline: 4 s
    again = rig.batch([rig.upstream.url("delay/10")] * 30, concurrency=30)
    assert again["summary"]["ok"] == 30          # on the connections that were kept


def test_l8_a_thousand_items_open_a_handful_of_connections(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=1, fetch__per_origin=8))
    key = upstream.new_key()
    for _ in range(20):
        assert gatherd.batch([upstream.url("ok", key=key)] * 50)["summary"]["ok"] == 50
    assert upstream.stats(key)["connections"] <= 10


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.parametrize("chain", ["INPUT", "OUTPUT"])
def test_u17_lost_packets_change_no_answer_and_no_deadline(start_rig, chain):
    """A tenth of the packets to or from the upstream is dropped."""
    rig = start_rig(options(fetch__connect_timeout="3s"))
    for port in ("--dport", "--sport"):
        done = rig.run("iptables", "-w", "-A", chain, "-p", "tcp", port, str(rig.upstream.port),
                       "-m", "statistic", "--mode", "random", "--probability", "0.1",
                       "-j", "DROP")
        if done.returncode != 0:
            pytest.skip(f"no iptables here: {done.stderr}")
    for n in range(3):
        items = [{"id": f"{n}-{i}", "url": rig.upstream.url("echo", nonce=f"{n}-{i}")}
                 for i in range(60)]
        document = rig.batch(items, deadlineMs=3000)
        assert document["reply"].seconds < 3.0 + 0.25 * slowness()
        for item, reply in zip(items, document["responses"]):
            if reply["status"] == 200:
                assert reply["body"]["target"] == f"/echo?nonce={item['id']}"
            else:
                assert reply["error"]["code"] in ("deadline", "timeout_connect", "reset",
                                                  "timeout_first_byte"), reply
        assert document["summary"]["ok"] > 20
