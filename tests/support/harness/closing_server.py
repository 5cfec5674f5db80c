# SPDX-License-Identifier: Apache-2.0
"""nginx with TLS that closes behind each reply, so every request has a handshake of its own,
and says in the body how that went: "r" where a session was resumed, "." where not."""
import shutil
from pathlib import Path

import pytest

from .process import Child, accepts, wait_until

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
NGINX_CONF = """\
daemon off; master_process off; pid {folder}/{address}-{port}.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_timeout 0; default_type application/json;
  server {{
    listen {address}:{port} ssl; ssl_protocols {protocols}; ssl_session_tickets {tickets};
    ssl_certificate {certificates}/{leaf}.pem; ssl_certificate_key {certificates}/{leaf}.key;
    location / {{ return 200 '"$ssl_session_reused $ssl_protocol"'; }}
  }}
}}
"""
USUAL = {"address": "127.0.0.1", "leaf": "good", "protocols": "TLSv1.2 TLSv1.3", "tickets": "on"}
needs_nginx = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")


class ClosingServer(Child):
    """On `port`, with leaf.pem and leaf.key of the folder `certificates`; what else is not
    as USUAL goes into `conf`.  The program starts behind `prefix`, as in a namespace."""

    def __init__(self, certificates, folder, port, prefix=(), **conf):
        values = {**USUAL, **conf, "certificates": certificates, "folder": folder, "port": port}
        name = f"nginx-{values['address']}-{port}"
        path = Path(folder, name + ".conf")
        path.write_text(NGINX_CONF.format(**values))
        super().__init__([*prefix, NGINX, "-e", "stderr", "-c", str(path)], folder, name)
        if not prefix:
            wait_until(lambda: accepts(port, values["address"]), 10, "nginx")
