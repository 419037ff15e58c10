"""The command line `ingot`: subcommands, help, exit codes, one line for an error."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import ingot
from ingot import command, errors
from ingot.command.table import COMMANDS


def test_without_a_subcommand_it_tells_about_the_installation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main([]) == command.DONE
    alone = capsys.readouterr().out
    assert command.main(["config"]) == command.DONE
    assert capsys.readouterr().out == alone
    assert "numpy" in alone


def test_version() -> None:
    words = [sys.executable, "-m", "ingot", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"ingot {ingot.__version__}\n"


def test_the_console_command_is_this_one() -> None:
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    assert 'ingot = "ingot.command:main"' in text


@pytest.mark.parametrize("row", COMMANDS, ids=[row.name for row in COMMANDS])
def test_every_subcommand_has_help_that_begins_with_its_docstring(
    row: command.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        command.main([row.name, "--help"])
    assert left.value.code == 0
    module = importlib.import_module(f"ingot.command.{row.module}")
    assert (module.__doc__ or "").splitlines()[0] in capsys.readouterr().out


@pytest.mark.parametrize("words", [["nothing"], ["--nothing"], ["--version", "--cmake"]])
def test_wrong_usage_leaves_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        command.main(words)
    assert left.value.code == command.WRONG_USAGE
    assert "ingot: error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.FileError, command.INVALID_FILE),
        (errors.AbortError, command.CHECK_FAILED),
        (errors.RangeError, command.CHECK_FAILED),
        (errors.ShapeError, command.WRONG_USAGE),
        (errors.AxisError, command.WRONG_USAGE),
        (errors.LimitError, command.CANNOT_RUN),
        (errors.DeviceError, command.CANNOT_RUN),
        (errors.InternalError, command.CANNOT_RUN),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: type[errors.IngotError],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_given: object) -> int:
        raise error("config: something is wrong:\n expected nothing")

    monkeypatch.setattr("ingot.command.config.run", fail)
    assert command.main(["config"]) == code
    assert capsys.readouterr().err == "ingot: config: something is wrong: expected nothing\n"
