# SPDX-License-Identifier: Apache-2.0
"""Another configuration while the service runs: each kind of option, and what was begun."""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from harness import client
from harness.configuration import options
from harness.process import free_port, wait_until
from harness.reloading import ask, by_signal, refuse, reload, write
from test_keys import make_key, with_keys

in_sandbox = bool(os.environ.get("GATHERD_SANDBOX"))
needs_listeners = pytest.mark.skipif(in_sandbox, reason="a sandboxed process opens no listener")


def metric(gatherd, name):
    return float(re.search(rf"^gatherd_{re.escape(name)} (\S+)$", gatherd.metrics(), re.M)[1])


def changed(answer):
    return [change["option"] for change in answer["changed"]]


# ------------------------------------------------------------------------ what is said


def test_a_signal_brings_a_changed_option_into_use_and_says_what_it_was(start_gatherd, upstream):
    gatherd = start_gatherd()
    gatherd.batch([{"url": upstream.url("ok")}] * 3)
    lines = by_signal(gatherd, options(batch__max_items=2))
    assert gatherd.post({"urls": [upstream.url("ok")] * 3}).status == 413
    change = next(line for line in lines if line["event"] == "option_changed")
    assert (change["option"], change["before"], change["after"]) == ("batch.max_items",
                                                                     "1000", "2")
    last = next(line for line in lines if line["event"] == "reloaded")
    assert (last["generation"], last["changed"]) == (2, 1)
    assert metric(gatherd, 'reloads_total{result="done"}') == 1
    assert metric(gatherd, "config_generation") == 2
    assert time.time() - metric(gatherd,
                                "config_last_reload_success_timestamp_seconds") < 60
    live = gatherd.get("/-/live").json()["configuration"]
    assert live["generation"] == 2 and abs(live["loadedAtMs"] / 1000 - time.time()) < 60


def test_a_request_is_told_what_has_changed(start_gatherd):
    gatherd = start_gatherd()
    answer = reload(gatherd, options(fetch__timeout="7s", server__workers=7))
    assert answer["generation"] == 2
    assert answer["changed"] == [
        {"option": "server.workers", "before": "auto", "after": "7"},
        {"option": "fetch.timeout", "before": "10s", "after": "7s"}]
    assert answer["needsRestart"] == ["server.workers"]
    warning = next(line for line in gatherd.log_lines() if line["event"] == "restart_needed")
    assert warning["options"] == "server.workers"
    again = reload(gatherd, options(fetch__timeout="7s", server__workers=7))
    assert (again["changed"], again["needsRestart"]) == ([], ["server.workers"])
    assert again["generation"] == 3


def test_every_fault_of_a_wrong_file_is_told_and_nothing_changes(start_gatherd, upstream):
    gatherd = start_gatherd()
    wrong = "batch:\n  max_items: many\nfetch:\n  timout: 1s\n  retries: -1\n"
    faults = refuse(gatherd, text=wrong)
    name = str(gatherd.config_path)
    assert [fault.split(": ")[0] for fault in faults] == [f"{name}:2:14", f"{name}:4:3",
                                                          f"{name}:5:12"], faults
    gatherd.batch([{"url": upstream.url("ok")}] * 3)
    lines = by_signal(gatherd, text=wrong)
    assert [line["fault"] for line in lines if line["event"] == "configuration_fault"] == faults
    assert metric(gatherd, 'reloads_total{result="refused"}') == 2
    assert metric(gatherd, "config_generation") == 1
    assert reload(gatherd)["changed"] == []


def test_a_file_that_is_gone_or_a_pipe_changes_nothing(start_gatherd):
    gatherd = start_gatherd(options(batch__max_items=5))
    gatherd.config_path.unlink()
    reply = ask(gatherd)
    assert reply.status == 409 and "cannot read it" in reply.json()["faults"][0]
    os.mkfifo(gatherd.config_path)
    reply = ask(gatherd)
    assert reply.status == 409 and "only once" in reply.json()["faults"][0]
    gatherd.config_path.unlink()
    gatherd.config_path.mkdir()
    reply = ask(gatherd)
    assert reply.status == 409 and "Is a directory" in reply.json()["faults"][0]
    gatherd.config_path.rmdir()
    assert reload(gatherd, options(batch__max_items=5))["changed"] == []


def test_what_was_set_on_the_command_line_stays(start_gatherd):
    gatherd = start_gatherd(arguments=("--set", "batch.max_items=2"))
    assert changed(reload(gatherd, options(batch__max_items=9))) == []
    assert gatherd.post({"urls": ["http://a.example/"] * 3}).status == 413


def test_secrets_are_shown_to_nobody(start_gatherd):
    gatherd = start_gatherd()
    secret = "whsec_" + "QUJD" * 8
    answer = reload(gatherd, {"webhooks": {"secrets": [{"name": "orders", "secret": secret}]},
                              "fetch": {"proxy": "http://me:hidden@127.0.0.1:9"}})
    assert set(changed(answer)) == {"webhooks.secrets", "fetch.proxy"}
    said = json.dumps(answer) + gatherd.log_text()
    assert "QUJD" not in said and "hidden" not in said and "orders" in said


def test_other_sites_pages_cannot_reload(start_gatherd):
    gatherd = start_gatherd()
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}):
        assert ask(gatherd, **headers).status == 403
    assert ask(gatherd, host="evil.example").status == 421
    assert gatherd.get("/-/reload").status == 405
    assert metric(gatherd, "config_generation") == 1


def test_many_who_ask_at_once_are_all_answered(start_gatherd):
    gatherd = start_gatherd(options(server__workers=2))
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(ask(gatherd)))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [200] * 20
    assert metric(gatherd, "config_generation") <= 21


# ------------------------------------------------------------------------- who may what


def test_o3_a_revoked_key_stops_working_at_once_also_on_an_open_connection(start_gatherd,
                                                                            upstream):
    """O3: from the reload on, whatever connection it comes by."""
    (old, old_entry), (new, new_entry) = make_key("billing"), make_key("search")
    gatherd = start_gatherd(with_keys(old_entry, new_entry))
    body = json.dumps({"urls": [upstream.url("ok")]}).encode()
    with gatherd.raw() as raw:
        head = (f"POST /v1/batch HTTP/1.1\r\nHost: a\r\nX-Api-Key: {old}\r\nContent-Type: "
                f"application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        raw.send(head + body)
        assert raw.read_reply().status == 200
        reload(gatherd, with_keys(new_entry), **{"x-api-key": new})
        raw.send(head + body)
        assert raw.read_reply().status == 401
    assert gatherd.post({"urls": [upstream.url("ok")]}, {"x-api-key": new}).status == 200


def test_a_rate_goes_on_where_it_was(start_gatherd, upstream):
    key, entry = make_key("billing")
    limits = [{"keys": ["billing"], "items_per_second": 1, "burst": 3}]
    gatherd = start_gatherd(with_keys(entry, limits=limits))
    urls = {"urls": [upstream.url("ok")] * 3}
    assert gatherd.post(urls, {"x-api-key": key}).status == 200
    reload(gatherd, with_keys(entry, limits=limits), **{"x-api-key": key})
    assert gatherd.post(urls, {"x-api-key": key}).status == 429
    limits[0].update(items_per_second=1000, burst=1000)
    reload(gatherd, with_keys(entry, limits=limits), **{"x-api-key": key})
    wait_until(lambda: gatherd.post(urls, {"x-api-key": key}).status == 200, 4, "the new rate")


def test_o5_a_connection_that_a_tighter_policy_forbids_is_not_used_again(start_gatherd,
                                                                         upstream):
    """O5: a kept connection is judged like a new one."""
    gatherd = start_gatherd(options(server__workers=1))
    url = upstream.url("ok")
    assert gatherd.fetch({"url": url})["status"] == 200
    before = metric(gatherd, "upstream_connections_reused_total")
    assert gatherd.fetch({"url": url})["status"] == 200
    assert metric(gatherd, "upstream_connections_reused_total") == before + 1
    assert changed(reload(gatherd, options(server__workers=1, egress__deny=["127.0.0.0/8"]))
                   ) == ["egress.deny"]
    assert gatherd.fetch({"url": url})["error"]["code"] == "blocked_address"
    named = url.replace("127.0.0.1", "localhost")
    assert gatherd.fetch({"url": named})["error"]["code"].startswith("blocked")
    assert metric(gatherd, "upstream_connections_reused_total") == before + 1
    reload(gatherd, options(server__workers=1))
    assert gatherd.fetch({"url": url})["status"] == 200


# ------------------------------------------------------------------------ what was begun


def test_a_running_batch_keeps_what_it_began_with(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=2))
    urls = [upstream.url("delay/1000"), upstream.url("ok")]
    begun = []
    items = [{"id": "slow", "url": urls[0]},
             {"id": "late", "url": urls[1], "dependsOn": ["slow"]}]
    thread = threading.Thread(target=lambda: begun.append(
        gatherd.post({"requests": items})))
    thread.start()
    wait_until(lambda: metric(gatherd, "items_in_flight") > 0, 5, "the slow item")
    reload(gatherd, options(egress__deny=["127.0.0.0/8"], fetch__timeout="100ms"))
    thread.join()
    assert [r.get("status") for r in begun[0].json()["responses"]] == [200, 200]
    assert gatherd.fetch({"url": urls[1]})["error"]["code"] == "blocked_address"


def test_a_running_stream_keeps_what_it_began_with(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=1))
    urls = [upstream.url("ok")] + [upstream.url("delay/300")] * 3
    body = json.dumps({"urls": urls, "concurrency": 1}).encode()
    with socket.create_connection(("127.0.0.1", gatherd.port), 10) as connection:
        connection.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nAccept: "
                           b"application/x-ndjson\r\nConnection: close\r\nContent-Type: "
                           b"application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        text = b""
        while b'"status":200' not in text:
            text += connection.recv(65536)
        reload(gatherd, options(server__workers=1, egress__deny=["127.0.0.0/8"]))
        while part := connection.recv(65536):
            text += part
    assert text.count(b'"status":200') == 4 and b"blocked" not in text, text


# ------------------------------------------------------------------------------ upstreams


def test_connections_of_other_authorities_are_not_used_again(start_gatherd, upstream, tmp_path):
    trusted = tmp_path / "ca.pem"
    shutil.copy(upstream.ca_file, trusted)
    gatherd = start_gatherd(options(server__workers=1, fetch__ca_file=str(trusted)))
    url = upstream.tls("good")
    assert gatherd.fetch({"url": url})["status"] == 200
    assert changed(ask(gatherd).json()) == []
    assert gatherd.fetch({"url": url})["status"] == 200
    opened = metric(gatherd, "upstream_connections_opened_total")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other", "-keyout",
                    "/dev/null", "-out", str(tmp_path / "other.pem")], check=True,
                   capture_output=True)
    os.replace(tmp_path / "other.pem", trusted)
    assert changed(ask(gatherd).json()) == ["fetch.ca_file"]
    assert gatherd.fetch({"url": url})["error"]["code"] == "tls"
    # One for each address of the name that is tried.
    assert metric(gatherd, "upstream_connections_opened_total") > opened
    shutil.copy(upstream.ca_file, tmp_path / "again.pem")
    os.replace(tmp_path / "again.pem", trusted)
    ask(gatherd)
    assert gatherd.fetch({"url": url})["status"] == 200


def test_what_a_request_carries_follows_and_attempts_under_way_are_left_alone(start_gatherd,
                                                                              upstream):
    gatherd = start_gatherd(options(server__workers=1, fetch__user_agent="one"))
    begun = []
    thread = threading.Thread(target=lambda: begun.append(
        gatherd.fetch({"url": upstream.url("delay/800")})))
    thread.start()
    wait_until(lambda: metric(gatherd, "items_in_flight") > 0, 5, "the slow item")
    reload(gatherd, options(server__workers=1, fetch__user_agent="two"))
    seen = gatherd.fetch({"url": upstream.url("echo")})
    assert "two" in json.dumps(seen) and "one" not in json.dumps(seen["body"])
    thread.join()
    assert begun[0]["status"] == 200


def test_breakers_can_be_switched_on_and_off(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=1))
    bad = {"url": f"http://127.0.0.1:{free_port()}/"}
    on = options(server__workers=1, breaker__consecutive_failures=2)

    def codes():
        return [gatherd.fetch(bad)["error"]["code"] for _ in range(3)]
    assert codes() == ["connect"] * 3
    reload(gatherd, on)
    assert codes() == ["connect", "connect", "circuit_open"]
    reload(gatherd, on, options(batch__max_items=7))
    assert codes() == ["circuit_open"] * 3
    reload(gatherd, options(server__workers=1))
    assert codes() == ["connect"] * 3


def test_ceilings_and_slots_follow(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=1, fetch__per_origin=1))
    key = upstream.new_key()
    gatherd.batch([{"url": upstream.url("delay/50", key=key)}] * 4)
    assert upstream.stats(key)["peak_in_flight"] == 1
    reload(gatherd, options(server__workers=1, fetch__per_origin=8, fetch__max_in_flight=200,
                            memory__reply_budget="64MiB"))
    url, gate = upstream.gate(key=(key := upstream.new_key()))
    thread = threading.Thread(target=gatherd.batch, args=([{"url": url}] * 4,))
    thread.start()
    wait_until(lambda: upstream.stats(key)["in_flight"] == 4, 5, "all four at once")
    upstream.open(gate)
    thread.join()
    assert gatherd.get("/-/live").json()["memory"]["replyBudget"] == 64 << 20


# ------------------------------------------------------------------------------ listeners


@needs_listeners
def test_listeners_come_and_go_under_load(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=2))
    other, failures, is_over = free_port(), [], threading.Event()
    body = json.dumps({"urls": [upstream.url("ok")]}).encode()

    def keep_asking(port):
        while not is_over.is_set():
            reply = client.request(port, "POST", "/v1/batch", body,
                                   {"content-type": "application/json"}, 20)
            if reply.status != 200:
                failures.append(reply)
    threads = [threading.Thread(target=keep_asking, args=(gatherd.port,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    both = {"server": {"workers": 2, "listen": [f"127.0.0.1:{gatherd.port}",
                                                f"127.0.0.1:{other}"]}}
    for _ in range(5):
        assert changed(reload(gatherd, both)) == ["server.listen"]
        assert client.request(other, "GET", "/healthz").status == 200
        reload(gatherd, options(server__workers=2))
        with pytest.raises(ConnectionRefusedError):
            client.request(other, "GET", "/healthz")
    is_over.set()
    for thread in threads:
        thread.join()
    assert not failures


@needs_listeners
def test_a_listener_that_cannot_be_opened_refuses_the_reload(start_gatherd):
    gatherd = start_gatherd()
    free = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        faults = refuse(gatherd, {"server": {"listen": [f"127.0.0.1:{gatherd.port}",
                                                        f"127.0.0.1:{free}",
                                                        f"127.0.0.1:{port}"]}})
    assert str(port) in faults[0], faults
    with pytest.raises(ConnectionRefusedError):
        client.request(free, "GET", "/healthz")
    assert gatherd.get("/healthz").status == 200


@needs_listeners
def test_an_ops_listener_comes_and_is_out_of_reach_of_batches(start_gatherd):
    gatherd = start_gatherd()
    ops = free_port()
    tree = {"ops": {"listen": [f"127.0.0.1:{ops}"]}}
    reload(gatherd, tree)
    assert client.request(ops, "GET", "/metrics").status == 200
    assert gatherd.get("/metrics").status == 404
    error = gatherd.fetch({"url": f"http://127.0.0.1:{ops}/metrics"})["error"]
    assert error["code"] == "blocked_address" and "itself" in error["message"]
    write(gatherd)
    assert client.request(ops, "POST", "/-/reload").status == 200
    assert gatherd.get("/metrics").status == 200


def listening(server, ops=()):
    return {"server": {"listen": [f"127.0.0.1:{port}" for port in server]},
            "ops": {"listen": [f"127.0.0.1:{port}" for port in ops]}}


def test_an_address_moves_between_the_two_lists_and_clients_stay(start_gatherd):
    """Also in the sandbox: it is the same socket all the time."""
    first, second = free_port(), free_port()
    gatherd = start_gatherd(listening([first], [second]), port=second)  # where /readyz is

    def metrics(port):
        return client.request(port, "GET", "/metrics").status
    assert (metrics(first), metrics(second)) == (404, 200)
    with socket.create_connection(("127.0.0.1", second)) as one:
        one.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in one.recv(100)
        reload(gatherd, listening([second], [first]), port=second)
        assert (metrics(first), metrics(second)) == (200, 404)
        one.sendall(b"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n")
        one.settimeout(5)
        assert b" 200 " in b"".join(iter(lambda: one.recv(4096), b""))
    gatherd.port = second
    error = gatherd.fetch({"url": f"http://127.0.0.1:{first}/metrics"})["error"]
    assert error["code"] == "blocked_address", error
    reload(gatherd, listening([first, second]), port=first)
    assert (metrics(first), metrics(second)) == (200, 200)


@needs_listeners
def test_a_move_that_goes_with_something_impossible_does_not_happen(start_gatherd):
    first, second = free_port(), free_port()
    gatherd = start_gatherd(listening([first], [second]), port=second)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refuse(gatherd, listening([second], [first, taken.getsockname()[1]]), port=second)
    assert client.request(second, "GET", "/metrics").status == 200
    assert client.request(first, "GET", "/metrics").status == 404
    gatherd.port = first
    error = gatherd.fetch({"url": f"http://127.0.0.1:{second}/"})["error"]
    assert error["code"] == "blocked_address", error


def test_when_a_listener_is_gone_its_address_is_open_to_batches(start_gatherd):
    first, second = free_port(), free_port()
    gatherd = start_gatherd(listening([first, second]), port=first)

    def code(port):
        return gatherd.fetch({"url": f"http://127.0.0.1:{port}/healthz"})["error"]["code"]
    assert code(second) == "blocked_address"
    reload(gatherd, listening([first]))
    assert code(second) == "connect" and code(first) == "blocked_address"


@needs_listeners
def test_an_address_that_gatherd_itself_is_in_the_way_of_is_no_other_processes(start_gatherd):
    gatherd = start_gatherd()
    faults = refuse(gatherd, {"server": {"listen": [f"0.0.0.0:{gatherd.port}"]}, "auth": {"mode": "none"}})
    assert f"gatherd itself listens there (server.listen: 127.0.0.1:{gatherd.port})" in faults[0], faults
    assert gatherd.get("/healthz").status == 200


@needs_listeners
def test_another_process_at_another_address_of_the_port_is_not_taken_for_gatherd(start_gatherd):
    gatherd = start_gatherd()
    own, other = f"127.0.0.1:{gatherd.port}", f"127.0.0.2:{gatherd.port}"
    with socket.create_server(("127.0.0.2", gatherd.port)):
        faults = refuse(gatherd, {"server": {"listen": [own, other]}, "auth": {"mode": "none"}})
    assert other in faults[0] and "gatherd itself" not in faults[0], faults


@needs_listeners
def test_a_refused_reload_lowers_no_limits_and_says_none(start_gatherd):
    gatherd = start_gatherd()
    greedy = options(fetch__max_in_flight=1_000_000, server__max_connections=1_000_000)

    def lowered():
        return [line["event"] for line in gatherd.log_lines()].count("limits_lowered")
    before = lowered()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refuse(gatherd, greedy, listening([gatherd.port, taken.getsockname()[1]]))
    assert lowered() == before
    reload(gatherd, greedy)
    assert lowered() == before + 1


@pytest.mark.skipif(not in_sandbox, reason="of the sandbox")
def test_in_the_sandbox_a_new_listener_is_refused_and_says_why(start_gatherd):
    gatherd = start_gatherd()
    faults = refuse(gatherd, {"ops": {"listen": [f"127.0.0.1:{free_port()}"]}})
    assert "process.sandbox" in faults[0] and "restart" in faults[0]


# ------------------------------------------------------------------------------------ TLS


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                    str(folder / "key.fresh"), "-out", str(folder / "chain.fresh")],
                   check=True, capture_output=True)
    os.chmod(folder / "key.fresh", 0o600)
    os.replace(folder / "key.fresh", folder / "key.pem")
    os.replace(folder / "chain.fresh", folder / "chain.pem")


def name_shown(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        with context.wrap_socket(plain) as connection:
            shown = connection.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject"],
                          input=shown, capture_output=True, check=True).stdout.decode()
    return text.strip().split("CN")[-1].strip(" =")


def tls_request(connection):
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    text = b""
    while b"ok" not in text.partition(b"\r\n\r\n")[2]:
        part = connection.recv(65536)
        assert part, text
        text += part
    return text


@pytest.mark.parametrize("outside", ["beside the configuration", "elsewhere"])
def test_a_renewed_certificate_is_shown_and_open_connections_end_as_they_would(
        start_gatherd, tmp_path, outside):
    folder = tmp_path if outside != "elsewhere" else tmp_path / "tls"
    folder.mkdir(exist_ok=True)
    make_certificate(folder, "first")
    tree = {"server": {"tls": {"certificate": str(folder / "chain.pem"),
                               "key": str(folder / "key.pem")}}}
    gatherd = start_gatherd(tree, options(server__workers=2), wait=False)
    wait_until(lambda: gatherd.child.is_alive and "started" in gatherd.child.errors(), 20, "start")
    assert name_shown(gatherd.port) == "first"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(("127.0.0.1", gatherd.port), 10)) as old:
        tls_request(old)
        for name in ("second", "third"):
            make_certificate(folder, name)
            lines = by_signal(gatherd, tree, options(server__workers=2))
            options_changed = {line["option"] for line in lines
                               if line["event"] == "option_changed"}
            assert options_changed == {"server.tls.certificate", "server.tls.key"}
            assert name_shown(gatherd.port) == name
            if name == "second":
                assert b"Connection: close" in tls_request(old)
    (folder / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n"
                                    "-----END PRIVATE KEY-----\n")
    lines = by_signal(gatherd, tree, options(server__workers=2))
    assert lines[-1]["event"] == "reload_refused"
    assert any("server.tls" in line.get("fault", "") for line in lines)
    assert name_shown(gatherd.port) == "third"


# -------------------------------------------------------------------------------- secrets


def test_files_that_the_configuration_names_are_read_again(start_gatherd, upstream, tmp_path):
    """As Kubernetes mounts them: a link to a folder that is another one after the change."""
    (key, entry), (other, other_entry) = make_key("billing"), make_key("billing")
    mount = tmp_path / "mount"
    mount.mkdir()
    for number, each in enumerate((entry, other_entry)):
        (mount / f"..{number}").mkdir()
        (mount / f"..{number}" / "hash").write_text(each["sha256"])
    (mount / "..data").symlink_to("..0")
    (mount / "hash").symlink_to("..data/hash")
    tree = with_keys({"name": "billing", "sha256": f"file:{mount}/hash"})
    gatherd = start_gatherd(tree)
    urls = {"urls": [upstream.url("ok")]}
    assert gatherd.post(urls, {"x-api-key": key}).status == 200
    (mount / "..fresh").symlink_to("..1")
    os.rename(mount / "..fresh", mount / "..data")
    assert changed(ask(gatherd, **{"x-api-key": key}).json()) == ["auth.keys"]
    assert gatherd.post(urls, {"x-api-key": key}).status == 401
    assert gatherd.post(urls, {"x-api-key": other}).status == 200


def test_the_log_follows(start_gatherd, upstream):
    gatherd = start_gatherd(options(log__access="off"))
    gatherd.fetch({"url": upstream.url("ok")})
    assert not [line for line in gatherd.log_lines() if line["event"] == "batch"]
    reload(gatherd, options(log__access="on", log__items="all"))
    gatherd.fetch({"url": upstream.url("ok")})
    assert {"batch", "item"} <= {line["event"] for line in gatherd.log_lines()}


def test_a_signal_while_it_ends_does_no_harm(start_gatherd, upstream):
    gatherd = start_gatherd(options(server__workers=1))
    thread = threading.Thread(target=gatherd.fetch, args=({"url": upstream.url("delay/500")},))
    thread.start()
    wait_until(lambda: metric(gatherd, "items_in_flight") > 0, 5, "the slow item")
    gatherd.signal(signal.SIGTERM)
    gatherd.signal(signal.SIGHUP)
    thread.join()
    assert gatherd.wait() == 0
