"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.cublaslt import NO_CALL, CublasLt
from tests.device import Emulator, devices, open_emulator

import ingot

BUILD = Path(os.environ.get("INGOT_BUILD_DIR", Path(__file__).parent.parent / "build"))


def stand_in(name: str) -> Path:
    """The file of a plugin that stands in for a device."""
    path = BUILD / name
    if not path.exists():
        pytest.skip(f"{name} was not built")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`pytest -m cuda` runs what a device runs."""
    for item in items:
        if "cuda" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cuda)


@pytest.fixture(scope="session")
def cuda() -> str:
    """A device to run on: a real one where there is one, else the emulated one. A process opens one
    plugin, so that all tests have the same."""
    if "cuda:0" not in devices():
        open_emulator()
    return "cuda"


@pytest.fixture(scope="session")
def emulator(cuda: str) -> Emulator:
    """The controls of the emulated device, where that is the one to run on."""
    del cuda
    if "cuda on host" not in devices():
        pytest.skip(f"needs the emulated device, found {devices()}")
    return Emulator()


@pytest.fixture(scope="session")
def opened_cublaslt(cuda: str) -> CublasLt:
    emulated = "cuda on host" in devices()
    found = CublasLt(os.environ["INGOT_CUBLASLT"] if emulated else None)
    product = ingot.record(lambda x, w: x @ w, ingot.Spec((3, 5)), ingot.Spec((5, 4)))
    said = ingot.compile(product, device=cuda, fast=True).explain()
    if "by cuBLASLt" not in said:
        assert not emulated, said
        pytest.skip(f"no product by cuBLASLt on this device: {said}")
    return found


@pytest.fixture
def cublaslt(opened_cublaslt: CublasLt) -> Iterator[CublasLt]:
    """Nothing that it is given is wrong."""
    yield opened_cublaslt
    if opened_cublaslt.library is not None:
        opened_cublaslt.fail(NO_CALL, 0)
    assert opened_cublaslt.problem() == ""


@pytest.fixture
def rng() -> np.random.Generator:
    """The only source of random inputs: the same numbers in every run."""
    return np.random.default_rng(0)
