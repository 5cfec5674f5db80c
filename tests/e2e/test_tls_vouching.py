# SPDX-License-Identifier: Apache-2.0
"""S19: what one handshake showed, kept as a session or as a chain found good, is of no use to
an item with other terms: another name, another address, a caller who may not, a certificate
that has ended, a proxy in between."""
import hashlib
import itertools
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness.closing_server import ClosingServer, needs_nginx
from harness.configuration import options
from harness.gatherd import Gatherd
from harness.namespace import CannotUnshare, Namespace
from harness.process import Child, accepts, free_port, wait_until
from harness.upstream_process import Upstream

pytestmark = needs_nginx
PROXY = Path(__file__).resolve().parent.parent / "support" / "egress_proxy.py"
PUBLIC = "93.184.216.34"
BOTH = pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
KEYS = {"auth": {"mode": "keys",
                 "keys": [{"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}
                          for name in ("open", "shut")]}}


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def serve(tmp_path, upstream, port):
    """Starts a closing server on `port`; the one before is stopped."""
    running = []

    def start(certificates=None, **conf):
        while running:
            running.pop().stop()
        running.append(ClosingServer(certificates or upstream.ports["certificates"], tmp_path,
                                     port, **conf))
    yield start
    while running:
        running.pop().stop()


def trusting(upstream, **more):
    return options(server__workers=1, fetch__ca_file=upstream.ca_file, **more)


def outcome(item):
    """The server's word on the handshake, or the error's code."""
    return item["error"]["code"] if "error" in item else item["body"].split()[0]


# ---------------------------------------------------------------------------- other callers


@BOTH
def test_a_session_of_one_caller_is_no_way_in_for_another(start_gatherd, upstream, serve, port,
                                                          protocol):
    """S8, S19: they share sessions as they share connections, and what each may reach is
    judged before."""
    serve(protocols=protocol)
    gatherd = start_gatherd(KEYS, trusting(upstream), {"egress": {
        "private_addresses": "deny", "rules": [
            {"keys": ["open"], "allow": ["127.0.0.1", "::1", "localhost"]}]}})

    def fetch_as(key):
        reply = gatherd.post({"requests": [f"https://localhost:{port}/"]},
                             headers={"x-api-key": key})
        return outcome(reply.json()["responses"][0])
    assert fetch_as("open") == "."
    for _ in range(3):
        assert fetch_as("shut") == "blocked_address"
        assert fetch_as("open") == "r"


@pytest.mark.parametrize("field", ["insecure", "verify", "tls", "caFile", "skipVerify"])
def test_no_item_can_ask_for_less_and_so_none_can_leave_it_behind(gatherd, field):
    reply = gatherd.post({"requests": [{"url": "https://localhost/", field: False}]})
    assert reply.status == 400
    assert reply.json()["errors"][0]["pointer"] == f"/requests/0/{field}"


# ------------------------------------------------------------------------------ other names


@pytest.mark.parametrize("tickets", ["on", "off"])
@BOTH
def test_a_chain_found_good_for_one_name_is_not_for_another(start_gatherd, upstream, serve, port,
                                                            protocol, tickets):
    """The same server and certificate; 127.0.0.2 is not in it."""
    serve(protocols=protocol, tickets=tickets, address="0.0.0.0")
    gatherd = start_gatherd(trusting(upstream))
    for _ in range(3):
        assert outcome(gatherd.fetch(f"https://localhost:{port}/")) in (".", "r")
        assert outcome(gatherd.fetch(f"https://127.0.0.2:{port}/")) == "tls"


@BOTH
def test_what_a_wrong_server_gave_is_not_held_against_the_right_one(start_gatherd, upstream, serve,
                                                                    port, protocol):
    """In TLS 1.2 the session comes before the name is compared."""
    gatherd = start_gatherd(trusting(upstream))
    serve(protocols=protocol, leaf="wrong-host")
    for _ in range(3):
        assert outcome(gatherd.fetch(f"https://localhost:{port}/")) == "tls"
    serve(protocols=protocol)
    assert [outcome(gatherd.fetch(f"https://localhost:{port}/")) for _ in range(2)] == [".", "r"]


class Rig:
    """A namespace in which every name has the address its first label says, and the names
    below good.test are in the certificate "good"."""

    def __init__(self, folder, certificates, ca_file):
        self.folder, self.certificates, self.ca_file = folder, certificates, ca_file
        self.namespace = Namespace(folder, addresses=[f"{PUBLIC}/32", "127.0.0.2/8"])
        self.names = Upstream(folder, "--dns", "53", "--allow-non-loopback", host="0.0.0.0",
                              prefix=self.namespace.prefix)
        self.started = []

    def serve(self, port, address, **conf):
        server = ClosingServer(self.certificates, self.folder, port, address=address,
                               prefix=self.namespace.prefix, **conf)
        self.started.append(server)
        wait_until(lambda: self.namespace.call(accepts, port, address), 10, "nginx")

    def gatherd(self, *trees):
        gatherd = self.namespace.call(
            Gatherd, self.folder, options(server__workers=1, fetch__ca_file=self.ca_file),
            *trees, prefix=self.namespace.prefix)
        self.started.append(gatherd)
        return lambda url: outcome(self.namespace.call(gatherd.fetch, url))

    def close(self):
        for child in reversed(self.started):
            child.stop()
        self.names.stop()
        self.namespace.close()


@pytest.fixture
def rig(tmp_path, upstream):
    try:
        rig = Rig(tmp_path, upstream.ports["certificates"], upstream.ca_file)
    except CannotUnshare as reason:
        pytest.skip(f"no network namespace here: {reason}")
    yield rig
    rig.close()


@pytest.mark.root
@BOTH
def test_each_name_of_a_server_has_sessions_of_its_own(rig, port, protocol):
    rig.serve(port, "127.0.0.1", protocols=protocol)
    fetch = rig.gatherd()
    for label in ("one", "two"):
        assert [fetch(f"https://{label}.good.test:{port}/") for _ in range(2)] == [".", "r"]
    assert fetch(f"https://one.elsewhere.test:{port}/") == "tls"


@pytest.mark.root
@BOTH
def test_a_name_whose_address_turns_private_is_not_reached_by_its_session(rig, port, protocol):
    """S6, S19."""
    rig.serve(port, "0.0.0.0", protocols=protocol)
    fetch = rig.gatherd({"egress": {"private_addresses": "deny"}})
    name = f"rebind-{PUBLIC.replace('.', '-')}-then-127-0-0-1.good.test"
    assert fetch(f"https://{name}:{port}/") == "."
    for _ in range(3):
        assert fetch(f"https://{name}:{port}/") == "blocked_address"


@pytest.mark.root
@pytest.mark.parametrize("leaf", ["untrusted", "wrong-host", "expired"])
@BOTH
def test_who_is_at_a_names_new_address_is_verified_for_himself(rig, port, protocol, leaf):
    rig.serve(port, "127.0.0.1", protocols=protocol)
    rig.serve(port, "127.0.0.2", protocols=protocol, leaf=leaf)
    fetch = rig.gatherd()
    name = "rebind-127-0-0-1-then-127-0-0-2.good.test"
    assert fetch(f"https://{name}:{port}/") == "."
    for _ in range(3):
        assert fetch(f"https://{name}:{port}/") == "tls"


# ---------------------------------------------------------------------------------- in time

CA_CONF = """\
[ca]
default_ca = brief
[brief]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def issue_until(folder, certificates, end_s):
    """brief.pem and brief.key for localhost, of the test authority, until end_s."""
    (folder / "ca.cnf").write_text(CA_CONF)
    (folder / "index.txt").write_text("")
    (folder / "brief.ext").write_text("subjectAltName=DNS:localhost\n")

    def openssl(*arguments):
        subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "brief.key", "-out", "brief.csr", "-subj", "/CN=brief")
    openssl("ca", "-batch", "-config", "ca.cnf", "-in", "brief.csr", "-notext",
            "-cert", f"{certificates}/ca.pem", "-keyfile", f"{certificates}/ca.key",
            "-enddate", time.strftime("%y%m%d%H%M%SZ", time.gmtime(end_s)),
            "-extfile", "brief.ext", "-out", "brief.pem")


@pytest.mark.slow
def test_a_certificate_that_ends_is_noticed_however_well_it_is_known(
        start_gatherd, upstream, tmp_path):
    """By either version, with tickets and without: all wait for the one end."""
    ways = [(start_gatherd(trusting(upstream)), f"https://localhost:{free_port()}/", *way)
            for way in itertools.product(("TLSv1.2", "TLSv1.3"), ("on", "off"))]
    end_s = int(time.time()) + 10
    issue_until(tmp_path, upstream.ports["certificates"], end_s)
    servers = []
    try:
        for gatherd, url, version, tickets in ways:
            servers.append(ClosingServer(tmp_path, tmp_path, urlsplit(url).port, leaf="brief",
                                         protocols=version, tickets=tickets))
            known = [outcome(gatherd.fetch(url)) for _ in range(3)]
            assert known == ([".", "r", "r"] if tickets == "on" else [".", ".", "."])
        time.sleep(max(0, end_s + 1.1 - time.time()))
        for gatherd, url, *way in ways:
            for _ in range(3):
                assert outcome(gatherd.fetch(url)) == "tls", way
    finally:
        for server in servers:
            server.stop()


# ------------------------------------------------------------------------ through a proxy


@pytest.fixture
def start_proxy(tmp_path):
    started = []

    def start(*arguments):
        port = free_port()
        started.append(Child([sys.executable, str(PROXY), "127.0.0.1", str(port),
                              str(tmp_path / f"proxy-{port}.log"), *arguments],
                             tmp_path, f"proxy-{port}"))
        wait_until(lambda: accepts(port), 10, "the proxy")
        return port
    yield start
    for child in started:
        child.stop()


@pytest.mark.parametrize("leaf", ["untrusted", "wrong-host"])
@BOTH
def test_a_proxy_that_leads_elsewhere_finds_no_belief(
        start_gatherd, upstream, serve, port, start_proxy, protocol, leaf):
    proxy = start_proxy()
    gatherd = start_gatherd(trusting(upstream, fetch__proxy=f"http://127.0.0.1:{proxy}"))
    url = f"https://127.0.0.1:{port}/"
    serve(protocols=protocol)
    assert [outcome(gatherd.fetch(url)) for _ in range(2)] == [".", "r"]
    serve(protocols=protocol, leaf=leaf)
    for _ in range(3):
        assert outcome(gatherd.fetch(url)) == "tls"


@BOTH
def test_what_a_tls_proxy_showed_says_nothing_of_who_is_behind_it(
        start_gatherd, upstream, serve, port, start_proxy, protocol):
    """The proxy has a certificate for localhost and so the chain is known; the upstream
    behind it is called by a name that is not in it.  By address, for the proxy must not be
    asked for ::1, where nobody listens."""
    folder = upstream.ports["certificates"]
    proxy = start_proxy("--tls", f"{folder}/good.pem", f"{folder}/good.key")
    gatherd = start_gatherd(trusting(upstream, fetch__proxy=f"https://localhost:{proxy}"))
    serve(protocols=protocol, address="0.0.0.0")
    for _ in range(3):
        assert outcome(gatherd.fetch(f"https://127.0.0.1:{port}/")) in (".", "r")
        assert outcome(gatherd.fetch(f"https://127.0.0.2:{port}/")) == "tls"
    serve(protocols=protocol, leaf="wrong-host")
    assert outcome(gatherd.fetch(f"https://127.0.0.1:{port}/")) == "tls"


def test_a_tls_proxy_is_verified_itself(start_gatherd, upstream, serve, port, start_proxy):
    folder = upstream.ports["certificates"]
    proxy = start_proxy("--tls", f"{folder}/wrong-host.pem", f"{folder}/wrong-host.key")
    gatherd = start_gatherd(trusting(upstream, fetch__proxy=f"https://localhost:{proxy}"))
    serve()
    for _ in range(2):
        assert outcome(gatherd.fetch(f"https://127.0.0.1:{port}/")) in ("tls", "connect")


# ---------------------------------------------------- servers that cannot stand resumption


def client_hello_extensions(record):
    """The kinds of extension in a ClientHello that came in one record."""
    at = 5 + 4 + 2 + 32
    at += 1 + record[at]                                     # session id
    at += 2 + struct.unpack_from(">H", record, at)[0]        # cipher suites
    at += 1 + record[at]                                     # compression
    end = at + 2 + struct.unpack_from(">H", record, at)[0]
    at += 2
    kinds = {}
    while at < end:
        kind, size = struct.unpack_from(">HH", record, at)
        kinds[kind] = size
        at += 4 + size
    return kinds


class Touchy(socketserver.ThreadingTCPServer):
    """Hands bytes on to `behind`, but resets a connection whose ClientHello offers a
    session: pre_shared_key (41), or session_ticket (35) with a ticket in it."""
    daemon_threads = True
    allow_reuse_address, request_queue_size = True, 64

    def __init__(self, behind):
        super().__init__(("127.0.0.1", 0), None)
        self.behind, self.resets = behind, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def finish_request(self, request, client_address):
        hello = request.recv(65536)
        kinds = client_hello_extensions(hello)
        if 41 in kinds or kinds.get(35):
            self.resets += 1
            request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        with socket.create_connection(("127.0.0.1", self.behind)) as onward:
            onward.sendall(hello)
            back = threading.Thread(target=self.copy, args=(onward, request), daemon=True)
            back.start()
            self.copy(request, onward)
            back.join(10)

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def shutdown_request(self, request):
        request.close()


@BOTH
def test_a_server_that_resets_who_resumes_is_not_offered_it_again(start_gatherd, upstream, serve,
                                                                  port, protocol):
    serve(protocols=protocol)
    with Touchy(port) as touchy:
        gatherd = start_gatherd(trusting(upstream))
        url = f"https://localhost:{touchy.port}/"
        outcomes = [outcome(gatherd.fetch(url)) for _ in range(6)]
        touchy.shutdown()
    assert outcomes == [".", "tls"] * 3, "what a good one brings is offered once"
    assert touchy.resets == 3
