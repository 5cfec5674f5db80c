#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/security.md names no test, file or option that is not there.

    check_security_doc.py [ROOT]

In backticks: `file::name` is a test, in a file somewhere under tests/; service/…, tests/…,
deploy/…, config/… are files; section.name is an option of the schema. Every promise has a
test.
"""
import json
import os
import re
import sys

PLACES = ("service/", "tests/", "deploy/", "config/")
PROMISE = re.compile(r"\| ([SHJULO]\d[^|]*) \|.*\| ([^|]*) \|$")

faults = []


def test_files(root):
    """Each test file's names, by the file's own name."""
    files = {}
    for folder, _, names in os.walk(os.path.join(root, "tests")):
        for name in names:
            if name.startswith("test_") and name.endswith((".c", ".py")):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                files[name] = set(re.findall(
                    r"^(?:Parameterized)?Test\(\w+,\s*(\w+)|^def (test_\w+)", text, re.M))
                files[name] = {first or second for first, second in files[name]}
    return files


def sections_and_options(root):
    with open(os.path.join(root, "config/gatherd.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    paths = set()

    def walk(node, prefix):
        for name, inner in node.get("properties", {}).items():
            paths.add(prefix + name)
            walk(inner, prefix + name + ".")
    walk(schema, "")
    return schema["properties"], paths


def check_word(root, word, tests, sections, options):
    if "::" in word:
        file, name = word.split("::")
        if name not in tests.get(file, ()):
            return "there is no test " + word
    elif word.startswith(PLACES):
        if not os.path.exists(os.path.join(root, word)):
            return "there is no file " + word
    else:
        path = word.split(":")[0]
        if path.split(".")[0] in sections and "." in path and path not in options:
            return "there is no option " + path
    return None


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    tests = test_files(root)
    sections, options = sections_and_options(root)
    seen, words, promises = set(), 0, 0
    with open(os.path.join(root, "docs/security.md"), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            for word in re.findall(r"`([^`\n]+)`", line):
                words += 1
                fault = check_word(root, word, tests, sections, options)
                if fault:
                    faults.append("%d: %s" % (number, fault))
            promise = PROMISE.match(line.strip())
            if not promise:
                continue
            promises += 1
            if "::" not in promise.group(2) and "`tests/" not in promise.group(2):
                faults.append("%d: %s has no test" % (number, promise.group(1)))
            if promise.group(1) in seen:
                faults.append("%d: %s is there twice" % (number, promise.group(1)))
            seen.add(promise.group(1))
    for fault in faults:
        print("docs/security.md:" + fault)
    if not words or not promises:
        faults.append("nothing was checked")
    print("%d promises, %d words, %d faults" % (promises, words, len(faults)))
    return 1 if faults else 0


sys.exit(main())
