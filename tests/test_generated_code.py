"""NVRTC compiles the generated code of every op and dtype and of random groups, where it is
installed: the C++ tests of tests/cpp/nvrtc. No device is needed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

# In NVIDIA's packages for Python: nvidia-cuda-nvrtc, nvidia-cuda-nvrtc-cu12.
IN_PACKAGES = ("cu13/lib/libnvrtc.so.13", "cuda_nvrtc/lib/libnvrtc.so.12")


def packaged_nvrtc() -> list[Path]:
    spec = importlib.util.find_spec("nvidia")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    paths = [Path(folder) / name for folder in folders for name in IN_PACKAGES]
    return [path for path in paths if path.exists()]


def test_nvrtc_compiles_what_is_generated() -> None:
    program = Path(os.environ.get("INGOT_BUILD_DIR", "build")) / "ingot_nvrtc_tests"
    if not program.exists():
        pytest.skip("ingot_nvrtc_tests was not built (INGOT_BUILD_DIR names the folder)")
    env = dict(os.environ)
    for path in packaged_nvrtc()[:1]:
        env.setdefault("INGOT_NVRTC", str(path))
    done = subprocess.run([str(program)], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    if "skipped: " in done.stdout:
        pytest.skip(done.stdout.partition("skipped: ")[2].splitlines()[0])
