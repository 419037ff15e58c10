"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import ingot
from ingot import _core

# Plugins whose device is the processor, the emulated one first: one that runs the device's kernels.
STAND_INS = ("libingot_cuda_on_host.so", "libingot_fake_device.so")
BUILD = Path(os.environ.get("INGOT_BUILD_DIR", Path(__file__).parent.parent / "build"))


def stand_in(name: str) -> Path:
    """The file of a plugin that stands in for a device."""
    path = BUILD / name
    if not path.exists():
        pytest.skip(f"{name} was not built")
    return path


@pytest.fixture(scope="session")
def cuda() -> str:
    """A device to run on: a real one where there is one, else one that stands in for it. A process
    opens one plugin, so that all tests have the same."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("", *STAND_INS):
            if name and (BUILD / name).exists():
                patch.setenv("INGOT_CUDA_PLUGIN", str(BUILD / name))
            if "cuda:0" in _core.config()["devices"]:
                return "cuda"
    pytest.skip(f"no device: {ingot._core.config()['devices']}")


@pytest.fixture
def rng() -> np.random.Generator:
    """The only source of random inputs: the same numbers in every run."""
    return np.random.default_rng(0)
