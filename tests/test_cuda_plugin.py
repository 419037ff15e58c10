"""The device plugin that was built, on any machine: it shows the loader one symbol, needs no
library of CUDA, and says itself what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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


ASK_FOR_A_DEVICE = """
import ingot
graph = ingot.record(lambda x: x + 1, ingot.Spec((2,)))
try:
    ingot.compile(graph, device="cuda")
except ingot.DeviceError as error:
    print(error)
print(ingot.compile(graph)([1, 2]))
"""


def test_without_a_device_the_plugin_says_so_and_the_processor_works(plugin: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK_FOR_A_DEVICE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "INGOT_CUDA_PLUGIN": str(plugin), "CUDA_VISIBLE_DEVICES": ""},
    )
    said, result = done.stdout.splitlines()
    assert re.fullmatch(r"compile: device cuda:0: no .* was found: expected .*", said)
    assert result == "[2. 3.]"
