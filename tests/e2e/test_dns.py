# SPDX-License-Identifier: Apache-2.0
"""Names: answers, refusals, caching, and what the address policy makes of an answer.  In a
network namespace, so that a name server on port 53 can be asked."""
import re
import shutil
import time

import pytest
from harness.configuration import options
from harness.gatherd import Gatherd, slowness
from harness.namespace import CannotUnshare, Namespace
from harness.process import Child, wait_until
from harness.quickest import within
from harness.upstream_process import Upstream

pytestmark = pytest.mark.root
PUBLIC = "93.184.216.34"
DNSMASQ = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin")
QUICK = options(dns__timeout="700ms", fetch__connect_timeout="1s", server__workers=1)


def namespace_or_skip(folder, **options_):
    try:
        return Namespace(folder, **options_)
    except CannotUnshare as reason:
        return pytest.skip(f"no network namespace here: {reason}")


class Rig:
    """A namespace with the label name server on port 53 and the upstream on every address."""

    def __init__(self, folder):
        self.folder = folder
        self.namespace = namespace_or_skip(folder, addresses=[f"{PUBLIC}/32", "127.0.0.2/8"])
        self.upstream = Upstream(folder, "--dns", "53", "--allow-non-loopback", host="0.0.0.0",
                                 prefix=self.namespace.prefix)
        self.upstream.host = "127.0.0.1"

    def start(self, *trees):
        gatherd = self.namespace.call(Gatherd, self.folder, QUICK, *trees,
                                      prefix=self.namespace.prefix)
        return InNamespace(gatherd, self.namespace)

    def url(self, name, path="ok"):
        return f"http://{name}:{self.upstream.port}/{path}"

    def lookups(self, name):
        stats = self.namespace.call(self.upstream.stats)
        return stats["by_dns_name"].get(name, 0)

    def requests(self, key):
        return self.namespace.call(self.upstream.stats, key)["requests"]

    def close(self):
        self.upstream.stop()
        self.namespace.close()


class InNamespace:
    """A Gatherd whose clients live in its namespace."""

    def __init__(self, gatherd, namespace):
        self.gatherd, self.namespace = gatherd, namespace

    def __getattr__(self, name):
        method = getattr(self.gatherd, name)
        return lambda *a, **k: self.namespace.call(method, *a, **k)


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    running = Rig(tmp_path_factory.mktemp("rig"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def lenient(rig):
    gatherd = rig.start()
    yield gatherd
    gatherd.stop()


@pytest.fixture(scope="module")
def strict(rig):
    gatherd = rig.start({"egress": {"private_addresses": "deny"}})
    yield gatherd
    gatherd.stop()


def test_a_name_is_resolved_and_reached(rig, lenient):
    item = lenient.fetch(rig.url("a-127-0-0-1.test", "echo"), include=["body", "timing"])
    assert item["status"] == 200
    hosts = [v for n, v in item["body"]["headers"] if n.lower() == "host"]
    assert hosts == [f"a-127-0-0-1.test:{rig.upstream.port}"]
    assert item["timing"]["dns"] >= 0
    assert item["timing"]["remoteAddress"] == f"127.0.0.1:{rig.upstream.port}"


@pytest.mark.parametrize("label", ["cname-a-127-0-0-1", "many-40", "slow-200",
                                   "multi-127-0-0-1-and-127-0-0-2", "ttl-2147483647"])
def test_odd_but_right_answers_are_used(rig, lenient, label):
    """U16: aliases, many, slow, several."""
    assert lenient.fetch(rig.url(f"{label}.odd.test"))["status"] == 200


def test_the_next_address_is_tried_when_the_first_is_dead(rig, lenient):
    for order in ("10-255-255-1-and-127-0-0-1", "127-0-0-1-and-10-255-255-1"):
        assert lenient.fetch(rig.url(f"multi-{order}.test"))["status"] == 200


@pytest.mark.parametrize("label", ["nx", "servfail", "refused", "formerr", "empty", "cnameloop",
                                   "cut", "garbage", "wrongid", "timeout", "cname-nx"])
def test_a_name_that_does_not_resolve_is_dns_in_time(rig, lenient, label):
    """U16, M3: refusals, silence, loops, lies."""
    def ask():
        document = lenient.batch([rig.url(f"{label}.{rig.upstream.new_key()}fails.test")])
        item = document["responses"][0]
        assert (item["status"], item["error"]["code"]) == (502, "dns"), item
        return document["reply"].seconds
    within(0.7 * 2 + 0.5 * slowness(), ask)


@pytest.mark.parametrize("label, reason", [
    ("nx", "no such name"), ("empty", "the name has no address"),
    ("servfail", "the name servers? failed"), ("refused", "the name servers? (failed|refused)"),
    ("timeout", "the name server did not answer in time")])
def test_u16_the_message_says_why_a_name_does_not_resolve(rig, lenient, label, reason):
    """U16: one code, and the reason in the message."""
    item = lenient.fetch(rig.url(f"{label}.reason.test"))
    assert re.search(reason, item["error"]["message"])   # c-ares 1.18 and 1.34 differ


def test_names_that_do_not_answer_hold_no_other_item(rig, lenient):
    """U16, M3, M4: two hundred names that get no answer."""
    good = [{"id": f"g{n}", "url": rig.url("127.0.0.1")} for n in range(50)]

    def last_good_s():
        mark = rig.upstream.new_key()
        silent = [rig.url(f"timeout.{mark}{n}.test") for n in range(200)]
        document = lenient.batch(silent + good, include=["timing"])
        assert {r["error"]["code"] for r in document["responses"][:200]} == {"dns"}
        assert {r["status"] for r in document["responses"][200:]} == {200}
        return max(r["timing"]["start"] + r["timing"]["total"]
                   for r in document["responses"][200:]) / 1000
    within(0.4 * slowness(), last_good_s)


def test_equal_names_are_asked_once(rig, lenient):
    document = lenient.batch([rig.url("slow-100.merge.test")] * 200)
    assert document["summary"]["ok"] == 200
    assert rig.lookups("slow-100.merge.test") <= 2        # A and AAAA


def test_an_answer_is_kept_for_its_time(rig, lenient):
    def five_lookups():
        nonlocal name
        name, began = f"ttl-1.{rig.upstream.new_key()}kept.test", time.monotonic()
        for _ in range(5):
            assert lenient.fetch(rig.url(name))["status"] == 200
        first = rig.lookups(name)
        assert first <= 2 or time.monotonic() - began > 1
        return time.monotonic() - began
    name = None
    within(1, five_lookups)
    first = rig.lookups(name)
    time.sleep(1.3)
    lenient.fetch(rig.url(name))
    assert rig.lookups(name) > first


def test_an_answer_is_kept_no_longer_than_configured(rig):
    gatherd = rig.start(options(dns__ttl_max="1s"))
    name = "ttl-3600.capped.test"
    gatherd.fetch(rig.url(name))
    first = rig.lookups(name)
    time.sleep(1.3)
    gatherd.fetch(rig.url(name))
    assert rig.lookups(name) > first
    gatherd.stop()


def test_a_failure_is_kept_for_a_second(rig, lenient):
    def five_lookups():
        nonlocal name
        name, began = f"nx.{rig.upstream.new_key()}kept.test", time.monotonic()
        for _ in range(5):
            lenient.fetch(rig.url(name))
        assert rig.lookups(name) <= 2 or time.monotonic() - began > 1
        return time.monotonic() - began
    name = None
    within(1, five_lookups)
    first = rig.lookups(name)
    time.sleep(1.3)
    lenient.fetch(rig.url(name))
    assert rig.lookups(name) > first


def test_many_names_at_once_are_resolved(rig, lenient):
    document = lenient.batch([rig.url(f"ttl-9.n{n}.test") for n in range(500)])
    assert document["summary"]["ok"] == 500


def test_the_deadline_wins_over_a_silent_name_server(rig, lenient):
    def ask():
        url = rig.url(f"timeout.{rig.upstream.new_key()}deadline.test")
        document = lenient.batch([url], deadlineMs=300)
        assert document["responses"][0]["error"]["code"] == "deadline"
        return document["reply"].seconds
    within(0.3 + 0.25 * slowness(), ask)


def test_a_public_answer_is_reached_and_a_private_one_is_not(rig, strict):
    public = f"a-{PUBLIC.replace('.', '-')}.test"
    assert strict.fetch(rig.url(public))["status"] == 200
    key = "private"
    for label in ("a-127-0-0-1", "a-10-0-0-1", "a-169-254-169-254", "cname-a-127-0-0-1",
                  "aaaa-00000000000000000000000000000001",
                  "aaaa-00000000000000000000ffff7f000001"):
        item = strict.fetch(rig.url(f"{label}.test", f"ok?key={key}"))
        assert (item["status"], item["error"]["code"]) == (403, "blocked_address"), (label, item)
    assert rig.requests(key) == 0


def test_one_private_address_refuses_the_name(rig, strict):
    """S5: one bad address refuses the name."""
    label = f"multi-{PUBLIC.replace('.', '-')}-and-127-0-0-1"
    item = strict.fetch(rig.url(f"{label}.test", "ok?key=mixed"))
    assert item["error"]["code"] == "blocked_address"
    assert rig.requests("mixed") == 0


def test_a_name_that_turns_private_is_refused(rig, strict):
    """S6: rebinding, with answers of TTL 0."""
    name = f"rebind-{PUBLIC.replace('.', '-')}-then-127-0-0-1.test"
    assert strict.fetch(rig.url(name, "ok?key=before"))["status"] == 200
    for _ in range(3):
        item = strict.fetch(rig.url(name, "status/200?key=after&close=1"))
        assert item["status"] == 200 or item["error"]["code"] == "blocked_address"
    seen = rig.namespace.call(rig.upstream.ask, "/_stats")[1]
    assert b"127.0.0.1" not in seen or rig.requests("after") <= 3


@pytest.fixture
def dnsmasq_rig(tmp_path):
    if not DNSMASQ:
        pytest.skip("dnsmasq is not installed")
    namespace = namespace_or_skip(tmp_path)
    upstream = Upstream(tmp_path, "--max-seconds", "120", prefix=namespace.prefix)

    def start_dnsmasq():
        return Child([*namespace.prefix, DNSMASQ, "--no-daemon", "--conf-file=/dev/null",
                      "--no-resolv", "--no-hosts", "--port=53", "--listen-address=127.0.0.1",
                      "--bind-interfaces", "--address=/up.test/127.0.0.1", "--local=/test/",
                      "--local-ttl=1", "--pid-file=", "--user=root"], tmp_path, "dnsmasq")
    yield namespace, upstream, start_dnsmasq
    upstream.stop()
    namespace.close()


def test_a_real_name_server_is_used_missed_and_found_again(dnsmasq_rig, tmp_path):
    namespace, upstream, start_dnsmasq = dnsmasq_rig
    dnsmasq = start_dnsmasq()
    gatherd = InNamespace(namespace.call(Gatherd, tmp_path, QUICK, prefix=namespace.prefix),
                          namespace)
    url = f"http://up.test:{upstream.port}/ok"

    def resolves(name):
        item = gatherd.fetch(f"http://{name}.up.test:{upstream.port}/ok")
        return item["status"] == 200
    wait_until(lambda: resolves("first"), 10, "dnsmasq to answer")
    assert gatherd.fetch(url)["status"] == 200
    assert gatherd.fetch(f"http://nowhere.test:{upstream.port}/")["error"]["code"] == "dns"
    dnsmasq.stop()
    assert gatherd.fetch(f"http://gone.up.test:{upstream.port}/")["error"]["code"] == "dns"
    dnsmasq = start_dnsmasq()
    wait_until(lambda: resolves("again"), 10, "dnsmasq to be found again")
    dnsmasq.stop()
    gatherd.stop()
