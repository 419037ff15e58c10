"""Products summed over an axis: matmul and conv2d.

The runtime sums k in blocks of 256 by fma (docs/numerics.md rule 3); the bounds follow from that
order.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ingot.bounds import scaled
from ingot.dtypes import Array
from ingot.errors import ArgumentError, DTypeError, ShapeError
from ingot.op import Sample, WrongCall, op, sample, sum_to, wrong
from ingot.tensor import Tensor, TensorLike

from .adjoints import call, crop_or_pad, dilate
from .axes import as_tensor
from .samples import FLOATS, REALS, draw

__all__ = [
    "conv2d",
    "matmul",
]


def _fold_depth(k: int) -> float:
    return min(k, 256) + k // 256 + 1


def _matmul_scale(operands: Sequence[Array], _attrs: Mapping[str, Any]) -> tuple[Array, float]:
    a, b = operands
    return np.matmul(np.abs(a), np.abs(b)), _fold_depth(a.shape[-1])


MATMUL_BOUND = scaled("2 (k in blocks of 256 + 1) roundings of |a| @ |b|", _matmul_scale)


@op(onnx="MatMul", bound=MATMUL_BOUND)
def matmul(a: TensorLike, b: TensorLike) -> Tensor:
    """The matrix product; leading axes are batches and broadcast.

    a: real[..., m, k], b: real[..., k, n] -> real[..., m, n]. A vector counts as one row (a) or one
    column (b), which the result then lacks. Float32 accumulates in float32, integers wrap; k = 0
    gives 0. Raises ShapeError where the inner sizes differ, ArgumentError for rank 0.

    >>> import ingot
    >>> ingot.matmul(ingot.tensor([[1.0, 2.0]]), ingot.tensor([[3.0], [4.0]]))
    Tensor([[11.]], dtype=float32)
    """
    a, b = as_tensor("matmul", a), as_tensor("matmul", b)
    if a.ndim == 0 or b.ndim == 0:
        raise ArgumentError(f"matmul: wrong rank: got {a.ndim} and {b.ndim}, expected >= 1")
    rows = a.reshape((1, *a.shape)) if a.ndim == 1 else a
    columns = b.reshape((*b.shape, 1)) if b.ndim == 1 else b
    result = matmul.bind(rows, columns)
    shape = list(result.shape)
    if b.ndim == 1:
        del shape[-1]
    if a.ndim == 1:
        del shape[-2 if b.ndim > 1 else -1]
    return result if len(shape) == result.ndim else result.reshape(shape)


matmul.reference(np.matmul)


@matmul.samples
def _matmul_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = [
        ((3, 5), (5, 4)),
        ((2, 1, 3, 5), (4, 5, 2)),
        ((5,), (5, 3)),
        ((3, 5), (5,)),
        ((5,), (5,)),
        ((2, 600), (600, 33)),
        ((3, 0), (0, 2)),
        ((0, 2), (2, 3)),
    ]
    return [sample(draw(rng, a, t), draw(rng, b, t)) for a, b in shapes for t in REALS]


@matmul.errors
def _matmul_errors() -> list[WrongCall]:
    a, bits = np.zeros((2, 3), np.float32), np.zeros((2, 2), np.bool_)
    return [
        wrong(ShapeError, "matmul: ", a, a),
        wrong(ArgumentError, "rank", a, np.zeros((), np.float32)),
        wrong(DTypeError, "bool", bits, bits),
    ]


matmul.vjp(
    lambda g, _, a, b: sum_to(matmul(g, b.mT), a.shape),
    lambda g, _, a, b: sum_to(matmul(a.mT, g), b.shape),
)


def pair(op: str, name: str, value: int | Sequence[int]) -> list[int]:
    """An attribute of two axes, given once or twice."""
    try:
        if isinstance(value, Sequence):
            numbers = [operator.index(v) for v in value]
        else:
            numbers = [operator.index(value)] * 2
    except TypeError:
        numbers = []
    if len(numbers) != 2:
        raise ArgumentError(
            f"{op}: wrong {name}: got {value!r}, expected an integer or two of them"
        )
    return numbers


def four_sides(op: str, padding: int | Sequence[int]) -> list[int]:
    """(top, left, bottom, right) from one number, (rows, columns) or all four."""
    if isinstance(padding, Sequence) and len(padding) == 4:
        return [*pair(op, "padding", padding[:2]), *pair(op, "padding", padding[2:])]
    return pair(op, "padding", padding) * 2


def windows(
    x: Array, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[Array]:
    """x: [..., h, w], padded -> for each kernel position, in row-major order, what it sees:
    [..., oh, ow]."""
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    out = [(n - e) // s + 1 for n, e, s in zip(x.shape[-2:], extent, stride, strict=True)]
    result = []
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            rows = slice(top, top + stride[0] * (out[0] - 1) + 1, stride[0])
            columns = slice(left, left + stride[1] * (out[1] - 1) + 1, stride[1])
            seen = x[..., rows, columns] if out[0] > 0 and out[1] > 0 else x[..., :0, :0]
            result.append(seen)
    return result


def pad_sides(x: Array, padding: Sequence[int], value: Any) -> Array:
    """x: [n, c, h, w] with (top, left, bottom, right) positions of `value` around."""
    top, left, bottom, right = padding
    width = [(0, 0), (0, 0), (top, bottom), (left, right)]
    return np.pad(x, width, constant_values=value)


def _conv2d(
    x: Array,
    w: Array,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Array:
    n, c, outputs = x.shape[0], x.shape[1], w.shape[0]
    padded = pad_sides(x, padding, 0)
    seen = np.stack(windows(padded, w.shape[2:], stride, dilation))  # [kh*kw, n, c, oh, ow]
    seen = seen.reshape(len(seen), n, groups, c // groups, *seen.shape[-2:])
    kernel = w.reshape(groups, outputs // groups, w.shape[1], len(seen))  # [g, o, c, kh*kw]
    result: Array = np.einsum("kngcij,gock->ngoij", seen, kernel)
    return result.reshape(n, outputs, *result.shape[-2:])


def _conv2d_scale(operands: Sequence[Array], attrs: Mapping[str, Any]) -> tuple[Array, float]:
    x, w = operands
    k = w.shape[1] * w.shape[2] * w.shape[3]
    return _conv2d(np.abs(x), np.abs(w), **attrs), _fold_depth(k)


CONV_BOUND = scaled("2 (k in blocks of 256 + 1) roundings of conv(|x|, |w|)", _conv2d_scale)


@op(onnx="Conv", bound=CONV_BOUND)
def conv2d(
    x: TensorLike,
    w: TensorLike,
    b: TensorLike | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """The two-dimensional cross-correlation, and a bias for each output channel.

    x: float[n, c, h, w], w: float[o, c / groups, kh, kw], b: float[o] -> float[n, o, oh, ow], where
    oh = (h + top + bottom - dilation * (kh - 1) - 1) // stride + 1. padding: one number, (rows,
    columns) or (top, left, bottom, right) positions of 0. Float32 accumulates in float32. Raises
    ShapeError where channels or sizes do not fit.

    >>> import ingot
    >>> x = ingot.ones((1, 1, 3, 3))
    >>> ingot.conv2d(x, ingot.ones((1, 1, 3, 3)), padding=1)[0, 0, 0]
    Tensor([4., 6., 4.], dtype=float32)
    """
    result = conv2d.bind(
        x,
        w,
        stride=pair("conv2d", "stride", stride),
        padding=four_sides("conv2d", padding),
        dilation=pair("conv2d", "dilation", dilation),
        groups=groups,
    )
    if b is None:
        return result
    bias = as_tensor("conv2d", b)
    if bias.ndim != 1:
        raise ShapeError(f"conv2d: wrong bias: got rank {bias.ndim}, expected [o]")
    return result + bias.reshape((*bias.shape, 1, 1))


conv2d.reference(_conv2d)


def _conv2d_input_rule(
    g: Tensor,
    _y: Tensor,
    x: Tensor,
    w: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """g with zeros between its elements, correlated with the kernel turned around."""
    outputs, inputs = w.shape[0] // groups, w.shape[1]
    kernel = call("flip", w, (2, 3)).reshape((groups, outputs, inputs, *w.shape[2:]))
    kernel = call("permute_dims", kernel, (0, 2, 1, 3, 4))
    kernel = kernel.reshape((groups * inputs, outputs, *w.shape[2:]))
    for i, axis in enumerate((2, 3)):
        extent = dilation[i] * (w.shape[axis] - 1)
        low = extent - padding[i]
        g = dilate(g, axis, stride[i])
        g = crop_or_pad(g, axis, low, x.shape[axis] + extent - g.shape[axis] - low)
    return conv2d.bind(g, kernel, stride=[1, 1], padding=[0] * 4, dilation=dilation, groups=groups)


def _conv2d_weight_rule(
    g: Tensor,
    _y: Tensor,
    x: Tensor,
    w: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """x correlated with g over the batch: stride and dilation change places."""
    n, channels = x.shape[0], w.shape[1]
    images = x.reshape((n, groups, channels, *x.shape[2:]))
    images = call("permute_dims", images, (2, 1, 0, 3, 4))
    images = images.reshape((channels, groups * n, *x.shape[2:]))
    kernel = call("permute_dims", g, (1, 0, 2, 3))
    found = conv2d.bind(
        images, kernel, stride=dilation, padding=padding, dilation=stride, groups=groups
    )
    turned = call("permute_dims", found, (1, 0, 2, 3))
    return call("slice", turned, [0] * 4, w.shape)


@conv2d.samples
def _conv2d_samples(rng: np.random.Generator) -> list[Sample]:
    result = []
    for t in FLOATS:
        x, w = draw(rng, (2, 4, 7, 6), t), draw(rng, (6, 4, 3, 2), t)
        result += [
            sample(x, w),
            sample(x, w, draw(rng, (6,), t), stride=(2, 1), padding=(1, 0)),
            sample(x, w, padding=(1, 0, 2, 1), dilation=2),
            sample(x, draw(rng, (6, 2, 1, 3), t), groups=2),
            sample(x, draw(rng, (4, 1, 3, 3), t), groups=4, padding=1, stride=2),
            sample(draw(rng, (0, 4, 7, 6), t), w),
        ]
    return result


@conv2d.errors
def _conv2d_errors() -> list[WrongCall]:
    x, w = np.zeros((1, 4, 5, 5), np.float32), np.zeros((2, 3, 3, 3), np.float32)
    return [
        wrong(ShapeError, "conv2d: ", x, w),
        wrong(ArgumentError, "stride", x, w[:, :1], stride=(1, 2, 3)),
    ]


conv2d.vjp(_conv2d_input_rule, _conv2d_weight_rule)
