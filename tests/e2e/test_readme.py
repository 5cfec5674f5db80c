# SPDX-License-Identifier: Apache-2.0
"""What the README shows without its output works as pasted: its examples, its wrong
batch. What it shows with its output, test_docs.py holds against it."""
import json

import pytest

from harness import doc_pages
from harness.doc_session import QuickStart, Session

SECTIONS = {section.title: section for section in doc_pages.sections("README.md")}
EXAMPLES = [block for block in SECTIONS["Examples"].blocks if block.is_commands]


def blocks(title, language):
    return [block.text for block in SECTIONS[title].blocks if block.language == language]


@pytest.fixture(scope="module")
def quick_start(tmp_path_factory):
    running = QuickStart(tmp_path_factory.mktemp("quickstart"))
    yield running.port
    running.stop()


@pytest.fixture
def paste(quick_start, demo, tmp_path):
    """Runs an example as the reader would; what it prints."""
    def run(number):
        one = doc_pages.Section("README.md", "Examples", 1, [EXAMPLES[number]])
        result, = Session(tmp_path, one, {8080: quick_start, 8081: demo}).run()
        assert result.status == 0, str(result)
        return result.out
    return run


def test_every_example_is_tested_here():
    assert len(EXAMPLES) == 11


def test_three_urls_at_once(paste):
    reply = json.loads(paste(0))
    assert [item["bodyEncoding"] for item in reply["responses"]] == ["json", "text", "base64"]


def test_a_get_for_a_browser(paste):
    reply = json.loads(paste(1))
    assert [item["status"] for item in reply["responses"]] == [200, 404]
    assert reply["summary"]["ok"] == 2


def test_the_deadline_always_wins(paste):
    reply = json.loads(paste(2))
    assert reply["responses"][0]["status"] == 200
    assert reply["responses"][1]["error"]["code"] == "deadline"
    assert 290 <= reply["summary"]["elapsedMs"] < 2000


def test_methods_headers_bodies_and_defaults(paste):
    reply = json.loads(paste(3))
    assert [item["id"] for item in reply["responses"]] == ["list", "save"]
    echo = json.dumps(reply["responses"][1]["body"])
    assert "POST" in echo and "x-team" in echo.lower()


def test_where_the_time_went(paste):
    timing = json.loads(paste(4))["responses"][0]["timing"]
    assert timing["wait"] >= 90 and timing["total"] >= timing["wait"]


def test_responses_as_they_come(paste):
    lines = [json.loads(line) for line in paste(9).splitlines()]
    assert [line.get("id", "summary") for line in lines] == ["2", "1", "0", "summary"]


def test_without_a_server(paste):
    lines = [json.loads(line) for line in paste(10).splitlines()]
    assert {line["id"]: line["status"] for line in lines[:-1]} == {"1": 200, "2": 200, "3": 404}
    assert lines[-1]["summary"]["complete"]


def test_no_more_than_needed(paste):
    reply = json.loads(paste(5))
    codes = [item.get("error", {}).get("code") for item in reply["responses"]]
    assert codes == ["cancelled", None, "cancelled"]
    assert reply["summary"]["complete"] and reply["summary"]["elapsedMs"] < 2000


def test_not_at_the_first_failure(paste):
    item = json.loads(paste(6))["responses"][0]
    assert item["fallback"] is True and item["body"] == {"price": None}
    assert [attempt["status"] for attempt in item["attempts"]] == [503, 503, 503, 500]


def test_one_reply_in_the_request_of_another(paste):
    responses = json.loads(paste(7))["responses"]
    assert [item["status"] for item in responses] == [200, 200, 200]
    echo = json.dumps(responses[1]["body"])
    assert "after=200" in echo and "application/json" in echo
    assert json.dumps(json.dumps({"seen": responses[0]["body"]}))[:12] in echo


def test_checks_and_probes(paste):
    broken, good = json.loads(paste(8))["responses"]
    assert broken["error"]["code"] == "expect_failed" and "body" not in broken
    assert good["body"] == {"/answer": 42} and good["headers"] == {}


def test_the_wrong_batch_is_answered_as_shown(gatherd):
    shown = json.loads(blocks("Examples", "json")[0])
    batch = {"requests": [{"uri": "http://x", "url": "http://x"},
                          {"url": "http://y", "timeoutMs": 0}]}
    reply = gatherd.post(batch)
    assert reply.status == 400
    answered = json.loads(reply.body)
    assert {**answered, "requestId": ""} == {**shown, "requestId": ""}
