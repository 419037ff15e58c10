"""Layers of attention."""

from __future__ import annotations

from ingot.composite import split
from ingot.errors import ArgumentError
from ingot.ops import permute_dims
from ingot.ops.axes import as_tensor
from ingot.tensor import Tensor, TensorLike

from . import functional, init
from .dense import Linear
from .module import Module
from .parameters import Parameter

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention of num_heads heads, each of its own projections of query, key and value.

    query: float[n, l, e], key, value: float[n, s, e] -> float[n, l, e]; without batch_first the
    first two axes are exchanged, without a batch they are one. in_proj_weight: [3 e, e] and
    in_proj_bias: [3 e] of query, key and value; out_proj: Linear(e, e). The weights of attention
    are not returned. Raises ArgumentError unless num_heads divides embed_dim.

    >>> import ingot
    >>> layer = ingot.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = ingot.ones((1, 5, 8))
    >>> layer(x, x, x, is_causal=True).shape
    (1, 5, 8)
    """

    def __init__(
        self, embed_dim: int, num_heads: int, bias: bool = True, batch_first: bool = False
    ) -> None:
        if num_heads < 1 or embed_dim % num_heads:
            raise ArgumentError(
                f"MultiheadAttention: wrong num_heads: got {num_heads}, "
                f"expected a divisor of {embed_dim}"
            )
        self.num_heads, self.batch_first = num_heads, batch_first
        bound = (6 / (4 * embed_dim)) ** 0.5  # Glorot and Bengio, 2010: fan in e, fan out 3 e
        self.in_proj_weight = Parameter(init.uniform((3 * embed_dim, embed_dim), bound))
        self.in_proj_bias = Parameter(init.uniform((3 * embed_dim,), 0.0)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias)

    def forward(
        self,
        query: TensorLike,
        key: TensorLike,
        value: TensorLike,
        attn_mask: TensorLike | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """attn_mask: as of `functional.scaled_dot_product_attention`, broadcast to
        [n, heads, l, s]."""
        weights = split(self.in_proj_weight.value, 3)
        bias = self.in_proj_bias
        biases = [None] * 3 if bias is None else split(bias.value, 3)
        inputs = [as_tensor("MultiheadAttention", x) for x in (query, key, value)]
        q, k, v = (
            self._heads(functional.linear(x, w, b))
            for x, w, b in zip(inputs, weights, biases, strict=True)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask, 0.0, is_causal)
        result: Tensor = self.out_proj(self._joined(mixed))
        return result

    def _order(self, ndim: int) -> tuple[int, ...]:
        """[l, heads, d], [l, n, heads, d] or [n, l, heads, d] to [..., heads, l, d]."""
        if ndim == 3:
            return (1, 0, 2)
        return (0, 2, 1, 3) if self.batch_first else (1, 2, 0, 3)

    def _heads(self, x: Tensor) -> Tensor:
        wide = x.reshape((*x.shape[:-1], self.num_heads, x.shape[-1] // self.num_heads))
        return permute_dims(wide, self._order(wide.ndim))

    def _joined(self, x: Tensor) -> Tensor:
        order = self._order(x.ndim)
        back = permute_dims(x, [order.index(i) for i in range(x.ndim)])
        return back.reshape((*back.shape[:-2], back.shape[-2] * back.shape[-1]))
