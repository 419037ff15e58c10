"""After the first run, runs allocate nothing on the heap: through the C API, run_into and
ingot-run, counted by a malloc that is preloaded into the process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.installed import PACKAGE, build, c_compiler, library, runner

from ingot import _core

RUNS = 10_000
HERE = Path(__file__).parent
# Every kind of step: kernels, a group, a loop with windows, a branch, an update.
GRAPH = """ingot 1
numerics 1
dim n in 1..64
param w: f32[4,3]
state total: f32[3] = zeros
graph g(x: f32[n,4]) {
  %0 = matmul(x, w) : f32[n,3]
  %1 = maximum(%0, 0.0) : f32[n,3]
  %2 = exp(%1) : f32[n,3]
  %3 = sum(%2, axes=[0]) : f32[3]
  %4 = add(total, %3) : f32[3]
  %5 = greater(%3, 1.0) : bool[3]
  %6 = max(%5, axes=[0]) : bool[]
  %7 = if(%6) : f32[3] {
    then() {
      %8 = add(%3, 1.0) : f32[3]
      return %8
    }
    else() {
      return %3
    }
  }
  %9, %10 = scan(%7, x, carries=1, length=n) : f32[3], f32[n,3] {
    body(%11: f32[3], %12: i64[], %13: f32[4]) {
      %14 = reshape(%13, shape=[1,4]) : f32[1,4]
      %15 = matmul(%14, w) : f32[1,3]
      %16 = reshape(%15, shape=[3]) : f32[3]
      %17 = add(%11, %16) : f32[3]
      return %17, %16
    }
  }
  %18 = add(%10, %9) : f32[n,3]
  update total <- %4
  return %18 as y
}
"""
# Short runs of the program, then long ones of its core's session; n changes from run to run.
RUN_INTO = """
import ctypes, sys
import numpy as np
import ingot
num_allocations = ctypes.CDLL(None).num_allocations
num_allocations.restype = ctypes.c_long
program = ingot.load(sys.argv[1], num_threads=1)
session = program.core.new_session()
sizes = [4, 1, 3, 4]
arrays = [([np.ones((n, 4), np.float32)], [np.empty((n, 3), np.float32)]) for n in sizes]
def run(times):
    before = num_allocations()
    for i in range(times):
        inputs, outputs = arrays[i % 4]
        program.run_into(inputs, outputs)
        session.run_into(0, inputs, outputs)
    return num_allocations() - before
run(10)
print(run(int(sys.argv[2])))
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="the counter replaces glibc's malloc",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("allocations")
    w = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    _core.Module.parse(GRAPH, {"w": w}).save(str(folder / "m.ingot"))
    source, counter = HERE / "alloc_counter.c", folder / "counter.so"
    build([c_compiler(), "-O1", "-shared", "-fPIC", str(source), "-o", str(counter)])
    return folder


def counted(folder: Path, *command: object, **environment: str) -> str:
    """Standard output of a command that runs with the counter."""
    env = {**os.environ, "LD_PRELOAD": str(folder / "counter.so"), **environment}
    words = [str(word) for word in command]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_counter_counts(folder: Path) -> None:
    code = "; ".join(
        [
            "import ctypes",
            "n = ctypes.CDLL(None).num_allocations",
            "before = n()",
            "kept = [bytes(9999) for _ in range(50)]",
            "print(n() - before)",
        ]
    )
    assert int(counted(folder, sys.executable, "-c", code)) >= 50


def test_the_c_api_allocates_nothing_after_the_first_run(folder: Path) -> None:
    lib = library().parent
    program = folder / "capi"
    flags = [f"-I{PACKAGE / 'include'}", f"-L{lib}", f"-Wl,-rpath,{lib}", "-lingot", "-ldl"]
    build([c_compiler(), "-O1", str(HERE / "alloc_capi.c"), *flags, "-o", str(program)])
    assert counted(folder, program, folder / "m.ingot", RUNS) == "0\n"


def test_run_into_allocates_nothing_after_the_first_runs(folder: Path) -> None:
    code = ["-c", RUN_INTO, folder / "m.ingot", RUNS]
    assert counted(folder, sys.executable, *code) == "0\n"


def test_the_runner_allocates_nothing_after_the_first_run(folder: Path) -> None:
    totals = []
    for runs in (1, RUNS):
        total = folder / f"total-{runs}"
        arguments = [folder / "m.ingot", "--input", "x=rand", "--dim", "n=4", "--repeat", runs]
        counted(folder, runner(), *arguments, "--json", ALLOC_COUNTER_FILE=str(total))
        totals.append(int(total.read_text()))
    assert totals[0] > 0
    assert totals[1] == totals[0]
