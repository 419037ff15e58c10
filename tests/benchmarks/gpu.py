"""Measures what a GPU runs, in one command: Ingot beside torch, torch.compile and JAX where they
are installed.

    python -m tests.benchmarks.gpu                       # all of it, some minutes on an H200
    python -m tests.benchmarks.gpu --only matmul,bert    # rows whose name has one of these in it
    python -m tests.benchmarks.gpu --dry-run             # tiny sizes on the emulated device

Times are medians in microseconds of one call, from arrays on the device to results on the device,
the wait for its end included. Results are compared before anything is timed.
Precision is equal: float32 without TF32, bfloat16 with sums in float32. A ratio below 1 is faster
than the best rival.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import ingot

from .gpu_models import MODELS, Model
from .gpu_runtimes import (
    MissingError,
    Run,
    cast,
    in_jax,
    in_torch,
    module,
    numpy_of,
    on_device,
    record,
    torch_device,
)

RIVALS: dict[str, Callable[[Model], Run]] = {
    "torch": in_torch(None),
    "torch.compile": in_torch("default"),
    "max-autotune": in_torch("max-autotune"),
    "jax": in_jax,
}
TOLERANCE = {"float32": 2e-3, "bfloat16": 3e-2}  # of the largest value


def median_us(run: Callable[[], Any], seconds: float) -> float:
    """Of as many calls as fit into the time, 5 at least, after 3 that do not count."""
    for _ in range(3):
        run()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 2000):
        begin = time.perf_counter()
        run()
        times.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(times)


def difference(found: list[Any], expected: list[Any]) -> float:
    """The largest, as a part of the largest expected value."""
    assert len(found) == len(expected)
    worst = 0.0
    for x, y in zip(map(numpy_of, found), map(numpy_of, expected), strict=True):
        assert x.shape == y.shape
        worst = max(worst, float(np.max(np.abs(x - y)) / max(float(np.max(np.abs(y))), 1e-30)))
    return worst


def empty_replay(launches: int) -> Run:
    """A CUDA graph of so many kernels that do next to nothing."""
    torch = module("torch")
    x = torch.zeros(1, device=torch_device(torch))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(launches):
            x.add_(0)

    def run() -> list[Any]:
        graph.replay()
        torch.cuda.synchronize()
        return [x]

    return run


def copy_bandwidth(seconds: float) -> float:
    """Bytes a second that a copy reads and writes."""
    torch = module("torch")
    x = torch.zeros(1 << 28, device=torch_device(torch))
    y = torch.empty_like(x)

    def run() -> None:
        y.copy_(x)
        torch.cuda.synchronize()

    return 2 * 4 * (1 << 28) / (median_us(run, seconds) * 1e-6)


def measure(name: str, tiny: bool, seconds: float, profile: bool) -> dict[str, Any]:
    """One row: a time for each that runs here, and why not for the others."""
    model = MODELS[name][1 if tiny else 0]()
    row: dict[str, Any] = {"name": name, "us": {}, "missing": {}}
    ours = on_device(model)
    row["launches"] = ours.launches
    expected = ours.run()
    if tiny:
        inputs = [cast(x, model.dtype) for x in model.inputs]
        here = ingot.compile(record(model))(*inputs)
        off = difference(expected, list(here) if isinstance(here, tuple) else [here])
        assert off == 0, f"{name}: the device differs from the processor by {off:.1e}"
    if profile:
        inputs = [ingot.to_device(cast(x, model.dtype)) for x in model.inputs]
        print(f"{name}: {ours.program.entry().profile(*inputs, runs=20)}")
    row["us"]["ingot"] = median_us(ours.run, seconds)
    for rival, make in RIVALS.items():
        try:
            run = make(model)
        except MissingError as missing:
            row["missing"][rival] = str(missing)
            continue
        off = difference(run(), expected)
        assert off <= TOLERANCE[model.dtype], f"{name}: {rival} differs by {off:.1e}"
        row["us"][rival] = median_us(run, seconds)
    best = min((t for rival, t in row["us"].items() if rival != "ingot"), default=None)
    row["ratio"] = row["us"]["ingot"] / best if best is not None else None
    row["flops_per_s"] = model.flops / (row["us"]["ingot"] * 1e-6)
    row["bytes_per_s"] = model.moved_bytes / (row["us"]["ingot"] * 1e-6)
    return row


def add_floors(rows: list[dict[str, Any]], seconds: float) -> list[str]:
    """What the machine can do at best, and how near the rows come."""
    lines = []
    try:
        bandwidth = copy_bandwidth(seconds)
        lines.append(f"a copy moves {bandwidth / 1e9:.0f} GB/s")
        for row in rows:
            if row["bytes_per_s"]:
                lines.append(f"{row['name']}: {row['bytes_per_s'] / bandwidth:.1%} of that")
        for row in rows:
            if row["name"] == "dispatch_100":
                bare = median_us(empty_replay(row["launches"]), seconds)
                ratio = row["us"]["ingot"] / bare
                lines.append(
                    f"dispatch_100: {ratio:.2f} times the replay of {row['launches']} empty kernels"
                )
    except MissingError as missing:
        lines.append(f"no floors: {missing}")
    return lines


def table(rows: list[dict[str, Any]]) -> str:
    names = ["ingot", *RIVALS]
    lines = [f"| | launches | {' | '.join(names)} | ratio to the best | TFLOP/s |"]
    lines.append("| --- |" + " --- |" * (len(names) + 3))
    for row in rows:
        times = [f"{row['us'][n]:.1f}" if n in row["us"] else "-" for n in names]
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
        flops = f"{row['flops_per_s'] / 1e12:.2f}" if row["flops_per_s"] else "-"
        lines.append(
            f"| {row['name']} | {row['launches']} | {' | '.join(times)} | {ratio} | {flops} |"
        )
    missing = {name: why for row in rows for name, why in row["missing"].items()}
    return "\n".join([*lines, "", *(f"{name}: {why}" for name, why in missing.items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes, emulated device")
    parser.add_argument("--only", default="", help="parts of names, with commas between them")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each time")
    parser.add_argument("--json", type=Path, help="where to keep all numbers")
    parser.add_argument("--profile", action="store_true", help="the time of each step as well")
    options = parser.parse_args()
    if options.dry_run:
        from tests.device import open_emulator

        open_emulator()
    wanted = options.only.split(",")
    seconds = 0.0 if options.dry_run else options.seconds
    rows = []
    for name in MODELS:
        if any(part in name for part in wanted):
            rows.append(measure(name, options.dry_run, seconds, options.profile))
            print(table(rows[-1:]).splitlines()[2], flush=True)
    print(table(rows), *add_floors(rows, seconds), sep="\n")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
