# SPDX-License-Identifier: Apache-2.0
"""The scripts of tests/long/ as modules, for their short forms."""
import importlib.util

from .gatherd import REPOSITORY


def script(name):
    spec = importlib.util.spec_from_file_location(f"long_{name}", REPOSITORY / f"tests/long/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
