"""Axes as users write them (one, several, None, negative) turned into the sorted ones of the
rows."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from ingot.errors import ArgumentError, AxisError
from ingot.recorder import active_recorder
from ingot.tensor import Axes, Holder, Tensor, TensorLike, eager_array, wrap


def as_tensor(op: str, x: TensorLike | Sequence[object]) -> Tensor:
    """`x` itself if it is a tensor, else an eager one; recorded, one array gives one tensor."""
    if isinstance(x, Holder):
        x = x.value
    if isinstance(x, Tensor):
        return x
    recorder = active_recorder()
    if recorder is not None and isinstance(x, np.ndarray):
        return recorder.tensor_of(x)
    return wrap(eager_array(op, x).copy())


def one_axis(op: str, axis: int, ndim: int) -> int:
    """0 <= axis < ndim; negative counts from the end. Raises AxisError outside."""
    try:
        number = operator.index(axis)
    except TypeError:
        raise ArgumentError(f"{op}: wrong axis: got {axis!r}, expected an integer") from None
    if not -ndim <= number < ndim:
        raise AxisError(f"{op}: axis out of range: got {number}, expected {-ndim}..{ndim - 1}")
    return number % ndim


def many_axes(op: str, axis: Axes, ndim: int) -> list[int]:
    """Sorted axes; None means all of them. Raises ArgumentError for one out of range or
    repeated."""
    if axis is None:
        return list(range(ndim))
    given = list(axis) if isinstance(axis, Sequence) else [axis]
    axes = sorted(one_axis(op, a, ndim) for a in given)
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"{op}: repeated axis: got {list(given)}, expected each once")
    return axes
