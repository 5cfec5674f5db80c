# SPDX-License-Identifier: Apache-2.0
"""Markdown as the tests of the documentation read it: pages, their sections, their blocks.

A section runs from one `##` to the next. A block is what stands between fences, or is indented
by four blanks. What a block is for shows in it:

    sh              commands
    any             with lines that begin with "$ ": commands with their output (a transcript)
    any language    whose first line is a comment with a file's name: that file
    json, ndjson, sse, text, none    right behind commands: what they print
    else            to read; nothing is done with it
"""
import re
import subprocess
from dataclasses import dataclass, field
from functools import lru_cache

from .gatherd import REPOSITORY

SHELLS = ("sh", "bash", "shell", "console")
OUTPUTS = ("json", "ndjson", "sse", "text", "")
FILE_LINE = re.compile(r"(?:#|//|--)\s*([A-Za-z0-9_.-]+\.[a-z]+)(?:$|[:,])", re.M)


@dataclass
class Block:
    line: int
    language: str
    text: str
    is_behind_last: bool
    """Nothing but blank lines between it and the block before."""

    @property
    def is_transcript(self):
        return self.language in ("", "console", "text") and bool(
            re.search(r"^\$ ", self.text, re.M))

    @property
    def is_commands(self):
        return self.language in SHELLS or self.is_transcript

    @property
    def file_name(self):
        found = FILE_LINE.match(self.text)
        return found[1] if found and not self.is_commands else None


@dataclass
class Section:
    page: str
    title: str
    line: int
    blocks: list = field(default_factory=list)
    text: str = ""

    def __str__(self):
        return f"{self.page}: {self.title}"


@dataclass
class Command:
    """One command of a block: what is pasted into a shell, and what the page shows for it."""
    text: str
    line: int
    block: Block
    shown: str | None = None
    """Of a transcript only; otherwise the output of a whole block is shown behind it."""


def pages():
    """Every page whose commands are executed, as paths from the root of the repository."""
    named = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    found = [*named, *sorted((REPOSITORY / "docs").glob("**/*.md")),
             *sorted((REPOSITORY / "deploy").glob("**/*.md"))]
    return [str(path.relative_to(REPOSITORY)) for path in found]


@lru_cache(maxsize=None)
def read(page):
    return (REPOSITORY / page).read_text(encoding="utf-8")


def without_code(page):
    """Its text without blocks, for links and the like: as many lines, those of code empty."""
    lines = read(page).splitlines()
    for section in sections(page):
        for block in section.blocks:
            for number in range(block.line - 2, block.line + block.text.count("\n")):
                if number < len(lines):
                    lines[number] = ""
    return "\n".join(lines)


class Reader:
    """Goes through a page line by line."""

    def __init__(self, page):
        self.page = page
        self.sections = [Section(page, "(top)", 1)]
        self.fence = self.indented = None
        self.is_behind_last = False
        self.was_blank = True
        self.in_list = False

    def add(self, block):
        self.sections[-1].blocks.append(block)
        self.is_behind_last = True

    def end_indented(self):
        if self.indented:
            text = "\n".join(self.indented["lines"]).rstrip() + "\n"
            self.add(Block(self.indented["line"], "sh", text, self.indented["behind"]))
            self.indented = None

    def line(self, number, line):
        if self.fence is not None:
            self.inside_fence(line)
            return
        found = re.match(r"^(```+)(\S*)\s*$", line)
        if found:
            self.end_indented()
            self.fence = {"line": number + 1, "mark": found[1], "language": found[2],
                          "lines": [], "behind": self.is_behind_last}
            return
        if line.startswith("    ") and (self.indented or (self.was_blank and not self.in_list)):
            self.inside_indented(number, line)
            return
        if self.indented and not line.strip():
            self.indented["lines"].append("")
            return
        self.end_indented()
        self.plain(number, line)

    def inside_fence(self, line):
        if line.strip() == self.fence["mark"]:
            text = "".join(part + "\n" for part in self.fence["lines"])
            self.add(Block(self.fence["line"], self.fence["language"], text,
                           self.fence["behind"]))
            self.fence = None
        else:
            self.fence["lines"].append(line)

    def inside_indented(self, number, line):
        if not self.indented:
            self.indented = {"line": number, "lines": [], "behind": self.is_behind_last}
        self.indented["lines"].append(line[4:])

    def plain(self, number, line):
        if re.match(r"^## ", line):
            self.sections.append(Section(self.page, line[3:].strip(), number))
        if line.strip():
            self.is_behind_last = False
            self.in_list = bool(re.match(r"^\s*([-*]|\d+\.) ", line)) or (
                self.in_list and line.startswith(" "))
        self.was_blank = not line.strip()
        self.sections[-1].text += line + "\n"


@lru_cache(maxsize=None)
def sections(page):
    return parse(page, read(page))


def parse(page, text):
    reader = Reader(page)
    for number, line in enumerate(text.splitlines(), 1):
        reader.line(number, line)
    reader.end_indented()
    assert reader.fence is None, f"{page}:{reader.fence['line']}: the block has no end"
    return reader.sections


def is_whole(text):
    """Would a shell run it, or wait for more?"""
    done = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, timeout=10)
    return done.returncode == 0 and not done.stderr and not text.endswith("\\")


def split(text, first_line):
    """(command, its line) for each command of a block, however many lines it has."""
    pending, start = [], 0
    for number, line in enumerate(text.splitlines(), first_line):
        if not pending and (not line.strip() or line.lstrip().startswith("#")):
            continue
        start = start if pending else number
        pending.append(line)
        if is_whole("\n".join(pending)):
            yield "\n".join(pending), start
            pending = []
    if pending:
        yield "\n".join(pending), start


def commands_of(block):
    """The commands of a block, in order."""
    if not block.is_transcript:
        return [Command(text, line, block) for text, line in split(block.text, block.line)]
    commands = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            commands.append(Command(line[2:], number, block, shown=""))
        elif commands and commands[-1].text.endswith("\\") and not commands[-1].shown:
            commands[-1].text += "\n" + line.removeprefix("> ")
        elif commands:
            commands[-1].shown += line + "\n"
    return commands


INLINE = re.compile(r"(?:sudo |\S+ && )*(?:docker|podman|kubectl|helm|systemctl|apt|apt-get|dpkg|"
                    r"cmake|cpack|git|npm) \S.* \S+$")


def inline_commands(page):
    """What stands in backticks in the text and is a command that needs more than gatherd."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", without_code(page))
            if INLINE.match(" ".join(span.split()))]


def output_behind(section, block):
    """The block that shows what the commands of this one print, or None."""
    place = section.blocks.index(block)
    after = section.blocks[place + 1] if place + 1 < len(section.blocks) else None
    is_output = (after is not None and after.is_behind_last and after.language in OUTPUTS
                 and not after.is_transcript and not after.file_name)
    return after if is_output and not block.is_transcript else None
