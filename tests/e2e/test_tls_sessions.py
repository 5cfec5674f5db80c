# SPDX-License-Identifier: Apache-2.0
"""Sessions of TLS are resumed by later connections to the same host and port, and vouch for
nobody else.  nginx, which closes behind each reply here, says whether a connection was.
test_tls_vouching.py has who must not profit from another's handshake."""
import pytest
from harness.closing_server import ClosingServer, needs_nginx
from harness.configuration import options
from harness.process import free_port

pytestmark = needs_nginx


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def closing(tmp_path, upstream, port):
    child = ClosingServer(upstream.ports["certificates"], tmp_path, port)
    yield child
    child.stop()


@pytest.fixture
def gatherd(start_gatherd, upstream):
    return start_gatherd(options(server__workers=1, fetch__ca_file=upstream.ca_file))


def bodies(gatherd, url, count):
    return [item.get("body") for item in gatherd.batch([url] * count)["responses"]]


@pytest.mark.usefixtures("closing")
def test_a_burst_of_new_connections_resumes_the_sessions_of_the_last(gatherd, port):
    url = f"https://localhost:{port}/"
    assert bodies(gatherd, url, 1) == [". TLSv1.3"]
    assert bodies(gatherd, url, 2) == ["r TLSv1.3"] * 2
    # How many of a burst begin before the first of it brings tickets is the machine's affair.
    # Each that finds none brings two more than it used, so once 40 lie there all resume: one
    # to 38 find none, however they fall.
    burst = [body for _ in range(8) for body in bodies(gatherd, url, 40)]
    assert burst.count("r TLSv1.3") >= 8 * 40 - 38
    assert set(burst) <= {"r TLSv1.3", ". TLSv1.3"}


def test_tls_1_2_resumes_by_ticket(gatherd, tmp_path, upstream, port):
    server = ClosingServer(upstream.ports["certificates"], tmp_path, port, protocols="TLSv1.2")
    assert bodies(gatherd, f"https://localhost:{port}/", 1) == [". TLSv1.2"]
    assert bodies(gatherd, f"https://localhost:{port}/", 40) == ["r TLSv1.2"] * 40
    server.stop()


@pytest.mark.usefixtures("closing")
def test_another_name_of_the_same_server_is_verified_for_itself(gatherd, port):
    assert bodies(gatherd, f"https://localhost:{port}/", 1) == [". TLSv1.3"]
    assert bodies(gatherd, f"https://127.0.0.1:{port}/", 1) == [". TLSv1.3"]
    assert bodies(gatherd, f"https://localhost:{port}/", 1) == ["r TLSv1.3"]
    assert "error" in gatherd.fetch(f"https://127.0.0.2:{port}/")


@pytest.mark.parametrize("leaf", ["untrusted", "wrong-host", "expired"])
@pytest.mark.parametrize("protocols", ["TLSv1.2", "TLSv1.3"])
def test_s19_sessions_do_not_vouch_for_who_took_the_port(gatherd, tmp_path, upstream, port, leaf,
                                                         protocols):
    url = f"https://localhost:{port}/"
    honest = ClosingServer(upstream.ports["certificates"], tmp_path, port, protocols=protocols)
    assert bodies(gatherd, url, 4)[0] == f". {protocols}"
    assert bodies(gatherd, url, 1) == [f"r {protocols}"]
    honest.stop()
    other = ClosingServer(upstream.ports["certificates"], tmp_path, port, leaf=leaf,
                          protocols=protocols)
    for _ in range(3):
        assert gatherd.fetch(url)["error"]["code"] == "tls"
    other.stop()
