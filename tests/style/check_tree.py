#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a machine can check, over service/ and tests/.

    check_tree.py [ROOT]

Prints each breach as file:line: rule and exits 1 if there is any.
"""
import os
import re
import sys

# A file may include its own folder and anything to its right.
ORDER = ["process", "http", "top", "run", "batch", "fetch", "trace", "metrics", "config", "base"]

# Third-party headers and the only places for them.
FOREIGN = {
    "microhttpd.h": ["http/"],
    "curl/": ["fetch/"],
    "ares.h": ["fetch/"],
    "yaml.h": ["config/yaml_tree.c"],
    "jansson.h": ["batch/parse", "batch/document_memory", "http/problem", "http/handle_ops",
                  "http/front", "config/options_", "top/live_view"],
    "openssl/": ["fetch/", "http/auth", "base/hmac.c", "base/sha256.c"],
    "seccomp.h": ["sandbox_calls.c"],
    "linux/landlock.h": ["sandbox_files.c"],
}

BANNED = re.compile(
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok|setlocale|system|popen)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")

LINES_C, LINES_H, LINES_FUNCTION, COLUMNS, PARAMETERS = 500, 200, 60, 90, 6

breaches = []


def breach(path, line, text):
    breaches.append("%s:%d: %s" % (path, line, text))


def folder_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else "process"


def check_includes(path, lines):
    mine = folder_of(path)
    for number, line in enumerate(lines, 1):
        found = re.match(r'#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not found:
            continue
        kind, name = found.groups()
        if kind == '"':
            theirs = name.split("/")[0] if "/" in name else "process"
            if theirs not in ORDER:
                breach(path, number, "include \"folder/file.h\", not \"%s\"" % name)
            elif ORDER.index(theirs) < ORDER.index(mine):
                breach(path, number, "%s/ must not know %s/ (%s)" % (mine, theirs, name))
        for foreign, places in FOREIGN.items():
            if name.startswith(foreign):
                inside = path[len("service/"):]
                if not any(inside.startswith(place) for place in places):
                    breach(path, number, "%s belongs in %s only" % (name, ", ".join(places)))


def check_options(path, lines):
    """An option stands in the file of its section."""
    section = os.path.basename(path)[:-len(".inc")]
    for number, line in enumerate(lines, 1):
        found = re.search(r'\.path = "(\w+)\.', line)
        if found and found[1] != section:
            breach(path, number, "an option of %s: belongs in %s.inc" % (found[1], found[1]))


def functions(lines):
    """(first line, last line, head) of each function body: braces in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{") and number > 1 and not lines[number - 2].endswith("="):
            start = number
        elif line.startswith("}") and start is not None:
            head = []
            back = start - 2
            while back >= 0 and lines[back].strip() and not lines[back].startswith(("}", "#", "/")):
                head.insert(0, lines[back])
                if re.match(r"\S", lines[back]):
                    break
                back -= 1
            yield start, number, " ".join(head)
            start = None


def check_file(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        lines = file.read().split("\n")
    is_header = path.endswith(".h")
    if "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
        breach(path, 1, "the first line is the SPDX line")
    if len(lines) > (LINES_H if is_header else LINES_C) + 1:
        breach(path, len(lines), "too long: one idea per file")
    if is_header and "#pragma once" not in lines:
        breach(path, 1, "#pragma once is missing")
    if not is_header and not any(line.startswith("/*") for line in lines[1:3]):
        breach(path, 2, "a .c file says first what it is for")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS and "http" not in line:
            breach(path, number, "%d columns" % len(line))
        if "\t" in line:
            breach(path, number, "a tab")
        if line != line.rstrip():
            breach(path, number, "white space at the end")
        if BANNED.search(line) and path.startswith("service/"):
            breach(path, number, "banned: %s" % BANNED.search(line).group(1))
        if UNFINISHED.search(line):
            breach(path, number, "unfinished business")
    for start, end, head in functions(lines):
        if end - start - 1 > LINES_FUNCTION and path.startswith("service/"):
            breach(path, start, "a function of %d lines" % (end - start - 1))
        # libmicrohttpd's handlers have eight parameters, whatever we think of it.
        if (head.count(",") >= PARAMETERS and "..." not in head
                and "enum MHD_Result" not in head):
            breach(path, start, "more than %d parameters" % PARAMETERS)
    if path.startswith("service/"):
        check_includes(path, lines)
    if path.startswith("service/config/options/"):
        check_options(path, lines)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    count = 0
    for top in ("service", "tests"):
        for here, _, names in os.walk(os.path.join(root, top)):
            if "node_modules" in here:
                continue
            for name in sorted(names):
                if name.endswith((".c", ".h", ".inc")):
                    check_file(root, os.path.relpath(os.path.join(here, name), root))
                    count += 1
    if count == 0:
        sys.exit("no source found below %s" % root)
    for text in breaches:
        print(text)
    print("%d files, %d breaches" % (count, len(breaches)))
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
