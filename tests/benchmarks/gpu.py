"""Checks and measures what a GPU runs, in one command: Ingot against its reference and NVIDIA's
checkers, then beside torch, torch.compile, JAX and ONNX Runtime where they are installed.

    python -m tests.benchmarks.gpu                       # all of it, an hour or two on an H200
    python -m tests.benchmarks.gpu --checks              # whether it is right
    python -m tests.benchmarks.gpu --speed               # how fast it is
    python -m tests.benchmarks.gpu --only matmul,bert    # what has one of these in its name
    python -m tests.benchmarks.gpu --dry-run             # tiny sizes on the emulated device

Times are medians in microseconds of one call, from arrays on the device to results on the device,
by events around calls that are enqueued back to back (gpu_timing.py has the rule, the same for
all). Results are compared before anything is timed. Precision is equal: float32 without TF32,
bfloat16 with sums in float32; "ingot" computes the bits of the processor, "ingot fast" products in
any order, as rivals do. A ratio below 1 is faster than the best rival. The command fails where a
check does; goals that are missed are listed, and the profile of a row that is slower than a rival
is printed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import ingot

from .gpu_checks import run_checks
from .gpu_models import MODELS, Model
from .gpu_runtimes import (
    MissingError,
    cast,
    in_fast_ingot,
    in_jax,
    in_onnxruntime,
    in_torch,
    listed,
    numpy_of,
    on_device,
    record,
)
from .gpu_timing import Contender, copy_bandwidth, empty_replay_us, median_us

RIVALS: dict[str, Callable[[Model], Contender]] = {
    "torch": in_torch(None),
    "torch.compile": in_torch("default"),
    "max-autotune": in_torch("max-autotune"),
    "jax": in_jax,
    "onnxruntime": in_onnxruntime,
}
TOLERANCE = {"float32": 2e-3, "bfloat16": 3e-2}  # of the largest value


def difference(found: list[Any], expected: list[Any]) -> float:
    """The largest, as a part of the largest expected value."""
    assert len(found) == len(expected)
    worst = 0.0
    for x, y in zip(map(numpy_of, found), map(numpy_of, expected), strict=True):
        assert x.shape == y.shape
        worst = max(worst, float(np.max(np.abs(x - y)) / max(float(np.max(np.abs(y))), 1e-30)))
    return worst


def results_of(contender: Contender) -> list[Any]:
    contender.enqueue()
    contender.wait()
    return contender.results()


def time_other(
    make: Callable[[Model], Contender], model: Model, expected: list[Any], seconds: float
) -> float | str:
    """A time, or why there is none: a library of another version may fail in any way."""
    try:
        contender = make(model)
        off = difference(results_of(contender), expected)
        if off > TOLERANCE[model.dtype]:
            return f"its results differ by {off:.1e}"
        return median_us(contender, seconds)
    except MissingError as missing:
        return str(missing)
    except Exception as error:
        first = str(error).splitlines()[:1]
        return f"failed: {type(error).__name__}: {' '.join(first)[:200]}"


def measure(name: str, tiny: bool, seconds: float, profile: bool) -> dict[str, Any]:
    """One row: a time for each that runs here, and why not for the others."""
    model = MODELS[name][1 if tiny else 0]()
    row: dict[str, Any] = {"name": name, "us": {}, "missing": {}}
    ours = on_device(model, emulated=tiny)
    row["launches"] = ours.launches
    expected = results_of(ours.contender)
    if tiny:
        inputs = [cast(x, model.dtype) for x in model.inputs]
        off = difference(expected, listed(ingot.compile(record(model))(*inputs)))
        assert off == 0, f"{name}: the device differs from the processor by {off:.1e}"
    row["us"]["ingot"] = median_us(ours.contender, seconds)
    others = {"ingot fast": lambda given: in_fast_ingot(given, tiny), **RIVALS}
    for other, make in others.items():
        found = time_other(make, model, expected, seconds)
        row["missing" if isinstance(found, str) else "us"][other] = found
    best = min((row["us"][rival] for rival in RIVALS if rival in row["us"]), default=None)
    row["ratio"] = row["us"]["ingot"] / best if best is not None else None
    known = best is not None and "ingot fast" in row["us"]
    row["fast_ratio"] = row["us"]["ingot fast"] / best if known else None
    row["flops_per_s"] = model.flops / (row["us"]["ingot"] * 1e-6)
    row["bytes_per_s"] = model.moved_bytes / (row["us"]["ingot"] * 1e-6)
    if profile or (row["ratio"] or 0) > 1:
        inputs = [ingot.to_device(cast(x, model.dtype), "cuda") for x in model.inputs]
        row["profile"] = str(ours.program.entry().profile(*inputs, runs=20))
        print(f"{name}: {row['profile']}")
    return row


def measure_floors(rows: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """What the device can do at best: a copy, and the replay of as many empty kernels."""
    try:
        launches = {row["launches"] for row in rows if row["name"] == "dispatch_100"}
        return {
            "bytes_per_s": copy_bandwidth(seconds),
            "empty_us": {n: empty_replay_us(n, seconds) for n in launches},
        }
    except MissingError as missing:
        return {"missing": str(missing)}


def judge(rows: list[dict[str, Any]], floors: dict[str, Any]) -> list[str]:
    """How near the rows come to what is asked of them."""
    lines = []

    def goal(name: str, value: float, most: float, what: str) -> None:
        verdict = "met" if value <= most else "MISSED"
        lines.append(f"{name}: {verdict}: {value:.3f} of {what}, at most {most}")

    for row in rows:
        name, us, best = row["name"], row["us"]["ingot"], row["ratio"]
        if row["bytes_per_s"] and "bytes_per_s" in floors:
            part = {"chain_64m": 0.9, "norm_softmax": 0.8}.get(name)
            least = row["bytes_per_s"] / floors["bytes_per_s"]
            text = f"{name}: {least:.1%} of the bandwidth of a copy"
            verdict = (
                "" if part is None else f": {'met' if least >= part else 'MISSED'}: {part:.0%}"
            )
            lines.append(text + verdict)
        if name == "dispatch_100" and "empty_us" in floors:
            bare = floors["empty_us"][row["launches"]]
            goal(name, us / bare, 1.3, f"the replay of {row['launches']} empty kernels")
        if name.startswith("matmul_bf16") and "torch" in row["us"]:
            fast = row["us"].get("ingot fast", us)
            goal(name, fast / row["us"]["torch"], 1.03, "torch's time, with fast")
        elif best is not None and name.startswith(("bert", "gpt2", "resnet")):
            goal(name, best, 1.0, "the best rival's time")
    if "missing" in floors:
        lines.append(f"no floors: {floors['missing']}")
    return lines


def table(rows: list[dict[str, Any]]) -> str:
    names = ["ingot", "ingot fast", *RIVALS]
    lines = [f"| | launches | {' | '.join(names)} | ratio to the best | fast | TFLOP/s |"]
    lines.append("| --- |" + " --- |" * (len(names) + 4))
    for row in rows:
        times = [f"{row['us'][n]:.1f}" if n in row["us"] else "-" for n in names]
        ratio, fast = ("-" if x is None else f"{x:.2f}" for x in (row["ratio"], row["fast_ratio"]))
        flops = f"{row['flops_per_s'] / 1e12:.2f}" if row["flops_per_s"] else "-"
        cells = [row["name"], str(row["launches"]), *times, ratio, fast, flops]
        lines.append(f"| {' | '.join(cells)} |")
    missing = {name: why for row in rows for name, why in row["missing"].items()}
    return "\n".join([*lines, "", *(f"{name}: {why}" for name, why in missing.items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checks", action="store_true", help="only these")
    parser.add_argument("--speed", action="store_true", help="only this")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes, emulated device")
    parser.add_argument("--only", default="", help="parts of names, with commas between them")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each time")
    parser.add_argument("--json", type=Path, help="where to keep all numbers")
    parser.add_argument("--profile", action="store_true", help="the time of each step as well")
    options = parser.parse_args()
    if options.dry_run:
        from tests.device import open_emulator

        open_emulator()
    both = options.checks == options.speed
    wanted = options.only.split(",")
    seconds = 0.0 if options.dry_run else options.seconds
    outcomes = run_checks(options.dry_run, wanted) if both or options.checks else []
    rows = []
    for name in MODELS if both or options.speed else []:
        if any(part in name for part in wanted):
            rows.append(measure(name, options.dry_run, seconds, options.profile))
            print(table(rows[-1:]).splitlines()[2], flush=True)
    floors = measure_floors(rows, seconds) if rows else {}
    goals = judge(rows, floors)
    if rows:
        print(table(rows), *goals, sep="\n")
    if options.json is not None:
        checked = [dataclasses.asdict(outcome) for outcome in outcomes]
        kept = {"checks": checked, "rows": rows, "floors": floors, "goals": goals}
        options.json.write_text(json.dumps(kept, indent=1))
    if any(outcome.verdict == "failed" for outcome in outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main()
