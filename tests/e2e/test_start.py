# SPDX-License-Identifier: Apache-2.0
"""Starting, refusing to start, and the other commands of the program."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
from harness.client import request
from harness.configuration import BASE, merge, options, to_yaml
from harness.gatherd import REPOSITORY, binary, run_cli
from harness.process import accepts, free_port, wait_until


def check(tmp_path, text):
    path = tmp_path / "conf.yaml"
    path.write_text(text)
    done = run_cli("check", str(path))
    return done, done.stdout + done.stderr, str(path)


GOOD = ["", "# nothing but a comment\n", "server:\n  listen: [\"127.0.0.1:8080\"]\n",
        "fetch: {timeout: 10s, connect_timeout: 250ms}\n",
        "egress:\n  ports: [\"80\", \"1-65535\"]\n",
        "server:\n  workers: 2\n  request_max_bytes: 64KiB\n", "log: {level: debug, access: off}\n",
        "dns:\n  ttl_max: \"30s\"\n", "---\nlog: {level: info}\n"]


@pytest.mark.parametrize("text", GOOD)
def test_a_right_file_is_accepted(tmp_path, text):
    done, output, _ = check(tmp_path, text)
    assert done.returncode == 0, output


# text, line, column or None, what the message must contain
BAD = [
    ("server:\n  listne: []\n", 2, 3, 'did you mean server.listen?'),
    ("sever: {}\n", 1, 1, 'did you mean server?'),
    ("fetch:\n  timeout: 10\n", 2, 12, "fetch.timeout"),
    ("fetch:\n  timeout: ten\n", 2, 12, "fetch.timeout"),
    ("fetch:\n  timeout: -1s\n", 2, 12, "fetch.timeout"),
    ("fetch:\n  timeout: 1.5s\n", 2, 12, "fetch.timeout"),
    ("fetch:\n  timeout: 999999999999h\n", 2, 12, "fetch.timeout"),
    ("fetch:\n  timeout: 18446744073709551617ms\n", 2, 12, "fetch.timeout"),
    ("fetch:\n  timeout: [1s]\n", 2, 12, "fetch.timeout"),
    ("fetch:\n  timeout:\n", 2, None, "fetch.timeout"),
    ("fetch:\n  body_max_bytes: 4MB\n", 2, 19, "fetch.body_max_bytes"),
    ("fetch:\n  body_max_bytes: 4096\n", 2, 19, "fetch.body_max_bytes"),
    ("fetch:\n  http2: maybe\n", 2, 10, "fetch.http2"),
    ("fetch:\n  per_origin: 0x10\n", 2, 15, "fetch.per_origin"),
    ("fetch:\n  per_origin: 010\n", 2, 15, "fetch.per_origin"),
    ("fetch:\n  per_origin: 1e9\n", 2, 15, "fetch.per_origin"),
    ("fetch:\n  per_origin: -1\n", 2, 15, "fetch.per_origin"),
    ("fetch: 5\n", 1, 8, "fetch"),
    ("fetch: []\n", 1, 8, "fetch"),
    ("- a\n", 1, 1, ""),
    ("just text\n", 1, 1, ""),
    ("log:\n  level: loud\n", 2, 10, "log.level"),
    ("log: {level: info}\nlog: {level: debug}\n", 2, 1, "log"),
    ("log:\n  level: info\n  level: debug\n", 3, 3, "level"),
    ("log: &a {level: info}\n", 1, None, ""),
    ("server:\n  listen: *x\n", 2, 11, ""),
    ("log: {level: !!str info}\n", 1, None, ""),
    ("log: {level: info}\n---\nlog: {level: info}\n", 2, None, ""),
    ("log: {level: info\n", 2, None, ""),
    ("log:\n\tlevel: info\n", 2, None, ""),
    ("log: \"\x00\"\n", 1, None, ""),
    ("server:\n  listen: [\"nonsense\"]\n", 2, 12, "server.listen"),
    ("server:\n  listen: [\"127.0.0.1:99999\"]\n", 2, 12, "server.listen"),
    ("egress:\n  ports: [\"80-70\"]\n", 2, 11, "egress.ports"),
    ("egress:\n  ports: [\"0x50\"]\n", 2, 11, "egress.ports"),
    ("egress:\n  allow: [\"10.0.0.0/33\"]\n", 2, 11, "egress.allow"),
    ("egress:\n  schemes: [ftp]\n", 2, 13, "egress.schemes"),
    ("egress:\n  private_addresses: perhaps\n", 2, 22, "egress.private_addresses"),
    ("auth:\n  mode: open\n", 2, 9, "auth.mode"),
    ("dns:\n  timeout: ${GATHERD_TEST_UNSET}\n", 2, 12, "GATHERD_TEST_UNSET"),
    ("[" * 5000, 1, None, ""),
    ("{a: " * 2000, 1, None, ""),
]


@pytest.mark.parametrize("text, line, column, word", BAD, ids=lambda v: repr(v)[:40])
def test_a_wrong_file_is_refused_where_it_is_wrong(tmp_path, text, line, column, word):
    """J12: with line and column."""
    started = time.monotonic()
    done, output, path = check(tmp_path, text)
    assert done.returncode not in (0, 99), output
    places = re.findall(re.escape(path) + r":(\d+):(\d+): ", output)
    assert str(line) in [at for at, _ in places], output
    if column:
        assert (str(line), str(column)) in places, output
    assert word in output
    assert time.monotonic() - started < 5


def test_every_fault_is_reported_at_once(tmp_path):
    """J12: not the first alone."""
    done, output, path = check(tmp_path, "fetch:\n  timeout: 10\n  nonsense: 1\nsever: {}\n"
                                         "log: {level: loud, colour: on}\n")
    assert done.returncode != 0
    lines = sorted({int(line) for line in re.findall(re.escape(path) + r":(\d+):\d+: ", output)})
    assert lines == [2, 3, 4, 5], output


def test_the_environment_fills_in(tmp_path):
    path = tmp_path / "conf.yaml"
    path.write_text("fetch:\n  timeout: ${TEST_TIMEOUT}\n  idle_timeout: ${TEST_IDLE:-3s}\n")
    good = run_cli("check", str(path), env={**os.environ, "TEST_TIMEOUT": "4s"})
    assert good.returncode == 0, good.stderr
    bad = run_cli("check", str(path), env={**os.environ, "TEST_TIMEOUT": "soon"})
    assert bad.returncode != 0 and ":2:12: " in bad.stdout + bad.stderr


def test_a_missing_file_is_named(tmp_path):
    for command in (("check", "/nonexistent/conf.yaml"),
                    ("serve", "--config", "/nonexistent/conf.yaml")):
        done = run_cli(*command)
        assert done.returncode not in (0, 99)
        assert "/nonexistent/conf.yaml" in done.stderr + done.stdout


def write_config(tmp_path, *trees):
    port = free_port()
    path = tmp_path / "serve.yaml"
    path.write_text(to_yaml(merge(BASE, {"server": {"listen": [f"127.0.0.1:{port}"]}}, *trees)))
    return path, port


def test_serve_refuses_a_wrong_file_like_check(tmp_path):
    path, _ = write_config(tmp_path, {"fetch": {"timeout": "10", "nonsense": "1"}})
    done = run_cli("serve", "--config", str(path))
    assert done.returncode not in (0, 99)
    assert done.stderr.count(f"{path}:") >= 2, done.stderr


def test_a_port_in_use_is_refused_with_its_name(tmp_path):
    path, port = write_config(tmp_path)
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        done = run_cli("serve", "--config", str(path))
    assert done.returncode not in (0, 99)
    assert f"127.0.0.1:{port}" in done.stderr and "in use" in done.stderr.lower()


@pytest.mark.parametrize("command", ["serve", "check", "key", "version"])
def test_a_command_explains_itself(command):
    done = run_cli(command, "--help")
    assert done.returncode == 0 and f"usage: gatherd {command}" in done.stdout, done


def test_without_standard_streams_no_socket_takes_their_place(start_gatherd, upstream):
    """Else the log would be written into whatever got number 2."""
    gatherd = start_gatherd(prefix=("/bin/sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh"))
    assert gatherd.fetch(upstream.url("ok"))["status"] == 200
    targets = [os.readlink(f"/proc/{gatherd.pid}/fd/{number}") for number in range(3)]
    assert targets == ["/dev/null"] * 3


def test_a_missing_ca_file_is_refused(tmp_path):
    path, _ = write_config(tmp_path, options(fetch__ca_file="/nonexistent/ca.pem"))
    done = run_cli("serve", "--config", str(path))
    assert done.returncode not in (0, 99) and "/nonexistent/ca.pem" in done.stderr


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit is not installed")
def test_too_few_descriptors_are_told(start_gatherd, upstream):
    """L5: The limits asked for do not fit: a warning, or a refusal that names the limit."""
    prefix = ("prlimit", "--nofile=256:256")
    gatherd = start_gatherd(prefix=prefix, wait=False)
    end = time.monotonic() + 10
    while gatherd.is_alive and time.monotonic() < end:
        try:
            if gatherd.get("/readyz").status == 200:
                break
        except OSError:
            time.sleep(0.05)
    assert "open files" in gatherd.child.errors(), gatherd.child.errors()
    if gatherd.is_alive:
        document = gatherd.batch([upstream.url("delay/50")] * 400)
        assert document["summary"]["ok"] > 0


def test_set_overrides_the_file(tmp_path, start_gatherd, upstream):
    gatherd = start_gatherd(arguments=("--set", "batch.max_items=2", "--set",
                                       "fetch.user_agent=tester/1"))
    assert gatherd.post([upstream.url("ok")] * 3).status == 413
    seen = gatherd.fetch(upstream.url("echo"))["body"]
    assert ["User-Agent", "tester/1"] in [[n.title(), v] for n, v in seen["headers"]]


@pytest.mark.parametrize("setting", ["batch.max_itmes=2", "batch.max_items=two", "batch.max_items",
                                     "nonsense"])
def test_a_wrong_set_is_refused(tmp_path, setting):
    path, _ = write_config(tmp_path)
    done = run_cli("serve", "--config", str(path), "--set", setting)
    assert done.returncode not in (0, 99)
    assert setting.split("=")[0] in done.stderr


def test_open_on_a_public_address_without_keys_is_refused(tmp_path):
    path = tmp_path / "conf.yaml"
    path.write_text(f"server:\n  listen: [\"0.0.0.0:{free_port()}\"]\n")
    done = run_cli("serve", "--config", str(path))
    assert done.returncode not in (0, 99) and "auth" in done.stderr, done.stderr


def test_version_names_the_libraries():
    done = run_cli("version")
    assert done.returncode == 0
    for word in ("gatherd", "libcurl", "libmicrohttpd", "c-ares", "jansson", "yaml"):
        assert word in done.stdout.lower(), done.stdout


def test_help_names_every_command():
    for arguments in (("help",), ("--help",)):
        done = run_cli(*arguments)
        assert done.returncode == 0
        for word in ("serve", "check", "options", "health", "version", "help"):
            assert word in done.stdout


@pytest.mark.parametrize("arguments", [("sevre",), ("--nope",), ("serve", "--nope"),
                                       ("check",), ("version", "x"), ("serve", "x"),
                                       ("options", "x"), ("health", "x"), ("demo", "x"),
                                       ("key", "new"), ("key", "old", "name"),
                                       ("key", "new", "no name")])
def test_a_wrong_command_line_says_what_is_right(arguments):
    done = run_cli(*arguments)
    assert done.returncode not in (0, 99)
    assert "gatherd" in done.stderr
    assert arguments != ("sevre",) or 'did you mean "serve"' in done.stderr or \
        "help" in done.stderr


def test_an_option_of_another_command_is_named():
    done = run_cli("check", "--listen", "127.0.0.1:1", "file.yaml")
    assert "check takes no --listen" in done.stderr, done.stderr


DOCUMENTED = ["server.listen", "server.workers", "server.drain_timeout", "ops.listen", "auth.mode",
              "batch.max_items", "batch.deadline", "fetch.timeout", "fetch.http2", "dns.timeout",
              "egress.private_addresses", "memory.reply_budget", "log.level"]


def test_options_lists_every_option():
    done = run_cli("options")
    assert done.returncode == 0
    for name in DOCUMENTED:
        assert name in done.stdout


def test_options_yaml_is_a_configuration_with_every_default(tmp_path):
    done = run_cli("options", "--yaml")
    assert done.returncode == 0
    checked, output, _ = check(tmp_path, done.stdout)
    assert checked.returncode == 0, output


def test_options_schema_is_json_schema():
    done = run_cli("options", "--schema")
    schema = json.loads(done.stdout)
    assert schema["$schema"].startswith("https://json-schema.org/draft/2020-12")
    assert schema["additionalProperties"] is False
    for name in DOCUMENTED:
        section, option = name.split(".")
        assert schema["properties"][section]["properties"][option]["description"]


@pytest.mark.parametrize("name", ["gatherd.yaml", "quickstart.yaml", "production.yaml"])
def test_the_shipped_files_are_right(name):
    path = REPOSITORY / "config" / name
    environment = {**os.environ, "GATHERD_API_KEY_SHA256": "0" * 64}
    done = run_cli("check", str(path), env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name, argument", [("gatherd.yaml", "--yaml"),
                                            ("gatherd.schema.json", "--schema")])
def test_the_shipped_reference_is_the_programs_own(name, argument):
    assert (REPOSITORY / "config" / name).read_text() == run_cli("options", argument).stdout


def test_health_asks_the_running_service(start_gatherd):
    gatherd = start_gatherd()
    done = run_cli("health", "--config", str(gatherd.config_path))
    assert done.returncode == 0, done.stderr
    gatherd.stop()
    done = run_cli("health", "--config", str(gatherd.config_path))
    assert done.returncode not in (0, 99) and done.stderr.strip()


def test_health_of_a_socket_handed_over_asks_for_an_address(tmp_path):
    path = tmp_path / "fd.yaml"
    path.write_text('server: {listen: ["fd:3"]}\nauth: {mode: none}\n', encoding="utf-8")
    done = run_cli("health", "--config", str(path))
    assert done.returncode == 2 and "--listen HOST:PORT" in done.stderr


def test_demo_serves_its_routes(tmp_path):
    port = free_port()
    child = subprocess.Popen([binary(), "demo", "--listen", f"127.0.0.1:{port}"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert "127.0.0.1" in child.stdout.readline()
        assert request(port, "GET", "/").status == 200
    finally:
        child.terminate()
        child.communicate(timeout=10)
    assert child.returncode == 0


def test_standard_streams_may_be_closed(tmp_path):
    """L12: A daemon without stdin, stdout and stderr must not give their numbers to sockets."""
    path, port = write_config(tmp_path)
    script = ("import os,sys\nfor n in (0,1,2): os.close(n)\n"
              f"os.execv({binary()!r}, ['gatherd','serve','--config',{str(path)!r}])")
    child = subprocess.Popen([sys.executable, "-c", script])
    try:
        wait_until(lambda: accepts(port), 10, "the service up")
        assert request(port, "GET", "/healthz").status == 200
    finally:
        child.terminate()
        assert child.wait(10) == 0
