"""The examples run from a clean folder and say what they promise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_digits_reaches_its_accuracy_with_and_without_python(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    report = json.loads(run("digits.py", tmp_path).partition("\n{\n")[2].join(["{\n", ""]))
    assert report["accuracy, eager"] >= 0.95
    assert report["accuracy, ingot-run"] == report["accuracy, eager"]
    assert report["all labels agree with scikit-learn"]
    assert report["arena, bytes"] >= report["arena lower bound, bytes"]
    assert (tmp_path / "digits.ingot").stat().st_size == report["digits.ingot, bytes"]


def test_networks_agree_with_the_runner(tmp_path: Path) -> None:
    out = run("networks.py", tmp_path)
    assert "convnet" in out
    assert "encoder" in out


def test_loops_and_their_gradients_agree_with_the_runner(tmp_path: Path) -> None:
    out = run("loops.py", tmp_path)
    assert out.count("lstm gradient") == 3
    assert "beam search: slope" in out


def test_a_decoder_continues_where_its_cache_was(tmp_path: Path) -> None:
    assert "continues where the session was, bit for bit" in run("decoder.py", tmp_path)
