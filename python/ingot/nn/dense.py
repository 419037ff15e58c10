"""Layers of one matrix, Linear and Embedding; and Dropout."""

from __future__ import annotations

import math

from ingot.errors import ArgumentError
from ingot.ops.axes import one_axis
from ingot.random import Generator
from ingot.tensor import Tensor, TensorLike

from . import functional, init
from .module import Module
from .parameters import Parameter

__all__ = ["Dropout", "Embedding", "Linear"]


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
            row = one_axis("Embedding", padding_idx, num_embeddings)
            table = table.at[row].set(0.0)
        self.weight = Parameter(table)
        self.padding_idx = padding_idx

    def forward(self, input: TensorLike) -> Tensor:
        """`functional.embedding`."""
        return functional.embedding(input, self.weight, self.padding_idx)


class Dropout(Module):
    """In training, every element is 0 with probability p and the others are divided by 1 - p.

    generator: where the random numbers come from; the default one without it. Recorded in training
    mode, its key and counter are a state, so that every run draws others.

    >>> import ingot
    >>> ingot.nn.Dropout(0.5).eval()(ingot.tensor([1.0, 2.0]))
    Tensor([1., 2.], dtype=float32)
    """

    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError(f"Dropout: wrong probability: got {p}, expected 0..1")
        self.p, self.generator = p, generator

    def forward(self, input: TensorLike) -> Tensor:
        """input: float[...] -> the same."""
        return functional.dropout(input, self.p, self.training, generator=self.generator)
