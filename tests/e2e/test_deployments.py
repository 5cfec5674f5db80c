# SPDX-License-Identifier: Apache-2.0
"""What is in deploy/ works: the files are run as they are shipped, wherever what they are for is installed."""
import json
import math
import re
import shutil
import subprocess
import urllib.parse

import pytest
import yaml
from harness import balancer, client, long_runs
from harness.crowd import Crowd, to_tcp
from harness.gatherd import REPOSITORY
from harness.process import Child, free_port, wait_until

DEPLOY = REPOSITORY / "deploy"
needs_haproxy = pytest.mark.skipif(balancer.is_missing(), reason="haproxy is not installed")


def milliseconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()
    return int(number) * {"ms": 1, "s": 1000, "m": 60000}[unit]


def shipped_default(option):
    """Of an option of gatherd, in milliseconds, as the shipped file has it."""
    tree = yaml.safe_load((REPOSITORY / "config/gatherd.yaml").read_text())
    section, name = option.split(".")
    return milliseconds(tree[section][name])


# haproxy.

@needs_haproxy
def test_a_rolling_restart_behind_haproxy_loses_no_request(tmp_path):
    """Three instances, one after the other by SIGTERM and a new start, under load."""
    seen, wrong = long_runs.script("rolling").roll(tmp_path, 1, clients=8, drain_delay="1s",
                                                    must_notice=False)  # tests may share the machine
    assert not wrong, (seen, wrong)
    assert seen["requests"] > 100, seen


@needs_haproxy
def test_haproxy_takes_its_file_with_the_names_of_compose():
    """Names that do not resolve here, outside of compose, are warned of."""
    done = subprocess.run([shutil.which("haproxy", path="/usr/sbin:/usr/bin"), "-c", "-f", DEPLOY / "haproxy.cfg"],
                          capture_output=True, text=True, timeout=20)
    others = [line for line in done.stderr.splitlines()
              if "[WARNING]" in line and "could not resolve address" not in line]
    assert done.returncode == 0 and not others, done.stderr


# Compose.

def compose(name):
    return yaml.safe_load((DEPLOY / name).read_text())


@pytest.mark.parametrize("name", ["compose.yaml", "compose.scale.yaml"])
def test_every_file_that_compose_mounts_is_there(name):
    for service in compose(name)["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), volume


def test_compose_gives_haproxy_the_time_to_notice_and_gatherd_the_time_to_end():
    gatherd = compose("compose.scale.yaml")["services"]["gatherd1"]
    delay = next(milliseconds(word.partition("=")[2]) for word in gatherd["command"]
                 if word.startswith("server.drain_delay="))
    check = (DEPLOY / "haproxy.cfg").read_text()
    notice = sum(milliseconds(re.search(pattern, check)[1])
                 for pattern in (r"check inter (\w+)", r"timeout check (\w+)"))
    assert "fall 1" in check and delay > notice
    assert milliseconds(gatherd["stop_grace_period"]) > delay + shipped_default("server.drain_timeout")


def test_haproxy_and_prometheus_look_for_the_services_that_compose_has():
    services = compose("compose.scale.yaml")["services"]
    asked = set(re.findall(r"\$\{GATHERD\d-(\w+):8080\}", (DEPLOY / "haproxy.cfg").read_text()))
    scraped = {target.partition(":")[0] for job in yaml.safe_load(
        (DEPLOY / "prometheus/scale.yml").read_text())["scrape_configs"]
        for target in job["static_configs"][0]["targets"]}
    instances = {name for name in services if name.startswith("gatherd")}
    assert len(instances) == 3 and asked == instances and scraped == instances | {"haproxy"}


# Prometheus and Grafana.

needs_prometheus = pytest.mark.skipif(not (shutil.which("prometheus") and shutil.which("promtool")),
                                      reason="prometheus is not installed")
RULES = DEPLOY / "prometheus/rules.yml"
DASHBOARD = DEPLOY / "grafana/gatherd.json"
METRIC = re.compile(r"\b(?:gatherd|process)_[a-z0-9_]+")
VARIABLES = {"$__rate_interval": "5s", "$job": "gatherd", "$instance": ".*"}


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels():
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def dashboard_queries():
    """(what it is, the query) of every panel, variable and annotation."""
    page = json.loads(DASHBOARD.read_text())
    queries = [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]
    queries += [(note["name"], note["expr"]) for note in page["annotations"]["list"]]
    for variable in page["templating"]["list"]:
        found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable.get("definition", ""))
        if found:
            queries.append((variable["name"], f"count by ({found[2]}) ({found[1]})"))
    return queries


def filled(query):
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    assert "$" not in query, query
    return query


@needs_prometheus
def test_every_alert_and_record_is_what_its_unit_test_says():
    done = subprocess.run(["promtool", "test", "rules", DEPLOY / "prometheus/rules_test.yml"],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_that_raises_it_and_one_that_does_not():
    tests = yaml.safe_load((DEPLOY / "prometheus/rules_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test.get("alert_rule_test", ())]
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert alerts == {case["alertname"] for case in cases if case.get("exp_alerts")}
    assert alerts == {case["alertname"] for case in tests[0]["alert_rule_test"]}
    assert not any(case.get("exp_alerts") for case in tests[0]["alert_rule_test"])


@needs_prometheus
def test_promtool_takes_the_files_of_compose():
    done = subprocess.run(["promtool", "check", "config", *(DEPLOY / "prometheus" / name for name in (
        "prometheus.yml", "scale.yml"))], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_dashboard_name_metrics_there_are(gatherd):
    there = set(METRIC.findall(gatherd.metrics()))
    named = {name for _, query in dashboard_queries() for name in METRIC.findall(query)}
    for rule in rules():
        named |= set(METRIC.findall(re.sub(r"(?:job|instance):\w+:\w+", "", rule["expr"])))
    assert named <= there, named - there


def test_rules_name_records_there_are_and_codes_there_are(gatherd):
    records = {rule["record"] for rule in rules() if "record" in rule}
    used = set(re.findall(r"(?:job|instance):\w+:\w+", RULES.read_text() + DASHBOARD.read_text()))
    assert used == records
    page = gatherd.metrics()
    for _, query in [*dashboard_queries(), *((None, rule["expr"]) for rule in rules())]:
        for metric, label, values in re.findall(r'(\w+)\{[^}]*?\b(code|result|reason)[!=]~?"([^"]*)"', query):
            for value in values.split("|"):
                assert re.search(rf'{metric}{{[^}}]*{label}="{value}"', page), f"{metric} {label}={value}"


class Watched:
    """A Prometheus with the shipped configuration, but for its targets and intervals."""

    def __init__(self, folder, gatherd):
        tree = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
        tree["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
        tree["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{gatherd.port}"]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(tree))
        shutil.copy(RULES, folder / "rules.yml")
        self.port = free_port()
        self.child = Child(("prometheus", f"--config.file={folder}/prometheus.yml",
                            f"--storage.tsdb.path={folder}/data",
                            f"--web.listen-address=127.0.0.1:{self.port}"), folder, "prometheus")

    def ask(self, path, **query):
        target = f"/api/v1/{path}?{urllib.parse.urlencode(query)}"
        reply = client.request(self.port, "GET", target).json()
        assert reply["status"] == "success", reply
        return reply["data"]

    def values(self, query):
        return [float(sample["value"][1]) for sample in self.ask("query", query=query)["result"]]

    def has_seen(self, times):
        try:
            return self.values('count_over_time(up{job="gatherd"}[1m])')[0] >= times
        except (OSError, IndexError, AssertionError, json.JSONDecodeError):
            return False


@needs_prometheus
def test_every_query_of_the_dashboard_and_every_record_has_data_under_load(start_gatherd, upstream, tmp_path):
    gatherd = start_gatherd()
    watched = Watched(tmp_path, gatherd)
    crowd = Crowd(upstream, [to_tcp(gatherd.port)], 4)
    try:
        gatherd.fetch(upstream.url("hang"), deadlineMs=100)
        wait_until(lambda: watched.has_seen(4), 30, "some scrapes")
        gatherd.fetch(upstream.url("hang"), deadlineMs=100)
        wait_until(lambda: watched.has_seen(9), 30, "more scrapes")
        notes = ("Restarts", "Reloads")  # of nothing that happens here: only asked
        queries = [(title, filled(query)) for title, query in dashboard_queries() if title not in notes]
        queries += [(rule["record"], rule["record"]) for rule in rules() if "record" in rule]
        empty = [f"{title}: {query}" for title, query in queries
                 if not any(math.isfinite(value) for value in watched.values(query))]
        groups = watched.ask("rules")["groups"]
        for title in notes:
            watched.ask("query", query=filled(dict(dashboard_queries())[title]))
    finally:
        crowd.stop()
        watched.child.stop()
    assert not empty, "\n".join(empty)
    assert len(queries) > 50 and not crowd.failed
    faults = [rule for group in groups for rule in group["rules"] if rule["health"] != "ok"]
    assert len(groups) == 2 and not faults, faults


def test_panels_of_the_dashboard_lie_beside_each_other():
    cells = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        mine = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])}
        assert not mine & cells and max(x for x, _ in mine) < 24, panel["title"]
        cells |= mine
    assert len({panel["id"] for panel in panels()}) == len(panels())
