# SPDX-License-Identifier: Apache-2.0
"""Called by run.sh: starts the upstream and gatherd, runs redocly, counts its checks."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from harness.gatherd import Gatherd  # noqa: E402
from harness.upstream_process import Upstream  # noqa: E402

REDOCLY = HERE / "node_modules/.bin/redocly"
OPENAPI = HERE.parent.parent / "openapi.yaml"
WORKFLOWS = HERE / "gatherd.arazzo.yaml"
COUNTS = {True: 0, False: 0}


def record(is_good, what):
    """Counts one check, for tests/run.sh too when that is the caller."""
    results = os.environ.get("GATHERD_RESULTS")
    if results:
        with open(Path(results) / "checks", "a", encoding="utf-8") as file:
            file.write(f"{'passed' if is_good else 'failed'}\tcontract\t{what}\n")
    COUNTS[is_good] += 1


def redocly(*arguments):
    return subprocess.run((str(REDOCLY), *map(str, arguments)), cwd=HERE, text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def lint(path):
    """Clean means: no error and no warning."""
    done = redocly("lint", path)
    is_clean = done.returncode == 0 and "warning" not in done.stdout.split("validated in")[-1]
    if not is_clean:
        print(done.stdout)
    record(is_clean, f"{path.name} lints clean")


def steps_of(report):
    for file in report["files"].values():
        for workflow in file["executedWorkflows"]:
            yield from ((workflow["workflowId"], step) for step in workflow["executedSteps"])


def respect(gatherd, upstream, folder):
    """Runs the workflows; every check of every step counts."""
    report_path = folder / "report.json"
    done = redocly("respect", WORKFLOWS, "--server", f"gatherd=http://127.0.0.1:{gatherd.port}",
                   "--input", f"upstream={upstream.origin}", "--json-output", report_path)
    report = json.loads(report_path.read_text()) if report_path.exists() else {"files": {}}
    failed_before = COUNTS[False]
    for workflow, step in steps_of(report):
        for check in step.get("checks", ()):
            what = f"{workflow}/{step['stepId']}: {check['name']}"
            is_good = check["status"] == "success"
            record(is_good, what)
            if not is_good:
                print(f"FAILED {what}: {check['message']}")
    if (done.returncode != 0) != (COUNTS[False] > failed_before) or not report["files"]:
        print(done.stdout)
        record(False, "redocly respect ended well")


def main():
    lint(OPENAPI)
    lint(WORKFLOWS)
    with tempfile.TemporaryDirectory(prefix="contract-") as name:
        folder = Path(name)
        upstream = Upstream(folder)
        try:
            gatherd = Gatherd(folder)
            try:
                respect(gatherd, upstream, folder)
            finally:
                gatherd.stop()
        finally:
            upstream.stop()
    print(f"{COUNTS[True]} passed, {COUNTS[False]} failed")
    return 1 if COUNTS[False] else 0


if __name__ == "__main__":
    sys.exit(main())
