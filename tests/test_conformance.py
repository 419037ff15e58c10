"""The adapter to outside suites: a few calls against NumPy, eagerly and through a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "conformance"


@pytest.fixture(params=["Ingot", "IngotStatic"])
def adapter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(FOLDER))
    import ingot_adapter

    yield getattr(ingot_adapter, request.param)()
    for name in [m for m in sys.modules if m.split(".")[0] in ("ingot_adapter", "torch_names")]:
        del sys.modules[name]


def test_torch_names_and_conventions_reach_the_functions(adapter: Any) -> None:
    x = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    for name, args, kwargs, expected in [
        ("sum", (x,), {"dim": 1, "keepdim": True}, x.sum(1, keepdims=True)),
        ("sum", (x.astype(np.int32),), {}, np.int64(15)),
        ("add", (x, x), {"alpha": 2}, 3 * x),
        ("cat", ([x, x],), {"dim": 1}, np.concatenate([x, x], 1)),
        ("einsum", ("ij,kj->ik", x, x), {}, x @ x.T),
        ("permute", (x, (1, 0)), {}, x.T),
        ("nn.functional.relu", (x - 2,), {}, np.maximum(x - 2, 0)),
        (
            "nn.functional.pad",
            (x, (1, 0)),
            {"value": 7.0},
            np.pad(x, [(0, 0), (1, 0)], "constant", constant_values=7),
        ),
    ]:
        (found,) = adapter.op(name)(*args, **kwargs)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert found.dtype == expected.dtype


def test_results_that_are_several_come_in_order(adapter: Any) -> None:
    values, order = adapter.op("sort")(np.array([3.0, 1.0, 2.0]), descending=True)
    assert (values.tolist(), order.tolist()) == ([3.0, 2.0, 1.0], [0, 2, 1])


def test_gradients_are_those_of_the_arrays_that_are_asked_for(adapter: Any) -> None:
    a, b, g = np.array([2.0, 3.0]), np.array([5.0, 7.0]), np.array([1.0, 10.0])
    first, second = adapter.vjp("mul", (a, b), {}, [g], [True, False])
    assert first.tolist() == [5.0, 70.0]
    assert second is None


def test_what_is_not_there_is_unsupported(adapter: Any) -> None:
    import ingot_adapter

    with pytest.raises(ingot_adapter.Unsupported):
        adapter.op("linalg.svd")
