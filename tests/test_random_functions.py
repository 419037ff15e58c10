"""Random differentiable functions; tests/random_functions.py runs more of them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.random_functions import check_first_order, check_second_order


@pytest.mark.parametrize("block", range(10))
def test_a_recorded_gradient_equals_the_eager_one(block: int) -> None:
    for seed in range(block * 100, block * 100 + 100):
        assert check_first_order(seed) < 1e-9, f"seed {seed}"


def test_second_derivatives_agree_with_differences_of_first_ones() -> None:
    """Kinks make single differences meaningless, so a few seeds may be far off."""
    errors = [check_second_order(seed) for seed in range(60)]
    assert np.median(errors) < 1e-7
    assert sum(error > 1e-5 for error in errors) <= 6
