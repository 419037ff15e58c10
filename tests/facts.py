"""Prints what the house style watches: the five longest files and the number of op rows."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUFFIXES = {".py", ".pyi", ".cpp", ".h", ".hpp", ".c", ".def", ".cu", ".cuh"}


def main() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.splitlines() if Path(name).suffix in SUFFIXES]
    lengths = sorted(
        ((len(p.read_text().splitlines()), p) for p in files if p.exists()), reverse=True
    )
    print("longest files:")
    for length, path in lengths[:5]:
        print(f"  {length:5d}  {path.relative_to(ROOT)}")
    total = sum(length for length, _ in lengths)
    print(f"{len(lengths)} source files, {total} lines, median {lengths[len(lengths) // 2][0]}")
    try:
        from ingot import _core
    except ImportError:
        return
    print(f"{len(_core.op_table())} op rows")


if __name__ == "__main__":
    main()
