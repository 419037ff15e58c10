"""Tables indexed by integers: embedding and one_hot."""

from __future__ import annotations

from ingot import tape
from ingot.composite import expand_dims, vector_norm
from ingot.composite.calls import tagged
from ingot.dtypes import kind_of
from ingot.errors import ArgumentError, DTypeError, RecordError
from ingot.ops import arange, cast, equal, max, sum, take, where
from ingot.ops.axes import as_tensor, one_axis
from ingot.origin import at_user_line
from ingot.tensor import Tensor, TensorLike

__all__ = [
    "embedding",
    "one_hot",
]


@tagged
def embedding(
    input: TensorLike,
    weight: TensorLike,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of a table: take(weight, input, axis=0).

    input: int[...], weight: float[rows, width] -> float[..., width]. padding_idx: this row gets no
    gradient. max_norm: longer rows are scaled down to this p-norm (p: norm_type) as they are read;
    the table itself stays. scale_grad_by_freq: the gradient of a row is divided by the number of
    times it is read. sparse has no effect: gradients are dense. Raises RangeError for an index out
    of range, ArgumentError unless weight is a matrix.

    >>> import ingot
    >>> table = ingot.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> ingot.nn.functional.embedding(ingot.tensor([1, 0]), table)
    Tensor([[3., 4.],
            [1., 2.]], dtype=float32)
    """
    del sparse
    indices, table = as_tensor("embedding", input), as_tensor("embedding", weight)
    if table.ndim != 2:
        raise ArgumentError(f"embedding: wrong weight: got rank {table.ndim}, expected 2")
    rows = take(table, indices, axis=0)
    if max_norm is not None:
        rows = rows * _shrinking(rows.detach(), max_norm, norm_type)
    factor = None
    if scale_grad_by_freq:
        flat = indices.reshape((indices.size,))
        count = sum(cast(equal(expand_dims(flat, 1), flat), dtype=rows.dtype), axis=1)
        factor = expand_dims((1 / count).reshape(indices.shape), -1)
    if padding_idx is not None:
        padding = one_axis("embedding", padding_idx, len(table))
        is_padding = expand_dims(indices == padding, -1)
        factor = where(is_padding, 0.0, rows.detach() * 0 + 1 if factor is None else factor)
    return rows if factor is None else _with_scaled_gradient(rows, factor)


def _shrinking(rows: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """The factor that brings every row down to max_norm; torch's 1e-7 keeps it below."""
    length = vector_norm(rows, axis=-1, keepdims=True, ord=norm_type)
    return where(length > max_norm, max_norm / (length + 1e-7), 1.0)


def _with_scaled_gradient(x: Tensor, factor: Tensor) -> Tensor:
    """x itself, whose gradient is multiplied by `factor` on its way back."""
    other = x.detach()
    tape.attach([other], [tape.wanted(x)], lambda g, _: [None if g[0] is None else g[0] * factor])
    return other


@tagged
def one_hot(input: TensorLike, num_classes: int = -1) -> Tensor:
    """1 at the position of each class, 0 elsewhere: input == arange(num_classes).

    input: int[...] -> int64[..., num_classes]. -1 means one more than the largest class, which is
    data: eagerly only. A class outside 0..num_classes-1 gives zeros. Raises DTypeError unless the
    input holds integers, RecordError for -1 while recording.

    >>> import ingot
    >>> ingot.nn.functional.one_hot(ingot.tensor([2, 0]), 3)
    Tensor([[0, 0, 1],
            [1, 0, 0]], dtype=int64)
    """
    classes = as_tensor("one_hot", input)
    if kind_of(classes.dtype) not in ("int", "uint"):
        raise DTypeError(f"one_hot: wrong input: got {classes.dtype}, expected integers")
    if num_classes == -1:
        if classes.is_recorded:
            raise RecordError(
                "one_hot: the number of classes is data: got num_classes=-1, "
                f"expected a number{at_user_line()}"
            )
        num_classes = int(max(classes)) + 1
    hit = equal(expand_dims(classes, -1), arange(num_classes, dtype=classes.dtype))
    return cast(hit, dtype="int64")
