"""Writes a graph of an .ingot file as an ONNX model.

States become inputs with a default and outputs; docs/onnx.md says what becomes of the rest. Needs
the package `onnx` (`pip install ingot[onnx]`).
"""

from __future__ import annotations

import argparse

from ingot import _core
from ingot.onnx import to_onnx
from ingot.record import Graph


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="an .ingot file")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the .onnx file")
    parser.add_argument("--graph", metavar="NAME", default="", help="which, if there are several")
    parser.add_argument(
        "--external-data",
        action="store_true",
        default=None,
        help="weights in FILE.data beside it; the default where they do not fit",
    )


def run(given: argparse.Namespace) -> int:
    graph = Graph(_core.Module.load(given.model), given.graph)
    to_onnx(graph, given.output, external_data=given.external_data)
    return 0
