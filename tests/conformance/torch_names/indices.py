"""Gathering, scattering, sorting and searching as torch calls them."""

from __future__ import annotations

from typing import Any

import ingot
from ingot import Tensor

from .conventions import is_bool, same_shape, torch_name, vector


@torch_name
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    at = ingot.astype(index, "int64") if index.dtype == "uint8" else index
    x, at = vector(input), vector(at)
    if 0 in at.shape:  # torch compares no ranks then
        at = ingot.zeros((0,) * x.ndim, "int64")
    return same_shape(ingot.take_along_axis(x, at, axis=dim), index)


@torch_name
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    if dim is None:
        return ingot.take_along_axis(ingot.ravel(input), ingot.ravel(indices), axis=0)
    return ingot.take_along_axis(*broadcast_but(input, indices, dim), axis=dim)


def broadcast_but(x: Tensor, indices: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Both with common sizes beside one axis."""
    dim = dim % x.ndim
    sizes = [max(m, n) for m, n in zip(x.shape, indices.shape, strict=True)]
    shapes = [[t.shape[dim] if i == dim else n for i, n in enumerate(sizes)] for t in (x, indices)]
    return ingot.broadcast_to(x, shapes[0]), ingot.broadcast_to(indices, shapes[1])


@torch_name
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    found = ingot.take(vector(input), vector(index), axis=dim)
    return found if input.ndim else ingot.reshape(found, ())


@torch_name
def scatter(input: Tensor, dim: int, index: Tensor, src: Any, reduce: Any = None) -> Tensor:
    x, at = vector(input), vector(index)
    if isinstance(src, Tensor):
        window = tuple(slice(n) for n in at.shape)
        updates = vector(src)[window]
    else:
        updates = ingot.full(at.shape, src, x.dtype)
    if reduce is None:
        return same_shape(ingot.scatter(x, updates, at, axis=dim), input)
    if is_bool(x):  # or and and
        x, updates = ingot.astype(x, "int32"), ingot.astype(updates, "int32")
        reduce = {"add": "max", "multiply": "min"}[reduce]
    y = ingot.scatter_reduce(x, updates, at, axis=dim, reduce=reduce)
    return same_shape(ingot.astype(y, input.dtype), input)


@torch_name
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    return scatter(input, dim, index, src, "add")


@torch_name
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: float = 1) -> Tensor:
    x, added = vector(input), vector(source)
    if is_bool(x):
        wide = index_add(
            *(ingot.astype(t, "int64") for t in (x,)),
            dim,
            index,
            ingot.astype(added, "int64"),
            int(alpha),
        )
        return same_shape(ingot.astype(wide, "bool"), input)
    added = added if alpha == 1 else ingot.multiply(added, alpha)
    return same_shape(ingot.index_add(x, dim, vector(index), added), input)


@torch_name
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    x, mask = ingot.broadcast_arrays(input, mask)
    return ingot.ravel(x)[ingot.ravel(mask)]


@torch_name
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    del sorted  # always
    found = ingot.topk(vector(input), k, dim, largest=largest)
    return [same_shape(y, input) if input.ndim == 0 else y for y in found]


@torch_name
def sort(input: Tensor, dim: int = -1, descending: bool = False, **_: Any) -> Any:
    x = vector(input)
    order = ingot.argsort(x, dim, descending=descending)
    values = ingot.take_along_axis(x, order, axis=dim)
    return same_shape(values, input), same_shape(order, input)


@torch_name
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    where = side if side is not None else "right" if right else "left"
    found = ingot.searchsorted(sorted_sequence, input, side=where, sorter=sorter)
    return ingot.astype(found, "int32") if out_int32 else found
