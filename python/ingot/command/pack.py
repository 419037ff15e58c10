"""Writes a model with its weights laid as the kernels read them.

Such a file is mapped and used where it lies: nothing is laid anew when it is loaded, and processes
share its pages. Results have the same bits, from any processor; a processor whose kernels read
other layouts lays anew what it must. Packing a packed file changes nothing.
"""

from __future__ import annotations

import argparse

from ingot import _core


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="an .ingot file")
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="where to write the packed file"
    )


def run(given: argparse.Namespace) -> int:
    _core.Module.load(given.model).pack().save(given.output)
    return 0
