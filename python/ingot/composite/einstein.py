"""einsum: sums of products told by letters, as a chain of matrix products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingot.errors import ArgumentError, ShapeError
from ingot.ops.axes import as_tensor
from ingot.ops.contraction import matmul
from ingot.ops.movement import broadcast_to, permute_dims, reshape
from ingot.ops.pointwise_arithmetic import multiply
from ingot.ops.reduction import sum
from ingot.tensor import SizeLike, Tensor, TensorLike

from .calls import composite
from .diagonals import diagonal
from .operands import count_of

__all__ = ["einsum"]

Labels = list[str]  # one label for each axis; the axes that ... stands for are "...0", "...1"


@composite
def einsum(subscripts: str, *operands: TensorLike) -> Tensor:
    """The sum of products of operands whose axes are named by letters: "ij,jk->ik".

    A letter that is not after the arrow is summed over; one repeated within an operand takes its
    diagonal; ... stands for any further axes, broadcast together. Without an arrow the result has
    ... and the letters that occur once, in alphabetical order. Steps: operands are joined from left
    to right, each pair by one matmul over the letters that no later operand or the result needs.
    operands: real[...], promoted -> real[...]; integers become 64-bit where letters of one operand
    alone are summed, as by `sum`. Raises ArgumentError for wrong subscripts,
    ShapeError where the sizes of one letter differ (1 stretches).

    >>> import ingot
    >>> ingot.einsum("ij,j->i", ingot.tensor([[1, 2], [3, 4]]), ingot.tensor([1, 10]))
    Tensor([21, 43], dtype=int64)
    """
    tensors = [as_tensor("einsum", x) for x in operands]
    inputs, output = _parse(subscripts, tensors)
    terms = [_without_repeats(x, labels) for x, labels in zip(tensors, inputs, strict=True)]
    sizes = _sizes(terms)
    result, labels = terms[0]
    for i, (x, right) in enumerate(terms[1:], start=2):
        needed = {label for _, later in terms[i:] for label in later} | set(output)
        result, labels = _join(result, labels, x, right, needed, sizes)
    result, labels = _summed(result, labels, output)
    return permute_dims(_stretched(result, labels, sizes), [labels.index(a) for a in output])


def _parse(subscripts: str, operands: Sequence[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the result."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ArgumentError(
            f"einsum: wrong number of operands: got {len(operands)}, expected {len(terms)} "
            f"by {subscripts!r}"
        )
    inputs = [_labels(term, x.ndim, subscripts) for term, x in zip(terms, operands, strict=True)]
    seen = [label for labels in inputs for label in labels]
    dots = sorted({a for a in seen if a.startswith(".")}, key=lambda a: int(a[3:]), reverse=True)
    if not arrow:
        once = sorted(a for a in set(seen) if seen.count(a) == 1 and not a.startswith("."))
        return inputs, [*dots, *once]
    before, has_dots, after = right.partition("...")
    output = [*before, *(dots if has_dots else []), *after]
    if len(set(output)) != len(output) or not set(output) <= set(seen):
        raise ArgumentError(
            f"einsum: wrong result {right!r}: expected letters of the operands, each once"
        )
    return inputs, output


def _labels(term: str, ndim: int, subscripts: str) -> Labels:
    """The labels of one operand. The axes of ... are numbered from the last one."""
    before, dots, after = term.partition("...")
    letters = before + after
    hidden = ndim - len(letters)
    if not (letters.isalpha() or not letters) or hidden < 0 or (hidden > 0 and not dots):
        raise ArgumentError(
            f"einsum: wrong subscripts {term!r} of {subscripts!r}: got an operand of rank {ndim}, "
            "expected a letter for each axis, or ..."
        )
    return [*before, *(f"...{i}" for i in reversed(range(hidden))), *after]


def _without_repeats(x: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """The diagonal over every label that occurs twice."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ShapeError(
                    f"einsum: sizes of {label!r} differ: got {x.shape[first]} and {x.shape[second]}"
                )
            x = diagonal(x, 0, first, second)
            labels = [a for i, a in enumerate(labels) if i not in (first, second)] + [label]
    return x, labels


def _sizes(terms: Iterable[tuple[Tensor, Labels]]) -> dict[str, SizeLike]:
    """The size of each label; 1 stretches to any other."""
    sizes: dict[str, SizeLike] = {}
    for x, labels in terms:
        for label, n in zip(labels, x.shape, strict=True):
            known = sizes.get(label, 1)
            if known == 1:
                sizes[label] = n
            elif n not in (1, known):
                raise ShapeError(f"einsum: sizes of {label!r} differ: got {known} and {n}")
    return sizes


def _stretched(x: Tensor, labels: Labels, sizes: dict[str, SizeLike]) -> Tensor:
    shape = tuple(sizes[a] for a in labels)
    return x if x.shape == shape else broadcast_to(x, shape)


def _summed(x: Tensor, labels: Labels, kept: Iterable[str]) -> tuple[Tensor, Labels]:
    """x summed over the labels that are not kept."""
    wanted = set(kept)
    axes = [i for i, a in enumerate(labels) if a not in wanted]
    if not axes:
        return x, labels
    return sum(x, axes), [a for a in labels if a in wanted]


def _join(
    a: Tensor,
    left: Labels,
    b: Tensor,
    right: Labels,
    needed: set[str],
    sizes: dict[str, SizeLike],
) -> tuple[Tensor, Labels]:
    """One product of two operands, summed over the labels that both have and nobody needs."""
    # A label of size 1 on one side alone is not shared, unless it must be summed on both.
    a, left = _summed(_stretched(a, left, sizes), left, needed | set(right))
    b, right = _summed(_stretched(b, right, sizes), right, needed | set(left))
    both = [label for label in left if label in right]
    batch = [label for label in both if label in needed]
    inner = [label for label in both if label not in needed]
    rows = [label for label in left if label not in both]
    columns = [label for label in right if label not in both]
    result = [*batch, *rows, *columns]
    if not inner:  # nothing to sum: a product of broadcast operands
        a = permute_dims(a, [left.index(x) for x in (*batch, *rows)])
        b = permute_dims(b, [right.index(x) for x in (*batch, *columns)])
        a = reshape(a, (*a.shape, *[1] * len(columns)))
        b = reshape(b, (*b.shape[: len(batch)], *[1] * len(rows), *b.shape[len(batch) :]))
        return multiply(a, b), result
    product = matmul(_matrix(a, left, batch, rows, inner), _matrix(b, right, batch, inner, columns))
    return reshape(product, [sizes[x] for x in result]), result


def _matrix(x: Tensor, labels: Labels, batch: Labels, rows: Labels, columns: Labels) -> Tensor:
    """x as matrices: batch axes, rows merged into one, columns merged into one."""
    x = permute_dims(x, [labels.index(a) for a in (*batch, *rows, *columns)])
    split = len(batch) + len(rows)
    m, n = count_of(x, range(len(batch), split)), count_of(x, range(split, x.ndim))
    return reshape(x, (*x.shape[: len(batch)], m, n))
