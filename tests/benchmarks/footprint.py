"""What programs need before and besides their runs: start, memory, heap allocations, as a table.

    python tests/benchmarks/footprint.py m.ingot ...        # these files
    python tests/benchmarks/footprint.py --suite FOLDER     # every workload of a benchmark suite

Every start is a process of its own (ingot-run, or INGOT_RUN); times are milliseconds, medians of
some starts after one that is not counted, so that the file lies in the page cache. A suite is a
folder with `workloads.py` (REG, build) and `contenders.py`, as contender.py wants; its models are
recorded and saved first. Allocations are counted by tests/alloc_counter.c: those of many runs, less
those of one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ingot import _core

TESTS = Path(__file__).parent.parent
RUNS = 100  # between which allocations are counted
Report = dict[str, Any]


def runner() -> str:
    found = os.environ.get("INGOT_RUN") or shutil.which("ingot-run")
    if found is None:
        raise SystemExit("footprint: no ingot-run: set INGOT_RUN or PATH")
    return found


def record_suite(suite: Path, only: Sequence[str], folder: Path) -> Iterator[Path]:
    """The suite's workloads, recorded and saved one by one."""
    sys.path[:0] = [str(suite), str(Path(__file__).parent)]
    import contender
    import workloads

    for name in only or list(workloads.REG):
        workload = workloads.build(name)
        record = contender.record_step if workload.kind == "train" else contender.record
        path = folder / f"{name}.ingot"
        record(workload).save(path)
        del workload.params, workload.inputs
        yield path


def arguments(path: Path) -> list[str]:
    """Made-up inputs, and the upper bound of every dim."""
    module = _core.Module.load(str(path))
    words = [f"--input={name}=rand" for name, _ in module.inputs(0)]
    return words + [f"--dim={name}={high or low}" for name, low, high in module.dims]


def start(path: Path, threads: int, repeat: int, **environment: str) -> Report:
    words = [runner(), str(path), *arguments(path), "--json"]
    words += [f"--threads={threads}", f"--repeat={repeat}"]
    done = subprocess.run(
        words, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"footprint: {path}: {done.stderr.strip()}")
    return dict(json.loads(done.stdout))


def array_mb(report: Report) -> float:
    """Of all inputs and outputs, which belong to the caller."""
    total = 0
    for array in report["inputs"] + report["outputs"]:
        dtype, shape = array["type"].rstrip("]").split("[")
        bits = re.search(r"\d+", dtype)
        total += math.prod(map(int, filter(None, shape.split(",")))) * (int(bits[0]) if bits else 8)
    return total / 8e6


def count_allocations(path: Path, threads: int, counter: Path) -> float:
    """Of one run."""
    totals = []
    for repeat in (1, 1 + RUNS):
        total = counter.with_name("total")
        start(path, threads, repeat, LD_PRELOAD=str(counter), ALLOC_COUNTER_FILE=str(total))
        totals.append(int(total.read_text()))
    return (totals[1] - totals[0]) / RUNS


def measure(path: Path, threads: int, starts: int, counter: Path) -> Report:
    """The medians of the starts' numbers, with the steady run, of the file and of it packed."""
    packed = counter.with_name("packed.ingot")
    subprocess.run([runner(), str(path), f"--pack={packed}"], stdout=subprocess.DEVNULL, check=True)
    result: Report = {"name": path.stem, "file_mb": path.stat().st_size / 1e6}
    for prefix, file in (("", path), ("packed_", packed)):
        reports = [start(file, threads, 5) for _ in range(starts + 1)][1:]
        result["array_mb"] = array_mb(reports[0])
        result[f"{prefix}run_ms"] = min(report["runs"]["p50_us"] for report in reports) / 1e3
        for key in reports[0]:
            if key.endswith(("_ms", "_bytes")):
                result[prefix + key] = statistics.median(report[key] for report in reports)
    result["allocations"] = count_allocations(path, threads, counter)
    packed.unlink()
    return result


COLUMNS = {
    "workload": lambda r: r["name"],
    "file, MB": lambda r: f"{r['file_mb']:.1f}",
    "load": lambda r: f"{r['load_ms']:.2f}",
    "compile": lambda r: f"{r['compile_ms'] - r['pack_ms']:.2f}",
    "pack": lambda r: f"{r['pack_ms']:.2f}",
    "ready": lambda r: f"{r['ready_ms']:.1f}",
    "first run": lambda r: f"{r['first_run_ms']:.3f}",
    "a run": lambda r: f"{r['run_ms']:.3f}",
    "packed: ready": lambda r: f"{r['packed_ready_ms']:.1f}",
    "first run ": lambda r: f"{r['packed_first_run_ms']:.3f}",
    "resident, MB": lambda r: f"{r['peak_resident_bytes'] / 1e6:.1f}",
    "inputs and outputs": lambda r: f"{r['array_mb']:.1f}",
    "over file and arrays": lambda r: (
        f"{r['peak_resident_bytes'] / 1e6 - r['file_mb'] - r['array_mb']:+.1f}"
    ),
    "arena, KB": lambda r: f"{r['arena_bytes'] / 1e3:.1f}",
    "over its bound": lambda r: f"{r['arena_bytes'] - r['lower_bound_bytes']:.0f}",
    "any order, KB": lambda r: f"{r['any_order_bound_bytes'] / 1e3:.1f}",
    "allocations": lambda r: f"{r['allocations']:g}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.ingot")
    parser.add_argument("--suite", type=Path, help="a folder with workloads.py and contenders.py")
    parser.add_argument("--only", default="", help="workloads of the suite, separated by commas")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--starts", type=int, default=5)
    given = parser.parse_args()
    print("| " + " | ".join(name.strip() for name in COLUMNS) + " |")
    print("|" + " --- |" * len(COLUMNS), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counter = folder / "counter.so"
        command = ["cc", "-O1", "-shared", "-fPIC", str(TESTS / "alloc_counter.c")]
        subprocess.run([*command, "-o", str(counter)], check=True)
        only = [word for word in given.only.split(",") if word]
        recorded = record_suite(given.suite, only, folder) if given.suite else iter(())
        for path in itertools.chain(given.files, recorded):
            row = measure(path, given.threads, given.starts, counter)
            print("| " + " | ".join(text(row) for text in COLUMNS.values()) + " |", flush=True)
            if path.parent == folder:
                path.unlink()


if __name__ == "__main__":
    main()
