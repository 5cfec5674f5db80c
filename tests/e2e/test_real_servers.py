# SPDX-License-Identifier: Apache-2.0
"""Servers that people run: nginx, an HTTP/2 server, a TLS server with its own authority."""
import base64
import gzip
import hashlib
import os
import re
import shutil
import time

import pytest
from harness.configuration import options
from harness.process import Child, accepts, free_port, wait_until

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
NGHTTPD = shutil.which("nghttpd")
needs_nginx = pytest.mark.skipif(not os.path.exists(NGINX), reason="nginx is not installed")
needs_nghttpd = pytest.mark.skipif(not NGHTTPD, reason="nghttpd is not installed")

NGINX_CONF = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  types {{ application/json json; }}
  access_log off; keepalive_requests 10000; gzip on; gzip_min_length 10;
  gzip_types application/json; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{secure} ssl;
    ssl_certificate {certs}/good.pem; ssl_certificate_key {certs}/good.key;
    root {folder}/www;
    location /connection {{ default_type text/plain; return 200 $connection; }}
    location /moved {{ return 301 /data.json; }}
    location /coding {{ default_type text/plain; return 200 "$http_accept_encoding"; }}
    location /closing {{ keepalive_timeout 0; default_type text/plain; return 200 bye; }}
  }}
}}
"""


class Nginx:
    def __init__(self, folder, certificates):
        self.plain, self.secure = free_port(), free_port()
        www = folder / "www"
        www.mkdir()
        (www / "data.json").write_text('{"list": [' + ", ".join(["1234567890"] * 500) + "]}")
        (www / "big.bin").write_bytes(os.urandom(3 << 20))
        conf = folder / "nginx.conf"
        conf.write_text(NGINX_CONF.format(folder=folder, plain=self.plain, secure=self.secure,
                                          certs=certificates))
        self.www = www
        self.child = Child([NGINX, "-e", "stderr", "-c", str(conf)], folder, "nginx")
        wait_until(lambda: accepts(self.plain), 10, "nginx")

    def url(self, path):
        return f"http://127.0.0.1:{self.plain}/{path}"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, upstream):
    running = Nginx(tmp_path_factory.mktemp("nginx"), upstream.ports["certificates"])
    yield running
    running.child.stop()


@needs_nginx
def test_nginx_serves_gzipped_json_which_is_embedded(gatherd, nginx):
    item = gatherd.fetch(nginx.url("data.json"))
    assert item["bodyEncoding"] == "json" and item["body"]["list"] == [1234567890] * 500
    assert "gzip" in gatherd.fetch(nginx.url("coding"))["body"]


@needs_nginx
def test_nginx_connections_are_reused(start_gatherd, nginx):
    gatherd = start_gatherd(options(server__workers=1))
    seen = {gatherd.fetch(nginx.url("connection"))["body"] for _ in range(10)}
    assert len(seen) == 1


@needs_nginx
def test_nginx_serves_many_at_once(gatherd, nginx):
    for _ in range(3):
        document = gatherd.batch([nginx.url("data.json"), nginx.url("closing"),
                                  nginx.url("connection")] * 60)
        assert document["summary"]["ok"] == 180


@needs_nginx
def test_nginx_serves_binary_exactly(gatherd, nginx):
    item = gatherd.fetch(nginx.url("big.bin"))
    assert base64.b64decode(item["body"]) == (nginx.www / "big.bin").read_bytes()


@needs_nginx
def test_nginx_redirects_are_followed(gatherd, nginx):
    item = gatherd.fetch({"url": nginx.url("moved"), "redirects": 1})
    assert item["status"] == 200 or item["error"]["code"] == "connect"     # Location has its port
    assert gatherd.fetch(nginx.url("moved"))["status"] == 301


@needs_nginx
def test_nginx_behind_tls_with_its_own_authority(start_gatherd, nginx, upstream):
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file))
    url = f"https://localhost:{nginx.secure}/data.json"
    document = gatherd.batch([url] * 50, include=["timing"])
    assert document["summary"]["ok"] == 50
    assert document["responses"][0]["timing"]["ssl"] > 0
    wrong_name = gatherd.fetch(f"https://127.0.0.2:{nginx.secure}/data.json")
    assert "error" in wrong_name


@pytest.fixture(scope="module")
def nghttpd(tmp_path_factory, upstream):
    folder = tmp_path_factory.mktemp("nghttpd")
    (folder / "data.json").write_text('{"h": 2}')
    (folder / "big.txt").write_text("2" * 500_000)
    port = free_port()
    certificates = upstream.ports["certificates"]
    child = Child([NGHTTPD, "-a", "127.0.0.1", "-d", str(folder), str(port),
                   f"{certificates}/good.key", f"{certificates}/good.pem"], folder, "nghttpd")
    wait_until(lambda: accepts(port), 10, "nghttpd")
    yield f"https://localhost:{port}"
    child.stop()


@needs_nghttpd
def test_http2_is_spoken_when_it_is_on(start_gatherd, nghttpd, upstream):
    """S22: HTTP/2 only where it is configured."""
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file, fetch__http2="on"))
    document = gatherd.batch([f"{nghttpd}/data.json"] * 100, include=["body", "timing"])
    assert document["summary"]["ok"] == 100
    assert {r["timing"]["httpVersion"] for r in document["responses"]} == {"2"}
    assert document["responses"][0]["body"] == {"h": 2} or \
        document["responses"][0]["body"] == '{"h": 2}'


@needs_nghttpd
def test_http2_carries_large_bodies_and_missing_ones(start_gatherd, nghttpd, upstream):
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file, fetch__http2="on"))
    document = gatherd.batch([f"{nghttpd}/big.txt", f"{nghttpd}/nope"] * 20)
    assert [r["status"] for r in document["responses"]] == [200, 404] * 20
    assert document["responses"][0]["body"] == "2" * 500_000


@needs_nghttpd
def test_s22_http2_pushes_are_declined_and_few_streams_are_enough(start_gatherd, nghttpd, upstream,
                                                                 tmp_path):
    """S22: a server that pushes with every reply and lets three requests run at a time."""
    (tmp_path / "data.json").write_text('{"h": 2}')
    (tmp_path / "pushed.txt").write_text("nobody asked for this " * 1000)
    port, certificates = free_port(), upstream.ports["certificates"]
    child = Child([NGHTTPD, "-a", "127.0.0.1", "-d", str(tmp_path), "-m", "3",
                   "--push=/data.json=/pushed.txt", str(port), f"{certificates}/good.key",
                   f"{certificates}/good.pem"], tmp_path, "nghttpd-push")
    try:
        wait_until(lambda: accepts(port), 10, "nghttpd")
        gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file, fetch__http2="on"))
        document = gatherd.batch([f"https://localhost:{port}/data.json"] * 60,
                                 include=["body", "timing"], deadlineMs=8000)
        assert document["summary"]["ok"] == 60
        assert all(r["timing"]["bytes"] == 8 for r in document["responses"])
    finally:
        child.stop()


@needs_nghttpd
def test_s14_over_http2_a_host_of_ones_own_is_the_authority(start_gatherd, upstream, tmp_path):
    """S14: sent once, as :authority, and only for the item that has it; the certificate is
    that of the URL's host."""
    (tmp_path / "data.txt").write_text("two")
    port, certificates = free_port(), upstream.ports["certificates"]
    child = Child([NGHTTPD, "-v", "-a", "127.0.0.1", "-d", str(tmp_path), str(port),
                   f"{certificates}/good.key", f"{certificates}/good.pem"], tmp_path, "nghttpd-v")
    try:
        wait_until(lambda: accepts(port), 10, "nghttpd")
        hash_of_key = hashlib.sha256(b"may").hexdigest()
        gatherd = start_gatherd(
            options(fetch__ca_file=upstream.ca_file, fetch__http2="on", server__workers=1),
            {"auth": {"mode": "keys", "keys": [{"name": "may", "sha256": hash_of_key}]},
             "egress": {"rules": [{"keys": ["may"], "host_header": "allow"}]}})
        url = f"https://localhost:{port}/data.txt"
        for item in ({"url": url, "headers": {"host": "other.example"}}, url):
            reply = gatherd.post([item], {"x-api-key": "may"}).json()
            assert reply["responses"][0]["status"] == 200, reply
        seen = wait_until(lambda: re.findall(r"(:authority|host): (\S+)", child.output())
                          if child.output().count(":authority") >= 2 else None, 5, "two requests")
        assert seen == [(":authority", "other.example"), (":authority", f"localhost:{port}")]
    finally:
        child.stop()


@needs_nghttpd
def test_without_http2_the_server_that_has_only_that_fails_alone(start_gatherd, nghttpd, upstream):
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file))
    bad, good = gatherd.batch([f"{nghttpd}/data.json", upstream.tls("good")])["responses"]
    assert "error" in bad or bad["timing"]["httpVersion"] == "1.1"
    assert good["status"] == 200


@needs_nginx
def test_http2_asked_of_a_server_that_has_none_falls_back(start_gatherd, nginx, upstream):
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file, fetch__http2="on"))
    document = gatherd.batch([f"https://localhost:{nginx.secure}/data.json",
                              nginx.url("data.json")], include=["timing"])
    assert [r["timing"]["httpVersion"] for r in document["responses"]] == ["1.1", "1.1"]


def test_tls_connections_are_verified_each_and_reused(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file, server__workers=1))
    key = upstream.new_key()
    for _ in range(5):
        assert gatherd.fetch(upstream.tls("good", f"ok?key={key}"))["status"] == 200
    assert upstream.stats(key)["connections"] == 1
    assert gatherd.fetch(upstream.tls("wrong-host"))["error"]["code"] == "tls"


def test_many_tls_connections_at_once_do_not_stall_the_loop(start_gatherd, upstream):
    gatherd = start_gatherd(options(fetch__ca_file=upstream.ca_file))
    started = time.monotonic()
    document = gatherd.batch([upstream.tls("good")] * 60, deadlineMs=14000)
    assert document["summary"]["ok"] == 60
    assert time.monotonic() - started < 10


def test_gzip_is_what_python_says_it_is(gatherd, upstream):
    data = gzip.compress(b"x" * 5000)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n" \
           b"Content-Length: %d\r\n\r\n" % len(data)
    assert gatherd.fetch(upstream.raw_url(head + data))["body"] == "x" * 5000
