"""Layers of one matrix: Linear and Embedding."""

from __future__ import annotations

import math

import numpy as np

from ingot.ops.axes import one_axis
from ingot.tensor import Tensor, TensorLike

from . import functional, init
from .module import Module
from .parameters import Parameter

__all__ = ["Embedding", "Linear"]


class Linear(Module):
    """x @ weight.T + bias.

    input: float[..., in_features] -> float[..., out_features]. weight: [out, in], bias: [out],
    both drawn uniformly from -1 / sqrt(in) .. 1 / sqrt(in).

    >>> import ingot
    >>> ingot.nn.Linear(3, 4)(ingot.ones((2, 3))).shape
    (2, 4)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        bound = 1 / math.sqrt(max(in_features, 1))
        self.weight = Parameter(init.uniform((out_features, in_features), bound))
        self.bias = Parameter(init.uniform((out_features,), bound)) if bias else None

    def forward(self, input: TensorLike) -> Tensor:
        """`functional.linear`."""
        return functional.linear(input, self.weight, self.bias)


class Embedding(Module):
    """The rows of a table.

    input: int[...] -> float[..., embedding_dim]. weight: [num_embeddings, embedding_dim], of the
    normal distribution; the row padding_idx is 0 and gets no gradient.

    >>> import ingot
    >>> ingot.nn.Embedding(10, 3)(ingot.tensor([1, 2])).shape
    (2, 3)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None
    ) -> None:
        table = init.normal((num_embeddings, embedding_dim))
        if padding_idx is not None:
            table[one_axis("Embedding", padding_idx, num_embeddings)] = np.float32(0)
        self.weight = Parameter(table)
        self.padding_idx = padding_idx

    def forward(self, input: TensorLike) -> Tensor:
        """`functional.embedding`."""
        return functional.embedding(input, self.weight, self.padding_idx)
