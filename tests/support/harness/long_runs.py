# SPDX-License-Identifier: Apache-2.0
"""The scripts of tests/long/: as modules, for their short forms, and what several of them share."""
import argparse
import importlib.util
import os
import statistics
import sys
import tempfile
from pathlib import Path

from .gatherd import REPOSITORY


def script(name):
    spec = importlib.util.spec_from_file_location(f"long_{name}", REPOSITORY / f"tests/long/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parser_of(page):
    """The parser of a script; --help prints its docstring as it is."""
    return argparse.ArgumentParser(description=page,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def show(run):
    """The exit status of a script. `run` takes a folder, gone afterwards, and returns what was seen,
    {what: figure}, and what was wrong, a sentence each."""
    if "GATHERD" not in os.environ:
        sys.exit("name the binary by GATHERD")
    with tempfile.TemporaryDirectory() as folder:
        seen, wrong = run(Path(folder))
    for what, figure in sorted(seen.items()):
        print(f"{figure!s:>16}  {what}")
    print("\n".join(wrong) or "right")
    return 1 if wrong else 0


def medians(rows):
    """Of each column."""
    return [statistics.median(column) for column in zip(*rows)]
