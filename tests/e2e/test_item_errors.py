# SPDX-License-Identifier: Apache-2.0
"""Every fault of an upstream, and the code its item ends with.  One bad item harms no other."""
import time

import pytest
from harness.configuration import options
from harness.gatherd import Gatherd

OK = "ok"

# path -> the code of API.md, or several where more than one is right, or OK.
FAULTS = [
    # the connection
    ("reset", "reset"), ("reset-head", "reset"), ("reset-mid", "reset"),
    ("close", "empty_reply"), ("close-status", ("truncated", "empty_reply", "bad_reply")),
    ("truncate", "truncated"), ("truncate-head", "truncated"),
    ("truncate-head-nolength", ("truncated", "bad_reply")),
    ("halfclose", "truncated"), ("halfclose-before", "empty_reply"),
    ("hang", "timeout_first_byte"), ("hang-head", "timeout_idle"), ("hang-mid", "timeout_idle"),
    ("status-line-only", "timeout_idle"), ("drip", "timeout_total"),
    ("drip-head", "timeout_total"), ("keepalive-lie", OK), ("stale", OK),
    # the framing
    ("wrong-length", "truncated"), ("wrong-length?d=-50", (OK, "bad_reply")),
    ("dup-length", "bad_reply"), ("list-length", "bad_reply"), ("same-length-twice", OK),
    ("length-and-chunked", "bad_reply"), ("negative-length", "bad_reply"),
    ("plus-length", "bad_reply"), ("hex-length", "bad_reply"),
    ("huge-length", ("too_large", "bad_reply")), ("overflow-length", ("bad_reply", "too_large")),
    ("unknown-transfer", "bad_reply"),
    *((f"bad-chunk?k={k}", "bad_reply") for k in ("not-hex", "negative", "huge", "no-crlf",
                                                  "empty-size")),
    ("bad-chunk?k=cut", "truncated"), ("bad-chunk?k=cut-in-chunk", "truncated"),
    *((f"bad-chunk?k={k}", OK) for k in ("lf-only", "extension", "space", "zeros")),
    ("chunk-extension-flood", ("bad_reply", "timeout_idle", "timeout_total", "too_large")),
    ("tiny-chunks", OK), ("204-body", OK), ("304-body", OK), ("head-body", OK),
    ("two-replies", OK), ("poison", OK), ("trailers", OK),
    ("endless", "too_large"), ("endless?how=length", "too_large"), ("endless?how=raw", "too_large"),
    ("trailer-flood", "headers_too_large"),
    # the head
    ("garbage", "bad_reply"), ("http09", "bad_reply"), ("ssh", "bad_reply"),
    ("101", "bad_reply"), ("103-only", ("bad_reply", "truncated", "empty_reply")),
    ("no-reason", OK), ("version?v=HTTP/9.9", "bad_reply"), ("version?v=HTTP/1.x", "bad_reply"),
    ("version?v=HTTQ/1.1", "bad_reply"), ("version?v=ICY", "bad_reply"),
    ("bad-status?s=abc", "bad_reply"), ("bad-status?s=20", "bad_reply"),
    ("bad-status?s=2000", "bad_reply"), ("bad-status?s=-200", "bad_reply"),
    ("huge-header", "headers_too_large"), ("huge-header?kb=80", "headers_too_large"),
    ("huge-header?kb=200", "headers_too_large"), ("huge-header?kb=30", OK),
    ("many-headers", "headers_too_large"), ("endless-headers", "headers_too_large"),
    ("huge-reason", "headers_too_large"), ("1xx-flood", ("headers_too_large", "bad_reply")),
    ("1xx-flood?n=3", OK), ("early-hints", OK), ("nul-in-header", "bad_reply"),
    ("no-colon", ("bad_reply", OK)), ("lf-only", OK),
    # codings
    ("gzip-bad", "decode"), ("gzip-crc", "decode"), ("gzip-cut", "decode"),
    ("deflate-cut", "decode"), ("br-bad", "decode"), ("br-cut", "decode"),
    ("zstd-bad", "decode"), ("zstd-cut", "decode"), ("unknown-coding", "decode"),
    ("many-codings", "decode"), ("gzip-junk-after", ("decode", OK)),
    ("gzip-bomb", "too_large"), ("raw-deflate", (OK, "decode")), ("gzip-twice", (OK, "decode")),
    ("gzip-empty", (OK, "decode")),
    # redirects, none followed
    ("redirect-to?u=/ok", OK), ("redirect-loop", OK), ("redirect-none", OK),
    ("redirect-two", OK), ("redirect-long", OK),
]

TCP_FAULTS = {"refused": "connect", "blackhole": "timeout_connect", "rst": ("reset", "connect"),
              "close": ("empty_reply", "reset"), "silent": "timeout_first_byte",
              "flood": ("headers_too_large", "bad_reply"), "banner": "bad_reply"}
TLS_FAULTS = {"expired": "tls", "wrong-host": "tls", "self-signed": "tls", "untrusted": "tls",
              "tls10": "tls", "tls11": "tls", "garbage": "tls", "plain": "tls", "cut": "tls",
              "mutual": ("tls", "reset", "empty_reply"), "hang": "timeout_connect", "good": OK}


def check_code(item, expected):
    code = item["error"]["code"] if "error" in item else OK
    assert code in ([expected] if isinstance(expected, str) else expected), item


LATE_EXTRAS = ("poison", "204-body", "304-body")
"""What comes after a reply, a moment late: a request that is on its way by then cannot tell it
from its own reply (HTTP/1.1 has no mark for it), so these get no neighbour on their heels."""


@pytest.mark.parametrize("path, expected", FAULTS, ids=[path for path, _ in FAULTS])
def test_each_fault_has_its_code(impatient, upstream, path, expected):
    item = impatient.fetch({"url": upstream.url(path), "timeoutMs": 1500})
    check_code(item, expected)
    if path in LATE_EXTRAS:
        time.sleep(0.1)


@pytest.mark.parametrize("name", TCP_FAULTS)
def test_each_fault_below_http_has_its_code(impatient, upstream, name):
    check_code(impatient.fetch({"url": upstream.tcp(name)}), TCP_FAULTS[name])


@pytest.fixture(scope="module")
def tls_gatherd(tmp_path_factory, upstream):
    gatherd = Gatherd(tmp_path_factory.mktemp("tls"), options(
        fetch__ca_file=upstream.ca_file, fetch__connect_timeout="700ms"))
    yield gatherd
    gatherd.stop()


@pytest.mark.parametrize("name", TLS_FAULTS)
def test_each_fault_of_the_handshake_has_its_code(tls_gatherd, upstream, name):
    item = tls_gatherd.fetch({"url": upstream.tls(name)})
    check_code(item, TLS_FAULTS[name])


def test_http_on_a_tls_port_and_the_other_way_round(gatherd, tls_gatherd, upstream):
    plain_to_tls = gatherd.fetch(upstream.tls("good").replace("https:", "http:"))
    assert plain_to_tls["error"]["code"] in ("bad_reply", "reset", "empty_reply", "truncated")
    tls_to_plain = tls_gatherd.fetch(upstream.url("ok").replace("http:", "https:")
                                     .replace("127.0.0.1", "localhost"))
    assert tls_to_plain["error"]["code"] in ("tls", "timeout_connect")


def test_without_its_authority_a_certificate_is_not_trusted(gatherd, upstream):
    check_code(gatherd.fetch(upstream.tls("good")), "tls")


def test_all_faults_at_once_harm_no_other_item(impatient, upstream):
    """Every fault between good items: each good item gets its own answer, by its nonce."""
    items = []
    paths = [path for path, _ in FAULTS if path not in LATE_EXTRAS]
    for n, path in enumerate(paths):
        items.append({"id": f"bad-{n}", "url": upstream.url(path), "timeoutMs": 1500})
        items.append({"id": f"good-{n}", "url": upstream.url("echo", nonce=n),
                      "timeoutMs": 1900})
    document = impatient.batch(items, deadlineMs=15000)
    for n in range(len(paths)):
        good = document["responses"][2 * n + 1]
        assert good["status"] == 200, good
        assert good["body"]["target"] == f"/echo?nonce={n}"


def test_the_next_item_on_a_poisoned_connection_gets_its_own_answer(start_gatherd, upstream):
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
    gatherd = start_gatherd(options(server__workers=1))
    for pause in (0, 50):
        gatherd.fetch({"url": upstream.url("head-body", ms=pause), "method": "HEAD"})
        time.sleep(0.3)
        item = gatherd.fetch(upstream.url("echo", nonce=pause))
        assert item["body"]["target"] == f"/echo?nonce={pause}", item


def test_the_cap_on_bodies_counts_decoded_bytes(gatherd, upstream):
    fits = gatherd.fetch({"url": upstream.url("gzip"), "maxBodyBytes": 1150})
    assert fits["status"] == 200
    check_code(gatherd.fetch({"url": upstream.url("gzip"), "maxBodyBytes": 1149}), "too_large")
    check_code(gatherd.fetch({"url": upstream.url("bytes/1001"), "maxBodyBytes": 1000}),
               "too_large")
    assert gatherd.fetch({"url": upstream.url("bytes/1000"), "maxBodyBytes": 1000})["status"] == 200


def test_a_bomb_costs_no_memory(gatherd, upstream):
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
    item = gatherd.fetch(url)
    assert (item["status"], item["error"]["code"]) == (400, "bad_url")
    assert item["error"]["retryable"] is False


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/",
                                 "dict://127.0.0.1/", "ldap://127.0.0.1/", "ws://127.0.0.1/",
                                 "smb://127.0.0.1/x", "telnet://127.0.0.1/", "tftp://127.0.0.1/a",
                                 "data:text/plain,x", "javascript:1", "unix:/tmp/s",
                                 "scp://127.0.0.1/x", "imap://127.0.0.1/", "HTTPX://127.0.0.1/"])
def test_other_schemes_are_blocked(gatherd, url):
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


