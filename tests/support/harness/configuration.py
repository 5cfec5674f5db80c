# SPDX-License-Identifier: Apache-2.0
"""Configurations for tests: a base that reaches loopback, and a small YAML writer.

GATHERD_SANDBOX=on in the environment puts every service of the tests into its sandbox."""
import json
import os
import re

PLAIN = re.compile(r"[A-Za-z0-9]+\Z")

BASE = {
    "auth": {"mode": "none"},
    "egress": {"private_addresses": "allow", "ports": ["1-65535"], "deny_ports": []},
    "server": {"drain_timeout": "5s"},
    "fetch": {"connect_timeout": "1s"},
}


# A process that may not be looked into hides its descriptors from tests that are not root.
if os.geteuid() != 0:
    BASE["process"] = {"core_dumps": "on"}
if os.environ.get("GATHERD_SANDBOX"):
    BASE.setdefault("process", {})["sandbox"] = "on"


def merge(base, *others):
    """Later values win; mappings are merged key by key."""
    merged = dict(base)
    for other in others:
        for key, value in other.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = merge(merged[key], value) if both else value
    return merged


def options(**dotted):
    """options(fetch__timeout="1s") is {"fetch": {"timeout": "1s"}}."""
    tree = {}
    for path, value in dotted.items():
        *folders, leaf = path.split("__")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        node[leaf] = value
    return tree


def scalar(value):
    if isinstance(value, str) and not PLAIN.match(value):
        return json.dumps(value)
    return str(value)


def to_yaml(tree, indent=0):
    lines = []
    for key, value in tree.items():
        pad = " " * indent
        if isinstance(value, dict):
            lines += [f"{pad}{key}:", to_yaml(value, indent + 2)]
        elif isinstance(value, list):
            lines.append(f"{pad}{key}: {json.dumps(value)}")
        else:
            lines.append(f"{pad}{key}: {scalar(value)}")
    return "\n".join(lines)
