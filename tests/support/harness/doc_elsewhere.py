# SPDX-License-Identifier: Apache-2.0
"""Commands in the documentation that its test does not execute, each with the reason and with
what does: a file that has to contain the text given."""
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Elsewhere:
    page: str
    command: str
    """How it begins; … at its end for anything behind it."""
    reason: str
    file: str
    text: str


BUILDS = "builds a tree of its own, which takes minutes"
MEASURES = "measures for minutes, with a release build"
ENGINE = "needs an engine for images"
INSTALLS = "installs on the machine"
SYSTEMD = "needs systemd as process 1"

RUN = "tests/run.sh"
LOADS = "tests/jobs/loads.sh"

ELSEWHERE = (
    Elsewhere("README.md", "./deploy/quickstart.sh", BUILDS, RUN,
              "deploy/quickstart.sh --once"),
    Elsewhere("README.md", "docker build -t gatherd .", ENGINE, "tests/jobs/image.sh", "bah bud"),
    Elsewhere("README.md", "cpack -G DEB", BUILDS, "tests/jobs/package.sh", "cpack -G DEB"),
    Elsewhere("README.md", "./tests/run.sh", "runs this test, too", ".ci/run", "tests/run.sh"),
    Elsewhere("CONTRIBUTING.md", "./deploy/setup.sh…", INSTALLS, ".ci/run",
              "deploy/setup.sh --ci"),
    Elsewhere("CONTRIBUTING.md", "cmake --preset release…", BUILDS, RUN, "build release"),
    Elsewhere("CONTRIBUTING.md", "cmake --build --preset asan --target config_files",
              "writes into the tree", "tests/unit/config/test_options.c", "options %s > %s"),
    Elsewhere("CONTRIBUTING.md", "./tests/run.sh…", "runs this test, too", ".ci/run",
              "tests/run.sh"),
    Elsewhere("deploy/README.md", "sudo systemctl enable --now gatherd", SYSTEMD,
              "tests/jobs/package.sh", "systemd-analyze verify"),
    Elsewhere("deploy/README.md", "systemctl restart gatherd", SYSTEMD,
              "tests/e2e/test_restart.py", "LISTEN_FDS"),
    Elsewhere("deploy/README.md", "systemctl edit gatherd.socket", SYSTEMD,
              "tests/e2e/test_restart.py", "LISTEN_FDS"),
    Elsewhere("deploy/README.md", "sudo systemctl reload gatherd", SYSTEMD,
              "tests/e2e/test_reload.py", "SIGHUP"),
    Elsewhere("docs/operating.md", "systemctl restart gatherd", SYSTEMD,
              "tests/e2e/test_restart.py", "LISTEN_FDS"),
    Elsewhere("docs/performance.md", "./tests/load/race.py …", MEASURES, LOADS,
              "race.py --quick"),
    Elsewhere("docs/performance.md", "./tests/load/cost.py", MEASURES, LOADS,
              "cost.py --smoke"),
    Elsewhere("docs/performance.md", "./tests/load/layers.py", MEASURES, LOADS,
              "layers.py --smoke"),
    Elsewhere("docs/performance.md", "./tests/load/instructions.py…", MEASURES, RUN,
              "tests/load/instructions.py"),
    Elsewhere("docs/performance.md", "callgrind_annotate …", "reads what instructions.py left",
              RUN, "tests/load/instructions.py"),
    Elsewhere("docs/performance.md", "./tests/load/tracing.py…", MEASURES, LOADS,
              "tracing.py --smoke"),
    Elsewhere("docs/performance.md", "./tests/load/tls.py", MEASURES, LOADS,
              "tls.py --smoke"),
    Elsewhere("deploy/README.md", "docker build -t gatherd .", ENGINE, "tests/jobs/image.sh",
              "bah bud"),
    Elsewhere("deploy/README.md", "docker compose -f deploy/compose.yaml up --build", ENGINE,
              "tests/jobs/trixie.sh", "compose.yaml"),
    Elsewhere("deploy/README.md", "docker run …", ENGINE, "tests/jobs/image.sh", "podman"),
    Elsewhere("deploy/README.md", "docker compose -f deploy/compose.scale.yaml…", ENGINE,
              "tests/jobs/trixie.sh", "compose_config compose.scale.yaml"),
    Elsewhere("deploy/README.md", "for i in 1 2 3; do…", ENGINE,
              "tests/e2e/test_deployments.py", "a_rolling_restart_behind_haproxy"),
    Elsewhere("deploy/README.md", "sudo systemctl enable --now gatherd.socket", SYSTEMD,
              "tests/jobs/package.sh", "systemd-analyze verify"),
    Elsewhere("deploy/README.md", "kubectl apply -k deploy/kubernetes", "needs a cluster",
              "tests/e2e/test_kubernetes.py", "kustomize"),
    Elsewhere("deploy/README.md", "cmake --preset release && cmake --build --preset release",
              BUILDS, RUN, "build release"),
    Elsewhere("deploy/README.md", "(cd build/release && cpack -G DEB)", BUILDS,
              "tests/jobs/package.sh", "cpack"),
    Elsewhere("deploy/README.md", "sudo apt install ./build/release/gatherd_*.deb", INSTALLS,
              "tests/jobs/package.sh", "dpkg -i"),
)

UNASKED = re.compile(
    r"(?:^|[\s;&|(])(?:sudo|apt|apt-get|dpkg|docker|podman|buildah|kubectl|helm|systemctl|cmake|"
    r"cpack|npm|git|\S*deploy/\S+\.sh|\S*tests/\S+\.(?:sh|py))(?:\s|$)", re.M)
"""What installs, builds, measures or talks to the machine's services is not executed by this test
in any case: such a command needs its row."""


def elsewhere(page, command):
    """The row for a command, or None."""
    for row in ELSEWHERE:
        start = row.command.removesuffix("…")
        if row.page == page and (command == start or (
                row.command.endswith("…") and command.startswith(start))):
            return row
    return None
