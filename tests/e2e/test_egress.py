# SPDX-License-Identifier: Apache-2.0
"""What callers may reach: the default policy, and what a configuration opens.  A refused item
sends nothing, which the upstream's counters show."""
import pytest
from harness.gatherd import Gatherd

DENY = {"egress": {"private_addresses": "deny"}}
SPELLINGS = ["127.0.0.1", "127.1", "127.0.1", "0x7f000001", "2130706433", "017700000001",
             "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.", "%31%32%37.0.0.1", "127.000.000.001",
             "localhost", "LOCALHOST", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]",
             "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
             "0.0.0.0", "0", "[::]", "127.255.255.254"]
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
           "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
           "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]",
           "100.100.100.200", "metadata.google.internal"]


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    gatherd = Gatherd(tmp_path_factory.mktemp("strict"), DENY,
                      {"fetch": {"connect_timeout": "500ms"}, "dns": {"timeout": "500ms"}})
    yield gatherd
    gatherd.stop()


def test_private_addresses_are_denied_by_default(start_gatherd, upstream):
    gatherd = start_gatherd({"egress": {"private_addresses": "deny"}})
    key = upstream.new_key()
    item = gatherd.fetch(upstream.url("ok", key=key))
    assert (item["status"], item["error"]["code"]) == (403, "blocked_address")
    assert upstream.stats(key)["requests"] == 0


@pytest.mark.parametrize("host", SPELLINGS)
def test_loopback_is_refused_in_every_spelling(strict, upstream, host):
    """S1, S2: whatever the notation, nothing is sent."""
    connections = upstream.stats()["connections"]
    key = upstream.new_key()
    item = strict.fetch(f"http://{host}:{upstream.port}/ok?key={key}")
    assert item["error"]["code"] in ("blocked_address", "bad_url", "dns"), item
    if host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"):
        assert item["error"]["code"] == "blocked_address"
    assert upstream.stats(key)["requests"] == 0
    assert upstream.stats()["connections"] - connections <= 2      # the questions themselves


@pytest.mark.parametrize("host", PRIVATE)
def test_private_networks_are_refused(strict, host):
    """S1, S2, S3: the special networks and metadata."""
    item = strict.fetch(f"http://{host}/")
    assert item["error"]["code"] in ("blocked_address", "blocked_url") or \
        (host[0] == "m" and item["error"]["code"] == "dns"), item


def test_a_refusal_does_not_tell_whether_a_port_is_open(strict, upstream):
    """S17: open and closed ports look alike."""
    opened = strict.fetch(upstream.url("ok"))
    closed = strict.fetch(upstream.tcp("refused"))
    assert opened["error"] == closed["error"]


def test_a_refusal_names_no_private_address(strict, upstream):
    """S17: neither the address nor the name behind it."""
    item = strict.fetch(f"http://localhost:{upstream.port}/", include=["timing"])
    assert "127.0.0.1" not in item["error"]["message"] and "::1" not in item["error"]["message"]
    assert not item["timing"].get("remoteAddress")


@pytest.mark.parametrize("allowed", ["127.0.0.0/8", "127.0.0.1", "127.0.0.1:{port}", "localhost",
                                     "*.localhost"])
def test_allow_opens_exactly_what_it_names(start_gatherd, upstream, allowed):
    gatherd = start_gatherd(DENY, {"egress": {"allow": [allowed.format(port=upstream.port)]}})
    by_number = gatherd.fetch(upstream.url("ok"))
    by_name = gatherd.fetch(f"http://localhost:{upstream.port}/ok")
    other = gatherd.fetch(f"http://[::1]:{upstream.port}/ok")
    assert (by_number["status"] == 200) == allowed.startswith("127"), by_number
    assert (by_name["status"] == 200) == (allowed == "localhost" or allowed.startswith("127")) or \
        by_name["error"]["code"] == "blocked_address"      # one bad address refuses the name
    assert other["error"]["code"] in ("blocked_address", "connect")


def test_deny_wins_over_allow(start_gatherd, upstream):
    gatherd = start_gatherd({"egress": {"allow": ["127.0.0.0/8"], "deny": ["127.0.0.1"]}})
    item = gatherd.fetch(upstream.url("ok"))
    assert item["error"]["code"] in ("blocked_address", "blocked_url")


def test_ports_outside_the_list_are_blocked(start_gatherd, upstream):
    """S16: egress.ports."""
    gatherd = start_gatherd({"egress": {"ports": ["80", "443", str(upstream.port)],
                                        "deny_ports": ["unsafe"]}})
    assert gatherd.fetch(upstream.url("ok"))["status"] == 200
    for port in (22, 25, 6379, 8080):
        item = gatherd.fetch(f"http://127.0.0.1:{port}/")
        assert (item["status"], item["error"]["code"]) == (403, "blocked_url")


def test_unsafe_ports_are_blocked_by_name(start_gatherd):
    """S16: egress.deny_ports."""
    gatherd = start_gatherd({"egress": {"deny_ports": ["unsafe", "9000-9001"]}})
    for port in (22, 25, 110, 2375, 2379, 3306, 5432, 6000, 6379, 6667, 9000, 9001, 11211, 27017):
        item = gatherd.fetch(f"http://127.0.0.1:{port}/")
        assert item["error"]["code"] == "blocked_url", (port, item)
    assert gatherd.fetch("http://127.0.0.1:9002/")["error"]["code"] == "connect"


def test_schemes_may_be_narrowed(start_gatherd, upstream):
    """S10: egress.schemes."""
    gatherd = start_gatherd({"egress": {"schemes": ["https"]}})
    assert gatherd.fetch(upstream.url("ok"))["error"]["code"] == "blocked_url"


def test_the_services_own_listener_is_not_reachable_through_it(start_gatherd):
    """S4: gatherd itself."""
    gatherd = start_gatherd(DENY, {"egress": {"allow": ["127.0.0.0/8"]}})
    item = gatherd.fetch(f"http://127.0.0.1:{gatherd.port}/healthz")
    assert item["error"]["code"] == "blocked_address", item
