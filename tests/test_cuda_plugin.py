"""What the loader sees of the device plugin: one symbol, and no library of CUDA: it opens on any
machine and says itself what is missing there."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.installed import PACKAGE, tool

NAME = "libingot_cuda.so"
# What every Linux system has; libdl and its like are part of libc in newer ones.
BASE_LIBRARIES = {
    "libc",
    "libm",
    "libdl",
    "librt",
    "libpthread",
    "ld-linux-x86-64",
    "ld-linux-aarch64",
}


@pytest.fixture(scope="module")
def plugin() -> Path:
    """The plugin that INGOT_CUDA_PLUGIN names, else the installed one."""
    given = os.environ.get("INGOT_CUDA_PLUGIN")
    path = Path(given) if given else PACKAGE / "lib" / NAME
    if not path.exists():
        pytest.skip(f"{NAME} was not built (needs nvcc)")
    return path


def output_of(*command: object) -> str:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=True
    ).stdout


def test_the_plugin_exports_one_function(plugin: Path) -> None:
    listed = output_of(tool("nm"), "-D", "--defined-only", plugin).splitlines()
    assert [line.split()[-1] for line in listed] == ["ingot_cuda_open"]


def test_the_plugin_needs_no_library_but_the_system_s(plugin: Path) -> None:
    dynamic = output_of(tool("readelf"), "-d", plugin)
    needed = re.findall(r"\(NEEDED\).*\[([\w+-]+)\.so", dynamic)
    assert needed != []
    assert set(needed) <= BASE_LIBRARIES
