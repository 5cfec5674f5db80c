# SPDX-License-Identifier: Apache-2.0
"""`gatherd run`: a batch document or a list of URLs, without a server."""
import json
import subprocess
import time

import pytest

from harness.gatherd import binary
from harness.run_command import ALLOW, COMPLETE, FAILED, PARTIAL, USAGE, Run, lines_of, run


@pytest.fixture
def url(demo):
    return lambda path: f"http://127.0.0.1:{demo}{path}"


# Lists.

def test_a_list_is_answered_by_the_numbers_of_its_lines(url):
    done = run(ALLOW, text=f"# links\n{url('/json')}\n\n  {url('/status/404')}\t\r\n{url('/text')}")
    responses, summary = lines_of(done)
    assert done.returncode == COMPLETE, done
    assert sorted(responses) == ["2", "4", "5"]
    assert responses["2"]["url"] == url("/json") and responses["2"]["body"]["answer"] == 42
    assert responses["4"]["status"] == 404 and "error" not in responses["4"]
    assert (summary["total"], summary["ok"], summary["complete"]) == (3, 3, True)


def test_a_list_may_come_from_a_file(url, tmp_path):
    listed = tmp_path / "urls.txt"
    listed.write_text("\ufeff" + url("/json") + "\n", encoding="utf-8")
    responses, _ = lines_of(run(ALLOW, str(listed)))
    assert responses["1"]["status"] == 200
    done = run(ALLOW, str(tmp_path / "none.txt"))
    assert done.returncode == FAILED and b"none.txt: No such file" in done.stderr
    done = run(ALLOW, str(tmp_path))
    assert done.returncode == FAILED and b"Is a directory" in done.stderr


def test_lines_that_are_no_urls_fail_by_themselves(url):
    text = "\n".join(("nonsense", "http://\udcff/", "x" * 70000, "http://a\x01b/", url("/json"),
                      "x" * 40000, "ftp://127.0.0.1/", "http://host/{{a}}"))
    done = run(ALLOW, text=text)
    responses, summary = lines_of(done)
    assert done.returncode == PARTIAL, done.stderr
    assert summary["total"] == 8 and summary["ok"] == 1
    assert {number: response.get("error", {}).get("code") for number, response in responses.items()
            if number != "8"} == {"1": "bad_url", "2": "bad_url", "3": "bad_url", "4": "bad_url",
                                  "5": None, "6": "bad_url", "7": "blocked_url"}
    assert responses["3"]["error"]["message"] == "line 3 is no URL: longer than 32 KiB"
    assert responses["2"]["error"]["message"] == "line 2 is no URL: not UTF-8"
    assert "line 4 is no URL: a control character" in responses["4"]["error"]["message"]
    assert "error" in responses["8"]


def test_an_empty_list_is_complete():
    for text in ("", "\n\n", "# nothing"):
        done = run(text=text)
        assert done.returncode == COMPLETE and lines_of(done)[1]["total"] == 0, done
    done = run("--output", "json", text="")
    assert json.loads(done.stdout)["responses"] == []


def test_a_list_is_fetched_as_it_comes(url):
    """Line by line from a slow pipe: each is answered before the next one is written."""
    with Run((binary(), "run", ALLOW, "-"), stdin=subprocess.PIPE,
             stdout=subprocess.PIPE) as child:
        for number in range(1, 4):
            child.stdin.write(url("/text").encode() + b"\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["id"] == str(number)
        child.stdin.close()
        assert json.loads(child.stdout.readline())["summary"]["ok"] == 3
        assert child.wait(10) == COMPLETE


def test_no_more_run_at_once_than_asked_for(upstream):
    key = upstream.new_key()
    text = "\n".join(upstream.url(f"/delay/50?key={key}{i}") for i in range(12))
    started = time.monotonic()
    done = run(ALLOW, "--concurrency", "3", text=text)
    assert lines_of(done)[1]["ok"] == 12
    assert time.monotonic() - started >= 4 * 0.05


def test_an_origin_may_be_asked_as_often_at_once_as_the_command_line_says(upstream):
    key = upstream.new_key()
    text = "\n".join(upstream.url(f"/delay/500?key={key}") for i in range(20))
    done = run(ALLOW, "--set", "fetch.per_origin=2", "--concurrency", "20", text=text)
    assert lines_of(done)[1]["ok"] == 20
    assert upstream.stats(key)["peak_in_flight"] > 2


# Documents.

def bare(response):
    """But for the date of the reply."""
    response.get("headers", {}).pop("date", None)
    return response


def test_a_document_is_answered_as_by_the_service(url, gatherd):
    document = json.dumps({"defaults": {"headers": {"x-a": "1"}}, "requests": [
        {"id": "a", "url": url("/json")}, {"url": url("/json"), "select": ["/answer"]},
        {"id": "b", "url": url("/echo"), "method": "POST", "body": "{{a.body.answer}}",
         "dependsOn": ["a"]},
        url("/status/503")]})
    done = run(ALLOW, "--output", "json", text=document)
    reply = json.loads(done.stdout)
    assert done.returncode == COMPLETE, done
    assert [response["id"] for response in reply["responses"]] == ["a", "1", "b", "3"]
    assert reply["responses"][1]["body"] == {"/answer": 42}
    served = gatherd.post(json.loads(document)).json()
    assert [bare(r) for r in reply["responses"]] == [bare(r) for r in served["responses"]]


def test_a_document_has_ndjson_too_one_line_a_response(url):
    done = run(ALLOW, text=json.dumps([url("/json"), url("/text")]))
    responses, summary = lines_of(done)
    assert sorted(responses) == ["0", "1"] and summary["complete"]
    assert "url" not in responses["0"]


def test_a_wrong_document_is_refused_with_every_fault():
    done = run(text='{"urls": ["http://a/"], "deadlinems": 5, "concurrency": 0}')
    assert done.returncode == USAGE and done.stdout == b""
    assert b"/deadlinems" in done.stderr and b"/concurrency" in done.stderr
    done = run(text='["http://a/"')
    assert done.returncode == USAGE and b"line 1" in done.stderr


# What the command line wishes.

def test_wishes_about_items_are_defaults_over_those_of_the_document(url):
    document = json.dumps({"defaults": {"method": "PUT", "headers": {"x-a": "document", "x-b": "b"}},
                           "requests": [{"url": url("/echo")},
                                        {"url": url("/echo"), "method": "POST",
                                         "headers": {"x-a": "item"}}]})
    done = run(ALLOW, "--method", "DELETE", "--header", "X-A: line", "--header", "x-c:1",
               "--header", "x-c: 2", text=document)
    responses, _ = lines_of(done)
    first, second = responses["0"]["body"], responses["1"]["body"]
    assert first["method"] == "DELETE" and second["method"] == "POST"
    headers = {name.lower(): value for name, value in dict(first["headers"]).items()} \
        if isinstance(first["headers"], dict) else first["headers"]
    assert "line" in str(headers) and "document" not in str(headers) and "'b'" in str(headers)
    assert "'1" in str(headers) and "2" in str(headers)
    assert "item" in str(second["headers"]) and "line" not in str(second["headers"])


def test_wishes_apply_to_lists(url):
    done = run(ALLOW, "--select", "/answer", "--select", "/list/0", "--include", "body,timing",
               text=url("/json"))
    response = lines_of(done)[0]["1"]
    assert response["body"] == {"/answer": 42, "/list/0": 1}
    assert "headers" not in response and response["timing"]["total"] > 0
    response = lines_of(run(ALLOW, "--include", "none", text=url("/json")))[0]["1"]
    assert list(response) == ["id", "url", "status"]
    response = lines_of(run(ALLOW, "--redirects", "3", text=url("/redirect/2")))[0]["1"]
    assert response["status"] == 200


def test_what_is_expected_decides_what_is_ok(url):
    text = "\n".join(map(url, ("/json", "/status/404", "/status/304")))
    done = run(ALLOW, "--expect", "2xx,304", text=text)
    responses, _ = lines_of(done)
    assert done.returncode == PARTIAL
    assert [number for number in responses if "error" in responses[number]] == ["2"]
    assert responses["2"]["error"]["code"] == "expect_failed"


def test_timeout_and_deadline_end_items(url):
    done = run(ALLOW, "--timeout", "100ms", text=url("/delay/5000"))
    assert done.returncode == FAILED
    assert lines_of(done)[0]["1"]["error"]["code"] in ("timeout_total", "timeout_first_byte")
    done = run(ALLOW, "--deadline", "1500ms", text=url("/delay/5000") + "\n" + url("/json"))
    responses, summary = lines_of(done)
    assert done.returncode == PARTIAL and not summary["complete"]
    assert responses["1"]["error"]["code"] == "deadline" and responses["2"]["status"] == 200
    assert "1500 ms" in responses["1"]["error"]["message"]
    done = run(ALLOW, "--deadline", "200ms", text=json.dumps({"urls": [url("/delay/5000")],
                                                              "deadlineMs": 9000}))
    assert lines_of(done)[0]["0"]["error"]["code"] == "deadline"


def test_what_is_waited_for_ends_the_run(url):
    slow, fast, bad = url("/delay/5000"), url("/json"), url("/fail/close")
    done = run(ALLOW, "--until", "firstOk", text="\n".join((slow, bad, fast)))
    responses, summary = lines_of(done)
    assert done.returncode == COMPLETE and summary["complete"]
    assert responses["1"]["error"]["code"] == "cancelled"
    assert run(ALLOW, "--until", "2", text=f"{fast}\n{slow}\n{fast}").returncode == COMPLETE
    assert run(ALLOW, "--until", "2", text=f"{fast}\n{bad}").returncode == PARTIAL
    assert run(ALLOW, "--until", "firstDone", text=f"{bad}\n{slow}").returncode == FAILED
    done = run(ALLOW, "--fail-fast", text=f"{slow}\n{bad}\n{slow}")
    assert done.returncode == FAILED and lines_of(done)[0]["3"]["error"]["code"] == "cancelled"
    done = run(ALLOW, "--until", "firstOk", text=json.dumps([slow, fast]))
    assert done.returncode == COMPLETE and lines_of(done)[0]["0"]["error"]["code"] == "cancelled"


def test_retries_are_made(url):
    done = run(ALLOW, "--retries", "2", "--set", "fetch.retry_budget=100",
               text=url("/fail/reset"))
    assert done.returncode == FAILED
    response = lines_of(done)[0]["1"]
    assert len(response["attempts"]) == 3, response


def test_private_addresses_are_refused_and_the_hint_says_how_to_allow_them(url):
    done = run(text=url("/json"))
    assert done.returncode == FAILED
    assert lines_of(done)[0]["1"]["error"]["code"] == "blocked_address"
    assert b"--allow-private" in done.stderr
    assert run("--quiet", text=url("/json")).stderr == b""
    assert run("--set", "egress.allow=[\"127.0.0.1\"]", text=url("/json")).returncode == COMPLETE
    done = run(ALLOW, text="http://169.254.169.254/")
    assert lines_of(done)[0]["1"]["error"]["code"] == "blocked_address"


def test_a_configuration_has_its_say(url, tmp_path):
    config = tmp_path / "g.yaml"
    config.write_text("egress: {private_addresses: allow}\nbatch: {max_items: 1}\n")
    assert run("--config", str(config), text=url("/json")).returncode == COMPLETE
    done = run("--config", str(config), text=json.dumps([url("/json")] * 2))
    assert done.returncode == USAGE and b"at most 1 items" in done.stderr
    done = run("--config", str(config), "--set", "batch.max_items=0", text=url("/json"))
    assert done.returncode == USAGE and b"batch.max_items" in done.stderr


@pytest.mark.parametrize("arguments, part", [
    (("--concurrency", "many"), b"--concurrency"),
    (("--concurrency", "0"), b"--concurrency is at least 1"), (("--deadline", "5"), b"--deadline"),
    (("--timeout", "0s"), b"--timeout"), (("--retries", "-1"), b"--retries"),
    (("--retries", "9"), b": --retries: must be an integer from 0 to 3"),
    (("--timeout", "1us"), b"--timeout"), (("--expect", "99"), b": --expect: must be"),
    (("--header", "nothing"), b"--header"),
    (("--header", "connection: x"), b"connection"), (("--until", "never"), b"--until"),
    (("--until", "0"), b"--until"), (("--include", "all"), b"--include"),
    (("--select", "name"), b"select"), (("--expect", "fine"), b"expect"), (("--output", "xml"), b"ndjson json table"),
    (("--method", "get"), b"--method"), (("--redirects", "99"), b"--redirects"),
    (("--set", "a.b=1"), b"a.b"), (("--config", "/none"), b"/none"), (("a", "b"), b'"b" is more than it takes\nusage'),
    (("http://a/",), b"echo URL"), (("--outptu", "json"), b"did you mean --output")])
def test_a_wrong_command_line_is_refused(arguments, part):
    done = run(*arguments, text="http://127.0.0.1/")
    assert done.returncode == USAGE and part in done.stderr, done
    assert done.stdout == b""


def test_help_has_all_options_with_defaults_and_examples():
    done = run("--help")
    assert done.returncode == 0
    for part in (b"--concurrency N", b"[default: 200 for a list", b"examples:", b"Exit status"):
        assert part in done.stdout


# Forms.

def test_the_table_has_a_line_for_each_item_and_nothing_of_upstreams_is_obeyed(url):
    done = run(ALLOW, "--output", "table", text=f"{url('/json')}\nhttp://a\x1b]0;x\x07/\n")
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 3 and lines[0].split() == ["id", "status", "time", "size", "url"]
    assert any(line.split()[1] == "200" and line.endswith(url("/json")) for line in lines)
    assert any("bad_url" in line for line in lines)
    assert b"\x1b" not in done.stdout and b"\x07" not in done.stdout


def test_json_of_a_list_is_one_document(url):
    done = run(ALLOW, "--output", "json", text=f"{url('/json')}\n{url('/text')}\nx\n")
    reply = json.loads(done.stdout)
    assert sorted(response["id"] for response in reply["responses"]) == ["1", "2", "3"]
    assert reply["summary"]["total"] == 3 and done.returncode == PARTIAL


def test_the_waterfall_is_drawn_on_standard_error(url):
    done = run(ALLOW, "--waterfall", text=f"{url('/delay/100')}\n{url('/json')}\n")
    drawn = done.stderr.decode()
    assert "▒" in drawn and url("/delay/100")[:20] in drawn and "waiting to start" in drawn
    lines_of(done)
