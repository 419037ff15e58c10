"""The table of start, memory and allocations is made for any file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.installed import c_compiler, runner

import ingot

SCRIPT = Path(__file__).parent / "benchmarks" / "footprint.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the counter replaces glibc's malloc")
def test_a_file_gives_a_row_and_its_runs_allocate_nothing(tmp_path: Path) -> None:
    c_compiler()
    w = ingot.tensor(np.ones((4, 24), np.float32), name="w")
    n = ingot.Dim("n", 1, 8)
    graph = ingot.record(lambda x, i: (x @ w)[i], ingot.Spec((n, 4)), ingot.Spec((1,), "int64"))
    graph.save(tmp_path / "m.ingot")
    words = [sys.executable, str(SCRIPT), str(tmp_path / "m.ingot"), "--starts", "1"]
    environment = {**os.environ, "INGOT_RUN": runner()}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names, _, row = (
        [cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines()
    )
    values = dict(zip(names, row, strict=True))
    assert values["workload"] == "m"
    assert values["allocations"] == "0"
    assert float(values["ready"]) > 0
    assert values["over its bound"] == "0"
