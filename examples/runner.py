"""Runs a saved model in ingot-run, which needs no Python, and reads its answers."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from digits import find_runner


def run_file(
    model: Path, inputs: Mapping[str, np.ndarray], outputs: Sequence[str], *options: str
) -> dict[str, np.ndarray]:
    """The named outputs of one graph. options: further words of the command line."""
    with tempfile.TemporaryDirectory() as folder:
        words = [find_runner(), str(model), *options]
        for name, array in inputs.items():
            np.save(Path(folder) / f"in.{name}.npy", array)
            words += ["--input", f"{name}={folder}/in.{name}.npy"]
        for name in outputs:
            words += ["--output", f"{name}={folder}/out.{name}.npy"]
        subprocess.run(words, check=True, capture_output=True)
        return {name: np.load(f"{folder}/out.{name}.npy") for name in outputs}


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference over the largest value."""
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-30))
