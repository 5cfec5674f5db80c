# SPDX-License-Identifier: Apache-2.0
"""What the documentation names exists: links and anchors, options, metrics, error codes, problem
types, routes, commands; and what it says of limits and errors is what the program's tables say."""
import json
import re

import pytest
import yaml

from harness import doc_pages
from harness.doc_pages import REPOSITORY, pages, read, without_code
from harness.gatherd import run_cli

PAGES = [*pages(), "tests/long/README.md", "tests/load/README.md"]
TROUBLES = "docs/troubleshooting.md"


# Links.

def slug(title):
    """The anchor GitHub makes of a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(page):
    seen, found = {}, set()
    for title in re.findall(r"^#{1,6} (.*?)\s*$", without_code(page), re.M):
        name = slug(title)
        count = seen.get(name, 0)
        seen[name] = count + 1
        found.add(f"{name}-{count}" if count else name)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    wrong = []
    text = re.sub(r"`[^`\n]*`", "", without_code(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = ((REPOSITORY / page).parent / path).resolve() if path else REPOSITORY / page
        if not file.exists():
            wrong.append(f"{target}: there is no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(
                str(file.relative_to(REPOSITORY))):
            wrong.append(f"{target}: no such heading in it")
    assert not wrong, f"{page}: " + "; ".join(wrong)


def globs(path):
    """parse.{c,h} → parse.c, parse.h."""
    found = re.match(r"(.*)\{([^}]*)\}(.*)$", path)
    return [found[1] + part + found[3] for part in found[2].split(",")] if found else [path]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_named_exists(page):
    """Those that begin with a folder of the tree, or of service/."""
    folders = {path.name for root in (REPOSITORY, REPOSITORY / "service")
               for path in root.iterdir() if path.is_dir()} - {"build"}
    wrong = []
    for span in re.findall(r"`([^`\n]+)`", without_code(page)):
        found = re.match(r"(?:\./)?(([\w.]+)/[\w./{},*-]*)(?= |$)", span)
        if found and found[2] in folders and not any(
                list(root.glob(path)) for path in globs(found[1])
                for root in (REPOSITORY, REPOSITORY / "service", (REPOSITORY / page).parent)):
            wrong.append(found[1])
    assert not wrong, f"{page} names files that are not there: {wrong}"


@pytest.mark.parametrize("page", PAGES)
def test_every_flag_of_a_script_named_exists(page):
    wrong = []
    for span in code_spans(page):
        found = re.match(r"(?:\./)?((?:tests|deploy)/\S+\.(?:sh|py)) (.*)$", span)
        if found and (REPOSITORY / found[1]).exists():
            text = (REPOSITORY / found[1]).read_text(encoding="utf-8")
            wrong += [f"{found[1]} {flag}" for flag in re.findall(r"(?<!\S)--[a-z-]+", found[2])
                      if flag not in text]
    assert not wrong, f"{page} names flags that are not there: {wrong}"


# Options, metrics, routes, commands.

@pytest.fixture(scope="module")
def options():
    """Path → schema of every option, sections and fields of entries included."""
    found = {}

    def walk(schema, path):
        for name, inner in schema.get("properties", {}).items():
            here = f"{path}.{name}" if path else name
            found[here] = inner
            walk(inner, here)
            walk(inner.get("items", {}), here)
    walk(json.loads(run_cli("options", "--schema").stdout), "")
    return found


def code_spans(page):
    """What stands in backticks, and the lines of blocks."""
    yield from re.findall(r"`([^`\n]+)`", without_code(page))
    for section in doc_pages.sections(page):
        for block in section.blocks:
            if block.is_commands or block.language in ("yaml", "text", ""):
                yield from block.text.splitlines()


@pytest.mark.parametrize("page", PAGES)
def test_every_option_named_exists(page, options):
    sections = {path.split(".")[0] for path in options}
    pattern = re.compile(rf"(?<![\w./-])((?:{'|'.join(sections)})(?:\.[a-z_0-9]+)+)(?![\w(/])")
    files = {"c", "h", "py", "sh", "md", "yaml", "yml", "json", "log", "service", "socket", "go",
             "mjs", "lua"}
    wrong = {name for span in code_spans(page) for name in pattern.findall(span)
             if name not in options and name.rsplit(".", 1)[-1] not in files}
    wrong.discard("batch.deadlin")  # the one that is wrong on purpose, in the README
    assert not wrong, f"{page} names options that gatherd options does not list: {wrong}"


def test_every_metric_named_exists(gatherd):
    found = set(re.findall(r"^# TYPE (\S+)", gatherd.metrics(), re.M))
    wrong = {}
    for page in PAGES:
        named = set(re.findall(r"\b(?:gatherd_[a-z_]+|process_[a-z_]+_(?:total|seconds|bytes|fds))\b",
                               read(page)))
        unknown = {name for name in named if not (name in found or
                   re.sub(r"_(bucket|sum|count)$", "", name) in found)}
        if unknown:
            wrong[page] = unknown
    assert not wrong, f"not in /metrics: {wrong}"


def routes():
    text = (REPOSITORY / "service/http/routes.c").read_text(encoding="utf-8")
    return set(re.findall(r'"(/[^"\s]*)"', text)) | {"/metrics", "/"}


@pytest.mark.parametrize("page", PAGES)
def test_every_route_named_exists(page):
    known = routes()
    wrong = set()
    for span in code_spans(page):
        for path in re.findall(r"(?<![\w.:/-])(/(?:v1|-|console)(?:/[\w.-]+)*)", span):
            if path not in known and not any(path.startswith(route) and route.endswith("/")
                                             for route in known):
                wrong.add(path)
    assert not wrong, f"{page} names routes that are not in service/http/routes.c: {wrong}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_gatherd_named_exists(page):
    helps = {}
    wrong = set()
    names = set(re.findall(r"^  gatherd (\w+)", run_cli("help").stdout, re.M))
    for span in code_spans(page):
        found = re.match(r"(?:\$ )?(?:\S*/)?gatherd ([a-z]+)\b(.*)$", span)
        if not found or " is " in span:
            continue
        name, rest = found.groups()
        if name not in names:
            wrong.add(f"gatherd {name}")
            continue
        if name not in helps:
            helps[name] = run_cli("help", name).stdout
        wrong |= {f"gatherd {name} {flag}" for flag in re.findall(r"(?<=\s)--[a-z-]+", rest)
                  if flag not in helps[name] and flag != "--help"}
    assert not wrong, f"{page} names commands or flags that gatherd help does not: {wrong}"


# Errors.

def item_codes():
    """name → (status, is retryable, is not sent), as in the table of the code."""
    text = (REPOSITORY / "service/fetch/call_code.c").read_text(encoding="utf-8")
    rows = re.findall(r'\[CALL_\w+\] = \{"(\w+)", (\d+), (true|false), (true|false)\}', text)
    return {name: (int(status), may == "true") for name, status, may, _ in rows if name != "ok"}


def problems():
    text = (REPOSITORY / "service/http/problem.c").read_text(encoding="utf-8")
    rows = re.findall(r'\[PROBLEM_\w+\] =\s*\{"([\w-]+)",\s*(\d+),', text)
    return {name: int(status) for name, status in rows}


def entries(title):
    """name → text of each ### entry of a section; a name may have a remark behind it."""
    section = next(section for section in doc_pages.sections(TROUBLES)
                   if section.title.startswith(title))
    found = re.findall(r"^### ([\w-]+)(?: \([^)]*\))?\n\n(.*?)(?=^### |\Z)", section.text,
                       re.M | re.S)
    assert len({name for name, _ in found}) == len(found), "two entries for the same"
    return dict(found)


def test_every_item_code_has_its_entry_in_troubleshooting():
    codes, told = item_codes(), entries("Items")
    assert len(codes) > 20
    assert set(told) == set(codes), (
        f"without an entry in {TROUBLES}: {set(codes) - set(told)}; "
        f"not in service/fetch/call_code.c: {set(told) - set(codes)}")
    for name, (status, may) in codes.items():
        start = f"Status {status}, {'retryable' if may else 'not retryable'}"
        assert told[name].startswith(start), f"{name}: its entry has to begin with {start!r}"
        assert "**Do:**" in told[name], f"{name}: what is to be done?"


def test_every_problem_has_its_entry_in_troubleshooting():
    types, told = problems(), entries("Problems")
    assert len(types) > 15
    assert set(told) == set(types), (
        f"without an entry in {TROUBLES}: {set(types) - set(told)}; "
        f"not in service/http/problem.c: {set(told) - set(types)}")
    for name, status in types.items():
        assert told[name].startswith(f"Status {status}."), f"{name}: it is {status}"
        assert "**Do:**" in told[name], f"{name}: what is to be done?"


def test_codes_and_types_are_those_of_the_contract():
    assert set(contract()["components"]["schemas"]["ErrorCode"]["enum"]) == set(item_codes())


@pytest.mark.parametrize("page", [*PAGES, "openapi.yaml"])
def test_every_code_and_problem_type_named_exists(page):
    unknown = set(re.findall(r"/problems/([a-z][\w-]*)", read(page))) - set(problems())
    unknown |= set(re.findall(r'"code": ?"(\w+)"', read(page))) - set(item_codes())
    assert not unknown, f"{page} names codes that the program does not have: {unknown}"


# The contract's examples.

def contract():
    return yaml.safe_load((REPOSITORY / "openapi.yaml").read_text(encoding="utf-8"))


def examples_of(content):
    """(its name, value) of each example of a content object."""
    for kind, media in content.items():
        if "example" in media:
            yield kind, media["example"]
        for name, example in media.get("examples", {}).items():
            yield f"{kind} {name}", example["value"]


def request_examples():
    for path, operations in contract()["paths"].items():
        for example in examples_of(operations.get("post", {}).get("requestBody", {})
                                   .get("content", {})):
            yield pytest.param(example[1], id=f"{path} {example[0]}")


@pytest.mark.parametrize("batch", request_examples())
def test_the_batches_of_the_contract_are_valid(batch, gatherd):
    reply = gatherd.request("POST", "/v1/explain", json.dumps(batch).encode(),
                            {"content-type": "application/json"})
    assert reply.status == 200, reply.body


def test_the_problems_of_the_contract_are_those_of_the_service(gatherd):
    known = {name: (status, gatherd.get(f"/problems/{name}").body.decode())
             for name, status in problems().items()}
    shown = [value for response in contract()["components"]["responses"].values()
             for _, value in examples_of(response.get("content", {}))
             if isinstance(value, dict) and "type" in value]
    assert shown
    for problem in shown:
        status, page = known[problem["type"].removeprefix("/problems/")]
        assert problem["status"] == status and problem["title"] in page, problem


# Limits.

def in_words(value):
    """15s → 15 s, as in the README."""
    return re.sub(r"^(\d+)(ms|s|m|KiB|MiB|GiB)$", r"\1 \2", str(value))


def test_the_limits_of_the_readme_are_the_defaults(options):
    section = next(section for section in doc_pages.sections("README.md")
                   if section.title == "Limits")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ((?:`[a-z_.]+`(?:, )?)+) \|$", section.text, re.M)
    assert len(rows) > 8
    for what, value, names in rows:
        shown = value.replace(",", "") if "," in value and ", " not in value else value
        for name in re.findall(r"`([^`]+)`", names):
            default = in_words(options[name]["default"])
            assert re.search(rf"(?<!\d){re.escape(default)}\b", shown), (
                f"{what}: {value!r} does not name the default of {name}, {default}")


# Pages.

def test_every_page_says_which_question_it_answers_and_stands_in_the_index():
    index = read("docs/README.md")
    wrong = []
    for path in sorted((REPOSITORY / "docs").glob("*.md")):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        if not re.match(r"# .*\?$", first):
            wrong.append(f"docs/{path.name}: its first line has to be a heading that asks "
                         f"the question it answers, not {first!r}")
        if path.name != "README.md" and f"({path.name})" not in index:
            wrong.append(f"docs/{path.name} is not in docs/README.md")
    assert not wrong, "\n".join(wrong)
