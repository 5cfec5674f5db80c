#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file that a comment or a page speaks of is there.

    check_names.py [ROOT]

Looked at: comments of C, JavaScript, shell, CMake and Python (docstrings too), and Markdown outside
of its fenced examples. A name counts from its last folder on: `top/pen.c` is service/top/pen.c.
Prints each that names nothing as file:line: name and exits 1 if there is any.
"""
import os
import pathlib
import re
import sys

SOURCES = (".c", ".h", ".inc", ".py", ".sh", ".js", ".mjs", ".cmake")
NAME = re.compile(r"(?<![\w/.<>$*{}@:-])((?:\.\.?/)*(?:[\w.-]+/)*[A-Za-z_][\w-]*"
                  r"\.(?:c|h|inc|py|sh|js|mjs|cmake|md))(?![\w(*{}/-])(?!\.\w)")
COMMENTS = {
    "c": re.compile(r"/\*.*?\*/", re.DOTALL),
    "js": re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL),
    "py": re.compile(r'(?m)^\s*""".*?"""|(?<!\S)#[^\n]*', re.DOTALL),
    "sh": re.compile(r"(?<!\S)#[^\n]*"),
}
KIND = {".c": "c", ".h": "c", ".inc": "c", ".js": "js", ".mjs": "js", ".py": "py", ".sh": "sh",
        ".cmake": "sh", "CMakeLists.txt": "sh"}
FENCE = re.compile(r"(?m)^```.*?^```", re.DOTALL)
SKIPPED = {"build", "node_modules", "corpus", ".git"}
ELSEWHERE = {
    "openapi_text.c": "made while building", "console_assets.c": "made while building",
    "test_x.c": "stands for any", "test_<file>.c": "stands for any",
    "lib/http.c": "libcurl's", "include/uapi/linux/landlock.h": "the kernel's",
    "tcp_states.h": "the kernel's", "yaml.h": "libyaml's", "a.js": "stands for any",
}


def files_of(root):
    for here, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in names:
            yield pathlib.Path(here, name)


def prose_of(path, text):
    """[(where it begins, what it says)]"""
    if path.suffix == ".md":
        return [(0, FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text))]
    kind = KIND.get(path.name) or KIND.get(path.suffix)
    return [(found.start(), found[0]) for found in COMMENTS[kind].finditer(text)] if kind else []


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    paths = sorted(files_of(root))
    known = set(ELSEWHERE)
    for path in paths:
        parts = path.relative_to(root).parts
        known.update("/".join(parts[first:]) for first in range(len(parts)))
    faults, seen = [], 0
    for path in paths:
        if path.suffix not in SOURCES + (".md",) and path.name != "CMakeLists.txt":
            continue
        text = path.read_text(encoding="utf-8")
        for begin, prose in prose_of(path, text):
            for found in NAME.finditer(prose):
                seen += 1
                if re.sub(r"^(\.\.?/)+", "", found[1]) not in known:
                    line = text.count("\n", 0, begin) + prose.count("\n", 0, found.start()) + 1
                    faults.append(f"{path.relative_to(root)}:{line}: there is no {found[1]}")
    if not seen:
        faults.append("no name found: this check looks at nothing")
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
