# SPDX-License-Identifier: Apache-2.0
"""Documentation held against what the program prints.

What is shown may leave out: "…" in a string stands for any text, {…} or […] for anything in
there, a member "…": "…" for further members, and a number of a member whose name ends in Ms
for any number.
"""
import json
import re


def read(text):
    """A JSON document as shown, with {…}, […] and a lone … taken for "…"."""
    text = re.sub(r"\{…\}|\[…\]", '"…"', text)
    text = re.sub(r"(?<![\"\w…])…(?![\"\w…])", '"…": "…"', text)
    return json.loads(text)


def differences(shown, got, where="$"):
    """Sentences about what is not as shown; none: it is."""
    if isinstance(shown, str) and "…" in shown:
        pattern = ".*".join(re.escape(part) for part in shown.split("…"))
        fits = shown == "…" or (isinstance(got, str) and re.fullmatch(pattern, got, re.S))
        return [] if fits else [f"{where}: {got!r} is not like {shown!r}"]
    if isinstance(shown, dict) and isinstance(got, dict):
        return in_objects(shown, got, where)
    if isinstance(shown, list) and isinstance(got, list):
        if len(shown) != len(got):
            return [f"{where}: {len(got)} values instead of {len(shown)}: {got!r}"]
        return [line for i, pair in enumerate(zip(shown, got))
                for line in differences(*pair, f"{where}[{i}]")]
    if isinstance(shown, bool) != isinstance(got, bool) or shown != got:
        return [f"{where}: {got!r} instead of {shown!r}"]
    return []


def in_objects(shown, got, where):
    lines = []
    if "…" not in shown:
        lines += [f"{where}.{name} is not shown" for name in got if name not in shown]
    for name, value in shown.items():
        if name == "…":
            continue
        if name not in got:
            lines.append(f"{where}.{name} is missing: {got!r}")
        elif name.endswith("Ms") and not isinstance(value, str):
            if not isinstance(got[name], (int, float)):
                lines.append(f"{where}.{name}: {got[name]!r} is no number")
        else:
            lines += differences(value, got[name], f"{where}.{name}")
    return lines
