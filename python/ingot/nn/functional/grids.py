"""grid_sample: planes and volumes read at positions given as data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from ingot.composite import clip
from ingot.composite.calls import tagged
from ingot.composite.operands import floating
from ingot.errors import ArgumentError, ShapeError
from ingot.ops import (
    arange,
    cast,
    floor,
    logical_and,
    permute_dims,
    remainder,
    round,
    take,
    where,
)
from ingot.tensor import Tensor, TensorLike

from .resampling import cubic_weights
from .windows import constant_size

__all__ = ["grid_sample"]

_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


@tagged
def grid_sample(
    input: TensorLike,
    grid: TensorLike,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """x at the positions of a grid.

    input: float[n, c, h, w], grid: float[n, oh, ow, 2] of (column, row), or input: float[n, c, d,
    h, w], grid: float[n, od, oh, ow, 3] of (column, row, slice) -> float[n, c, ...]. -1 and 1 are
    the outer borders of the plane, or the centers of its outermost elements (align_corners).
    mode: "bilinear" and "bicubic" (in volumes along three axes), "nearest". padding_mode, outside:
    "zeros", "border" (the nearest element inside), "reflection". Raises ArgumentError for other
    modes, ShapeError where the sizes do not fit, RecordError for symbolic sizes of the plane.

    >>> import ingot
    >>> x = ingot.tensor([[[[1.0, 3.0]]]])
    >>> grid = ingot.tensor([[[[0.0, 0.0], [1.0, 0.0]]]])
    >>> ingot.nn.functional.grid_sample(x, grid, align_corners=True)
    Tensor([[[[2., 3.]]]], dtype=float32)
    """
    x, where_to = floating("grid_sample", input), floating("grid_sample", grid)
    _check(x, where_to, mode, padding_mode)
    sizes = [constant_size("grid_sample", x, axis) for axis in range(2, x.ndim)]
    plane = _Plane(x, sizes, padding_mode, bool(align_corners))
    # The grid's last axis names the last axis of x first.
    given = [where_to[..., len(sizes) - 1 - axis] for axis in range(len(sizes))]
    positions = [plane.position(g, n) for g, n in zip(given, sizes, strict=True)]
    if mode == "bicubic":
        return _weighted(plane, positions, _cubic)
    positions = [plane.moved_inside(p, n) for p, n in zip(positions, sizes, strict=True)]
    if mode == "nearest":
        return plane.read([round(p.detach()) for p in positions])
    return _weighted(plane, positions, _linear)


def _check(x: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    if mode not in _MODES or padding_mode not in _PADDINGS:
        raise ArgumentError(
            f"grid_sample: wrong modes: got {mode!r} and {padding_mode!r}, "
            f"expected one of {', '.join(_MODES)} and one of {', '.join(_PADDINGS)}"
        )
    if x.ndim not in (4, 5):
        raise ArgumentError(f"grid_sample: wrong rank: got {x.ndim}, expected 4 or 5")
    if grid.ndim != x.ndim or grid.shape[-1] != x.ndim - 2 or grid.shape[0] != x.shape[0]:
        raise ShapeError(
            f"grid_sample: the grid does not fit: got {list(x.shape)} and {list(grid.shape)}"
        )


class _Plane:
    """The elements of a plane or volume, and what lies outside."""

    def __init__(self, x: Tensor, sizes: list[int], padding_mode: str, align: bool) -> None:
        self._sizes, self._padding, self._align = sizes, padding_mode, align
        n, channels = x.shape[:2]
        flat = x.reshape((n, channels, math.prod(sizes)))
        self._rows = permute_dims(flat, (0, 2, 1)).reshape((n * math.prod(sizes), channels))
        self._batch = arange(n).reshape((n, *([1] * len(sizes)))) * math.prod(sizes)

    def position(self, given: Tensor, n: int) -> Tensor:
        """-1..1 as positions of an axis."""
        return (given + 1) * ((n - 1) / 2) if self._align else ((given + 1) * n - 1) * 0.5

    def moved_inside(self, position: Tensor, n: int) -> Tensor:
        """The position that is read instead of one outside, as the padding mode says."""
        if self._padding == "zeros":
            return position
        if self._padding == "reflection":
            position = self._reflected(position, n)
        return where(position <= 0, 0.0, where(position >= n - 1, float(n - 1), position))

    def _reflected(self, position: Tensor, n: int) -> Tensor:
        """Mirrored at the first and last centers, or at the outer borders."""
        low, span = (0.0, float(n - 1)) if self._align else (-0.5, float(n))
        if span == 0:
            return position * 0
        distance = position - low
        folded = remainder(where(distance < 0, -distance, distance), 2 * span)
        return where(folded > span, 2 * span - folded, folded) + low

    def read(self, whole: list[Tensor]) -> Tensor:
        """The elements at whole positions: [n, c, ...]; outside 0."""
        index, inside = self._batch, None
        for i, (position, n) in enumerate(zip(whole, self._sizes, strict=True)):
            limited = clip(position, 0, n - 1)
            stride = math.prod(self._sizes[i + 1 :])
            index = index + cast(limited, dtype="int64") * stride
            fits = position == limited
            inside = fits if inside is None else logical_and(inside, fits)
        found = take(self._rows, index, axis=0)
        if self._padding == "zeros":
            assert inside is not None  # a plane has axes
            found = where(inside.reshape((*inside.shape, 1)), found, 0)
        rank = found.ndim
        return permute_dims(found, (0, rank - 1, *range(1, rank - 1)))

    def read_moved(self, whole: list[Tensor]) -> Tensor:
        """As read, after each position was moved inside: bicubic moves neighbors one by one."""
        pairs = zip(whole, self._sizes, strict=True)
        return self.read([round(self.moved_inside(p, n)) for p, n in pairs])


# For one axis: each neighbor's whole position and weight.
Neighbors = Callable[[Tensor], list[tuple[Tensor, Tensor]]]


def _linear(position: Tensor) -> list[tuple[Tensor, Tensor]]:
    low = floor(position.detach())
    share = position - low
    return [(low, 1 - share), (low + 1, share)]


def _cubic(position: Tensor) -> list[tuple[Tensor, Tensor]]:
    low = floor(position.detach())
    weights = cubic_weights(position - low)
    return [(low + (i - 1), w) for i, w in enumerate(weights)]


def _weighted(plane: _Plane, positions: list[Tensor], neighbors: Neighbors) -> Tensor:
    """The sum of all neighbors, each times its weights along all axes."""
    read = plane.read_moved if neighbors is _cubic else plane.read
    total: Tensor | None = None
    for corner in itertools.product(*(neighbors(p) for p in positions)):
        weight = corner[0][1]
        for _, more in corner[1:]:
            weight = weight * more
        part = read([at for at, _ in corner]) * weight.reshape(
            (weight.shape[0], 1, *weight.shape[1:])
        )
        total = part if total is None else total + part
    assert total is not None  # a plane has neighbors
    return total
