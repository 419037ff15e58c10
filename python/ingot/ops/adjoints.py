"""Moves that several derivative rules share: the transposes of slicing, of reducing and of windows.

They call other ops by name, because the modules of those ops import this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ingot.tensor import Size, SizeLike, Tensor, operations


def call(name: str, *args: Any, **kwargs: Any) -> Tensor:
    """A public function by name."""
    result: Tensor = operations[name](*args, **kwargs)
    return result


def no_slope(_g: Tensor, _y: Tensor, *operands: Tensor) -> Tensor:
    """The rule of the first operand of a step function: zero everywhere."""
    return call("zeros_like", operands[0])


def spread(g: Tensor, shape: Sequence[SizeLike], axes: Sequence[int], keepdims: bool) -> Tensor:
    """g, reduced over `axes` from `shape`, repeated along them."""
    if not keepdims:
        kept: list[SizeLike] = [1 if i in axes else n for i, n in enumerate(shape)]
        g = call("reshape", g, kept)
    return call("broadcast_to", g, tuple(shape))


def dilate(g: Tensor, axis: int, step: int) -> Tensor:
    """g with step - 1 zeros between neighbors along an axis: of size (n - 1) * step + 1."""
    n = g.shape[axis]
    if step == 1 or (isinstance(n, int) and n == 0):
        return g
    shape = list(g.shape)
    split = call("reshape", g, [*shape[: axis + 1], 1, *shape[axis + 1 :]])
    zeros = [0] * split.ndim
    high = [step - 1 if i == axis + 1 else 0 for i in range(split.ndim)]
    wide = call("pad", split, 0, low=zeros, high=high)
    flat = call("reshape", wide, [*shape[:axis], n * step, *shape[axis + 1 :]])
    stop = [(n - 1) * step + 1 if i == axis else m for i, m in enumerate(flat.shape)]
    return call("slice", flat, [0] * g.ndim, stop)


def place(
    g: Tensor, shape: Sequence[SizeLike], start: Sequence[SizeLike], step: Sequence[int]
) -> Tensor:
    """Zeros of `shape` with g in the window that slice(start, ..., step) reads."""
    for axis, stride in enumerate(step):
        g = dilate(g, axis, stride)
    high = [n - m - s for n, m, s in zip(shape, g.shape, start, strict=True)]
    if all(_is_zero(n) for n in [*start, *high]):
        return g
    return call("pad", g, 0, low=list(start), high=high)


def crop_or_pad(x: Tensor, axis: int, low: SizeLike, high: SizeLike) -> Tensor:
    """x with `low` zeros before an axis and `high` after; negative numbers cut off instead."""
    ends = [n if isinstance(n, Size) else max(-n, 0) for n in (low, high)]
    ends = [0 if isinstance(n, Size) else n for n in ends]
    if any(not _is_zero(n) for n in ends):
        start = [ends[0] if i == axis else 0 for i in range(x.ndim)]
        stop = [n - ends[1] if i == axis else n for i, n in enumerate(x.shape)]
        x = call("slice", x, start, stop)
    adds = [n if isinstance(n, Size) else max(n, 0) for n in (low, high)]
    if all(_is_zero(n) for n in adds):
        return x
    low_all, high_all = ([adds[end] if i == axis else 0 for i in range(x.ndim)] for end in (0, 1))
    return call("pad", x, 0, low=low_all, high=high_all)


def _is_zero(n: SizeLike) -> bool:
    return isinstance(n, int) and n == 0


def window_starts(kernel: Sequence[int], dilation: Sequence[int]) -> list[tuple[int, int]]:
    """(row, column) of every kernel position, in row-major order."""
    rows, columns = kernel
    return [(i * dilation[0], j * dilation[1]) for i in range(rows) for j in range(columns)]


def windows_of(
    x: Tensor, out: Sequence[SizeLike], starts: Sequence[tuple[int, int]], stride: Sequence[int]
) -> list[Tensor]:
    """For each kernel position what it sees: [n, c, h, w], padded -> [n, c, oh, ow]."""
    found = []
    for top, left in starts:
        ends = [s + stride[i] * (out[i] - 1) + 1 for i, s in enumerate((top, left))]
        window = [0, 0, top, left], [*x.shape[:2], *ends], [1, 1, *stride]
        found.append(call("slice", x, *window))
    return found


def fold_windows(
    parts: Sequence[Tensor],
    shape: Sequence[SizeLike],
    starts: Sequence[tuple[int, int]],
    stride: Sequence[int],
) -> Tensor:
    """The transpose of `windows_of`: every part back in its place, added in their order."""
    total: Tensor | None = None
    for part, (top, left) in zip(parts, starts, strict=True):
        placed = place(part, shape, [0, 0, top, left], [1, 1, *stride])
        total = placed if total is None else total + placed
    if total is None:
        raise ValueError("fold_windows: no parts")
    return total
