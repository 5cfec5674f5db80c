# SPDX-License-Identifier: Apache-2.0
"""docs/clients.md: its programs print what is shown, also when they have to wait, and say what is
wrong when they are refused for good."""
import json
import re

import pytest

from harness import client, doc_pages
from harness.doc_session import QuickStart, Session, missing_runtimes, new_key

pytestmark = pytest.mark.slow
SECTIONS = [section for section in doc_pages.sections("docs/clients.md") if section.blocks]
LIMITED = "gatherd_caller_refused_total{limit=\"items_per_second\"}"


@pytest.fixture(scope="module")
def key():
    return new_key()


@pytest.fixture(scope="module")
def limited(tmp_path_factory, key):
    """Three items at once, as many as a batch of the programs has, and two a second: of two
    batches in a row the second has to wait."""
    running = QuickStart(tmp_path_factory.mktemp("limited"), "auth.mode=keys",
                         f"auth.keys={key[1]}", "auth.failures_per_minute=0",
                         "auth.limits=[{keys: [docs], items_per_second: 2, burst: 3}]")
    yield running.port
    running.stop()


def run(section, folder, port, demo):
    commands = [command for block in section.blocks if block.is_commands
                for command in doc_pages.commands_of(block)]
    missing = missing_runtimes(section, commands)
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    return Session(folder, section, {8080: port, 8081: demo}).run()


def refused_so_far(port):
    metrics = client.request(port, "GET", "/metrics").body.decode()
    return float(re.search(rf"^{re.escape(LIMITED)} (\S+)$", metrics, re.M)[1])


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_a_program_prints_what_is_shown_and_waits_for_its_rate(section, limited, demo, key, tmp_path,
                                                     monkeypatch):
    monkeypatch.setenv("GATHERD_KEY", key[0])
    before = refused_so_far(limited)
    for attempt in ("first", "second", "third"):  # one that starts slowly may not have to wait
        if section.title == "curl":  # whose batches have two items
            head = {"authorization": f"Bearer {key[0]}", "content-type": "application/json"}
            batch = json.dumps([f"http://127.0.0.1:{demo}/json"] * 3).encode()
            client.request(limited, "POST", "/v1/batch", batch, head)
        (tmp_path / attempt).mkdir()
        results = run(section, tmp_path / attempt, limited, demo)
        if refused_so_far(limited) > before:
            break
    assert refused_so_far(limited) > before, "nothing was refused, so nothing was shown"
    for block in section.blocks:
        shown = doc_pages.output_behind(section, block) if block.is_commands else None
        if shown:
            printed = "".join(result.out for result in results if result.command.block is block)
            assert re.sub(r"^Too many requests: .*\n", "", printed, flags=re.M) == shown.text, \
                "".join(result.err for result in results)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_a_program_with_a_wrong_key_says_what_is_wrong(section, limited, demo, tmp_path,
                                                       monkeypatch):
    monkeypatch.setenv("GATHERD_KEY", "wrong")
    last = run(section, tmp_path, limited, demo)[-1]
    assert "An API key is needed" in last.out + last.err, str(last)
    if section.title != "curl":  # whose status is jq's
        assert last.status != 0, str(last)
