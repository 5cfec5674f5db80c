# SPDX-License-Identifier: Apache-2.0
"""Every fault of an upstream, and the code its item ends with.  One bad item harms no other."""
import time

import pytest
from harness.configuration import options
from harness.faults import (FAULTS, LATE_EXTRAS, OK, REDIRECTS, TCP_FAULTS, TLS_FAULTS, TLS_PATHS,
                            has_code)
from harness.gatherd import Gatherd


def check_code(item, expected):
    assert has_code(item, expected), (item, expected)


@pytest.fixture(scope="module")
def short_idle(tmp_path_factory, upstream):
    gatherd = Gatherd(tmp_path_factory.mktemp("idle"), options(
        fetch__ca_file=upstream.ca_file, fetch__idle_timeout="500ms"))
    yield gatherd
    gatherd.stop()


@pytest.fixture
def fetch_fault(impatient, tls_gatherd, short_idle):
    """Short is only the clock that is to end it: on a busy machine the others would."""
    def fetch(expected, url):
        if expected == "timeout_total":
            return tls_gatherd.fetch({"url": url, "timeoutMs": 1500})
        if expected == "timeout_idle":
            return short_idle.fetch(url)
        if "timeout" in str(expected) and url.startswith("http:"):
            return impatient.fetch({"url": url, "timeoutMs": 1500})
        return tls_gatherd.fetch({"url": url, "timeoutMs": 2500} if "timeout" in str(expected)
                                 else url)
    return fetch


@pytest.mark.parametrize("path, expected", FAULTS, ids=[path for path, _ in FAULTS])
def test_each_fault_has_its_code(fetch_fault, upstream, path, expected):
    """U2, U3, U4, U5, U7, U8, U9, U10, U11: by path."""
    check_code(fetch_fault(expected, upstream.url(path)), expected)
    if path in LATE_EXTRAS:
        time.sleep(0.1)


@pytest.mark.parametrize("name", TCP_FAULTS)
def test_each_fault_below_http_has_its_code(fetch_fault, upstream, name):
    """U1: refused, black hole, RST or close at accept, silent, flood, banner."""
    expected = TCP_FAULTS[name]
    check_code(fetch_fault(expected, upstream.tcp(name)), expected)


@pytest.fixture(scope="module")
def tls_gatherd(tmp_path_factory, upstream):
    gatherd = Gatherd(tmp_path_factory.mktemp("tls"), options(
        fetch__ca_file=upstream.ca_file, fetch__connect_timeout="2s"))
    yield gatherd
    gatherd.stop()


@pytest.mark.parametrize("name", TLS_FAULTS)
def test_each_fault_of_the_handshake_has_its_code(tls_gatherd, upstream, name):
    """S19: expired, wrong host, self-signed, untrusted, old versions, cut, hang."""
    item = tls_gatherd.fetch({"url": upstream.tls(name)})
    check_code(item, TLS_FAULTS[name])


@pytest.mark.parametrize("name, reason", [
    ("expired", "certificate has expired"), ("wrong-host", "the certificate is not for this host"),
    ("self-signed", "self-signed certificate"), ("untrusted", "unable to get local issuer"),
    ("tls10", "the TLS handshake failed"), ("cut", "the TLS handshake failed")])
def test_s19_the_message_says_what_is_wrong_with_the_session(tls_gatherd, upstream, name, reason):
    """S19: one code, and the reason in the message."""
    assert reason in tls_gatherd.fetch(upstream.tls(name))["error"]["message"]


@pytest.mark.parametrize("path", TLS_PATHS)
def test_each_fault_inside_tls_has_its_code(fetch_fault, upstream, path):
    """S19, U2, U3, U4: the same faults inside a TLS session that is right."""
    expected = TLS_PATHS[path]
    check_code(fetch_fault(expected, upstream.tls("good", path)), expected)


@pytest.mark.parametrize("path, redirects, expected", REDIRECTS)
def test_each_odd_redirect_that_is_followed_has_its_code(gatherd, upstream, path, redirects,
                                                         expected):
    item = gatherd.fetch({"url": upstream.url(path), "redirects": redirects})
    check_code(item, expected)


def test_http_on_a_tls_port_and_the_other_way_round(gatherd, tls_gatherd, upstream):
    plain_to_tls = gatherd.fetch(upstream.tls("good").replace("https:", "http:"))
    assert plain_to_tls["error"]["code"] in ("bad_reply", "reset", "empty_reply", "truncated")
    tls_to_plain = tls_gatherd.fetch(upstream.url("ok").replace("http:", "https:")
                                     .replace("127.0.0.1", "localhost"))
    assert tls_to_plain["error"]["code"] in ("tls", "timeout_connect")


def test_without_its_authority_a_certificate_is_not_trusted(gatherd, upstream):
    """S19: verification is never off."""
    check_code(gatherd.fetch(upstream.tls("good")), "tls")


def test_all_faults_at_once_harm_no_other_item(gatherd, upstream):
    """L17: Every fault between good items: each good item gets its own answer, by its nonce."""
    items = []
    paths = [path for path, _ in FAULTS if path not in LATE_EXTRAS]
    for n, path in enumerate(paths):
        items.append({"id": f"bad-{n}", "url": upstream.url(path), "timeoutMs": 1500})
        items.append({"id": f"good-{n}", "url": upstream.url("echo", nonce=n)})
    document = gatherd.batch(items, deadlineMs=25000)
    for n in range(len(paths)):
        good = document["responses"][2 * n + 1]
        assert good["status"] == 200, good
        assert good["body"]["target"] == f"/echo?nonce={n}"


def test_the_next_item_on_a_poisoned_connection_gets_its_own_answer(start_gatherd, upstream):
    """U6, M1: second replies, and bodies where none may be."""
    gatherd = start_gatherd(options(server__workers=1))
    poisons = ["poison?ms=50", "poison?ms=0", "two-replies", "204-body?ms=50", "304-body?ms=50",
               "204-body", "304-body", "wrong-length?d=-50"]
    for round_number, path in enumerate(poisons * 2):
        gatherd.fetch(upstream.url(path))
        time.sleep(0.3)     # what comes after the next request is on its way cannot be told apart
        nonce = f"{round_number}"
        item = gatherd.fetch(upstream.url("echo", nonce=nonce))
        assert item["body"]["target"] == f"/echo?nonce={nonce}", (path, item)


def test_the_next_item_after_a_head_with_a_body_gets_its_own_answer(start_gatherd, upstream):
    """U6: what follows the reply to a HEAD."""
    gatherd = start_gatherd(options(server__workers=1))
    for pause in (0, 50):
        gatherd.fetch({"url": upstream.url("head-body", ms=pause), "method": "HEAD"})
        time.sleep(0.3)
        item = gatherd.fetch(upstream.url("echo", nonce=pause))
        assert item["body"]["target"] == f"/echo?nonce={pause}", item


def test_the_cap_on_bodies_counts_decoded_bytes(gatherd, upstream):
    """U8: the cap is on what comes out of the decoder."""
    fits = gatherd.fetch({"url": upstream.url("gzip"), "maxBodyBytes": 1150})
    assert fits["status"] == 200
    check_code(gatherd.fetch({"url": upstream.url("gzip"), "maxBodyBytes": 1149}), "too_large")
    check_code(gatherd.fetch({"url": upstream.url("bytes/1001"), "maxBodyBytes": 1000}),
               "too_large")
    assert gatherd.fetch({"url": upstream.url("bytes/1000"), "maxBodyBytes": 1000})["status"] == 200


def test_a_bomb_costs_no_memory(gatherd, upstream):
    """U8: 40 MiB in 40 KiB."""
    def resident_kib():
        with open(f"/proc/{gatherd.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    gatherd.fetch(upstream.url("ok"))
    before = resident_kib()
    document = gatherd.batch([upstream.url("gzip-bomb", mb=40)] * 4)
    assert all(r["error"]["code"] == "too_large" for r in document["responses"])
    assert resident_kib() - before < 150 * 1024


def test_over_the_batchs_cap_the_remaining_bodies_fail(start_gatherd, upstream):
    gatherd = start_gatherd(options(batch__reply_max_bytes="1MiB"))
    document = gatherd.batch([upstream.url("bytes/300000")] * 8)
    good = [r for r in document["responses"] if "error" not in r]
    bad = [r["error"]["code"] for r in document["responses"] if "error" in r]
    assert 1 <= len(good) <= 4 and set(bad) == {"too_large"}
    assert len(document["reply"].body) < 2 << 20


BAD_URLS = ["", " ", "x", "/relative", "//host/path", "http:", "http://", "http:///path",
            "http:/one-slash", "http://host:port/", "http://host:99999/", "http://host:-1/",
            "http://user@host.test/", "http://user:pw@127.0.0.1/", "http://@127.0.0.1/",
            "http://\u00e9.test/", "http://127.0.0.1/\u00e9", "http://\u2460.test/",
            "http://a b/", "http://127.0.0.1/a b", " http://127.0.0.1/", "http://127.0.0.1/ ",
            "http://127.0.0.1\\@evil.test/", "http://127.0.0.1/\\", "http://127.0.0.1/\t",
            "http://127.0.0.1/\r\nHost: evil", "http://127.0.0.1/\u007f", "http://[::1/",
            "http://[zz]/", "http://[fe80::1%25eth0]/", "http://a..b/", "http://.a/",
            "http://-/", "http://a%00b/", "http://" + "a" * 64 + ".test/",
            "http://" + "a." * 130 + "test/", "http://a_b!.test/", "http://a,b.test/",
            "http://\u0131.test/", "http://exa\u00admple.test/", "http://127.0.0.1:80:80/"]


@pytest.mark.parametrize("url", BAD_URLS, ids=ascii)
def test_a_url_wrong_in_its_value_fails_alone(gatherd, upstream, url):
    bad, good = gatherd.batch([url, upstream.url("ok")])["responses"]
    assert bad["status"] in (400, 403) and bad["error"]["code"] in ("bad_url", "blocked_url"), bad
    assert good["status"] == 200


@pytest.mark.parametrize("url", ["http://user@127.0.0.1/", "http://127.0.0.1/\u00e9", "nonsense",
                                 "http://", "http://a b/", "http://[::1/"], ids=ascii)
def test_what_does_not_parse_is_bad_url(gatherd, url):
    """S11, S12, S13: userinfo, odd bytes, names that are not ASCII."""
    item = gatherd.fetch(url)
    assert (item["status"], item["error"]["code"]) == (400, "bad_url")
    assert item["error"]["retryable"] is False


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/",
                                 "dict://127.0.0.1/", "ldap://127.0.0.1/", "ws://127.0.0.1/",
                                 "smb://127.0.0.1/x", "telnet://127.0.0.1/", "tftp://127.0.0.1/a",
                                 "data:text/plain,x", "javascript:1", "unix:/tmp/s",
                                 "scp://127.0.0.1/x", "imap://127.0.0.1/", "HTTPX://127.0.0.1/"])
def test_other_schemes_are_blocked(gatherd, url):
    """S10: whatever the scheme."""
    item = gatherd.fetch(url)
    assert item["error"]["code"] in ("blocked_url", "bad_url"), item
    if "://127" in url:
        assert item["error"]["code"] == "blocked_url", item


def test_retryable_tells_weather_from_mistakes(impatient, upstream):
    urls = {"http://": False, upstream.tcp("refused"): True, upstream.url("close"): True,
            upstream.url("hang"): True}
    for item, expected in zip(impatient.batch(list(urls))["responses"], urls.values()):
        assert item["error"]["retryable"] is expected, item


def test_messages_do_not_leak_the_machine(gatherd, upstream):
    for url in (upstream.tcp("refused"), upstream.tls("good"), "http://user:pw@127.0.0.1/"):
        message = gatherd.fetch(url)["error"]["message"]
        assert "/etc/" not in message and "pw@" not in message and "\n" not in message
        assert "curl" not in message.lower(), message


