# SPDX-License-Identifier: Apache-2.0
"""What the README shows works as pasted: its examples, its stream, its wrong batch, its wrong
configuration, its configuration in brief."""
import json
import re
import subprocess

from harness.gatherd import REPOSITORY, run_cli

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.M | re.S)[1]


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


EXAMPLES = [code for code in blocks(section("Examples"), "sh") if code.startswith("curl")]


def paste(command, gatherd, demo):
    """Runs the command as the reader would, on the ports of this test."""
    command = command.replace(":8080", f":{gatherd.port}").replace(":8081", f":{demo}")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_example_is_tested_here():
    assert len(EXAMPLES) == 10


def test_three_urls_at_once(gatherd, demo):
    reply = paste(EXAMPLES[0], gatherd, demo)
    assert [item["bodyEncoding"] for item in reply["responses"]] == ["json", "text", "base64"]


def test_a_get_for_a_browser(gatherd, demo):
    reply = paste(EXAMPLES[1], gatherd, demo)
    assert [item["status"] for item in reply["responses"]] == [200, 404]
    assert reply["summary"]["ok"] == 2


def test_the_deadline_always_wins(gatherd, demo):
    reply = paste(EXAMPLES[2], gatherd, demo)
    assert reply["responses"][0]["status"] == 200
    assert reply["responses"][1]["error"]["code"] == "deadline"
    assert 290 <= reply["summary"]["elapsedMs"] < 2000


def test_methods_headers_bodies_and_defaults(gatherd, demo):
    reply = paste(EXAMPLES[3], gatherd, demo)
    assert [item["id"] for item in reply["responses"]] == ["list", "save"]
    echo = json.dumps(reply["responses"][1]["body"])
    assert "POST" in echo and "x-team" in echo.lower()


def test_where_the_time_went(gatherd, demo):
    timing = paste(EXAMPLES[4], gatherd, demo)["responses"][0]["timing"]
    assert timing["wait"] >= 90 and timing["total"] >= timing["wait"]


def test_responses_as_they_come(gatherd, demo):
    command = EXAMPLES[9]
    lines = paste(f"({command.rstrip()}) | sed 's/$/,/; 1s/^/[/; $s/,$/]/'", gatherd, demo)
    assert [line.get("id", "summary") for line in lines] == ["2", "1", "0", "summary"]


def test_no_more_than_needed(gatherd, demo):
    reply = paste(EXAMPLES[5], gatherd, demo)
    codes = [item.get("error", {}).get("code") for item in reply["responses"]]
    assert codes == ["cancelled", None, "cancelled"]
    assert reply["summary"]["complete"] and reply["summary"]["elapsedMs"] < 2000


def test_not_at_the_first_failure(gatherd, demo):
    item = paste(EXAMPLES[6], gatherd, demo)["responses"][0]
    assert item["fallback"] is True and item["body"] == {"price": None}
    assert [attempt["status"] for attempt in item["attempts"]] == [503, 503, 503, 500]


def test_one_reply_in_the_request_of_another(gatherd, demo):
    responses = paste(EXAMPLES[7], gatherd, demo)["responses"]
    assert [item["status"] for item in responses] == [200, 200, 200]
    echo = json.dumps(responses[1]["body"])
    assert "after=200" in echo and "application/json" in echo
    assert json.dumps(json.dumps({"seen": responses[0]["body"]}))[:12] in echo


def test_checks_and_probes(gatherd, demo):
    broken, good = paste(EXAMPLES[8], gatherd, demo)["responses"]
    assert broken["error"]["code"] == "expect_failed" and "body" not in broken
    assert good["body"] == {"/answer": 42} and good["headers"] == {}


def test_the_links_into_the_page_on_batches_lead_somewhere():
    page = (REPOSITORY / "docs" / "batch.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.*)$", page, re.M)
    anchors = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}
    linked = set(re.findall(r"docs/batch\.md#([a-z0-9-]+)", README))
    assert len(linked) >= 8 and linked <= anchors, linked - anchors


def test_the_wrong_batch_is_answered_as_shown(gatherd):
    shown = json.loads(blocks(section("Examples"), "json")[0])
    batch = {"requests": [{"uri": "http://x", "url": "http://x"},
                          {"url": "http://y", "timeoutMs": 0}]}
    reply = gatherd.post(batch)
    assert reply.status == 400
    answered = json.loads(reply.body)
    assert {**answered, "requestId": ""} == {**shown, "requestId": ""}


def test_the_wrong_configuration_is_answered_as_shown(tmp_path):
    shown = blocks(section("Configure it"), "")[0].splitlines()[1:]
    (tmp_path / "bad.yaml").write_text('server:\n  listen: ["127.0.0.1:8080"]\n'
                                       "  request_max_bytes: 4\nbatch:\n  deadlin: 15s\n"
                                       "fetch:\n  timeout: 10\n", encoding="utf-8")
    done = run_cli("check", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert (done.stdout + done.stderr).splitlines() == shown


def test_the_configuration_in_brief_is_accepted(tmp_path):
    path = tmp_path / "brief.yaml"
    path.write_text(blocks(section("Configure it"), "yaml")[0], encoding="utf-8")
    assert run_cli("check", str(path)).returncode == 0
