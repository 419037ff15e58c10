"""Runs an ONNX model in every runtime at hand and compares their outputs.

Ingot runs it eagerly and as a program, onnx.reference and ONNX Runtime where they are installed.
Prints the largest error of every output; where a runtime differs, the first node that does. Inputs
that are not given are random. Exit code 1 where something differs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ingot.errors import ArgumentError, DeviceError, FileError
from ingot.onnx import check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="an .onnx file")
    parser.add_argument(
        "--input",
        metavar="NAME=FILE.npy | FILE.npz",
        action="append",
        default=[],
        help="numbers for one input, or for all that the file names",
    )
    parser.add_argument(
        "--dim",
        metavar="NAME=N",
        action="append",
        default=[],
        help="the size of a symbolic dim in random inputs (2)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random inputs")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-4,
        help="of floats, relative to the largest value of the output (1e-4)",
    )


def run(given: argparse.Namespace) -> int:
    inputs: dict[str, Any] = {}
    for text in given.input:
        inputs |= _arrays(text)
    dims = dict(_dim(text) for text in given.dim)
    report = check(given.model, inputs, dims=dims, seed=given.seed, tolerance=given.tolerance)
    print(report)
    return 0 if report.agrees else 1


def _dim(text: str) -> tuple[str, int]:
    name, _, size = text.partition("=")
    if not name or not size.isdecimal():
        raise ArgumentError(f"check: --dim: got {text!r}, expected NAME=N")
    return name, int(size)


def _arrays(text: str) -> dict[str, Any]:
    if text.endswith(".npz"):
        return _read(text)
    name, _, path = text.partition("=")
    if not name or not path.endswith(".npy"):
        raise ArgumentError(f"check: --input: got {text!r}, expected NAME=FILE.npy or FILE.npz")
    return dict.fromkeys([name], *_read(path).values())


def _read(path: str) -> dict[str, Any]:
    """The arrays of a file by name; the one of an .npy file under none."""
    try:
        with Path(path).open("rb") as file:
            found = np.load(file, allow_pickle=False)
            return {"": found} if isinstance(found, np.ndarray) else dict(found)
    except OSError as error:
        raise DeviceError(f"check: cannot read {path!r}: {error.strerror}") from None
    except (ValueError, EOFError, BadZipFile) as error:
        raise FileError(f"check: {path!r} holds no arrays: {error}") from None
