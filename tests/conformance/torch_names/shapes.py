"""Shapes and new tensors as torch calls them."""

from __future__ import annotations

from typing import Any

import ingot
from ingot import Tensor

from .conventions import same_shape, torch_name, vector


@torch_name
def cat(tensors: list[Tensor], dim: int = 0) -> Tensor:
    filled = [t for t in tensors if t.shape != (0,)]  # torch skips these whatever the other shapes
    return ingot.concat(filled if filled else tensors, axis=dim)


@torch_name
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    return ingot.diagonal(input, offset, dim1, dim2)


@torch_name
def expand(input: Tensor, *sizes: Any) -> Tensor:
    given = sizes[0] if sizes and isinstance(sizes[0], (tuple, list)) else sizes
    lead = len(given) - input.ndim
    known = [input.shape[i - lead] if n == -1 else n for i, n in enumerate(given)]
    return ingot.broadcast_to(input, tuple(known))


@torch_name
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    return ingot.broadcast_to(input, other.shape)


@torch_name
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    given = repeats[0] if repeats and isinstance(repeats[0], (tuple, list)) else repeats
    return ingot.tile(input, tuple(given))


@torch_name
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    if dim is None:
        return ingot.squeeze(input)
    given = [dim] if isinstance(dim, int) else dim
    ones = [a for a in given if input.ndim and input.shape[a] == 1]  # torch leaves other sizes
    return ingot.squeeze(input, ones)


@torch_name
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    return same_shape(input, input) if input.ndim == 0 else ingot.swapaxes(input, dim0, dim1)


@torch_name
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> Any:
    size, cuts = tensor.shape[dim], []
    if isinstance(split_size_or_sections, int):
        cuts = list(range(split_size_or_sections, size, split_size_or_sections))
    else:
        for section in split_size_or_sections[:-1]:
            cuts.append(section + (cuts[-1] if cuts else 0))
    return ingot.split(tensor, cuts, dim)


@torch_name
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    if not isinstance(start, Tensor):
        return ingot.narrow(input, dim, start, length)
    return ingot.take(input, start + ingot.arange(length), axis=dim)


@torch_name
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    return ingot.roll(input, shifts, axis=dims)


@torch_name
def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    given = tensors[0] if isinstance(tensors[0], (list, tuple)) else tensors
    return ingot.meshgrid(*map(vector, given), indexing=indexing)


@torch_name
def atleast_2d(tensors: Any) -> Any:
    if isinstance(tensors, (list, tuple)):
        return [ingot.atleast_2d(t) for t in tensors]
    return ingot.atleast_2d(tensors)


@torch_name
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    if input.ndim == 0:
        return ingot.narrow(vector(input), 0, 0, size)
    return ingot.unfold(input, dimension, size, step)


@torch_name
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None, **_: Any) -> Tensor:
    return ingot.repeat(vector(input) if dim is None else input, repeats, axis=dim)


@torch_name
def arange(start: Any, end: Any = None, step: Any = 1, dtype: Any = None, **_: Any) -> Tensor:
    return ingot.arange(start, end, step, dtype=dtype)


@torch_name
def linspace(start: Any, end: Any, steps: int, dtype: Any = None, **_: Any) -> Tensor:
    if dtype is not None and dtype.kind in "iu":
        start, end = int(start), int(end)
    return ingot.linspace(start, end, steps, dtype=dtype)


@torch_name
def eye(n: int, m: int | None = None, dtype: Any = "float32", **_: Any) -> Tensor:
    return ingot.eye(n, m, dtype=dtype)
