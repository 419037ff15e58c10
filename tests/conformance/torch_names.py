"""torch's names and argument conventions in terms of Ingot's public functions.

Where torch's name and arguments exist in Ingot they are used as they are; else RENAMED has the
function of another name, and a function below, called like torch's, translates the arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ingot
import ingot.nn.functional
from ingot import Tensor

Function = Callable[..., Any]

RENAMED = {
    "bitwise_not": "bitwise_invert",
    "bmm": "matmul",
    "eq": "equal",
    "ge": "greater_equal",
    "gt": "greater",
    "le": "less_equal",
    "lt": "less",
    "mm": "matmul",
    "mv": "matmul",
    "ne": "not_equal",
    "neg": "negative",
    "permute": "permute_dims",
    "true_divide": "divide",
}
TRANSLATED: dict[str, Function] = {}


def find(name: str) -> Function | None:
    """The function that takes the arguments of torch's function of this name; None: there is
    none."""
    if name in TRANSLATED:
        return TRANSLATED[name]
    if name.startswith("nn.functional."):
        return getattr(ingot.nn.functional, name.removeprefix("nn.functional."), None)
    return getattr(ingot, RENAMED.get(name, name), None)


def torch_name(function: Function) -> Function:
    """Makes a function below the translation of torch's function of its name."""
    TRANSLATED[function.__name__.replace("__", ".")] = function
    return function


def axes(x: Tensor, dim: Any) -> Any:
    """No axis and () mean all of them; a scalar may be asked for its axis 0, which it lacks."""
    return None if dim is None or x.ndim == 0 or dim in ((), []) else dim


def vector(x: Tensor) -> Tensor:
    """A scalar counts as a vector of one element where torch wants an axis."""
    return ingot.reshape(x, (1,)) if x.ndim == 0 else x


def same_shape(result: Tensor, x: Tensor) -> Tensor:
    """A result computed of `vector(x)`, as a scalar where x is one."""
    return ingot.reshape(result, x.shape)


def is_bool(*operands: Any) -> bool:
    """Whether all are truth values, whose sum is or and whose product is and."""
    return all(isinstance(x, Tensor) and x.dtype == bool for x in operands)


# Arithmetic.


@torch_name
def add(input: Tensor, other: Any, alpha: float = 1) -> Tensor:
    if is_bool(input, other):
        return ingot.logical_or(input, other)
    return ingot.add(input, other if alpha == 1 else ingot.multiply(other, alpha))


@torch_name
def sub(input: Tensor, other: Any, alpha: float = 1) -> Tensor:
    return ingot.subtract(input, other if alpha == 1 else ingot.multiply(other, alpha))


@torch_name
def mul(input: Tensor, other: Any) -> Tensor:
    return (ingot.logical_and if is_bool(input, other) else ingot.multiply)(input, other)


@torch_name
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    return mul(ingot.expand_dims(input, 1), vec2) if is_bool(input) else ingot.outer(input, vec2)


def added_product(base: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta * base + alpha * product; beta 0 leaves base out, with whatever is in it."""
    product = product if alpha == 1 else ingot.multiply(product, alpha)
    if beta == 0:
        return product
    return ingot.add(base if beta == 1 else ingot.multiply(base, beta), product)


@torch_name
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    return added_product(input, ingot.matmul(mat1, mat2), beta, alpha)


TRANSLATED["baddbmm"] = TRANSLATED["addmv"] = addmm


@torch_name
def clamp_min(input: Tensor, min: Any) -> Tensor:
    return ingot.clip(input, min)


@torch_name
def clamp_max(input: Tensor, max: Any) -> Tensor:
    return ingot.clip(input, None, max)


@torch_name
def where(condition: Tensor, input: Tensor, other: Tensor) -> Tensor:
    return ingot.where(condition, input, other)


# Reductions.


def reduction(name: str) -> Function:
    """sum(x, dim, keepdim) and its like."""

    def translated(input: Tensor, dim: Any = None, keepdim: bool = False, **more: Any) -> Any:
        return getattr(ingot, name)(input, axis=axes(input, dim), keepdims=keepdim, **more)

    return translated


for name in (
    *("all", "any", "amax", "amin", "aminmax", "argmax", "argmin"),
    *("count_nonzero", "logsumexp", "nansum", "prod", "sum"),
):
    TRANSLATED[name] = reduction(name)


@torch_name
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    x = input if dtype is None else ingot.astype(input, dtype)
    return ingot.mean(x, axes(x, dim), keepdims=keepdim)


def deviation(name: str) -> Function:
    """std(x, dim, unbiased or correction, keepdim) and var."""

    def translated(
        input: Tensor,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        correction: float | None = None,
    ) -> Tensor:
        if isinstance(dim, bool):  # std(x, unbiased)
            dim, unbiased = None, dim
        less = float(unbiased) if correction is None else correction
        f = getattr(ingot, name)
        return f(input, axes(input, dim), correction=less, keepdims=keepdim)

    return translated


TRANSLATED["std"], TRANSLATED["var"] = deviation("std"), deviation("var")


@torch_name
def linalg__vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    x = x if dtype is None else ingot.astype(x, dtype)
    return ingot.linalg.vector_norm(x, axis=axes(x, dim), keepdims=keepdim, ord=ord)


def cumulative(name: str) -> Function:
    """cumsum(x, dim, dtype) and its like."""

    def translated(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
        result = getattr(ingot, name)(vector(input), axis=dim, dtype=dtype)
        return same_shape(result, input)

    return translated


TRANSLATED["cumsum"] = cumulative("cumulative_sum")
TRANSLATED["cumprod"] = cumulative("cumulative_prod")


@torch_name
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    return same_shape(ingot.nn.functional.softmax(vector(input), dim, dtype), input)


@torch_name
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    return same_shape(ingot.nn.functional.log_softmax(vector(input), dim, dtype), input)


# Shapes.


@torch_name
def cat(tensors: list[Tensor], dim: int = 0) -> Tensor:
    filled = [t for t in tensors if t.shape != (0,)]  # torch skips these whatever the other shapes
    return ingot.concat(filled if filled else tensors, axis=dim)


@torch_name
def chunk(input: Tensor, chunks: int, dim: int = 0) -> Any:
    return ingot.chunk(input, chunks, dim)


@torch_name
def stack(tensors: list[Tensor], dim: int = 0) -> Tensor:
    return ingot.stack(tensors, dim)


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
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    return ingot.flatten(input, start_dim, end_dim)


@torch_name
def flip(input: Tensor, dims: Any) -> Tensor:
    return ingot.flip(input, tuple(dims))


@torch_name
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    given = repeats[0] if repeats and isinstance(repeats[0], (tuple, list)) else repeats
    return ingot.tile(input, tuple(given))


@torch_name
def tile(input: Tensor, dims: Any) -> Tensor:
    return ingot.tile(input, tuple(dims))


@torch_name
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    if dim is None:
        return ingot.squeeze(input)
    given = [dim] if isinstance(dim, int) else dim
    ones = [a for a in given if input.ndim and input.shape[a] == 1]  # torch leaves other sizes
    return ingot.squeeze(input, ones)


@torch_name
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    return ingot.expand_dims(input, dim)


@torch_name
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    return same_shape(input, input) if input.ndim == 0 else ingot.swapaxes(input, dim0, dim1)


@torch_name
def unbind(input: Tensor, dim: int = 0) -> Any:
    return ingot.unbind(input, dim)


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
    return ingot.unfold(vector(input), dimension, size, step)


@torch_name
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None, **_: Any) -> Tensor:
    return ingot.repeat(vector(input) if dim is None else input, repeats, axis=dim)


# Indices.


@torch_name
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    found = ingot.take_along_axis(vector(input), vector(index), axis=dim)
    return same_shape(found, index)


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
    how = {"multiply": "multiply", "add": "add"}[reduce]
    return same_shape(ingot.scatter_reduce(x, updates, at, axis=dim, reduce=how), input)


@torch_name
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    return scatter(input, dim, index, src, "add")


@torch_name
def select(input: Tensor, dim: int, index: int) -> Tensor:
    return ingot.select(input, dim, index)


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


# Creation.


@torch_name
def full_like(input: Tensor, fill_value: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return ingot.full_like(input, fill_value, dtype, device=device)


@torch_name
def arange(start: Any, end: Any = None, step: Any = 1, dtype: Any = None, **_: Any) -> Tensor:
    return ingot.arange(start, end, step, dtype=dtype)


@torch_name
def linspace(start: Any, end: Any, steps: int, dtype: Any = None, **_: Any) -> Tensor:
    return ingot.linspace(start, end, steps, dtype=dtype)


@torch_name
def eye(n: int, m: int | None = None, dtype: Any = "float32", **_: Any) -> Tensor:
    return ingot.eye(n, m, dtype=dtype)


@torch_name
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    return ingot.tensordot(a, b, axes=dims)


@torch_name
def trace(input: Tensor) -> Tensor:
    return ingot.trace(input)
