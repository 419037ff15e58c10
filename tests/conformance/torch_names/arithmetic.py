"""Arithmetic, logic and products as torch calls them."""

from __future__ import annotations

from typing import Any

import ingot
from ingot import Tensor

from .conventions import TRANSLATED, Function, is_bool, scalar_of, torch_name


@torch_name
def add(input: Tensor, other: Any, alpha: float = 1) -> Tensor:
    if is_bool(input, other):
        return ingot.logical_or(input, other) if alpha else input
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
    alpha, beta = scalar_of(product, alpha), scalar_of(product, beta)
    product = product if alpha == 1 else ingot.multiply(product, alpha)
    if beta == 0:
        return product
    return ingot.add(base if beta == 1 else ingot.multiply(base, beta), product)


@torch_name
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    return added_product(input, ingot.matmul(mat1, mat2), beta, alpha)


TRANSLATED["baddbmm"] = TRANSLATED["addmv"] = addmm


@torch_name
def kron(input: Tensor, other: Tensor) -> Tensor:
    if not is_bool(input, other):
        return ingot.kron(input, other)
    product = ingot.kron(ingot.astype(input, "int32"), ingot.astype(other, "int32"))
    return ingot.astype(product, "bool")


@torch_name
def square(input: Tensor) -> Tensor:
    return ingot.square(ingot.astype(input, "int64") if is_bool(input) else input)


@torch_name
def sign(input: Tensor) -> Tensor:
    return input if is_bool(input) else ingot.sign(input)


def logical(name: str) -> Function:
    """logical_and and its like, of numbers too: those that are not 0 are true."""

    def translated(*operands: Tensor) -> Tensor:
        return getattr(ingot, name)(*(ingot.astype(x, "bool") for x in operands))

    return translated


for name in ("logical_and", "logical_not", "logical_or", "logical_xor"):
    TRANSLATED[name] = logical(name)


@torch_name
def einsum(equation: str, *operands: Tensor) -> Tensor:
    terms, _, result = equation.replace(" ", "").partition("->")
    alone = [a for a in terms if a.isalpha() and a not in result]
    alone = [a for a in alone if sum(a in term for term in terms.split(",")) == 1]
    if alone and operands[0].dtype.kind == "i":  # summed over, which widens as sum does
        operands = tuple(ingot.astype(x, "int64") for x in operands)
    return ingot.einsum(equation, *operands)


@torch_name
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    if not isinstance(dims, int):  # a size of 1 is repeated
        for i, j in zip(*dims, strict=True):
            a, b = stretched(a, i, b.shape[j]), stretched(b, j, a.shape[i])
    return ingot.tensordot(a, b, axes=dims)


def stretched(x: Tensor, axis: int, size: int) -> Tensor:
    """An axis of size 1 repeated to a size."""
    if x.shape[axis] != 1:
        return x
    shape = list(x.shape)
    shape[axis] = size
    return ingot.broadcast_to(x, shape)


@torch_name
def clamp_min(input: Tensor, min: Any) -> Tensor:
    return ingot.clip(input, min)


@torch_name
def clamp_max(input: Tensor, max: Any) -> Tensor:
    return ingot.clip(input, None, max)
