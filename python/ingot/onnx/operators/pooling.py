"""Pooling over windows and over whole images."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ingot import composite, ops
from ingot.errors import FileError, UnsupportedError
from ingot.onnx.node import Node, known_size
from ingot.onnx.registry import operator
from ingot.tensor import SizeLike, Tensor, wrap

from .windows import Windows

_MAX_POSITIONS = 1 << 14  # of a kernel, each of which is a slice of its own
_MAX_SIZE = 1 << 22


def seen(x: Tensor, windows: Windows, counts: Sequence[SizeLike]) -> list[Tensor]:
    """What each position of the kernel sees of a padded operand, in row-major order of positions:
    [n, c, counts...]."""
    if math.prod(windows.kernel) > _MAX_POSITIONS:
        raise UnsupportedError(f"unsupported: a kernel of {windows.kernel}")
    found = []
    for position in np.ndindex(*windows.kernel):
        low = [p * d for p, d in zip(position, windows.dilation, strict=True)]
        high = [a + (n - 1) * s + 1 for a, n, s in zip(low, counts, windows.stride, strict=True)]
        found.append(ops.slice(x, [0, 0, *low], [*x.shape[:2], *high], [1, 1, *windows.stride]))
    return found


def around(x: Tensor, low: Sequence[int], high: Sequence[int], value: Any) -> Tensor:
    """x with `value` around its images."""
    if not any([*low, *high]):
        return x
    return ops.pad(x, value, low=[0, 0, *low], high=[0, 0, *high])


def lowest(x: Tensor) -> Any:
    return -np.inf if x.dtype.kind not in "iu" else int(np.iinfo(x.dtype).min)


@operator("MaxPool")
def max_pool(node: Node) -> Any:
    x, windows = node.x(), Windows.of(node)
    counts, low, high = windows.counts(x.shape[2:])
    if node.outputs > 1 and node.wanted[1]:
        return _max_pool_with_places(node, x, windows, counts, low, high)
    extents = windows.extents()
    rank = len(extents)
    inside = max(p - e for p, e in zip([*low, *high], [*extents, *extents], strict=True)) < 0
    if not inside or rank > 2:
        parts = seen(around(x, low, high, lowest(x)), windows, counts)
        return functools.reduce(ops.maximum, parts)
    single = rank == 1
    image = composite.expand_dims(x, 2) if single else x
    front = [1] if single else []
    none = [0] if single else []
    y = ops.max_pool2d(
        image,
        [*front, *windows.kernel],
        [*front, *windows.stride],
        [*none, *low, *none, *high],
        [*front, *windows.dilation],
    )
    y = composite.squeeze(y, 2) if single else y
    return _cropped(y, counts)


def _cropped(y: Tensor, counts: Sequence[SizeLike]) -> Tensor:
    for i, n in enumerate(counts):
        if y.shape[2 + i] != n:
            y = composite.narrow(y, 2 + i, 0, n)
    return y


def _max_pool_with_places(
    node: Node,
    x: Tensor,
    windows: Windows,
    counts: Sequence[SizeLike],
    low: Sequence[int],
    high: Sequence[int],
) -> tuple[Tensor, Tensor]:
    """Also where in the whole operand each maximum lies; the first of equal ones."""
    parts = composite.stack(seen(around(x, low, high, lowest(x)), windows, counts))
    which = ops.argmax(parts, 0, keepdims=True)
    sizes = [known_size(n, "the size of a pooled operand") for n in x.shape]
    space = np.arange(int(np.prod(sizes[2:]))).reshape(1, 1, *sizes[2:])
    if node.attr("storage_order", 0):
        space = (
            np.arange(space.size)
            .reshape(1, 1, *sizes[:1:-1])
            .transpose(0, 1, *range(len(sizes) - 1, 1, -1))
        )
    images = np.arange(sizes[0] * sizes[1]).reshape(*sizes[:2], *[1] * (len(sizes) - 2))
    places = wrap(np.ascontiguousarray(images * space.size + space))
    grid = composite.stack(seen(around(places, low, high, -1), windows, counts))
    values = ops.take_along_axis(parts, which, axis=0)
    return values[0], ops.take_along_axis(grid, which, axis=0)[0]


@operator("AveragePool")
def average_pool(node: Node) -> Tensor:
    """The sum over each window divided by how many elements it has; padding counts as the attribute
    says, what rounding up adds never does."""
    x, windows = node.x(), Windows.of(node)
    counts, low, high = windows.counts(x.shape[2:])
    with_pads = bool(node.attr("count_include_pad", 0))
    if len(counts) == 2 and set(windows.dilation) == {1} and not any([*low, *high]):
        y = ops.avg_pool2d(x, windows.kernel, windows.stride, 0, True)
        return _cropped(y, counts)
    total = functools.reduce(ops.add, seen(around(x, low, high, 0), windows, counts))
    own_low, own_high = windows.padding(x.shape[2:])
    if not with_pads:
        own_low, own_high = [0] * len(counts), [0] * len(counts)
    sizes: list[Any] = []
    for i, n in enumerate(counts):
        size = known_size(x.shape[2 + i], "a padded size") + own_low[i] + own_high[i]
        if size > _MAX_SIZE:
            raise UnsupportedError(f"unsupported: windows on a padded axis of {size}")
        offset = low[i] - own_low[i]
        steps = np.arange(known_size(n, "a padded size"))[:, None] * windows.stride[i] - offset
        at = steps + np.arange(windows.kernel[i]) * windows.dilation[i]
        inside = ((at >= 0) & (at < size)).sum(1)
        sizes.append(inside.reshape([-1 if k == i else 1 for k in range(len(counts))]))
    return total / wrap(functools.reduce(np.multiply, sizes).astype(x.dtype))


@operator("LpPool")
def lp_pool(node: Node) -> Tensor:
    x, windows, p = node.x(), Windows.of(node), node.attr("p", 2)
    counts, low, high = windows.counts(x.shape[2:])
    powers = seen(around(_power(x, p), low, high, 0), windows, counts)
    return ops.pow(functools.reduce(ops.add, powers), 1.0 / p)


def _power(x: Tensor, p: int) -> Tensor:
    """|x| to the p."""
    return composite.square(x) if p == 2 else ops.pow(ops.abs(x), float(p))


def _images(x: Tensor) -> tuple[int, ...]:
    if x.ndim < 2:
        raise FileError(f"an operand of rank {x.ndim}: expected at least 2")
    return tuple(range(2, x.ndim))


@operator("GlobalAveragePool")
def global_average_pool(node: Node) -> Tensor:
    return composite.mean(node.x(), _images(node.x()), keepdims=True)


@operator("GlobalMaxPool")
def global_max_pool(node: Node) -> Tensor:
    return ops.max(node.x(), _images(node.x()), keepdims=True)


@operator("GlobalLpPool")
def global_lp_pool(node: Node) -> Tensor:
    x, p = node.x(), node.attr("p", 2)
    return ops.pow(ops.sum(_power(x, p), _images(x), keepdims=True), 1.0 / p)


@operator("MaxUnpool")
def max_unpool(node: Node) -> Tensor:
    """Zeros with the values of x at places of the whole result, or, where output_shape is given, at
    places of the result without it."""
    x, places, windows = node.x(0), node.x(1), Windows.of(node)
    low, high = windows.padding(x.shape[2:])
    plain = [
        (known_size(n, "a size") - 1) * s - a - b + e
        for n, s, a, b, e in zip(
            x.shape[2:], windows.stride, low, high, windows.extents(), strict=True
        )
    ]
    images = [known_size(n, "a size") for n in x.shape[:2]]
    count = int(np.prod([*images, *plain]))
    flat = ops.scatter(
        composite.zeros((count,), dtype=x.dtype),
        ops.reshape(x, (-1,)),
        ops.reshape(places, (-1,)),
        axis=0,
    )
    y = ops.reshape(flat, (*images, *plain))
    if not node.has(2):
        return y
    wanted = node.ints_at(2)
    behind = [w - n for w, n in zip(wanted, y.shape, strict=True)]
    if min(behind) < 0:
        raise UnsupportedError("unsupported: an output_shape that cuts off")
    return ops.pad(y, 0, low=[0] * y.ndim, high=behind)
