# SPDX-License-Identifier: Apache-2.0
"""Every command in the documentation is executed, section by section, and prints what the page
shows for it (harness/doc_pages.py says what a page is made of, harness/doc_session.py how it is
run). What cannot be executed here stands in harness/doc_elsewhere.py, with what does."""
import pytest
import yaml

from harness import doc_pages
from harness.doc_check import check, refuse_risky
from harness.doc_elsewhere import ELSEWHERE, elsewhere
from harness.doc_session import QuickStart, Session, missing_runtimes
from harness.gatherd import REPOSITORY, run_cli

FILES = {("README.md", "Configure it"): {
    "bad.yaml": 'server:\n  listen: ["127.0.0.1:8080"]\n  request_max_bytes: 4\n'
                "batch:\n  deadlin: 15s\nfetch:\n  timeout: 10\n"}}
"""Files that a section takes for granted."""

CLOSER = {"README.md: Examples": "test_readme.py", "docs/clients.md: ": "test_clients.py"}
"""Sections, by how they begin, that tests of their own run: what the first one prints is not
shown, the programs of the other need a key and are refused a while."""


def commands_of(section):
    return [command for block in section.blocks if block.is_commands
            for command in doc_pages.commands_of(block)]


def sections():
    for page in doc_pages.pages():
        for section in doc_pages.sections(page):
            commands = commands_of(section)
            if not str(section).startswith(tuple(CLOSER)) and any(
                    not elsewhere(page, command.text) for command in commands):
                yield pytest.param(section, id=f"{page}: {section.title}")


@pytest.fixture(scope="module")
def documented(tmp_path_factory):
    """The port of gatherd as the quick start runs it."""
    running = QuickStart(tmp_path_factory.mktemp("documented"))
    yield running.port
    running.stop()


@pytest.mark.parametrize("section", sections())
def test_the_commands_of_the_section_do_what_it_says(section, documented, demo, tmp_path):
    commands = commands_of(section)
    skipped = {command.text for command in commands if elsewhere(section.page, command.text)}
    refuse_risky(section, [command for command in commands if command.text not in skipped])
    missing = missing_runtimes(section, [c for c in commands if c.text not in skipped])
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    session = Session(tmp_path, section, {8080: documented, 8081: demo}, skipped)
    check(section, session.run(FILES.get((section.page, section.title))))


def test_commands_within_the_text_are_executed_elsewhere():
    """Those of gatherd itself test_doc_mentions.py holds against its help."""
    missing = [f"{page}: {command}" for page in doc_pages.pages()
               for command in doc_pages.inline_commands(page) if not elsewhere(page, command)]
    assert not missing, (
        "without a row in tests/support/harness/doc_elsewhere.py that says what executes it:\n"
        + "\n".join(missing))


def test_what_is_executed_elsewhere_is_on_its_page_and_executed_there():
    wrong = []
    for row in ELSEWHERE:
        page = [command.text for section in doc_pages.sections(row.page)
                for command in commands_of(section)] + doc_pages.inline_commands(row.page)
        if not any(elsewhere(row.page, command) == row for command in page):
            wrong.append(f"{row.page} has no command {row.command!r} any more: take its row out "
                         "of doc_elsewhere.py")
        if row.text not in (REPOSITORY / row.file).read_text(encoding="utf-8"):
            wrong.append(f"{row.file} does not contain {row.text!r}: what executes "
                         f"{row.command!r} of {row.page} now?")
    assert not wrong, "\n".join(wrong)


def test_every_feature_of_a_batch_has_an_example():
    without = {section.title for section in doc_pages.sections("docs/batch.md")
               if not any(doc_pages.output_behind(section, block) for block in section.blocks
                          if block.is_commands)}
    assert without <= {"(top)", "All fields", "How they go together", "What the operator may add"}


def configurations():
    """Blocks that are (part of) a configuration."""
    names = yaml.safe_load((REPOSITORY / "config/gatherd.yaml").read_text(encoding="utf-8"))
    for page in doc_pages.pages():
        for section in doc_pages.sections(page):
            for block in section.blocks:
                if block.language == "yaml" and set(yaml.safe_load(block.text)) <= set(names):
                    yield pytest.param(block, id=f"{page}:{block.line}")


@pytest.mark.parametrize("block", configurations())
def test_a_configuration_that_is_shown_is_accepted(block, tmp_path):
    """But for files it names that are not here."""
    (tmp_path / "shown.yaml").write_text(block.text, encoding="utf-8")
    done = run_cli("check", "shown.yaml", cwd=tmp_path)
    faults = [line for line in (done.stdout + done.stderr).splitlines()
              if done.returncode and "No such file" not in line]
    assert not faults, "\n".join(faults)
