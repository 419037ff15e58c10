"""Eager NumPy, the static program and whatever else is installed, side by side: `make bench`.

Every benchmark asserts the answer as well as taking the time; ratios within one group of one run
are what counts. All calls take a NumPy array and give one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .runtimes import RUNTIMES, eager
from .workloads import WORKLOADS


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_speed(benchmark: Any, workload: str, runtime: str, threads: int) -> None:
    benchmark.group = f"{workload}, {threads} thread{'' if threads == 1 else 's'}"
    task = WORKLOADS[workload]()
    expected = eager(task, 1)(task.x)
    result = benchmark(RUNTIMES[runtime](task, threads), task.x)
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-4)
