# SPDX-License-Identifier: Apache-2.0
"""Holds what commands of the documentation did against what the page shows for them."""
import json
import re

from . import doc_pages, shown
from .doc_elsewhere import UNASKED


def lines_of(text):
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def differences_of_text(expected, printed):
    """A line "…" stands for any lines, "…" within a line for anything."""
    pattern = "".join("(?:.*\n)*" if line == "…" else
                      ".*".join(map(re.escape, line.split("…"))) + "\n"
                      for line in lines_of(expected))
    if re.fullmatch(pattern, "".join(line + "\n" for line in lines_of(printed))):
        return []
    return [f"shown is\n{expected}\nprinted is\n{printed}"]


def differences(language, expected, printed):
    if language == "json":
        try:
            return shown.differences(shown.read(expected), json.loads(printed))
        except json.JSONDecodeError as error:
            return [f"no JSON ({error}): {printed!r}"]
    if language not in ("ndjson", "sse"):
        return differences_of_text(expected, printed)
    if len(lines_of(expected)) != len(lines_of(printed)):
        return [f"{len(lines_of(printed))} lines instead of {len(lines_of(expected))}: {printed}"]
    found = []
    for line, got in zip(lines_of(expected), lines_of(printed)):
        mark = re.match(r"(data: )?(?=\{)", line)
        found += differences("json", line[mark.end():], got[mark.end():]) if mark else \
            differences_of_text(line, got)
    return found


def refuse_risky(section, commands):
    """Those that are in no table and must not be executed all the same."""
    risky = [f"{section.page}:{command.line}: {command.text}" for command in commands
             if UNASKED.search(command.text)]
    assert not risky, (
        "not executed by this test, and not in tests/support/harness/doc_elsewhere.py: add a row "
        "there with the test that executes it\n" + "\n".join(risky))


def check(section, results):
    wrong = []
    by_block = {}
    for result in results:
        by_block.setdefault(result.command.block.line, []).append(result)
        is_free = result.command.shown is not None
        if result.status != 0 and not is_free:
            wrong.append(f"{section.page}:{result.command.line}: failed:\n{result}")
        if is_free:
            wrong += [f"{section.page}:{result.command.line}: {line}" for line in
                      differences_of_text(result.command.shown, result.out + result.err)]
    for block in section.blocks:
        expected = doc_pages.output_behind(section, block) if block.is_commands else None
        run = by_block.get(block.line, [])
        if expected and len(run) == len(doc_pages.commands_of(block)):
            printed = "".join(result.out for result in run)
            wrong += [f"{section.page}:{expected.line}: {line}\n" + "\n".join(map(str, run))
                      for line in differences(expected.language, expected.text, printed)]
    assert not wrong, "\n\n".join(wrong) + (
        "\n\nA command that cannot be executed here belongs into "
        "tests/support/harness/doc_elsewhere.py, with what executes it.")
