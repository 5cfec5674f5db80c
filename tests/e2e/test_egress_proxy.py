# SPDX-License-Identifier: Apache-2.0
"""With an egress proxy the policy is the same: names are looked up and vetted here, and the
proxy is only ever asked to connect to an address that was."""
import sys
from pathlib import Path

import pytest
from harness.configuration import options
from harness.process import Child, accepts, free_port, wait_until

PROGRAM = Path(__file__).resolve().parent.parent / "support" / "egress_proxy.py"
DENY = {"egress": {"private_addresses": "deny"}}


class Proxy:
    def __init__(self, folder, *arguments):
        self.port = free_port()
        self.log = Path(folder) / f"proxy-{self.port}.log"
        self.child = Child([sys.executable, str(PROGRAM), "127.0.0.1", str(self.port),
                            str(self.log), *arguments], folder, f"proxy-{self.port}")
        wait_until(lambda: accepts(self.port), 10, "the proxy")

    def asked(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def start_proxy(tmp_path):
    started = []

    def start(*arguments):
        started.append(Proxy(tmp_path, *arguments))
        return started[-1]
    yield start
    for proxy in started:
        proxy.child.stop()


@pytest.fixture
def proxy(start_proxy):
    return start_proxy()


def through(proxy, scheme="http"):
    return options(fetch__proxy=f"{scheme}://127.0.0.1:{proxy.port}")


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
def test_the_proxy_is_given_the_vetted_address_and_not_the_name(start_gatherd, upstream, proxy,
                                                               scheme):
    gatherd = start_gatherd(through(proxy, scheme))
    for host in ("localhost", "127.0.0.1", "0x7f.1"):
        item = gatherd.fetch(f"http://{host}:{upstream.port}/echo", include=["body", "timing"])
        assert item["status"] == 200, (item, proxy.asked())
        assert item["timing"]["remoteAddress"] == f"127.0.0.1:{upstream.port}"
    hosts = [v for n, v in item["body"]["headers"] if n.lower() == "host"]
    assert hosts == [f"127.0.0.1:{upstream.port}"]
    # ::1 is the other address of localhost, where nobody listens.
    assert set(proxy.asked()) <= {f"connect 127.0.0.1:{upstream.port}",
                                  f"connect [::1]:{upstream.port}",
                                  f"connect ::1:{upstream.port}"}
    assert f"connect 127.0.0.1:{upstream.port}" in proxy.asked()


def test_host_name_and_certificate_stay_those_of_the_url(start_gatherd, upstream, proxy):
    gatherd = start_gatherd(through(proxy), options(fetch__ca_file=upstream.ca_file))
    item = gatherd.fetch(upstream.tls("good", "echo"))
    assert item["status"] == 200, item
    hosts = [v for n, v in item["body"]["headers"] if n.lower() == "host"]
    assert hosts[0].startswith("localhost:")
    assert gatherd.fetch(upstream.tls("wrong-host"))["error"]["code"] == "tls"
    assert not [line for line in proxy.asked() if "localhost" in line]


def test_plain_http_goes_through_a_tunnel_too(start_gatherd, upstream, proxy):
    gatherd = start_gatherd(through(proxy))
    item = gatherd.fetch({"url": upstream.url("echo"), "headers": {"x-secret": "s"}})
    assert ["x-secret", "s"] in [[n.lower(), v] for n, v in item["body"]["headers"]]
    assert all(line.startswith("connect ") for line in proxy.asked())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]",
                                  "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"])
@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_what_is_blocked_is_not_even_told_to_the_proxy(start_gatherd, upstream, proxy, host,
                                                       scheme):
    gatherd = start_gatherd(DENY, through(proxy, scheme))
    connections = upstream.stats()["connections"]
    item = gatherd.fetch(f"http://{host}:{upstream.port}/ok")
    assert (item["status"], item["error"]["code"]) == (403, "blocked_address")
    assert proxy.asked() == []
    assert upstream.stats()["connections"] - connections <= 1      # the question itself


def test_a_redirect_is_vetted_before_the_proxy_hears_of_it(start_gatherd, upstream, proxy):
    gatherd = start_gatherd(DENY, {"egress": {"allow": ["127.0.0.1"]}}, through(proxy))
    url = upstream.url("redirect-to", u="http://127.0.0.2/")
    item = gatherd.fetch({"url": url, "redirects": 3})
    assert item["error"]["code"] == "blocked_address", item
    assert set(proxy.asked()) == {f"connect 127.0.0.1:{upstream.port}"}


@pytest.mark.parametrize("status", [403, 407, 502, 504])
def test_a_proxy_that_refuses_is_connect_and_says_no_more(start_gatherd, upstream, start_proxy,
                                                          status):
    gatherd = start_gatherd(through(start_proxy("--refuse", str(status))))
    item = gatherd.fetch(upstream.url("ok"))
    assert item["error"] == {"code": "connect", "retryable": True,
                             "message": "the egress proxy did not connect"}


def test_the_next_address_is_tried_when_the_proxy_cannot_reach_the_first(start_gatherd, upstream,
                                                                        proxy):
    """localhost is ::1 and 127.0.0.1, and nobody listens on ::1."""
    gatherd = start_gatherd(through(proxy))
    assert gatherd.fetch(f"http://localhost:{upstream.port}/ok")["status"] == 200


def test_a_dead_proxy_is_connect(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__proxy="http://127.0.0.1:1"))
    assert gatherd.fetch(upstream.url("ok"))["error"]["code"] == "connect"


def test_the_proxy_may_have_a_name(start_gatherd, upstream, proxy):
    gatherd = start_gatherd(options(fetch__proxy=f"http://localhost:{proxy.port}"))
    assert gatherd.fetch(upstream.url("ok"))["status"] == 200
    assert proxy.asked() == [f"connect 127.0.0.1:{upstream.port}"]


def test_tunnels_are_kept_and_used_again(start_gatherd, upstream, proxy):
    gatherd = start_gatherd(through(proxy), options(server__workers=1))
    for _ in range(5):
        assert gatherd.fetch(upstream.url("ok"))["status"] == 200
    assert len(proxy.asked()) == 1
