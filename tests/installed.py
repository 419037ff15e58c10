"""Where the installed package keeps what is not Python: ingot-run, libingot.so, headers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

import ingot

PACKAGE = Path(ingot.__file__).parent


def runner() -> str:
    """ingot-run: the environment variable INGOT_RUN, else the one of this installation."""
    given = os.environ.get("INGOT_RUN")
    if given:
        return given
    beside = Path(sysconfig.get_path("scripts")) / "ingot-run"
    found = str(beside) if beside.exists() else shutil.which("ingot-run")
    if found is None:
        pytest.skip("ingot-run is not installed (set INGOT_RUN to test one)")
    return found


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs ingot-run. Its text is what it wrote; nothing is checked."""
    command = [runner(), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, **options
    )


def library() -> Path:
    found = sorted((PACKAGE / "lib").glob("libingot.*"))
    if not found:
        pytest.skip("libingot is not installed")
    return found[0]


def tool(*names: str) -> str:
    """The first of these programs that there is; skips the test otherwise."""
    for name in names:
        found = shutil.which(name) if name else None
        if found:
            return found
    pytest.skip(f"needs one of {', '.join(filter(None, names))}")


def c_compiler() -> str:
    return tool(os.environ.get("CC", ""), "cc", "gcc", "clang")


def build(command: list[str], **options: object) -> None:
    """Runs a build step; its whole output is the failure's message."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
