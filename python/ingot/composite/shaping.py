"""Composite functions that give a tensor another shape or another order of axes."""

from __future__ import annotations

from collections.abc import Sequence

from ingot.errors import ArgumentError, ShapeError
from ingot.ops.axes import as_tensor, many_axes, one_axis
from ingot.ops.movement import broadcast_to, permute_dims, reshape
from ingot.tensor import SizeLike, Tensor, TensorLike

from .calls import composite
from .operands import count_of

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "expand_dims",
    "flatten",
    "matrix_transpose",
    "moveaxis",
    "movedim",
    "ravel",
    "squeeze",
    "swapaxes",
    "unflatten",
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
def squeeze(x: TensorLike, axis: int | Sequence[int] | None = None) -> Tensor:
    """x without these axes, which have size 1; by default without all that have.

    x: any[...] -> any[...]. Raises ShapeError where a size is not 1.

    >>> import ingot
    >>> ingot.squeeze(ingot.zeros((1, 3, 1)), (0, 2)).shape
    (3,)
    """
    x = as_tensor("squeeze", x)
    ones = [a for a, n in enumerate(x.shape) if isinstance(n, int) and n == 1]
    axes = ones if axis is None else many_axes("squeeze", axis, x.ndim)
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
def unflatten(x: TensorLike, axis: int, sizes: Sequence[SizeLike]) -> Tensor:
    """x with one axis made into several, in row-major order; one of the sizes may be -1.

    x: any[..., n, ...] -> any[..., *sizes, ...]. Raises ShapeError where n is not their product.

    >>> import ingot
    >>> ingot.unflatten(ingot.zeros((2, 6)), 1, (3, -1)).shape
    (2, 3, 2)
    """
    x = as_tensor("unflatten", x)
    at = one_axis("unflatten", axis, x.ndim)
    return reshape(x, (*x.shape[:at], *sizes, *x.shape[at + 1 :]))


@composite
def ravel(x: TensorLike) -> Tensor:
    """All elements as a vector, in row-major order.

    x: any[...] -> any[n].

    >>> import ingot
    >>> ingot.ravel(ingot.tensor([[1, 2], [3, 4]]))
    Tensor([1, 2, 3, 4], dtype=int64)
    """
    x = as_tensor("ravel", x)
    return reshape(x, (count_of(x, range(x.ndim)),))


@composite
def moveaxis(
    x: TensorLike, source: int | Sequence[int], destination: int | Sequence[int]
) -> Tensor:
    """x with the source axes at the positions `destination`; the others keep their order.

    x: any[...] -> any[...]. Raises ArgumentError for an axis out of range or repeated.

    >>> import ingot
    >>> ingot.moveaxis(ingot.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_tensor("moveaxis", x)
    sources, targets = (_axis_list("moveaxis", a, x.ndim) for a in (source, destination))
    if len(sources) != len(targets):
        raise ArgumentError(
            f"moveaxis: numbers of axes differ: got {len(sources)} and {len(targets)}"
        )
    order = [a for a in range(x.ndim) if a not in sources]
    for target, a in sorted(zip(targets, sources, strict=True)):
        order.insert(target, a)
    return permute_dims(x, order)


movedim = moveaxis


def _axis_list(op: str, axis: int | Sequence[int], ndim: int) -> list[int]:
    """Axes in the order given."""
    given = axis if isinstance(axis, Sequence) else [axis]
    many_axes(op, axis, ndim)  # refuses repeated ones
    return [one_axis(op, a, ndim) for a in given]


@composite
def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """x with two axes exchanged.

    x: any[...] -> any[...]. Raises ArgumentError for an axis out of range.

    >>> import ingot
    >>> ingot.swapaxes(ingot.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = as_tensor("swapaxes", x)
    first, second = one_axis("swapaxes", axis1, x.ndim), one_axis("swapaxes", axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return permute_dims(x, order)


@composite
def broadcast_arrays(*arrays: TensorLike) -> list[Tensor]:
    """The tensors, broadcast to their common shape.

    arrays: any[...] -> a list of any[...]. Raises ShapeError where the shapes do not fit.

    >>> import ingot
    >>> [x.shape for x in ingot.broadcast_arrays(ingot.zeros((2, 1)), ingot.zeros(3))]
    [(2, 3), (2, 3)]
    """
    tensors = [as_tensor("broadcast_arrays", x) for x in arrays]
    shape = common_shape("broadcast_arrays", [t.shape for t in tensors])
    return [t if t.shape == shape else broadcast_to(t, shape) for t in tensors]


def common_shape(op: str, shapes: Sequence[Sequence[SizeLike]]) -> tuple[SizeLike, ...]:
    """The shape to which all of these broadcast. A symbolic size stretches to nothing."""
    rank = max((len(s) for s in shapes), default=0)
    result: list[SizeLike] = [1] * rank
    for shape in shapes:
        for i, n in enumerate(shape, start=rank - len(shape)):
            if isinstance(n, int) and n == 1:
                continue
            if result[i] not in (1, n):
                text = " and ".join(str(list(s)) for s in shapes)
                raise ShapeError(f"{op}: shapes do not broadcast together: got {text}")
            result[i] = n
    return tuple(result)


@composite
def atleast_1d(x: TensorLike) -> Tensor:
    """x, as a vector if it is a scalar.

    >>> import ingot
    >>> ingot.atleast_1d(ingot.tensor(5)).shape
    (1,)
    """
    return _with_leading_ones(as_tensor("atleast_1d", x), 1)


@composite
def atleast_2d(x: TensorLike) -> Tensor:
    """x with axes of size 1 put in front until it is a matrix.

    >>> import ingot
    >>> ingot.atleast_2d(ingot.tensor([5, 6])).shape
    (1, 2)
    """
    return _with_leading_ones(as_tensor("atleast_2d", x), 2)


@composite
def atleast_3d(x: TensorLike) -> Tensor:
    """x of rank 3 at least: a vector [n] becomes [1, n, 1], a matrix [m, n] becomes [m, n, 1].

    >>> import ingot
    >>> ingot.atleast_3d(ingot.tensor([5, 6])).shape
    (1, 2, 1)
    """
    x = _with_leading_ones(as_tensor("atleast_3d", x), 2)
    return reshape(x, (*x.shape, 1)) if x.ndim == 2 else x


def _with_leading_ones(x: Tensor, ndim: int) -> Tensor:
    return x if x.ndim >= ndim else reshape(x, (*[1] * (ndim - x.ndim), *x.shape))
