"""Writes docs/errors.md from the core's table of error codes; `--check` only compares
(test_readme.py does).
"""

from __future__ import annotations

import sys
from pathlib import Path

import ingot
from ingot import _core

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
HEAD = """# Errors

Anything that a caller, a file or the machine can cause raises a subclass of `ingot.IngotError`
that is also the builtin which a Python user expects. Messages read
`<op or stage>: <what is wrong>: got <value>, expected <value>`, with the source line where there
is one.
This page is made by `python tests/tools/make_errors_page.py`.

| class | also a | meaning | C status |
| --- | --- | --- | --- |
"""


def page() -> str:
    rows = []
    for status, (name, sentence) in enumerate(_core.error_names(), start=1):
        builtins = [
            base.__name__
            for base in getattr(ingot, name).__mro__[1:]
            if base.__module__ == "builtins"
        ]
        rows.append(f"| `{name}` | `{builtins[0]}` | {sentence} | {status} |\n")
    return HEAD + "".join(rows)


def main() -> None:
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            sys.exit(f"{PAGE.name} is out of date: run python {Path(__file__).name}")
    else:
        PAGE.write_text(page())


if __name__ == "__main__":
    main()
