# SPDX-License-Identifier: Apache-2.0
"""The manifests of deploy/kubernetes keep what they promise. No API server can be had in these
tests: kustomize puts them together, and what must hold between them, and between them and gatherd, is
checked here."""
import json
import re
import shutil
import subprocess
from functools import lru_cache

import pytest
import yaml
from harness.configuration import options
from harness.gatherd import REPOSITORY, Gatherd, run_cli
from harness.process import free_port

FOLDER = REPOSITORY / "deploy/kubernetes"
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
         "ms": 0.001, "s": 1, "m": 60}

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


@lru_cache(maxsize=None)
def manifests():
    done = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = {document["kind"]: document for document in yaml.safe_load_all(done.stdout)}
    assert len(found) == done.stdout.count("\nkind:"), "one of each kind"
    return found


def pod():
    return manifests()["Deployment"]["spec"]["template"]["spec"]


def container():
    (only,) = pod()["containers"]
    return only


def configuration():
    return yaml.safe_load(manifests()["ConfigMap"]["data"]["gatherd.yaml"])


def amount(text):
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]+)", text).groups()
    return int(number) * UNITS[unit]


def test_everything_that_was_asked_for_is_in_it():
    assert set(manifests()) == {"Namespace", "ConfigMap", "Deployment", "Service", "PodDisruptionBudget",
                                "HorizontalPodAutoscaler", "NetworkPolicy", "ServiceMonitor"}
    assert {document["metadata"].get("namespace") for kind, document in manifests().items()
            if kind != "Namespace"} == {manifests()["Namespace"]["metadata"]["name"]}


# The pod and the configuration.

def test_gatherd_takes_the_configuration():
    done = run_cli("check", str(FOLDER / "gatherd.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pod_reads_the_configuration_where_it_is_mounted():
    (volume,) = pod()["volumes"]
    assert volume["configMap"]["name"] == manifests()["ConfigMap"]["metadata"]["name"]
    (mount,) = container()["volumeMounts"]
    assert mount["name"] == volume["name"] and mount["readOnly"]
    assert container()["args"] == ["serve", "--config", mount["mountPath"] + "/gatherd.yaml"]


def test_its_ports_are_those_it_listens_on():
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    tree = configuration()
    assert tree["server"]["listen"] == [f"0.0.0.0:{ports['http']}"]
    assert tree["ops"]["listen"] == [f"0.0.0.0:{ports['ops']}"]


@pytest.fixture
def served(tmp_path):
    """gatherd as the cluster runs it, but on ports of this machine, and so that it can be stopped at
    once and a sanitizer can write its report."""
    ops = free_port()
    here = options(server__drain_delay="0s", process__sandbox="off", ops__listen=[f"127.0.0.1:{ops}"])
    running = Gatherd(tmp_path, configuration(), here, wait=False,
                      arguments=("--set", f'server.listen=["127.0.0.1:{free_port()}"]'))
    running.port = ops
    running.start()
    yield running
    running.stop()


def test_every_probe_and_the_monitor_ask_for_what_answers(served):
    names = {port["name"] for port in container()["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container()[probe]["httpGet"]
        assert asked["port"] == "ops" and asked["port"] in names
        assert served.get(asked["path"]).status == 200
    assert container()["livenessProbe"]["httpGet"]["path"] == "/healthz", "which does not fail while it drains"
    assert container()["readinessProbe"]["httpGet"]["path"] == "/readyz"
    (endpoint,) = manifests()["ServiceMonitor"]["spec"]["endpoints"]
    assert served.get(endpoint["path"]).status == 200


def test_the_grace_period_covers_delay_and_drain():
    server, tree = configuration()["server"], configuration()
    grace = pod()["terminationGracePeriodSeconds"]
    assert grace >= amount(server["drain_delay"]) + amount(server["drain_timeout"]) + 5
    assert amount(tree["batch"]["max_deadline"]) <= amount(server["drain_timeout"]), "every accepted batch ends"
    probe = container()["readinessProbe"]
    assert amount(server["drain_delay"]) > probe["periodSeconds"] * probe["failureThreshold"]


def test_the_budgets_leave_room_in_the_limit_of_memory():
    budgets = sum(amount(configuration()["memory"][name]) for name in ("reply_budget", "request_budget"))
    assert budgets <= amount(container()["resources"]["limits"]["memory"]) * 0.6


def test_the_pod_has_no_rights():
    """What the namespace's label enforces (Pod Security Standards, restricted), and more."""
    outer, inner = pod()["securityContext"], container()["securityContext"]
    assert outer["runAsNonRoot"] and outer["runAsUser"] == 65532 == outer["runAsGroup"]
    assert outer["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inner["allowPrivilegeEscalation"] is False and inner["readOnlyRootFilesystem"] is True
    assert inner["capabilities"] == {"drop": ["ALL"]} and "privileged" not in inner
    assert pod()["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod())
    assert all("configMap" in volume for volume in pod()["volumes"])
    assert configuration()["process"]["sandbox"] in (True, "on")
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    assert f"USER {outer['runAsUser']}:{outer['runAsGroup']}" in dockerfile


# Who finds whom.

def test_selectors_select_the_pods():
    labels = manifests()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = {
        "Deployment": manifests()["Deployment"]["spec"]["selector"]["matchLabels"],
        "Service": manifests()["Service"]["spec"]["selector"],
        "PodDisruptionBudget": manifests()["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": manifests()["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        "spread": pod()["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]}
    for who, selector in selectors.items():
        assert selector and selector.items() <= labels.items(), who


def test_the_monitor_finds_the_service_and_the_service_the_ports():
    service, monitor = manifests()["Service"], manifests()["ServiceMonitor"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "gatherd", "the job of the rules"
    names = {port["name"] for port in container()["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} == names


def test_the_network_lets_in_and_out_what_is_needed_and_no_more():
    policy = manifests()["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    names = {port["name"] for port in container()["ports"]}
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == names
    assert all(rule["from"] for rule in policy["ingress"]), "nobody is let in without a selector"
    dns, internet = policy["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert {port["port"] for port in internet["ports"]} == {80, 443}
    kept_out = {cidr for block in internet["to"] for cidr in block["ipBlock"]["except"]}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
            "127.0.0.0/8", "fc00::/7", "fe80::/10"} <= kept_out


def test_the_autoscaler_scales_the_deployment_by_a_metric_the_adapter_makes(served):
    scaler, deployment = manifests()["HorizontalPodAutoscaler"]["spec"], manifests()["Deployment"]
    target = scaler["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])
    assert "replicas" not in deployment["spec"], "two would own that number"
    assert scaler["minReplicas"] > manifests()["PodDisruptionBudget"]["spec"]["maxUnavailable"]
    asked = {one["pods"]["metric"]["name"] for one in scaler["metrics"] if one["type"] == "Pods"}
    rules = yaml.safe_load((FOLDER / "prometheus-adapter.yaml").read_text())["rules"]["custom"]
    assert asked == {rule["name"]["as"] for rule in rules}
    page = served.metrics()
    for name in re.findall(r"gatherd_\w+", json.dumps([[r["seriesQuery"], r["metricsQuery"]] for r in rules])):
        assert f"\n{name} " in page, name
    cpu = [one for one in scaler["metrics"] if one["type"] == "Resource"]
    assert cpu and "cpu" in container()["resources"]["requests"], "utilization is a share of the request"


def test_an_update_never_has_fewer_pods():
    assert manifests()["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
