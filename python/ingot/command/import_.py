"""Reads an ONNX model and writes it as an .ingot file, which ingot-run and ingot.load take.

Needs the package `onnx` (`pip install ingot[onnx]`).
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from ingot.errors import ArgumentError, DeviceError
from ingot.onnx import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="an .onnx file")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the .ingot file")
    parser.add_argument("--graph", metavar="NAME", help="the graph's name; by default the model's")
    parser.add_argument(
        "--dim",
        action="append",
        default=[],
        metavar="NAME=N",
        help="what a symbolic dim is: a size (batch=8) or a range (batch=1..64)",
    )
    parser.add_argument(
        "--state",
        action="append",
        default=[],
        metavar="INPUT=OUTPUT",
        help="an input that keeps, for the next run, what an output gave",
    )
    parser.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="NAME=FILE.npy",
        help="fixes an input, which the graph then lacks",
    )


def run(given: argparse.Namespace) -> int:
    dims = {name: _dim(name, text) for name, text in map(_pair, given.dim)}
    values = {name: _array(path) for name, path in map(_pair, given.value)}
    states = dict(map(_pair, given.state)) if given.state else None
    graph = load(given.model, dims=dims, values=values, states=states, name=given.graph)
    graph.save(given.output)
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentError(f"import: wrong argument: got {text!r}, expected NAME=...")
    return name, value


def _dim(name: str, text: str) -> Any:
    """A size, or (least, most), of which the most may be left out."""
    least, dots, most = text.partition("..")
    try:
        return (int(least), int(most) if most else None) if dots else int(text)
    except ValueError:
        raise ArgumentError(
            f"import: wrong dim {name!r}: got {text!r}, expected a size or a range as 1..64"
        ) from None


def _array(path: str) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DeviceError(f"import: cannot read {path!r}: {error}") from None
