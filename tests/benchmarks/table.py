"""Prints what the suite of docs/benchmarks.md measured as the tables of that page.

    python tests/benchmarks/table.py results.json

A row's ratio is Ingot's median over the best other's, of one interleaved run; `?` marks fewer than
three rounds without foreign load.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

Run = dict[str, Any]


def median(run: Run | None) -> float | None:
    """Microseconds; None where there is no right result."""
    return run.get("median_us") if run and run.get("ok") else None


def short(microseconds: float | None) -> str:
    if microseconds is None:
        return "-"
    if microseconds >= 1e4:
        return f"{microseconds / 1e3:.1f}k"
    return f"{microseconds:.0f}" if microseconds >= 1e3 else f"{microseconds:.3g}"


def table(runs: dict[str, dict[str, Run]], threads: int) -> str:
    """The rows of one number of threads, and the geometric mean of their ratios."""
    rows = {key.split("|")[0]: row for key, row in runs.items() if key.endswith(f"|{threads}")}
    measured = {name: row for name, row in rows.items() if median(row.get("ingot")) is not None}
    others = sorted({c for row in rows.values() for c in row if c != "ingot" and c[0] != "_"})
    lines = [
        "| workload | Ingot, us | " + " | ".join(others) + " | ratio to the best |",
        "| --- |" + " --- |" * (len(others) + 2),
    ]
    logs = []
    for name, row in measured.items():
        own, times = row["ingot"]["median_us"], [median(row.get(c)) for c in others]
        best = min((t for t in times if t is not None), default=None)
        cells = [name, short(own), *(short(t) for t in times)]
        if best is None:
            lines.append("| " + " | ".join([*cells, "-"]) + " |")
            continue
        logs.append(math.log(own / best))
        doubt = "" if row["ingot"]["clean_rounds"] >= 3 else " ?"
        lines.append("| " + " | ".join([*cells, f"{own / best:.2f}{doubt}"]) + " |")
    mean = math.exp(sum(logs) / len(logs)) if logs else math.nan
    head = f"{threads} thread{'' if threads == 1 else 's'}; geometric mean of the ratios {mean:.2f}"
    return "\n".join([head, "", *lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    runs = json.loads(parser.parse_args().results.read_text())["runs"]
    for threads in sorted({int(key.split("|")[1]) for key in runs}):
        print(table(runs, threads))


if __name__ == "__main__":
    main()
