"""cond and switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ingot import tape
from ingot.dtypes import kind_of
from ingot.errors import ArgumentError, DTypeError
from ingot.ops.axes import as_tensor
from ingot.ops.pointwise_compare import less
from ingot.recorder import Recorder, active_recorder
from ingot.tensor import Tensor, TensorLike

from .values import Values, fitting, flatten, or_zeros, truth_of

Branch = Callable[..., Any]


def cond(pred: TensorLike, true_fn: Branch, false_fn: Branch, *operands: Any) -> Any:
    """true_fn(*operands) where `pred` is true, else false_fn(*operands); only one of them runs.

    pred: bool[], or a number. Recorded on a recorded condition, both branches are recorded, must
    give values nested and typed alike, and the program chooses; a condition that is known while
    recording is decided at once. Raises ShapeError, DTypeError, ArgumentError where the branches
    differ.

    >>> import ingot
    >>> ingot.cond(ingot.tensor(True), lambda x: x + 1, lambda x: x * 2, ingot.tensor(5))
    Tensor(6, dtype=int64)
    """
    condition = truth_of("cond", pred)
    recorder = active_recorder()
    if recorder is None or not condition.is_recorded:
        return (true_fn if condition else false_fn)(*operands)
    return _record(recorder, condition, (true_fn, false_fn), operands)


def _record(
    recorder: Recorder,
    condition: Tensor,
    branches: tuple[Branch, Branch],
    operands: Sequence[Any],
) -> Any:
    since = tape.next_serial()
    with recorder.node("if", [condition], {}) as results:
        recorder.begin_region([])
        first: Values = flatten("cond: the result", branches[0](*operands))
        recorder.end_region(first.leaves)
        recorder.begin_region([])
        second = fitting(first, branches[1](*operands))
        recorder.end_region(second)
    targets = tape.reached([*first.leaves, *second], since)

    def pull(gradients: tape.Gradients, _: tape.Gradients) -> list[Tensor]:
        given = [(i, g) for i, g in enumerate(gradients) if g is not None]

        def of(branch: Branch) -> Branch:
            def run() -> list[Tensor]:
                with tape.grad_mode(True):
                    leaves = flatten("cond", branch(*operands)).leaves
                outputs = [leaves[i] for i, _ in given]
                return or_zeros(tape.pull_back(outputs, [g for _, g in given], targets), targets)

            return run

        found: list[Tensor] = cond(condition, of(branches[0]), of(branches[1]))
        return found

    tape.attach(results, targets, pull)
    return first.rebuild(results)


def switch(index: TensorLike, branches: Sequence[Branch], *operands: Any) -> Any:
    """branches[index](*operands); an index below 0 means the first, one too large the last.

    index: an integer scalar. As `cond` otherwise.

    >>> import ingot
    >>> ingot.switch(ingot.tensor(7), [lambda: ingot.tensor(0), lambda: ingot.tensor(1)])
    Tensor(1, dtype=int64)
    """
    if not branches:
        raise ArgumentError("switch: no branches: expected at least one")
    position = as_tensor("switch", index)
    if kind_of(position.dtype) not in ("int", "uint") or position.shape != ():
        raise DTypeError(
            f"switch: wrong index: got {position.dtype}{list(position.shape)}, expected an integer"
        )
    return _choose(position, list(branches), 0, operands)


def _choose(index: Tensor, branches: list[Branch], first: int, operands: Sequence[Any]) -> Any:
    """Halves the branches, which are number `first` and the following ones."""
    if len(branches) == 1:
        return branches[0](*operands)
    half = len(branches) // 2
    return cond(
        less(index, np.asarray(first + half, index.dtype)),
        lambda: _choose(index, branches[:half], first, operands),
        lambda: _choose(index, branches[half:], first + half, operands),
    )
