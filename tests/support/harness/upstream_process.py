# SPDX-License-Identifier: Apache-2.0
"""The misbehaving upstream as a child process."""
import base64
import http.client
import itertools
import json
import os
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .process import Child, wait_until

SUPPORT = Path(__file__).resolve().parent.parent
KEYS = itertools.count()


class Upstream:
    def __init__(self, folder, *arguments, host="127.0.0.1", prefix=()):
        command = [*prefix, sys.executable, "-m", "upstream", "--tcp", "--host", host,
                   *(arguments or ("--tls", "--dns", "0"))]
        self.child = Child(command, folder, "upstream",
                           env={**os.environ, "PYTHONPATH": str(SUPPORT)})
        self.ports = json.loads(wait_until(self.first_line, 90, "the upstream's ports"))
        self.host = host
        self.port = self.ports["http"]
        self.ca_file = os.path.join(self.ports.get("certificates", ""), "ca.pem")

    def first_line(self):
        assert self.child.is_alive, self.child.errors()
        line, end, _ = self.child.output().partition("\n")
        return line if end else None

    @property
    def origin(self):
        return f"http://{self.host}:{self.port}"

    def url(self, path, **query):
        """/path, or path, with the query appended and encoded."""
        url = f"{self.origin}/{path.lstrip('/')}"
        if query:
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(query)
        return url

    def tcp(self, name):
        return f"http://{self.host}:{self.ports['tcp'][name]}/"

    def tls(self, name, path="ok"):
        return f"https://localhost:{self.ports['tls'][name]}/{path}"

    def gate(self, **query):
        """(URL, its name): one that answers when open(name) is called, and not before."""
        name = self.new_key()
        return self.url(f"gate/{name}", **query), name

    def open(self, name):
        assert self.ask(f"/_open/{name}")[0] == 200

    def body_url(self, data, kind="application/json"):
        return self.url("body", b64=base64.urlsafe_b64encode(data).decode(), type=kind)

    def raw_url(self, data, end="close"):
        return self.url("raw", b64=base64.urlsafe_b64encode(data).decode(), end=end)

    @staticmethod
    def new_key():
        """A name under which one test's requests are counted.  With anything appended it is
        still no other test's: no name begins with another."""
        return f"k{os.getpid()}-{next(KEYS)}-"

    def ask(self, path):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=15)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def stats(self, key=None):
        return json.loads(self.ask("/_stats" + (f"?key={key}" if key else ""))[1])

    def wait_idle(self, key, seconds=5):
        """True when nothing that carries the key is in flight any more."""
        return self.ask(f"/_wait-idle?key={key}&ms={int(seconds * 1000)}")[0] == 200

    def seconds_until_idle(self, key, act):
        """From act() on until nothing that carries the key is in flight: another thread waits
        for that already, so that no look comes late."""
        with ThreadPoolExecutor(1) as pool:
            idle_at = pool.submit(lambda: self.wait_idle(key, 5) and time.monotonic())
            time.sleep(0.05)
            began = time.monotonic()
            act()
            assert idle_at.result(), "some are open after 5 s"
        return idle_at.result() - began

    def stop(self):
        self.child.stop()
