"""What every test may ask for."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """The only source of random inputs: the same numbers in every run."""
    return np.random.default_rng(0)
