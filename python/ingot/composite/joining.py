"""Composite functions that join tensors along an axis, and cut them apart again."""

from __future__ import annotations

import builtins
import itertools
import operator
from collections.abc import Sequence

import numpy as np

from ingot.errors import ArgumentError, RangeError, ShapeError
from ingot.ops.along_axis import scatter_reduce, take_along_axis
from ingot.ops.axes import as_tensor, one_axis
from ingot.ops.indexing import take
from ingot.ops.movement import broadcast_to, concat, reshape, slice
from ingot.ops.pointwise_arithmetic import multiply
from ingot.tensor import Size, SizeLike, Tensor, TensorLike

from .calls import composite
from .shaping import atleast_1d, atleast_2d, expand_dims, squeeze

__all__ = [
    "chunk",
    "gather",
    "hstack",
    "index_add",
    "index_select",
    "narrow",
    "select",
    "split",
    "stack",
    "unbind",
    "unstack",
    "vstack",
]


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
def narrow(x: TensorLike, axis: int, start: SizeLike, length: SizeLike) -> Tensor:
    """The elements start .. start + length of an axis.

    x: any[..., n, ...] -> any[..., length, ...]. A negative start counts from the end. Raises
    ShapeError where the window does not lie inside.

    >>> import ingot
    >>> ingot.narrow(ingot.tensor([1, 2, 3, 4]), 0, 1, 2)
    Tensor([2, 3], dtype=int64)
    """
    x = as_tensor("narrow", x)
    over = one_axis("narrow", axis, x.ndim)
    first = start if isinstance(start, Size) else operator.index(start)
    if isinstance(first, int) and first < 0:
        first = x.shape[over] + first
    return _between(x, over, first, first + length)


@composite
def chunk(x: TensorLike, chunks: int, axis: int = 0) -> list[Tensor]:
    """x cut along an axis into at most so many parts of equal size; the last one may be smaller.

    x: any[..., n, ...], n a constant -> a list of any[...]. Raises ArgumentError for chunks < 1,
    ShapeError for a symbolic size.

    >>> import ingot
    >>> ingot.chunk(ingot.tensor([1, 2, 3]), 2)
    [Tensor([1, 2], dtype=int64), Tensor([3], dtype=int64)]
    """
    x = as_tensor("chunk", x)
    over = one_axis("chunk", axis, x.ndim)
    size = x.shape[over]
    if chunks < 1:
        raise ArgumentError(f"chunk: wrong chunks: got {chunks}, expected >= 1")
    if not isinstance(size, int):
        raise ShapeError(f"chunk: the size is symbolic: got {size}, expected a constant")
    part = builtins.max(-(-size // chunks), 1)
    cuts = [*range(0, size, part), size] if size else [0] * (chunks + 1)
    return [_between(x, over, a, b) for a, b in itertools.pairwise(cuts)]


@composite
def unstack(x: TensorLike, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices of x along an axis: the reverse of `stack`.

    x: any[..., n, ...], n a constant -> n tensors any[...]. Raises ShapeError for a symbolic size.

    >>> import ingot
    >>> ingot.unstack(ingot.tensor([[1, 2], [3, 4]]), axis=1)
    (Tensor([1, 3], dtype=int64), Tensor([2, 4], dtype=int64))
    """
    x = as_tensor("unstack", x)
    over = one_axis("unstack", axis, x.ndim)
    size = x.shape[over]
    if not isinstance(size, int):
        raise ShapeError(f"unstack: the size is symbolic: got {size}, expected a constant")
    return tuple(squeeze(_between(x, over, i, i + 1), over) for i in range(size))


@composite
def unbind(x: TensorLike, axis: int = 0) -> tuple[Tensor, ...]:
    """As `unstack`, under torch's name.

    >>> import ingot
    >>> ingot.unbind(ingot.tensor([1, 2]))
    (Tensor(1, dtype=int64), Tensor(2, dtype=int64))
    """
    return unstack(x, axis=axis)


@composite
def select(x: TensorLike, axis: int, index: SizeLike) -> Tensor:
    """The slice of x at one position of an axis.

    x: any[..., n, ...] -> any[...]. A negative index counts from the end. Raises RangeError for one
    out of range.

    >>> import ingot
    >>> ingot.select(ingot.tensor([[1, 2], [3, 4]]), 1, 0)
    Tensor([1, 3], dtype=int64)
    """
    x = as_tensor("select", x)
    over = one_axis("select", axis, x.ndim)
    size = x.shape[over]
    at = index if isinstance(index, Size) else operator.index(index)
    if isinstance(size, int) and isinstance(at, int) and not -size <= at < size:
        raise RangeError(f"select: index out of range: got {at}, expected {-size}..{size - 1}")
    first = size + at if isinstance(at, int) and at < 0 else at
    return squeeze(_between(x, over, first, first + 1), over)


@composite
def index_select(x: TensorLike, axis: int, indices: TensorLike) -> Tensor:
    """The slices of x at the positions `indices` of an axis: take(x, indices, axis=axis).

    x: any[..., n, ...], indices: int32[k] or int64[k] -> any[..., k, ...]. Raises RangeError at run
    time for an index out of range.

    >>> import ingot
    >>> ingot.index_select(ingot.tensor([[1, 2], [3, 4]]), 1, ingot.tensor([1]))
    Tensor([[2],
            [4]], dtype=int64)
    """
    return take(x, atleast_1d(indices), axis=axis)


@composite
def index_add(
    x: TensorLike, axis: int, indices: TensorLike, source: TensorLike, *, alpha: float = 1
) -> Tensor:
    """x with alpha * source added to its slices at the positions `indices` of an axis, in order.

    x: real[..., n, ...], indices: int32[k] or int64[k], source: real[..., k, ...], promoted with x
    -> x's shape. Raises RangeError at run time for an index out of range.

    >>> import ingot
    >>> ingot.index_add(ingot.zeros(3), 0, ingot.tensor([2, 2]), ingot.tensor([1.0, 2.0]))
    Tensor([0., 0., 3.], dtype=float32)
    """
    x, source = as_tensor("index_add", x), as_tensor("index_add", source)
    if x.ndim == 0:
        whole = index_add(atleast_1d(x), axis, indices, atleast_1d(source), alpha=alpha)
        return reshape(whole, ())
    over = one_axis("index_add", axis, x.ndim)
    updates = source if alpha == 1 else multiply(source, alpha)
    along = [1 if a != over else -1 for a in range(x.ndim)]
    places = broadcast_to(reshape(atleast_1d(indices), along), updates.shape)
    return scatter_reduce(x, updates, places, axis=over, reduce="add")


@composite
def gather(x: TensorLike, axis: int, indices: TensorLike) -> Tensor:
    """As `take_along_axis`, under torch's name and in its order.

    >>> import ingot
    >>> ingot.gather(ingot.tensor([[1, 2], [3, 4]]), 1, ingot.tensor([[1], [0]]))
    Tensor([[2],
            [3]], dtype=int64)
    """
    indices = as_tensor("gather", indices)
    is_wide = indices.dtype in (np.int32, np.int64)
    return take_along_axis(x, indices if is_wide else indices.astype(np.int64), axis=axis)


@composite
def vstack(x: Sequence[TensorLike]) -> Tensor:
    """Tensors joined along the first axis; vectors are rows.

    x: any[...], promoted to one dtype -> any[...].

    >>> import ingot
    >>> ingot.vstack([ingot.tensor([1, 2]), ingot.tensor([3, 4])]).shape
    (2, 2)
    """
    return concat([atleast_2d(t) for t in x])


@composite
def hstack(x: Sequence[TensorLike]) -> Tensor:
    """Tensors joined along the second axis, vectors along their only one.

    x: any[...], promoted to one dtype -> any[...].

    >>> import ingot
    >>> ingot.hstack([ingot.tensor([1, 2]), ingot.tensor([3])])
    Tensor([1, 2, 3], dtype=int64)
    """
    tensors = [atleast_1d(t) for t in x]
    return concat(tensors, axis=0 if tensors and tensors[0].ndim == 1 else 1)
