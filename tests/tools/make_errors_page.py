"""Writes docs/errors.md from the core's table of error codes, and the classes that only Python has;
`--check` only compares (test_readme.py does).
"""

from __future__ import annotations

import sys
from pathlib import Path

import ingot
from ingot import _core, errors

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


def row(name: str, sentence: str, status: object) -> str:
    bases = [
        base.__name__ for base in getattr(ingot, name).__mro__ if base.__module__ == "builtins"
    ]
    return f"| `{name}` | `{bases[0]}` | {sentence} | {status} |\n"


def page() -> str:
    table = _core.error_names()
    rows = [row(name, sentence, status) for status, (name, sentence) in enumerate(table, start=1)]
    known = {"IngotError", *(name for name, _ in table)}
    for name, error in vars(errors).items():
        if isinstance(error, type) and issubclass(error, ingot.IngotError) and name not in known:
            kind = error.__mro__[1].__name__
            rows.append(row(name, f"A `{kind}`: {' '.join((error.__doc__ or '').split())}", "-"))
    return HEAD + "".join(rows)


def main() -> None:
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            sys.exit(f"{PAGE.name} is out of date: run python {Path(__file__).name}")
    else:
        PAGE.write_text(page())


if __name__ == "__main__":
    main()
