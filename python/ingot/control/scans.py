"""scan: a body over the slices of its inputs, with carried values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ingot import tape
from ingot.composite.creation import zeros, zeros_like
from ingot.composite.joining import stack
from ingot.errors import ArgumentError, ShapeError
from ingot.recorder import Recorder, active_recorder
from ingot.tensor import Size, SizeLike, Tensor, wrap

from .values import (
    Retrace,
    Values,
    aliases,
    fitting,
    flatten,
    marked,
    or_zeros,
    outside,
    type_of,
)

# (index, carried values, slices) -> (carried values, results)
Body = Callable[[Tensor, list[Tensor], list[Tensor]], tuple[list[Tensor], list[Tensor]]]


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: SizeLike | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """carry, y = f(carry, x) for every slice x of xs along the first axis.

    init, xs: nested tensors; xs may be None, then `length` says how often. f gives the carried
    value, nested and typed as init, and anything nested, or None. Returns the last carried value
    and the y's stacked along a new first axis. With reverse it goes from the last slice to the
    first. Recorded, it is one node. Raises ShapeError where lengths differ or a carried value
    changes its shape, DTypeError where it changes its dtype.

    >>> import ingot
    >>> ingot.scan(lambda c, x: (c + x, c * x), ingot.tensor(1), ingot.tensor([1, 2, 3]))
    (Tensor(7, dtype=int64), Tensor([ 1,  4, 12], dtype=int64))
    """
    start, items = flatten("scan: the carried value", init), flatten("scan", xs)
    count = _length(items.leaves, length)
    shape: list[Values] = []  # of the y's, once a body has run

    def body(_: Tensor, carry: list[Tensor], x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        returned = f(start.rebuild(carry), items.rebuild(x))
        if not isinstance(returned, tuple) or len(returned) != 2:
            raise ArgumentError(
                f"scan: wrong result of the body: got {type(returned).__name__}, "
                "expected (carried value, y)"
            )
        y = flatten("scan: y", returned[1])
        shape[:] = [y]
        return fitting(start, returned[0]), y.leaves

    last, ys = scan_lists(body, start.leaves, items.leaves, count, reverse)
    return start.rebuild(last), shape[0].rebuild(ys)


def _length(xs: Sequence[Tensor], length: SizeLike | None) -> SizeLike:
    if any(x.ndim == 0 for x in xs):
        raise ShapeError("scan: an input of rank 0: expected an axis to go along")
    lengths = [x.shape[0] for x in xs] + ([] if length is None else [length])
    if not lengths:
        raise ArgumentError("scan: no length: got neither xs nor length, expected one of them")
    if any(n != lengths[0] for n in lengths):
        got = ", ".join(str(n) for n in lengths)
        raise ShapeError(f"scan: lengths differ: got {got}, expected equal ones")
    return lengths[0]


def scan_lists(
    body: Body, carry: Sequence[Tensor], xs: Sequence[Tensor], length: SizeLike, reverse: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """The same on lists: the last carried values and the stacked results."""
    recorder = active_recorder()
    if recorder is None:
        return _run(body, list(carry), xs, length, reverse)
    wanted = [x.requires_grad and tape.is_grad_enabled() for x in carry]
    while True:
        try:
            return _Recording(recorder, body, carry, xs, length, reverse).record(wanted)
        except Retrace as more:
            wanted = list(more.args[0])


def _run(
    body: Body, carry: list[Tensor], xs: Sequence[Tensor], length: SizeLike, reverse: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """Eagerly."""
    if isinstance(length, Size):
        raise ArgumentError(f"scan: a symbolic length outside a recording: got {length}")
    slices = [_rows(x) for x in xs]
    rows: list[list[Tensor]] = []
    for i in range(length - 1, -1, -1) if reverse else range(length):
        carry, ys = body(wrap(np.asarray(i, np.int64)), carry, [x[i] for x in slices])
        rows.append(ys)
    if not rows:  # what the results would look like
        with tape.grad_mode(False):
            blank = [zeros(x.shape[1:], dtype=x.dtype) for x in xs]
            _, ys = body(wrap(np.asarray(0, np.int64)), carry, blank)
        return carry, [zeros((0, *y.shape), dtype=y.dtype) for y in ys]
    if reverse:
        rows.reverse()
    return carry, [stack(column) for column in zip(*rows, strict=True)]


def _rows(x: Tensor) -> list[Tensor]:
    """The slices along the first axis, whose gradients are stacked once."""
    rows = [wrap(np.asarray(row)) for row in x.numpy()]

    def pull(gradients: tape.Gradients, _: tape.Gradients) -> list[Tensor]:
        return [stack(or_zeros(gradients, rows))]

    tape.attach(rows, [tape.wanted(x)], pull)
    return rows


class _Recording:
    """One scan node and its derivative."""

    def __init__(
        self,
        recorder: Recorder,
        body: Body,
        carry: Sequence[Tensor],
        xs: Sequence[Tensor],
        length: SizeLike,
        reverse: bool,
    ) -> None:
        self.recorder, self.body = recorder, body
        self.carry, self.xs = list(carry), list(xs)
        self.length, self.reverse = length, reverse
        self.wanted: list[bool] = []  # of the carried values
        self.externals: list[Tensor] = []
        self.results: list[Tensor] = []
        self.num_ys = 0

    def record(self, wanted: list[bool]) -> tuple[list[Tensor], list[Tensor]]:
        """Records the node. Raises Retrace with the carried values that want gradients too."""
        self.wanted = wanted
        since, count = tape.next_serial(), len(self.carry)
        attrs = {"carries": count, "length": self.length, "reverse": self.reverse}
        types = [type_of(x) for x in self.carry] + [("i64", ())]
        types += [(dtype, shape[1:]) for dtype, shape in map(type_of, self.xs)]
        with self.recorder.node("scan", [*self.carry, *self.xs], attrs) as results:
            arguments = self.recorder.begin_region(types)
            carry = marked(arguments[:count], wanted)
            x = marked(arguments[count + 1 :], self._wanted_xs())
            after, ys = self.body(arguments[count], carry, x)
            grown = [w or y.requires_grad for w, y in zip(wanted, after, strict=True)]
            if grown != wanted:
                raise Retrace(grown)
            self.externals = outside([*after, *ys], since, [*carry, *x])
            differentiable = any(wanted) or any(self._wanted_xs()) or bool(self.externals)
            self.recorder.end_region([*after, *ys, *(carry if differentiable else [])])
        self.results, self.num_ys = results, len(ys)
        if differentiable:
            inputs = [tape.wanted(x) for x in [*self.carry, *self.xs]]
            tape.attach(results, [*inputs, *self.externals], self.pull)
        return results[:count], results[count : count + len(ys)]

    def _wanted_xs(self) -> list[bool]:
        return [x.requires_grad and tape.is_grad_enabled() for x in self.xs]

    def pull(self, gradients: tape.Gradients, _: tape.Gradients) -> list[Tensor | None]:
        """A scan the other way round. It carries the gradients of the carried values and the sums
        of those of the externals; its slices are the values that every turn began with, the inputs,
        and the gradients of what the turns gave."""
        count = len(self.carry)
        moving = [i for i, w in enumerate(self.wanted) if w]
        sliced = [i for i, w in enumerate(self._wants_of_inputs()) if w]
        given = [(k, g) for k, g in enumerate(gradients) if g is not None and k >= count]
        start = or_zeros([gradients[i] for i in moving], [self.results[i] for i in moving])
        sums = [zeros_like(x) for x in self.externals]
        saved = self.results[count + self.num_ys :]

        def back(
            i: Tensor, carry: list[Tensor], x: list[Tensor]
        ) -> tuple[list[Tensor], list[Tensor]]:
            with tape.grad_mode(True):
                before = aliases(x[:count], self.wanted)
                inputs = aliases(x[count : count + len(self.xs)], self._wants_of_inputs())
                after, ys = self.body(i, before, inputs)
            outputs = [*after, *ys, *before]
            targets = [before[j] for j in moving] + [inputs[j] for j in sliced]
            found = or_zeros(
                tape.pull_back(
                    [*(after[j] for j in moving), *(outputs[k] for k, _ in given)],
                    [*carry[: len(moving)], *x[count + len(self.xs) :]],
                    [*targets, *self.externals],
                ),
                [*targets, *self.externals],
            )
            added = found[len(targets) :]
            totals = [a + b for a, b in zip(carry[len(moving) :], added, strict=True)]
            return [*found[: len(moving)], *totals], found[len(moving) : len(targets)]

        slices = [*saved, *self.xs, *(g for _, g in given)]
        last, of_xs = scan_lists(back, [*start, *sums], slices, self.length, not self.reverse)
        result: list[Tensor | None] = [None] * (count + len(self.xs))
        for i, g in zip(moving, last, strict=False):
            result[i] = g
        for i, g in zip(sliced, of_xs, strict=True):
            result[count + i] = g
        return [*result, *last[len(moving) :]]

    def _wants_of_inputs(self) -> list[bool]:
        return [x.requires_grad for x in self.xs]
