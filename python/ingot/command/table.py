"""The subcommands of `ingot`, a row each: see __init__.py for what their modules hold."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """`ingot NAME` is done by `ingot.command.MODULE`; the summary is its line of `--help`."""

    name: str
    module: str
    summary: str


COMMANDS = [
    Command("pack", "pack", "write a model with its weights laid as the kernels read them"),
    Command("import", "import_", "read an ONNX model and write it as an .ingot file"),
    Command("export", "export", "write a graph as an ONNX model"),
    Command("check", "check", "compare an ONNX model in Ingot and in other runtimes"),
    Command("config", "config", "print version, compiler, instruction-set levels and threads"),
]
