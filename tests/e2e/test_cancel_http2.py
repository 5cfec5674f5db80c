# SPDX-License-Identifier: Apache-2.0
"""What is no longer needed over HTTP/2: its stream is reset, as the upstream behind the HTTP/2
server sees it, and the other streams of the connection live on."""
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness.configuration import options
from harness.gatherd import slowness
from harness.process import Child, accepts, free_port, wait_until
from harness.quickest import within

CANCEL_MS = 250
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
NGINX_CONF = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {certificates}/good.pem; ssl_certificate_key {certificates}/good.key;
    location /connection {{ default_type text/plain; return 200 $connection; }}
    location / {{ proxy_pass {upstream}; proxy_buffering off; }}
  }}
}}
"""
pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")


@pytest.fixture(scope="module")
def http2(tmp_path_factory, upstream):
    """An HTTP/2 server before the upstream: a stream that is reset closes its connection
    there."""
    folder = tmp_path_factory.mktemp("http2")
    port, conf = free_port(), folder / "nginx.conf"
    conf.write_text(NGINX_CONF.format(folder=folder, port=port, upstream=upstream.origin,
                                      certificates=upstream.ports["certificates"]))
    child = Child([NGINX, "-e", "stderr", "-c", str(conf)], folder, "nginx")
    wait_until(lambda: accepts(port), 10, "nginx")
    yield f"https://localhost:{port}"
    child.stop()


@pytest.fixture
def gatherd(start_gatherd, upstream):
    return start_gatherd(options(server__workers=1, fetch__ca_file=upstream.ca_file,
                                 fetch__http2="on"))


def codes_of(document):
    return [item.get("error", {}).get("code", "ok") for item in document["responses"]]


def check_given_up(upstream, key, count):
    """The seconds until nothing that carries the key is in flight."""
    replied_at = time.monotonic()
    assert upstream.wait_idle(key, 3), "some streams are open after 3 s"
    took_s = time.monotonic() - replied_at
    assert upstream.stats(key)["aborted"] == count
    return took_s


def test_the_streams_are_reset_and_their_connection_lives_on(gatherd, upstream, http2):
    connection = gatherd.fetch(f"{http2}/connection")["body"]

    def cancel():
        key, other_gate, gate = (upstream.new_key() for _ in range(3))
        with ThreadPoolExecutor(2) as pool:
            other = pool.submit(gatherd.fetch, f"{http2}/gate/{other_gate}")
            batch = pool.submit(
                gatherd.batch, [f"{http2}/hang?key={key}"] * 20 + [f"{http2}/gate/{gate}"],
                until="firstOk", include=["timing"])
            wait_until(lambda: upstream.stats(key)["in_flight"] == 20, 5, "20 streams")
            upstream.open(gate)
            document = batch.result()
            took_s = check_given_up(upstream, key, 20)
            upstream.open(other_gate)
            assert other.result()["status"] == 200
        assert codes_of(document) == ["cancelled"] * 20 + ["ok"]
        assert document["responses"][20]["timing"]["httpVersion"] == "2"
        return took_s
    within(CANCEL_MS * slowness() / 1000, cancel)
    assert gatherd.fetch(f"{http2}/connection")["body"] == connection


def test_no_other_stream_is_needed_to_be_rid_of_the_last_ones(gatherd, upstream, http2):
    def cancel():
        key, (cut, gate) = upstream.new_key(), upstream.gate(cut=1)
        with ThreadPoolExecutor(1) as pool:
            batch = pool.submit(gatherd.batch, [f"{http2}/hang?key={key}"] * 5 + [cut],
                                failFast=True)
            wait_until(lambda: upstream.stats(key)["in_flight"] == 5, 5, "5 streams")
            upstream.open(gate)
            assert codes_of(batch.result()) == ["cancelled"] * 5 + ["truncated"]
        return check_given_up(upstream, key, 5)
    within(CANCEL_MS * slowness() / 1000, cancel)
    assert gatherd.fetch(f"{http2}/ok")["status"] == 200


def test_a_clock_that_runs_out_resets_its_stream_too(gatherd, upstream, http2):
    assert gatherd.fetch(f"{http2}/ok")["status"] == 200    # so that it is connected

    def run_out():
        key = upstream.new_key()
        document = gatherd.batch([{"url": f"{http2}/hang?key={key}",
                                   "timeoutMs": int(400 * slowness())}])
        assert codes_of(document) == ["timeout_first_byte"]
        return check_given_up(upstream, key, 1)
    within(CANCEL_MS * slowness() / 1000, run_out)
