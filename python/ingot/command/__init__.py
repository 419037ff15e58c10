"""The command line: `ingot SUBCOMMAND ...`, or `python -m ingot SUBCOMMAND ...`.

A subcommand is a module of this folder and a row of `table.py`. The module has

    def add_arguments(parser: argparse.ArgumentParser) -> None      # what it takes
    def run(given: argparse.Namespace) -> int                       # what it does; an exit code

and is imported only when its subcommand is asked for, so that one may need a package that others do
not. Its docstring is what `ingot SUBCOMMAND --help` says first. It prints results on standard
output; what fails it raises as an error of `ingot.errors`, which becomes one line on standard error
and an exit code, those of `ingot-run`:

    0 done, 1 a check of results failed, 2 wrong usage, 3 invalid file, 4 cannot run here
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from ingot import _core, errors
from ingot.tools import cmake_folder, show_config

from .table import COMMANDS, Command

DONE, CHECK_FAILED, WRONG_USAGE, INVALID_FILE, CANNOT_RUN = range(5)

_CODES: list[tuple[tuple[type[errors.IngotError], ...], int]] = [
    ((errors.FileError,), INVALID_FILE),
    ((errors.RangeError, errors.AbortError), CHECK_FAILED),
    ((errors.ArgumentError, errors.DTypeError, errors.RecordError, errors.ShapeError), WRONG_USAGE),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line, by default the process's own, and returns its exit code.

    >>> main(["--version"]) == 0
    ingot ...
    True
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = _parser(given).parse_args(given)
        return int(parsed.run(parsed))
    except errors.IngotError as error:
        print(f"ingot: {' '.join(str(error).split())}", file=sys.stderr)
        return next((code for kinds, code in _CODES if isinstance(error, kinds)), CANNOT_RUN)


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of all subcommands; only the one that is asked for knows its arguments."""
    parser = argparse.ArgumentParser(
        prog="ingot",
        description="Static graphs in files. Without a subcommand: about this installation.",
    )
    about = parser.add_mutually_exclusive_group()
    about.add_argument("--version", action="store_true", help="print the version")
    about.add_argument("--cmake", action="store_true", help="print the folder of ingotConfig.cmake")
    parser.set_defaults(run=_tell_about)
    commands = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND")
    asked = next((word for word in given if not word.startswith("-")), None)
    for command in COMMANDS:
        part = commands.add_parser(command.name, help=command.summary)
        if command.name != asked:
            continue
        module = _load(command)
        part.description = module.__doc__
        part.formatter_class = argparse.RawDescriptionHelpFormatter
        module.add_arguments(part)
        part.set_defaults(run=module.run)
    return parser


def _load(command: Command) -> ModuleType:
    return importlib.import_module(f".{command.module}", __name__)


def _tell_about(given: argparse.Namespace) -> int:
    if given.version:
        print(f"ingot {_core.__version__}")
    elif given.cmake:
        print(cmake_folder())
    else:
        show_config()
    return DONE
