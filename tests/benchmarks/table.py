"""Prints what the suite of docs/benchmarks.md measured as the tables of that page.

    python tests/benchmarks/table.py results.json [again.json ...]

Times are those of the first file. A row's ratio is Ingot's median over the best other's, of one
interleaved run, one number for each file; `?` marks fewer than three rounds without foreign load.
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


def ratio(row: dict[str, Run]) -> float | None:
    """Ingot's time over the best other's; None where one of them is missing."""
    own = median(row.get("ingot"))
    times = [median(run) for name, run in row.items() if name != "ingot" and name[0] != "_"]
    best = min((t for t in times if t is not None), default=None)
    return own / best if own is not None and best is not None else None


def table(files: list[dict[str, dict[str, Run]]], threads: int) -> str:
    """The rows of one number of threads, and the geometric mean of the first file's ratios."""
    rows = {key.split("|")[0]: row for key, row in files[0].items() if key.endswith(f"|{threads}")}
    others = sorted({c for row in rows.values() for c in row if c != "ingot" and c[0] != "_"})
    lines = [
        "| workload | Ingot, us | " + " | ".join(others) + " | ratio to the best |",
        "| --- |" + " --- |" * (len(others) + 2),
    ]
    logs = []
    for name, row in rows.items():
        own = median(row.get("ingot"))
        if own is None:
            continue
        ratios = [ratio(runs.get(f"{name}|{threads}", {})) for runs in files]
        if ratios[0] is not None:
            logs.append(math.log(ratios[0]))
        doubt = "" if row["ingot"]["clean_rounds"] >= 3 else " ?"
        said = ", ".join("-" if r is None else f"{r:.2f}" for r in ratios) + doubt
        cells = [name, short(own), *(short(median(row.get(c))) for c in others), said]
        lines.append("| " + " | ".join(cells) + " |")
    mean = math.exp(sum(logs) / len(logs)) if logs else math.nan
    head = f"{threads} thread{'' if threads == 1 else 's'}; geometric mean of the ratios {mean:.2f}"
    return "\n".join([head, "", *lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="+")
    files = [json.loads(path.read_text())["runs"] for path in parser.parse_args().results]
    for threads in sorted({int(key.split("|")[1]) for key in files[0]}):
        print(table(files, threads))


if __name__ == "__main__":
    main()
