# SPDX-License-Identifier: Apache-2.0
"""The tests of the documentation fail where it is wrong."""
import pytest

from harness import doc_pages
from harness.doc_check import check, differences, refuse_risky
from harness.doc_elsewhere import elsewhere
from harness.doc_session import Session


def section(text):
    return doc_pages.parse("page.md", f"# Page?\n\n## Title\n\n{text}")[-1]


def judge(text, folder):
    found = section(text)
    check(found, Session(folder, found).run())


def test_commands_share_a_shell_and_print_what_is_shown(tmp_path):
    judge("```sh\nname=one\nf() {\n  echo \"$1 $name\"\n}\n```\n\n"
          "```sh\nf a; f b\n```\n```text\na one\nb …\n```\n", tmp_path)


def test_files_are_there_and_transcripts_are_compared(tmp_path):
    judge("```yaml\n# some.yaml\na: 1\n```\n\n"
          "```\n$ cat some.yaml\n# some.yaml\na: 1\n$ false\n```\n", tmp_path)


@pytest.mark.parametrize("text", [
    "```sh\necho a\n```\n```text\nb\n```\n",
    "```sh\necho '{\"a\": 1}'\n```\n```json\n{\"a\": 2}\n```\n",
    "```sh\necho '{\"a\": 1}'\n```\n```ndjson\n{\"a\": 1}\n{\"a\": 1}\n```\n",
    "```sh\nfalse\ntrue\n```\n",
    "```\n$ echo a\nb\n```\n",
    "    false\n",
], ids=["text", "json", "lines", "status", "transcript", "indented"])
def test_a_page_that_is_wrong_fails(text, tmp_path):
    with pytest.raises(AssertionError):
        judge(text, tmp_path)


@pytest.mark.parametrize("command", ["docker run x", "cd x && sudo reboot", "./tests/run.sh",
                                     "./deploy/setup.sh", "systemctl stop x"])
def test_what_would_change_the_machine_is_not_run(command):
    found = section(f"```sh\n{command}\n```\n")
    with pytest.raises(AssertionError, match="doc_elsewhere"):
        refuse_risky(found, doc_pages.commands_of(found.blocks[0]))


def test_a_row_of_elsewhere_is_for_its_page_and_command_only():
    assert elsewhere("CONTRIBUTING.md", "./deploy/setup.sh --ci")
    assert not elsewhere("README.md", "./deploy/setup.sh --ci")
    assert elsewhere("README.md", "./tests/run.sh")
    assert not elsewhere("README.md", "./tests/run.sh lint")


def test_ports_are_mapped_there_and_back(tmp_path):
    session = Session(tmp_path, section("```sh\necho http://127.0.0.1:8080 :8081\n```\n"),
                      {8080: 23456})
    result, = session.run()
    assert session.there("127.0.0.1:8080/x:8080") == "127.0.0.1:23456/x:23456"
    assert result.out == "http://127.0.0.1:8080 :8081\n"


def test_a_line_of_dots_stands_for_any_lines():
    assert not differences("text", "a\n…\nd\n", "a\nb\nc\nd\n")
    assert differences("text", "a\n…\nd\n", "a\nb\nc\n")
