# SPDX-License-Identifier: Apache-2.0
"""docs/batch.md: every example in it is run as pasted and answers what is shown below it."""
import json
import re
import subprocess

import pytest

from harness import shown
from harness.gatherd import REPOSITORY, Gatherd

PAGE = (REPOSITORY / "docs" / "batch.md").read_text(encoding="utf-8")


def examples():
    """(title, command, language, what is shown) of each example."""
    for title, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S):
        pattern = r"^```sh\n(.*?)^```\n\s*```(json|ndjson|sse)\n(.*?)^```$"
        for number, found in enumerate(re.findall(pattern, text, re.M | re.S), 1):
            yield pytest.param(*found, id=f"{title} {number}")


EXAMPLES = list(examples())


@pytest.fixture(scope="module")
def documented(tmp_path_factory):
    """As config/quickstart.yaml has it, but for the ports."""
    running = Gatherd(tmp_path_factory.mktemp("documented"))
    yield running
    running.stop()


def run(command, gatherd, demo):
    command = command.replace(":8080", f":{gatherd.port}").replace(":8081", f":{demo}")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(f":{gatherd.port}", ":8080").replace(f":{demo}", ":8081")


def test_every_feature_has_an_example():
    titles = re.findall(r"^## (.*)$", PAGE, re.M)
    without = {title for title in titles
               if not any(example.id.startswith(title + " ") for example in EXAMPLES)}
    assert without <= {"All fields", "How they go together", "What the operator may add"}


def lines_of(text):
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("command,language,expected", EXAMPLES)
def test_the_example_answers_what_is_shown(documented, demo, command, language, expected):
    printed = run(command, documented, demo)
    if language == "json":
        pairs = [(shown.read(expected), json.loads(printed))]
    else:
        pairs = list(zip(lines_of(expected), lines_of(printed), strict=True))
        for i, (line, got) in enumerate(pairs):
            mark = re.match(r"(data: )?(?=\{)", line)
            if mark:
                pairs[i] = shown.read(line[mark.end():]), json.loads(got[mark.end():])
    wrong = [line for pair in pairs for line in shown.differences(*pair)]
    assert not wrong, "\n".join(wrong + [printed])
