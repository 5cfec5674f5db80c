# SPDX-License-Identifier: Apache-2.0
"""The servers of a load run, gatherd and two upstreams, and their configurations."""
import json
import os
import pathlib
import pwd
import subprocess
import sys
import time

import client
from documents import json_document
from processes import (HERE, READY_LIMIT_S, LoadFault, Process, descriptor_limit,
                       find_tool, free_port)

HOSTS = ["127.0.0.%d" % i for i in range(1, 9)]

GATEWAY_CONFIG = """\
server:
  listen: ["127.0.0.1:{port}"]
  request_max_bytes: 16MiB
auth: {{mode: none}}
batch:
  max_items: 20000
  deadline: 60s
  reply_max_bytes: 512MiB
fetch:
  timeout: 30s
  body_max_bytes: 8MiB
  max_in_flight: 12000
  per_origin: 12000
egress: {{private_addresses: allow, deny_ports: []}}
memory: {{reply_budget: 2GiB}}
log: {{level: warning, access: off}}
"""


class Gateway(Process):
    """gatherd with a configuration that lets everything of these tests through.

    The words of `wrapper` go in front of its command line.
    """
    marks_complete = True                    # the Gatherd-Complete header

    def __init__(self, binary, folder, overrides=(), cpus=None, descriptors=None, wrapper=()):
        self.port = free_port()
        config = pathlib.Path(folder, "gatherd.yaml")
        config.write_text(GATEWAY_CONFIG.format(port=self.port))
        command = [*wrapper, binary, "serve", "--config", str(config)]
        for override in overrides:
            command += ["--set", override]
        super().__init__("gatherd", command, folder, cpus, descriptors)
        self.wait_ready(self.port, "/readyz")


class DelayUpstream(Process):
    """delay_upstream.py on eight loopback addresses."""

    def __init__(self, folder, cpus=None):
        script = str(HERE / "delay_upstream.py")
        super().__init__("delay-upstream", [sys.executable, script, *HOSTS], folder, cpus)
        until = time.monotonic() + READY_LIMIT_S
        while not self.log_path.read_text().strip().isdigit():
            if self.child.poll() is not None or time.monotonic() > until:
                self.stop()
                raise LoadFault("the delay upstream did not start:\n" + self.log_tail())
            time.sleep(0.02)
        self.port = int(self.log_path.read_text())

    def urls(self, count, delay_ms):
        return ["http://%s:%d/delay/%d" % (HOSTS[i % len(HOSTS)], self.port, delay_ms)
                for i in range(count)]

    def together_url(self, count, delay_ms):
        return "http://%s:%d/together/%d/%d" % (HOSTS[0], self.port, count, delay_ms)

    def stats(self):
        return json.loads(client.ask(self.port, "GET", "/stats", limit_s=30).body)

    def accepted(self):
        return self.stats()["accepted"]


NGINX_CONFIG = """\
{user}
daemon off;
worker_processes {workers};
worker_rlimit_nofile {descriptors};
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    access_log off;
    server_tokens off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 2000000000;
    keepalive_timeout 600s;
    open_file_cache max=16 inactive=600s;
    default_type application/json;
    types {{ }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        {tls}
        location = /1k {{ return 200 '{body_1k}'; }}
        location = /json1m {{ alias json1m; }}
        location = /text1m {{ default_type text/plain; alias text1m; }}
        location = /stub {{ stub_status; }}
    }}
}}
"""


TLS_LINES = """listen 127.0.0.1:%d ssl backlog=4096;
        ssl_certificate cert.pem; ssl_certificate_key key.pem;"""


def nginx_user():
    """As root, nginx would give its workers to an account that cannot read the folder."""
    return "user %s;" % pwd.getpwuid(0).pw_name if os.geteuid() == 0 else ""


def make_certificate(folder):
    """A key and a certificate of its own for 127.0.0.1; returns the certificate's path."""
    cert = folder / "cert.pem"
    subprocess.run([find_tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=upstream", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    str(folder / "key.pem"), "-out", str(cert)],
                   check=True, capture_output=True, timeout=30)
    return cert


class NginxUpstream(Process):
    """nginx with 1 KB from memory and 1 MB of JSON or text from a file; with `tls` under
    https as well, by a certificate in `ca_file`."""

    def __init__(self, folder, cpus=None, tls=False):
        nginx = find_tool("nginx")
        root = pathlib.Path(folder, "nginx")
        (root / "tmp").mkdir(parents=True)
        self.port = free_port()
        self.body_1k = json_document(1024)
        self.tls_port = self.ca_file = None
        if tls:
            self.tls_port = free_port()
            self.ca_file = make_certificate(root)
        (root / "json1m").write_text(json_document(1 << 20))
        line = "Plain text with a \"quote\" now and then, as a log file has it.\n"
        (root / "text1m").write_text((line * (1 + (1 << 20) // len(line)))[:1 << 20])
        (root / "nginx.conf").write_text(NGINX_CONFIG.format(
            user=nginx_user(), tls=TLS_LINES % self.tls_port if tls else "", workers=min(2, os.cpu_count()), port=self.port,
            descriptors=min(8192, descriptor_limit()), body_1k=self.body_1k))
        command = [nginx, "-p", str(root), "-c", "nginx.conf", "-e", "stderr"]
        super().__init__("nginx", command, folder, cpus)
        self.wait_ready(self.port, "/1k")

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def tls_url(self, path):
        return "https://127.0.0.1:%d%s" % (self.tls_port, path)

    def accepted(self):
        numbers = client.ask(self.port, "GET", "/stub").body.split()
        return int(numbers[numbers.index(b"requests") + 1])
