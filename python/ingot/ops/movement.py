"""Ops that move elements and compute none: reshape, permute_dims, broadcast_to, flip, slice,
concat, pad."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from ingot.bounds import EQUAL
from ingot.dtypes import Array
from ingot.errors import ArgumentError, DTypeError, ShapeError
from ingot.op import Sample, WrongCall, op, sample, sum_to, wrong
from ingot.tensor import Axes, Size, SizeLike, Tensor, TensorLike

from .adjoints import call, place
from .axes import as_tensor, many_axes, one_axis
from .samples import REALS, draw

__all__ = [
    "broadcast_to",
    "concat",
    "flip",
    "pad",
    "permute_dims",
    "reshape",
    "slice",
]

_DTYPES = (*REALS, "bool")


def _inferred_size(shape: Sequence[SizeLike], wanted: list[SizeLike]) -> SizeLike:
    """The size that stands for -1. Equal sizes of both sides are cancelled before the division."""
    have, known = list(shape), [n for n in wanted if not (isinstance(n, int) and n == -1)]
    for symbolic in [n for n in known if isinstance(n, Size)]:
        if symbolic in have:
            have.remove(symbolic)
            known.remove(symbolic)
    total: SizeLike = 1
    for n in have:
        total = total * n
    divisor: SizeLike = 1
    for n in known:
        divisor = divisor * n
    if isinstance(divisor, Size) or divisor == 0 or (isinstance(total, int) and total % divisor):
        raise ShapeError(f"reshape: no size fits -1: got {_text(shape)}, expected {_text(wanted)}")
    return total // divisor


def _text(shape: Sequence[SizeLike]) -> str:
    return "[" + ",".join(str(n) for n in shape) + "]"


@op(onnx="Reshape", bound=EQUAL)
def reshape(x: TensorLike, shape: SizeLike | Sequence[SizeLike]) -> Tensor:
    """The same elements, in row-major order, under another shape; one size may be -1.

    x: any[...] -> any[shape]. Raises ShapeError where the numbers of elements differ; a symbolic
    difference becomes a guard.

    >>> import ingot
    >>> ingot.reshape(ingot.arange(6), (2, -1))
    Tensor([[0, 1, 2],
            [3, 4, 5]], dtype=int64)
    """
    x = as_tensor("reshape", x)
    wanted = list(shape) if isinstance(shape, Sequence) else [shape]
    unknown = [i for i, n in enumerate(wanted) if isinstance(n, int) and n == -1]
    if len(unknown) > 1:
        raise ArgumentError(f"reshape: more than one -1: got {_text(wanted)}, expected one")
    if unknown:
        wanted[unknown[0]] = _inferred_size(x.shape, wanted)
    return reshape.bind(x, shape=wanted)


@reshape.reference
def _reshape(x: Array, shape: Sequence[int]) -> Array:
    return x.reshape(tuple(shape))


@op(onnx="Transpose", bound=EQUAL)
def permute_dims(x: TensorLike, axes: Sequence[int]) -> Tensor:
    """The axes in another order: axis i of the result is axis axes[i] of x.

    x: any[...] -> any[...]. Raises ArgumentError or ShapeError unless axes name every axis once.

    >>> import ingot
    >>> ingot.permute_dims(ingot.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = as_tensor("permute_dims", x)
    if not isinstance(axes, Sequence):
        raise ArgumentError(f"permute_dims: wrong axes: got {axes!r}, expected a sequence")
    return permute_dims.bind(x, axes=[one_axis("permute_dims", a, x.ndim) for a in axes])


@permute_dims.reference
def _permute_dims(x: Array, axes: Sequence[int]) -> Array:
    return np.transpose(x, tuple(axes))


@op(onnx="Expand", bound=EQUAL)
def broadcast_to(x: TensorLike, shape: Sequence[SizeLike]) -> Tensor:
    """x repeated to a shape: axes of size 1 stretch, missing axes are added in front.

    x: any[...] -> any[shape]. Raises ShapeError where a size is neither 1 nor the wanted one.

    >>> import ingot
    >>> ingot.broadcast_to(ingot.tensor([1, 2]), (2, 2))
    Tensor([[1, 2],
            [1, 2]], dtype=int64)
    """
    return broadcast_to.bind(x, shape=shape)


@broadcast_to.reference
def _broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    return np.broadcast_to(x, tuple(shape))


@op(onnx=None, bound=EQUAL, lowers={"axes": "axis"})
def flip(x: TensorLike, axis: Axes = None) -> Tensor:
    """The elements in reverse order along axes (all of them by default).

    x: any[...] -> the same. Raises ArgumentError for an axis out of range.

    >>> import ingot
    >>> ingot.flip(ingot.tensor([1, 2, 3]))
    Tensor([3, 2, 1], dtype=int64)
    """
    x = as_tensor("flip", x)
    return flip.bind(x, axes=many_axes("flip", axis, x.ndim))


@flip.reference
def _flip(x: Array, axes: Sequence[int]) -> Array:
    return np.flip(x, tuple(axes))


@op(onnx="Slice", bound=EQUAL)
def slice(
    x: TensorLike,
    start: Sequence[SizeLike],
    stop: Sequence[SizeLike],
    step: Sequence[int] | None = None,
) -> Tensor:
    """A window of x with a step, one entry for each axis; x[a:b:c] is the short form.

    x: any[...] -> any[ceil((stop - start) / step)]. 0 <= start <= stop <= size, step >= 1.
    Raises ShapeError where these do not hold.

    >>> import ingot
    >>> ingot.slice(ingot.arange(10), [1], [8], [3])
    Tensor([1, 4, 7], dtype=int64)
    """
    x = as_tensor("slice", x)
    return slice.bind(x, start=start, stop=stop, step=[1] * x.ndim if step is None else step)


@slice.reference
def _slice(x: Array, start: Sequence[int], stop: Sequence[int], step: Sequence[int]) -> Array:
    return x[tuple(builtins.slice(*s) for s in zip(start, stop, step, strict=True))]


@op(onnx="Concat", bound=EQUAL)
def concat(x: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Tensors joined along an axis.

    x: any[..., n_i, ...], promoted to one dtype, equal in the other axes -> any[..., sum of n_i,
    ...]. Raises ShapeError where the other sizes differ, ArgumentError for an empty list.

    >>> import ingot
    >>> ingot.concat([ingot.tensor([1, 2]), ingot.tensor([3])])
    Tensor([1, 2, 3], dtype=int64)
    """
    if isinstance(x, Tensor) or not isinstance(x, Sequence) or len(x) == 0:
        raise ArgumentError(f"concat: no list of tensors: got {x!r}, expected at least one")
    tensors = [as_tensor("concat", t) for t in x]
    return concat.bind(*tensors, axis=one_axis("concat", axis, tensors[0].ndim))


@concat.reference
def _concat(*x: Array, axis: int) -> Array:
    return np.concatenate(x, axis=axis)


def _concat_rule(g: Tensor, _y: Tensor, i: int, *x: Tensor, axis: int) -> Tensor:
    """The part of g that operand i gave."""
    begin: SizeLike = 0
    for t in x[:i]:
        begin = begin + t.shape[axis]
    start: list[SizeLike] = [0] * g.ndim
    start[axis] = begin
    stop = list(g.shape)
    stop[axis] = begin + x[i].shape[axis]
    return slice(g, start, stop)


@op(onnx="Pad", bound=EQUAL)
def pad(
    x: TensorLike,
    value: TensorLike = 0,
    *,
    low: Sequence[SizeLike],
    high: Sequence[SizeLike],
) -> Tensor:
    """x with `value` around: low[i] elements before axis i, high[i] after.

    x: any[...], value: a scalar, promoted together -> any[low + size + high].
    Raises ShapeError for negative widths or wrong lengths.

    >>> import ingot
    >>> ingot.pad(ingot.tensor([1, 2]), 9, low=[1], high=[2])
    Tensor([9, 1, 2, 9, 9], dtype=int64)
    """
    return pad.bind(x, value, low=low, high=high)


@pad.reference
def _pad(x: Array, value: Array, low: Sequence[int], high: Sequence[int]) -> Array:
    shape = [a + n + b for a, n, b in zip(low, x.shape, high, strict=True)]
    result = np.full(shape, value, x.dtype)
    result[tuple(builtins.slice(a, a + n) for a, n in zip(low, x.shape, strict=True))] = x
    return result


def _pad_rule(
    g: Tensor,
    _y: Tensor,
    x: Tensor,
    _value: Tensor,
    low: Sequence[SizeLike],
    high: Sequence[SizeLike],
) -> Tensor:
    """The part of g inside."""
    return slice(g, low, [a + n for a, n in zip(low, x.shape, strict=True)])


def _pad_value_rule(
    g: Tensor,
    y: Tensor,
    x: Tensor,
    value: Tensor,
    low: Sequence[SizeLike],
    high: Sequence[SizeLike],
) -> Tensor:
    """The sum of g outside."""
    inside = pad(_pad_rule(g, y, x, value, low, high), 0, low=low, high=high)
    return call("sum", g - inside)


def _each(rng: np.random.Generator, *calls: Sample) -> list[Sample]:
    """Every call on an operand [2, 3, 4] of every dtype, which stands where None is."""
    return [
        sample(*[draw(rng, (2, 3, 4), t) if a is None else a for a in call.args], **call.kwargs)
        for call in calls
        for t in _DTYPES
    ]


reshape.samples(
    lambda rng: [
        *_each(rng, sample(None, (6, 4)), sample(None, (-1,)), sample(None, (4, 1, -1))),
        sample(np.float32(1.5), (1, 1)),
        sample(draw(rng, (0, 3)), (3, 0, 2)),
    ]
)
permute_dims.samples(lambda rng: _each(rng, sample(None, (2, 0, 1)), sample(None, (0, -1, 1))))
broadcast_to.samples(
    lambda rng: [
        *_each(rng, sample(None, (5, 2, 3, 4))),
        sample(draw(rng, (3, 1)), (2, 3, 4)),
        sample(draw(rng, (1, 1)), (0, 2)),
    ]
)
flip.samples(lambda rng: _each(rng, sample(None), sample(None, axis=1), sample(None, axis=(0, -1))))
slice.samples(
    lambda rng: _each(
        rng,
        sample(None, [0, 1, 0], [2, 3, 4]),
        sample(None, [0, 0, 1], [2, 3, 4], [1, 2, 2]),
        sample(None, [2, 0, 0], [2, 3, 4]),
    )
)
concat.samples(
    lambda rng: [sample([draw(rng, (2, n, 3), t) for n in (1, 4, 0)], axis=1) for t in _DTYPES]
)
pad.samples(
    lambda rng: [
        *_each(rng, sample(None, 1, low=[1, 0, 2], high=[0, 0, 1])),
        sample(draw(rng, (0, 2)), low=[1, 1], high=[1, 1]),
    ]
)

_X: Any = np.zeros((2, 3), np.float32)
reshape.errors(
    lambda: [
        wrong(ShapeError, "reshape: ", _X, (4, 2)),
        wrong(ShapeError, "-1", _X, (4, -1)),
        wrong(ArgumentError, "more than one -1", _X, (-1, -1)),
    ]
)
reshape.vjp(lambda g, _, x, shape: reshape(g, x.shape))
permute_dims.errors(
    lambda: [
        wrong(ArgumentError, "axis out of range", _X, (0, 2)),
        wrong(ShapeError, "permute_dims: ", _X, (0, 0)),
    ]
)
permute_dims.vjp(lambda g, _, x, axes: permute_dims(g, [axes.index(i) for i in range(x.ndim)]))
broadcast_to.errors(lambda: [wrong(ShapeError, "broadcast_to: ", _X, (2, 4))])
broadcast_to.vjp(lambda g, _, x, shape: sum_to(g, x.shape))
flip.errors(lambda: [wrong(ArgumentError, "axis out of range", _X, axis=3)])
flip.vjp(lambda g, _, x, axes: flip(g, axes))
slice.errors(lambda: [wrong(ShapeError, "slice: ", _X, [0, 0], [2, 4])])
slice.vjp(lambda g, _, x, start, stop, step: place(g, x.shape, start, step))


@concat.errors
def _concat_errors() -> list[WrongCall]:
    return [
        wrong(ShapeError, "concat: ", [_X, np.zeros((2, 4), np.float32)], axis=0),
        wrong(ArgumentError, "expected at least one", []),
        wrong(DTypeError, "u", [np.zeros(1, np.uint64), np.zeros(1, np.int64)]),
    ]


concat.vjp(_concat_rule)


pad.errors(lambda: [wrong(ShapeError, "pad: ", _X, low=[-1, 0], high=[0, 0])])
pad.vjp(_pad_rule, _pad_value_rule)
