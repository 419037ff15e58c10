"""Attention."""

from __future__ import annotations

import math

from ingot.composite.calls import tagged
from ingot.composite.network import softmax
from ingot.composite.operands import of_dtype, summable
from ingot.errors import ArgumentError, ShapeError
from ingot.ops import add, arange, broadcast_to, greater_equal, logical_not, matmul, multiply, where
from ingot.ops.axes import as_tensor
from ingot.random import dropout
from ingot.tensor import Size, Tensor, TensorLike

__all__ = ["scaled_dot_product_attention"]


@tagged
def scaled_dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    attn_mask: TensorLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(q @ k.mT * scale + mask) @ v.

    query: float[..., l, e], key: float[..., s, e], value: float[..., s, ev] -> float[..., l, ev].
    attn_mask: bool[..., l, s], false where a key is absent, or float[..., l, s], added to the
    scores; is_causal: key j is absent for query i where j > i. A query without keys gives 0. scale:
    1 / sqrt(e) by default. dropout_p: of the weights, always on as in torch. enable_gqa: each head
    of key and value (axis -3) serves several of the query's. Raises ArgumentError for a mask beside
    is_causal, ShapeError where sizes do not fit.

    >>> import ingot
    >>> q, k, v = ingot.ones((1, 2)), ingot.ones((2, 2)), ingot.tensor([[1.0], [3.0]])
    >>> ingot.nn.functional.scaled_dot_product_attention(q, k, v)
    Tensor([[2.]], dtype=float32)
    """
    op = "scaled_dot_product_attention"
    (q, dtype), (k, _), (v, _) = (summable(op, x) for x in (query, key, value))
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise ArgumentError(f"{op}: wrong rank: got {q.ndim}, {k.ndim}, {v.ndim}, expected >= 2")
    if enable_gqa:
        k, v = (_repeated(op, x, q) for x in (k, v))
    width = q.shape[-1]
    if scale is None:
        if isinstance(width, Size):
            raise ArgumentError(f"{op}: a symbolic width needs a scale: got {width}")
        scale = 1 / math.sqrt(width)
    mask = None if attn_mask is None else as_tensor(op, attn_mask)
    if is_causal:
        if mask is not None:
            raise ArgumentError(f"{op}: a mask beside is_causal: expected one of them")
        mask = greater_equal(arange(q.shape[-2]).reshape((q.shape[-2], 1)), arange(k.shape[-2]))
    weights = _weights(multiply(matmul(q, k.mT), scale), mask)
    return of_dtype(matmul(dropout(weights, dropout_p), v), dtype)


def _weights(scores: Tensor, mask: Tensor | None) -> Tensor:
    """softmax over the keys that are present; a row without any gives 0."""
    if mask is None:
        return softmax(scores)
    if mask.dtype != bool:
        return softmax(add(scores, mask.astype(scores.dtype)))
    mask = broadcast_to(mask, scores.shape)
    empty = logical_not(mask.any(-1, keepdims=True))
    # In an empty row all scores become 0, so that no NaN arises, and the weights are dropped.
    shifted = where(mask, scores, where(empty, 0.0, float("-inf")).astype(scores.dtype))
    return where(empty, 0, softmax(shifted))


def _repeated(op: str, x: Tensor, query: Tensor) -> Tensor:
    """[..., h, s, e] with every head repeated until there are as many as the query's."""
    if min(x.ndim, query.ndim) < 3:
        raise ArgumentError(f"{op}: enable_gqa without heads: got rank {x.ndim}, expected >= 3")
    heads, wanted = x.shape[-3], query.shape[-3]
    if not isinstance(heads, int) or not isinstance(wanted, int) or wanted % max(heads, 1):
        raise ShapeError(f"{op}: heads do not fit: got {heads} for {wanted} of the query")
    times = wanted // heads
    if times == 1:
        return x
    lead, rest = x.shape[:-3], x.shape[-2:]
    wide = broadcast_to(x.reshape((*lead, heads, 1, *rest)), (*lead, heads, times, *rest))
    return wide.reshape((*lead, wanted, *rest))
