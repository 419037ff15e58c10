"""One input gives the same bits at every level, thread count, pass setting and batch position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from tests.op_samples import RECORDS, Application, applications, bits, module_of, run

from ingot import _core
from ingot.op import ROWS, OpRecord

Array = Any
WITH_RESULT = [record for record in RECORDS if record.row.dtype_rule != "condition"]
# What every other configuration is compared with: the slowest level, one thread, no pass.
PLAIN = {"level": _core.levels()[0], "num_threads": 1, "disabled_passes": _core.pipeline()}
TWO_THREADS = {"num_threads": 2, "always_parallel": True}
CONFIGURATIONS: list[dict[str, Any]] = [
    *[{"level": level, "num_threads": 1} for level in _core.levels()],
    *[{"level": level, **TWO_THREADS} for level in _core.levels()],
    {"level": _core.levels()[-1], **TWO_THREADS, "disabled_passes": _core.pipeline()},
]


@pytest.mark.parametrize("record", WITH_RESULT, ids=[record.name for record in WITH_RESULT])
def test_levels_threads_and_fusion_change_no_bit(record: OpRecord) -> None:
    compared = 0
    for application in applications(record):
        bare = module_of(application)
        expected = bits(run(bare, application.operands, **PLAIN)[0])
        fusible = module_of(application, neighbors=True)
        for options in CONFIGURATIONS:
            for module in (bare, fusible):
                got = bits(run(module, application.operands, **options)[0])
                assert got == expected, f"{application} differs with {options}:\n{module.text()}"
                compared += len(got)
    assert compared > 0


@pytest.mark.parametrize("record", WITH_RESULT, ids=[record.name for record in WITH_RESULT])
def test_an_operand_that_is_a_param_changes_no_bit(record: OpRecord) -> None:
    for application in applications(record):
        expected = bits(run(module_of(application), application.operands, **PLAIN)[0])
        for i in range(len(application.operands)):
            module = module_of(application, param=i)
            inputs = [x for j, x in enumerate(application.operands) if j != i]
            for options in CONFIGURATIONS:
                got = bits(run(module, inputs, **options)[0])
                assert got == expected, f"{application} differs with param {i} and {options}"


# Inside a bigger batch: the operands are one of many, beside others with the same numbers in
# another order; many enough that small operands fill more than one tile. Each way gives the bigger
# application and the part of its result to compare.

COPIES, PLACE = 48, 31
Embedded = tuple[Application, Callable[[Array], Array]]


def beside(x: Array, axis: int | None) -> Array:
    """x among others: along an axis of its own in front, or joined along one of x's."""
    parts = [np.roll(x.reshape(-1), i - PLACE).reshape(x.shape) for i in range(COPIES)]
    return np.stack(parts) if axis is None else np.concatenate(parts, axis)


def of_one_rank(operands: Sequence[Array]) -> list[Array]:
    rank = max(x.ndim for x in operands)
    return [x.reshape((1,) * (rank - x.ndim) + x.shape) for x in operands]


def with_leading_axis(application: Application) -> Embedded:
    """Every operand gets one more axis in front; attributes that name axes count on."""
    attrs = dict(application.attrs)
    if "axes" in attrs:
        attrs["axes"] = [axis + 1 for axis in attrs["axes"]]
    if "axis" in attrs:
        attrs["axis"] += 1
    operands = [beside(x, None) for x in of_one_rank(application.operands)]
    return Application(application.row, operands, attrs), lambda y: y[PLACE]


def with_longer_batch(application: Application) -> Embedded:
    """The first operand gets many times as many images; what else there is stays."""
    x, *rest = application.operands
    n = x.shape[0]
    operands = [beside(x, 0), *rest]
    return Application(application.row, operands, application.attrs), lambda y: y[
        n * PLACE : n * (PLACE + 1)
    ]


def ways() -> dict[str, Callable[[Application], Embedded]]:
    leading = [row.name for row in ROWS.values() if {"pointwise", "reduction"} & set(row.traits)]
    leading += ["matmul", "concat", "scaled_dot_product_attention"]
    leading += ["argsort", "cumulative_sum", "cumulative_prod", "take_along_axis", "scatter"]
    images = ["conv2d", "max_pool2d", "avg_pool2d"]
    return {
        **{name: with_leading_axis for name in leading if name in ROWS},
        **dict.fromkeys(images, with_longer_batch),
    }


WAYS = ways()


@pytest.mark.parametrize("name", list(WAYS))
def test_the_place_in_a_batch_changes_no_bit(name: str) -> None:
    record = next(record for record in RECORDS if record.name == name)
    embed, compared = WAYS[name], 0
    for application in applications(record):
        alone = run(module_of(application), application.operands, **PLAIN)[0]
        bigger, part = embed(application)
        module = module_of(bigger)
        for options in (PLAIN, {"level": _core.levels()[-1], **TWO_THREADS}):
            inside = part(run(module, bigger.operands, **options)[0])
            assert bits(inside.reshape(alone.shape)) == bits(alone), f"{application} {options}"
            compared += alone.size
    assert compared > 0
