"""Composite functions that only rearrange: new axes, stacking, splitting, filled tensors."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Sequence

import numpy as np

from ingot.dtypes import DTypeLike, as_dtype, convert, default_dtype, kind_of, scalar_array
from ingot.errors import ArgumentError, ShapeError
from ingot.ops.axes import as_tensor, many_axes, one_axis
from ingot.ops.movement import broadcast_to, concat, permute_dims, reshape, slice
from ingot.ops.pointwise_math import cast
from ingot.tensor import SizeLike, Tensor, TensorLike, wrap

from .calls import composite
from .numeric import count_of

__all__ = [
    "expand_dims",
    "flatten",
    "full",
    "full_like",
    "matrix_transpose",
    "ones",
    "ones_like",
    "split",
    "squeeze",
    "stack",
    "zeros",
    "zeros_like",
]


@composite
def expand_dims(x: TensorLike, axis: int | Sequence[int]) -> Tensor:
    """x with axes of size 1 put in at these positions of the result.

    x: any[...] -> any[...]. Raises ArgumentError for a position out of range or repeated.

    >>> import ingot
    >>> ingot.expand_dims(ingot.zeros(3), (0, -1)).shape
    (1, 3, 1)
    """
    x = as_tensor("expand_dims", x)
    count = len(axis) if isinstance(axis, Sequence) else 1
    shape = list(x.shape)
    for position in many_axes("expand_dims", axis, x.ndim + count):
        shape.insert(position, 1)
    return reshape(x, shape)


@composite
def squeeze(x: TensorLike, axis: int | Sequence[int]) -> Tensor:
    """x without these axes, which have size 1.

    x: any[...] -> any[...]. Raises ShapeError where a size is not 1.

    >>> import ingot
    >>> ingot.squeeze(ingot.zeros((1, 3, 1)), (0, 2)).shape
    (3,)
    """
    x = as_tensor("squeeze", x)
    axes = many_axes("squeeze", axis, x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            raise ShapeError(f"squeeze: axis {a} is not 1: got {x.shape[a]}, expected 1")
    return reshape(x, [n for a, n in enumerate(x.shape) if a not in axes])


@composite
def flatten(x: TensorLike, start_axis: int = 0, end_axis: int = -1) -> Tensor:
    """x with the axes start_axis..end_axis merged into one, in row-major order.

    x: any[...] -> any[...]; rank 0 gives [1]. Raises ArgumentError for an axis out of range.

    >>> import ingot
    >>> ingot.flatten(ingot.zeros((2, 3, 4)), 1).shape
    (2, 12)
    """
    x = as_tensor("flatten", x)
    if x.ndim == 0:
        return reshape(x, (1,))
    first = one_axis("flatten", start_axis, x.ndim)
    last = one_axis("flatten", end_axis, x.ndim)
    if first > last:
        raise ArgumentError(f"flatten: axes do not ascend: got {first} and {last}")
    merged = count_of(x, range(first, last + 1))
    return reshape(x, (*x.shape[:first], merged, *x.shape[last + 1 :]))


@composite
def matrix_transpose(x: TensorLike) -> Tensor:
    """The last two axes exchanged.

    x: any[..., m, n] -> any[..., n, m]. Raises ArgumentError below rank 2.

    >>> import ingot
    >>> ingot.matrix_transpose(ingot.zeros((2, 3, 4))).shape
    (2, 4, 3)
    """
    x = as_tensor("matrix_transpose", x)
    if x.ndim < 2:
        raise ArgumentError(f"matrix_transpose: wrong rank: got {x.ndim}, expected >= 2")
    axes = list(range(x.ndim))
    return permute_dims(x, [*axes[:-2], axes[-1], axes[-2]])


@composite
def stack(x: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    x: any[...], promoted to one dtype -> any[..., len(x), ...]. Raises ShapeError where shapes
    differ.

    >>> import ingot
    >>> ingot.stack([ingot.tensor([1, 2]), ingot.tensor([3, 4])], axis=1)
    Tensor([[1, 3],
            [2, 4]], dtype=int64)
    """
    tensors = [as_tensor("stack", t) for t in x]
    if not tensors:
        raise ArgumentError("stack: no tensors: got an empty list, expected at least one")
    if builtins.any(t.shape != tensors[0].shape for t in tensors):
        shapes = ", ".join(str(list(t.shape)) for t in tensors)
        raise ShapeError(f"stack: shapes differ: got {shapes}, expected equal ones")
    position = one_axis("stack", axis, tensors[0].ndim + 1)
    return concat([expand_dims(t, position) for t in tensors], axis=position)


@composite
def split(x: TensorLike, sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """x cut along an axis: into so many equal parts, or at these positions.

    x: any[...] -> a list of any[...]. Raises ShapeError where the parts cannot be equal or a cut
    lies outside.

    >>> import ingot
    >>> [part.shape for part in ingot.split(ingot.zeros((6, 2)), 3)]
    [(2, 2), (2, 2), (2, 2)]
    """
    x = as_tensor("split", x)
    over = one_axis("split", axis, x.ndim)
    size = x.shape[over]
    if isinstance(sections, Sequence):
        cuts: list[SizeLike] = [0, *sections, size]
    else:
        if sections < 1 or (size // sections) * sections != size:
            raise ShapeError(f"split: parts are not equal: got size {size} in {sections} parts")
        part = size // sections
        cuts = [part * i for i in range(sections + 1)]
    return [_between(x, over, a, b) for a, b in itertools.pairwise(cuts)]


def _between(x: Tensor, axis: int, begin: SizeLike, end: SizeLike) -> Tensor:
    start: list[SizeLike] = [0] * x.ndim
    stop = list(x.shape)
    start[axis], stop[axis] = begin, end
    return slice(x, start, stop)


@composite
def full(
    shape: SizeLike | Sequence[SizeLike], value: TensorLike, dtype: DTypeLike = None
) -> Tensor:
    """A tensor of one value.

    -> any[shape]; dtype: the value's (of Python scalars bool, int64, float32, complex64), else the
    value is cast. Raises ArgumentError for an integer that does not fit.

    >>> import ingot
    >>> ingot.full((2,), 7)
    Tensor([7, 7], dtype=int64)
    """
    sizes = list(shape) if isinstance(shape, Sequence) else [shape]
    if isinstance(value, (bool, int, float, complex)):
        target = default_dtype(value) if dtype is None else as_dtype(dtype)
        if isinstance(value, (bool, int)) and kind_of(target) in ("int", "uint"):
            return broadcast_to(wrap(scalar_array("full", value, target)), sizes)
        return broadcast_to(wrap(convert(np.asarray(value), target)), sizes)
    tensor = as_tensor("full", value)
    return broadcast_to(tensor if dtype is None else cast(tensor, dtype=dtype), sizes)


@composite
def zeros(shape: SizeLike | Sequence[SizeLike], dtype: DTypeLike = "float32") -> Tensor:
    """A tensor of zeros.

    >>> import ingot
    >>> ingot.zeros(2)
    Tensor([0., 0.], dtype=float32)
    """
    return full(shape, 0, dtype)


@composite
def ones(shape: SizeLike | Sequence[SizeLike], dtype: DTypeLike = "float32") -> Tensor:
    """A tensor of ones.

    >>> import ingot
    >>> ingot.ones((1, 2))
    Tensor([[1., 1.]], dtype=float32)
    """
    return full(shape, 1, dtype)


@composite
def full_like(x: TensorLike, value: TensorLike, dtype: DTypeLike = None) -> Tensor:
    """A tensor of one value, of the shape and (by default) the dtype of x.

    >>> import ingot
    >>> ingot.full_like(ingot.tensor([1, 2]), 7)
    Tensor([7, 7], dtype=int64)
    """
    x = as_tensor("full_like", x)
    return full(x.shape, value, x.dtype if dtype is None else dtype)


@composite
def zeros_like(x: TensorLike, dtype: DTypeLike = None) -> Tensor:
    """Zeros of the shape and (by default) the dtype of x.

    >>> import ingot
    >>> ingot.zeros_like(ingot.tensor([1, 2]))
    Tensor([0, 0], dtype=int64)
    """
    return full_like(x, 0, dtype)


@composite
def ones_like(x: TensorLike, dtype: DTypeLike = None) -> Tensor:
    """Ones of the shape and (by default) the dtype of x.

    >>> import ingot
    >>> ingot.ones_like(ingot.tensor([1.5, 2.5]))
    Tensor([1., 1.], dtype=float32)
    """
    return full_like(x, 1, dtype)
