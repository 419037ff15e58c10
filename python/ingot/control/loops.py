"""while_loop and fori_loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ingot import tape
from ingot.composite.creation import zeros
from ingot.composite.shaping import expand_dims
from ingot.errors import AbortError, ArgumentError, DTypeError
from ingot.ops.axes import as_tensor
from ingot.ops.control import abort
from ingot.ops.indexing import dynamic_slice, dynamic_update_slice
from ingot.ops.movement import pad
from ingot.recorder import Recorder, active_recorder
from ingot.tensor import Tensor, TensorLike, wrap

from .scans import scan_lists
from .values import (
    Retrace,
    aliases,
    fitting,
    flatten,
    marked,
    or_zeros,
    outside,
    truth_of,
    type_of,
)

Condition = Callable[[list[Tensor]], Tensor]
Body = Callable[[list[Tensor]], list[Tensor]]


def while_loop(
    cond_fun: Callable[[Any], Any],
    body_fun: Callable[[Any], Any],
    init_val: Any,
    *,
    max_trips: int | None = None,
) -> Any:
    """val = body_fun(val) as long as cond_fun(val) is true; returns the last val.

    init_val: nested tensors; body_fun keeps their nesting, shapes and dtypes. max_trips: a bound on
    the turns, beyond which the loop aborts; a recorded loop needs one to be differentiated, because
    it then keeps the values that every turn began with. Raises ShapeError, DTypeError,
    ArgumentError where the body changes the value's type, AbortError for too many turns.

    >>> import ingot
    >>> ingot.while_loop(lambda n: n < 100, lambda n: n * 2, ingot.tensor(3))
    Tensor(192, dtype=int64)
    """
    start = flatten("while_loop: the value", init_val)

    def condition(values: list[Tensor]) -> Tensor:
        return truth_of("while_loop", cond_fun(start.rebuild(values)))

    def body(values: list[Tensor]) -> list[Tensor]:
        return fitting(start, body_fun(start.rebuild(values)))

    return start.rebuild(while_lists(condition, body, start.leaves, max_trips))


def while_lists(
    condition: Condition, body: Body, carry: Sequence[Tensor], max_trips: int | None
) -> list[Tensor]:
    """The same on lists."""
    recorder = active_recorder()
    if recorder is None:
        return _run(condition, body, list(carry), max_trips)
    wanted, keeps = [x.requires_grad and tape.is_grad_enabled() for x in carry], False
    while True:
        try:
            loop = _Recording(recorder, condition, body, carry, max_trips)
            return loop.record(wanted, keeps)
        except Retrace as more:
            wanted, keeps = more.args


def _run(
    condition: Condition, body: Body, carry: list[Tensor], max_trips: int | None
) -> list[Tensor]:
    """Eagerly."""
    trips = 0
    while bool(condition(carry)):
        if trips == max_trips:
            raise AbortError(f"abort: {_too_many(trips)}")
        carry = body(carry)
        trips += 1
    return carry


def _too_many(max_trips: int) -> str:
    return f"while_loop: more turns than max_trips={max_trips}"


class _Recording:
    """One while node and its derivative. With a bound the number of turns is carried in front; if
    the values that every turn began with are kept, stacks of them are carried behind."""

    def __init__(
        self,
        recorder: Recorder,
        condition: Condition,
        body: Body,
        carry: Sequence[Tensor],
        max_trips: int | None,
    ) -> None:
        self.recorder, self.condition, self.body = recorder, condition, body
        self.carry, self.max_trips = list(carry), max_trips
        self.wanted: list[bool] = []
        self.externals: list[Tensor] = []
        self.results: list[Tensor] = []

    def record(self, wanted: list[bool], keeps: bool) -> list[Tensor]:
        """Records the node. Raises Retrace with (values that want gradients, whether to keep)."""
        self.wanted = wanted
        since, count, lead = tape.next_serial(), len(self.carry), int(self.max_trips is not None)
        turns = [wrap(np.asarray(0, np.int64))] * lead
        stacks = [self._stack(x) for x in self.carry] if keeps else []
        operands = [*turns, *self.carry, *stacks]
        types = [type_of(x) for x in operands]
        with self.recorder.node("while", operands, {}) as results:
            arguments = self.recorder.begin_region(types)
            self.recorder.end_region([self.condition(arguments[lead : lead + count])])
            arguments = self.recorder.begin_region(types)
            values = marked(arguments[lead : lead + count], wanted)
            kept = self._keep(arguments[:lead], values, arguments[lead + count :])
            after = self.body(values)
            grown = [w or y.requires_grad for w, y in zip(wanted, after, strict=True)]
            self.externals = outside(after, since, values)
            must_keep = bool(lead) and (any(grown) or bool(self.externals))
            if grown != wanted or must_keep != keeps:
                raise Retrace(grown, must_keep)
            self.recorder.end_region([*(t + 1 for t in arguments[:lead]), *after, *kept])
        self.results = results
        if any(wanted) or self.externals:
            inputs = [tape.wanted(x) for x in self.carry]
            padding: list[Tensor | None] = [None] * lead
            behind: list[Tensor | None] = [None] * len(stacks)
            tape.attach(results, [*padding, *inputs, *behind, *self.externals], self.pull)
        return results[lead : lead + count]

    def _stack(self, x: Tensor) -> Tensor:
        assert self.max_trips is not None
        return zeros((self.max_trips, *x.shape), dtype=x.dtype)

    def _keep(
        self, turns: Sequence[Tensor], values: Sequence[Tensor], stacks: Sequence[Tensor]
    ) -> list[Tensor]:
        """Checks the number of turns, and writes this turn's values into the stacks."""
        if not turns:
            return []
        assert self.max_trips is not None
        abort(turns[0] >= self.max_trips, _too_many(self.max_trips))
        return [
            dynamic_update_slice(stack, expand_dims(x.detach(), 0), _start(turns[0], x.ndim))
            for stack, x in zip(stacks, values, strict=False)
        ]

    def pull(self, gradients: tape.Gradients, _: tape.Gradients) -> list[Tensor | None]:
        """A while loop that counts the turns down and runs each body again."""
        if self.max_trips is None:
            raise ArgumentError(
                "while_loop: no gradient of a recorded loop without a bound: expected max_trips="
            )
        count = len(self.carry)
        moving = [i for i, w in enumerate(self.wanted) if w]
        stacks, of_stacks = self.results[1 + count :], gradients[1 + count :]
        finals = [self.results[1 + i] for i in moving]
        start = or_zeros([gradients[1 + i] for i in moving], finals)
        sums = [zeros(x.shape, dtype=x.dtype) for x in self.externals]

        def back(values: list[Tensor]) -> list[Tensor]:
            turn, carry = values[0], values[1:]
            with tape.grad_mode(True):
                kept = [_row(stack, turn) for stack in stacks]
                before = aliases(kept, self.wanted)
                after = self.body(before)
            targets = [before[i] for i in moving]
            everything = [*targets, *self.externals]
            outputs = [after[i] for i in moving]
            found = or_zeros(tape.pull_back(outputs, carry[: len(moving)], everything), everything)
            for place, i in enumerate(moving):
                of_stack = of_stacks[i]
                if of_stack is not None:
                    found[place] = found[place] + _row(of_stack, turn)
            added = zip(carry[len(moving) :], found[len(moving) :], strict=True)
            return [turn - 1, *found[: len(moving)], *(a + b for a, b in added)]

        first = [self.results[0] - 1, *start, *sums]
        last = while_lists(lambda values: values[0] >= 0, back, first, self.max_trips)
        result: list[Tensor | None] = [None] * (1 + 2 * count)
        for place, i in enumerate(moving):
            result[1 + i] = last[1 + place]
        return [*result, *last[1 + len(moving) :]]


def _start(turn: Tensor, rank: int) -> Tensor:
    """The start of a row's window: [turn, 0, 0, ...]."""
    return pad(turn.reshape((1,)), 0, low=[0], high=[rank])


def _row(stack: Tensor, turn: Tensor) -> Tensor:
    """stack[turn]"""
    row = dynamic_slice(stack, _start(turn, stack.ndim - 1), sizes=[1, *stack.shape[1:]])
    return row.reshape(stack.shape[1:])


def fori_loop(
    lower: TensorLike, upper: TensorLike, body_fun: Callable[[Tensor, Any], Any], init_val: Any
) -> Any:
    """val = body_fun(i, val) for i from lower up to but without upper; returns the last val.

    lower, upper: integers; where both are known while recording the loop is a scan and can be
    differentiated, else a while loop. i: int64[]. body_fun keeps the nesting, shapes and dtypes of
    init_val (errors as of `scan`).

    >>> import ingot
    >>> ingot.fori_loop(0, 5, lambda i, total: total + i, ingot.tensor(0))
    Tensor(10, dtype=int64)
    """
    start = flatten("fori_loop: the value", init_val)
    low, high = (_bound(x) for x in (lower, upper))
    if not isinstance(low, Tensor) and not isinstance(high, Tensor):

        def body(
            i: Tensor, carry: list[Tensor], _: list[Tensor]
        ) -> tuple[list[Tensor], list[Tensor]]:
            return fitting(start, body_fun(i + low if low else i, start.rebuild(carry))), []

        return start.rebuild(scan_lists(body, start.leaves, [], max(high - low, 0), False)[0])
    first = as_tensor("fori_loop", low).astype("int64")

    def step(values: list[Tensor]) -> list[Tensor]:
        value = body_fun(values[0], start.rebuild(values[1:]))
        return [values[0] + 1, *fitting(start, value)]

    last = while_lists(lambda values: values[0] < high, step, [first, *start.leaves], None)
    return start.rebuild(last[1:])


def _bound(x: TensorLike) -> int | Tensor:
    """An integer, unless it is known only when the program runs."""
    tensor = as_tensor("fori_loop", x)
    if tensor.dtype.kind not in "iu" or tensor.shape != ():
        raise DTypeError(
            f"fori_loop: wrong bound: got {tensor.dtype}{list(tensor.shape)}, expected an integer"
        )
    return tensor if tensor.is_recorded else int(tensor)
