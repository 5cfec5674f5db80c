# SPDX-License-Identifier: Apache-2.0
"""Upstreams that speak TLS, and the certificates they show: a root, an authority below it
and a leaf, as on the internet, so that a client verifies two signatures of others."""
import os
import pathlib
import pwd
import socket
import subprocess
import time

from processes import READY_LIMIT_S, LoadFault, Process, descriptor_limit, find_tool, free_port
from servers import json_document

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Certificates:
    """root.pem is the trust anchor, leaf.pem and leaf.key what a server shows."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder, "certificates")
        self.folder.mkdir()
        self.openssl("req", "-x509", *KEY, "-keyout", "root.key", "-out", "root.pem",
                     "-days", "2", "-subj", "/CN=load test root")
        self.issue("authority", "root", "basicConstraints=critical,CA:true")
        self.issue("leaf", "authority", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        chain = [(self.folder / name).read_text() for name in ("leaf.pem", "authority.pem")]
        (self.folder / "leaf.pem").write_text("".join(chain))
        self.authority = str(self.folder / "root.pem")
        self.leaf, self.key = str(self.folder / "leaf.pem"), str(self.folder / "leaf.key")

    def openssl(self, *arguments):
        subprocess.run((find_tool("openssl"), *arguments), cwd=self.folder, check=True,
                       capture_output=True)

    def issue(self, name, issuer, extension):
        self.openssl("req", *KEY, "-keyout", name + ".key", "-out", name + ".csr",
                     "-subj", "/CN=" + name)
        (self.folder / (name + ".ext")).write_text(extension + "\n")
        self.openssl("x509", "-req", "-in", name + ".csr", "-CA", issuer + ".pem",
                     "-CAkey", issuer + ".key", "-CAcreateserial", "-days", "2",
                     "-extfile", name + ".ext", "-out", name + ".pem")


NGINX_CONFIG = """\
{user}
daemon off;
worker_processes {workers};
worker_rlimit_nofile {descriptors};
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections {connections}; }}
http {{
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    access_log off;
    server_tokens off;
    keepalive_requests 2000000000;
    keepalive_timeout 600s;
    default_type application/json;
    ssl_certificate {leaf}; ssl_certificate_key {key};
    upstream behind {{ server {behind}; keepalive 8192; }}
    server {{
        listen 127.0.0.1:{http} backlog=8192;
        listen 127.0.0.1:{https} ssl backlog=8192;
        location = /1k {{ return 200 '{body_1k}'; }}
        location = /resumed {{ return 200 '"$ssl_session_reused"'; }}
        location / {{ proxy_pass http://behind; proxy_http_version 1.1;
                      proxy_set_header Connection ""; }}
    }}
    server {{
        listen 127.0.0.1:{fresh_http} backlog=8192;
        listen 127.0.0.1:{fresh} ssl backlog=8192;
        keepalive_timeout 0;
        location = /1k {{ return 200 '{body_1k}'; }}
        location = /resumed {{ return 200 '"$ssl_session_reused"'; }}
    }}
    server {{
        listen 127.0.0.1:{full} ssl backlog=8192;
        keepalive_timeout 0;
        ssl_session_tickets off; ssl_session_cache off;
        location = /1k {{ return 200 '{body_1k}'; }}
        location = /resumed {{ return 200 '"$ssl_session_reused"'; }}
    }}
}}
"""


class TlsUpstream(Process):
    """nginx with the same 1 KB over http and over https: on kept connections; on one for
    each request, resumable ("fresh"); on one for each request that never is ("full").
    Other paths are passed on to the server at `behind`."""

    PORTS = ("http", "https", "fresh_http", "fresh", "full")

    def __init__(self, folder, certificates, behind="127.0.0.1:9"):
        root = pathlib.Path(folder, "nginx-tls")
        (root / "tmp").mkdir(parents=True)
        self.ports = {name: free_port() for name in self.PORTS}
        descriptors = min(20000, descriptor_limit())
        user = "user %s;" % pwd.getpwuid(0).pw_name if os.geteuid() == 0 else ""
        (root / "nginx.conf").write_text(NGINX_CONFIG.format(
            user=user, workers=min(2, os.cpu_count()), descriptors=descriptors,
            connections=descriptors - 64, body_1k=json_document(1024), behind=behind,
            leaf=certificates.leaf, key=certificates.key, **self.ports))
        command = [find_tool("nginx"), "-p", str(root), "-c", "nginx.conf", "-e", "stderr"]
        super().__init__("nginx-tls", command, folder)
        self.wait_ready(self.ports["http"], "/1k")

    def url(self, name, path="/1k"):
        scheme = "http" if name.endswith("http") else "https"
        return "%s://localhost:%d%s" % (scheme, self.ports[name], path)


class Http2Upstream(Process):
    """nghttpd with the same 1 KB over HTTP/2 and TLS."""

    def __init__(self, folder, certificates):
        root = pathlib.Path(folder, "nghttpd-root")
        root.mkdir()
        (root / "1k").write_text(json_document(1024))
        self.port = free_port()
        command = [find_tool("nghttpd"), "-a", "127.0.0.1", "-d", str(root),
                   str(self.port), certificates.key, certificates.leaf]
        super().__init__("nghttpd", command, folder)
        until = time.monotonic() + READY_LIMIT_S
        while not self.accepts():
            if self.child.poll() is not None or time.monotonic() > until:
                self.stop()
                raise LoadFault("nghttpd did not start:\n" + self.log_tail())
            time.sleep(0.02)

    def accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def url(self):
        return "https://localhost:%d/1k" % self.port
