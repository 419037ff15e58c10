"""abort, and the references of the region ops: if, while, scan, fused.

A region reference gets the operands, the attributes and one function for each region, which
evaluates it; `reference` and `testing` supply those functions. Python records no region ops yet:
they come from text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ingot.bounds import EQUAL
from ingot.dtypes import Array
from ingot.errors import AbortError, DTypeError, ShapeError
from ingot.op import Sample, WrongCall, op, region_op, sample, wrong
from ingot.tensor import TensorLike

__all__ = [
    "abort",
]

# Evaluates a region: its args -> its returns.
RegionFunction = Callable[[Sequence[Array]], list[Array]]


@op(onnx=None, bound=EQUAL)
def abort(condition: TensorLike, message: str) -> None:
    """Stops the run with `message` where the condition holds.

    condition: bool[]. Eagerly it raises at once; recorded, the program raises when it gets there,
    and leaves every state as it was. Aborts keep their order. Raises AbortError.

    >>> import ingot
    >>> x = ingot.tensor([1.0, 2.0])
    >>> ingot.abort(ingot.any(x < 0), "negative")
    """
    abort.bind(condition, message=message)


@abort.reference
def _abort(condition: Array, message: str) -> Array:
    if condition:
        raise AbortError(f"abort: {message}")
    return condition


@abort.samples
def _abort_samples(_: np.random.Generator) -> list[Sample]:
    return [sample(np.asarray(False), "never")]


@abort.errors
def _abort_errors() -> list[WrongCall]:
    return [
        wrong(DTypeError, "f32", np.float32(1), "no bool"),
        wrong(ShapeError, "abort: ", np.zeros(2, np.bool_), "no scalar"),
    ]


abort.nondifferentiable()


@region_op("if", onnx="If", bound=EQUAL)
def _if(
    operands: Sequence[Array], _attrs: Mapping[str, Any], regions: Sequence[RegionFunction]
) -> list[Array]:
    """if(condition) then() else(): the results of one of two regions of equal result types.

    condition: bool[]. Only the region taken is evaluated.
    """
    return regions[0 if operands[0] else 1]([])


@region_op("while", onnx="Loop", bound=EQUAL)
def _while(
    operands: Sequence[Array], _attrs: Mapping[str, Any], regions: Sequence[RegionFunction]
) -> list[Array]:
    """while(init...) cond(args) body(args): repeats the body while cond holds.

    The carried values keep init's types; the results are those after the last turn.
    """
    cond, body = regions
    carried = list(operands)
    while cond(carried)[0]:
        carried = body(carried)
    return carried


@region_op("scan", onnx="Scan", bound=EQUAL)
def _scan(
    operands: Sequence[Array], attrs: Mapping[str, Any], regions: Sequence[RegionFunction]
) -> list[Array]:
    """scan(init..., xs...) body(carry..., i, x...): one turn for each of `length` slices of xs.

    carries: how many operands are carried. i: int64[], the turn's index into xs; with reverse it
    counts down. Results: the carried values after the last turn, then each y stacked along a
    leading axis.
    """
    count, length = attrs["carries"], attrs["length"]
    carried, xs = list(operands[:count]), operands[count:]
    stacked: dict[int, list[Array]] = {}
    for i in reversed(range(length)) if attrs["reverse"] else range(length):
        returned = regions[0]([*carried, np.asarray(i, np.int64), *[x[i] for x in xs]])
        carried = returned[:count]
        stacked[i] = returned[count:]
    columns = zip(*(stacked[i] for i in range(length)), strict=True)
    return carried + [np.stack(column) for column in columns]


@region_op("fused", onnx=None, bound=EQUAL)
def _fused(
    _operands: Sequence[Array], _attrs: Mapping[str, Any], regions: Sequence[RegionFunction]
) -> list[Array]:
    """fused() body(): a group of pointwise nodes that one kernel computes; the results are its
    returns."""
    return regions[0]([])
