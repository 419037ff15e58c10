"""Reductions, running sums, arg-extrema and sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ingot import composite, ops
from ingot.dtypes import DType, kind_of
from ingot.onnx.node import Node, many_axes, one_axis
from ingot.onnx.registry import operator
from ingot.tensor import SizeLike, Tensor

Reduction = Callable[[Tensor, Sequence[int], bool], Tensor]


def reduced_axes(node: Node, rank: int) -> list[int] | None:
    """The axes, given as operand 1 or an attribute; None where nothing is to be reduced."""
    given = node.ints_at(1) if node.has(1) else node.attr("axes")
    if not given:
        return None if node.attr("noop_with_empty_axes", 0) else list(range(rank))
    return many_axes(given, rank)


def _reduction(
    name: str,
    function: Reduction,
    each: Callable[[Tensor], Tensor] | None = None,
    last: Callable[[Tensor], Tensor] | None = None,
) -> None:
    """`each` goes before the reduction, `last` behind it, also where there are no axes."""

    @operator(name)
    def reduce(node: Node) -> Tensor:
        x = node.x()
        dtype, axes = x.dtype, reduced_axes(node, x.ndim)
        x = each(x) if each is not None else x
        if axes is not None:
            x = function(x, tuple(axes), bool(node.attr("keepdims", 1)))
        x = last(x) if last is not None else x
        return x.astype(dtype)


def _sum(x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    return ops.sum(x, axes, keepdims=keepdims) if len(axes) else x


def _prod(x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    return ops.prod(x, axes, keepdims=keepdims) if len(axes) else x


def _mean(x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    """Of integers as of float64, which the result's cast truncates."""
    x = x if kind_of(x.dtype) == "float" else x.astype("float64")
    return composite.mean(x, axes, keepdims=keepdims) if len(axes) else x


def _extreme(function: Any, of_nothing: Callable[[DType], Any]) -> Reduction:
    def reduce(x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
        if not len(axes):
            return x
        if any(isinstance(x.shape[a], int) and x.shape[a] == 0 for a in axes):
            return composite.full(
                _kept(x.shape, axes, keepdims), of_nothing(x.dtype), dtype=x.dtype
            )
        found: Tensor = function(x, axes, keepdims=keepdims)
        return found

    return reduce


def _kept(shape: Sequence[SizeLike], axes: Sequence[int], keepdims: bool) -> list[SizeLike]:
    if keepdims:
        return [1 if i in axes else n for i, n in enumerate(shape)]
    return [n for i, n in enumerate(shape) if i not in axes]


def _least(dtype: DType) -> Any:
    kind = kind_of(dtype)
    return (
        False if kind == "bool" else -float("inf") if kind == "float" else int(np.iinfo(dtype).min)
    )


def _most(dtype: DType) -> Any:
    kind = kind_of(dtype)
    return True if kind == "bool" else float("inf") if kind == "float" else int(np.iinfo(dtype).max)


def _log_sum_exp(x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
    if not len(axes) or any(isinstance(x.shape[a], int) and x.shape[a] == 0 for a in axes):
        return ops.log(_sum(ops.exp(x), axes, keepdims))
    return composite.logsumexp(x, axes, keepdims=keepdims)


_reduction("ReduceSum", _sum)
_reduction("ReduceProd", _prod)
_reduction("ReduceMean", _mean)
_reduction("ReduceMax", _extreme(ops.max, _least))
_reduction("ReduceMin", _extreme(ops.min, _most))
_reduction("ReduceL1", _sum, each=ops.abs)
_reduction("ReduceL2", _sum, each=composite.square, last=lambda x: ops.sqrt(x))
_reduction("ReduceLogSum", _sum, last=ops.log)
_reduction("ReduceLogSumExp", _log_sum_exp)
_reduction("ReduceSumSquare", _sum, each=composite.square)


@operator("ArgMax", "ArgMin")
def arg_extreme(node: Node) -> Tensor:
    x, axis = node.x(), node.axis()
    function = ops.argmax if node.op == "ArgMax" else composite.argmin
    keepdims = bool(node.attr("keepdims", 1))
    if not node.attr("select_last_index", 0):
        return function(x, axis, keepdims=keepdims)
    return x.shape[axis] - 1 - function(ops.flip(x, axis), axis, keepdims=keepdims)


@operator("CumSum", "CumProd")
def cumulative(node: Node) -> Tensor:
    x, axis = node.x(), one_axis(int(node.number(1)), node.x().ndim)
    function = ops.cumulative_sum if node.op == "CumSum" else ops.cumulative_prod
    reverse, exclusive = bool(node.attr("reverse", 0)), bool(node.attr("exclusive", 0))
    found = function(x, axis, dtype=x.dtype, include_initial=exclusive, reverse=reverse)
    if not exclusive:
        return found
    return composite.narrow(found, axis, 1 if reverse else 0, x.shape[axis])


@operator("TopK")
def top_k(node: Node) -> tuple[Tensor, Tensor]:
    """Equal elements keep their order."""
    x = node.x()
    k = int(node.number(1)) if node.version >= 10 else node.attr("k")
    axis = node.axis(otherwise=-1)
    order = ops.argsort(x, axis, descending=bool(node.attr("largest", 1)))
    places = composite.narrow(order, axis, 0, k)
    return ops.take_along_axis(x, places, axis=axis), places


# Softmax and its kin.


def _rows(function: Callable[[Tensor, int], Tensor]) -> Callable[[Node], Tensor]:
    """Along one axis; before opset 13 over all axes from it on."""

    def apply(node: Node) -> Tensor:
        x = node.x()
        if node.version >= 13:
            return function(x, node.axis(otherwise=-1))
        axis = node.axis(otherwise=1) if x.ndim else 0
        rows: SizeLike = 1
        for n in x.shape[:axis]:
            rows = rows * n
        return ops.reshape(function(ops.reshape(x, (rows, -1)), -1), x.shape)

    return apply


def _hard(x: Tensor, axis: int) -> Tensor:
    """1 at the first maximum."""
    places = ops.arange(x.shape[axis], dtype="int64")
    places = ops.reshape(places, [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
    return ops.equal(ops.argmax(x, axis, keepdims=True), places).astype(x.dtype)


def _rounded_once(function: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, int], Tensor]:
    """Of narrow floats by way of float32."""

    def apply(x: Tensor, axis: int) -> Tensor:
        wide = x.astype("float32") if x.dtype.itemsize < 4 else x
        return function(wide, axis).astype(x.dtype)

    return apply


operator("Softmax")(_rows(_rounded_once(composite.softmax)))
operator("LogSoftmax")(_rows(_rounded_once(composite.log_softmax)))
operator("Hardmax")(_rows(_hard))
