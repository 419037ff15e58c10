"""Reductions and running sums as torch calls them: dim, keepdim, unbiased."""

from __future__ import annotations

from typing import Any

import ingot
from ingot import Tensor

from .conventions import TRANSLATED, Function, axes, same_shape, torch_name, vector


def reduction(name: str) -> Function:
    """sum(x, dim, keepdim) and its like."""

    def translated(input: Tensor, dim: Any = None, keepdim: bool = False, **more: Any) -> Any:
        return getattr(ingot, name)(input, axis=axes(input, dim), keepdims=keepdim, **more)

    return translated


for name in (
    *("all", "any", "amax", "amin", "aminmax"),
    *("count_nonzero", "logsumexp", "nansum", "sum"),
):
    TRANSLATED[name] = reduction(name)


@torch_name
def prod(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    if dtype is not None and dtype.kind == "b":
        return ingot.all(input, axes(input, dim), keepdims=keepdim)
    return ingot.prod(input, axes(input, dim), keepdims=keepdim, dtype=dtype)


def position(name: str) -> Function:
    """argmax(x, dim, keepdim) and argmin."""

    def translated(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
        found = getattr(ingot, name)(vector(input), dim, keepdims=keepdim and dim is not None)
        return found if input.ndim else same_shape(found, input)

    return translated


TRANSLATED["argmax"], TRANSLATED["argmin"] = position("argmax"), position("argmin")


def running_extreme(name: str) -> Function:
    """cummax(x, dim) and cummin: values and positions."""

    def translated(input: Tensor, dim: int) -> Any:
        return [same_shape(y, input) for y in getattr(ingot, name)(vector(input), dim)]

    return translated


TRANSLATED["cummax"], TRANSLATED["cummin"] = running_extreme("cummax"), running_extreme("cummin")


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
