"""If, Loop and Scan.

What is known while recording is decided at once: the branch of an If, the turns of a Loop whose
values change their shapes. All else becomes one node with regions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ingot import composite, control, ops
from ingot.control.scans import scan_lists
from ingot.errors import DTypeError, FileError, ShapeError, UnsupportedError
from ingot.onnx.node import Node, known_size, one_axis, tensor_of
from ingot.onnx.package import dtype_from
from ingot.onnx.registry import operator
from ingot.onnx.values import Sizes, Value, is_known, recording
from ingot.tensor import SizeLike, Tensor, wrap

_MAX_UNROLLED = 256  # turns


@operator("If")
def if_(node: Node) -> tuple[Value, ...]:
    branches = node.attr("then_branch"), node.attr("else_branch")
    if any(len(b.output) != node.outputs for b in branches):
        raise FileError(f"a branch does not give {node.outputs} outputs")
    condition = node.value(0)
    if is_known(condition):
        return tuple(node.run_graph(branches[0] if node.number(0) else branches[1], []))

    def run(branch: Any) -> Callable[[], list[Tensor]]:
        def results() -> list[Tensor]:
            found = node.run_graph(branch, [])
            if any(not isinstance(v, (Tensor, Sizes)) for v in found):
                raise node.unknown(0)
            return [tensor_of(v) for v in found]

        return results

    try:
        return tuple(control.cond(ops.reshape(node.x(0), ()), run(branches[0]), run(branches[1])))
    except (ShapeError, DTypeError) as error:
        found = UnsupportedError(f"unsupported: branches that only a run decides on: {error}")
        found.inputs = node.unknown(0).inputs
        raise found from None


# Loop.


def _is_always_true(body: Any) -> bool:
    """Whether the condition that the body gives is the one it took, or a constant true."""
    makers = {name: n for n in body.node for name in n.output}
    name = body.output[0].name
    while name in makers and makers[name].op_type == "Identity":
        name = makers[name].input[0]
    if name == body.input[1].name:
        return True
    maker = makers.get(name)
    if maker is not None and maker.op_type == "Constant" and maker.attribute[0].name == "value":
        return bool(
            maker.attribute[0].t.raw_data.strip(b"\0") or any(maker.attribute[0].t.int32_data)
        )
    return any(
        t.name == name and (t.raw_data.strip(b"\0") or any(t.int32_data)) for t in body.initializer
    )


class _Loop:
    """A Loop node: how many turns, whether to go on, the carried values."""

    def __init__(self, node: Node) -> None:
        self.node, self.body = node, node.attr("body")
        self.count = len(node.inputs) - 2
        if len(self.body.input) != 2 + self.count or len(self.body.output) < 1 + self.count:
            raise FileError("the body's inputs or outputs do not fit the node's")
        self.carry = [node.value(2 + i) for i in range(self.count)]
        self.stacked = len(self.body.output) - 1 - self.count
        self.trips = self._trips()
        self.start = node.x(1) if node.has(1) else wrap(np.asarray(True))

    def _trips(self) -> SizeLike | Tensor | None:
        """A number or size, None without a limit, a tensor where only a run knows it."""
        if not self.node.has(0):
            return None
        given = self.node.value(0)
        if isinstance(given, Sizes) or is_known(given):
            return self.node.sizes(0)[0]
        return ops.reshape(self.node.x(0), ())

    def counted(self) -> bool:
        """Whether the number of turns is known, or a size."""
        return self.trips is not None and not isinstance(self.trips, Tensor)

    def turn(
        self, i: Tensor, going: Tensor, carry: Sequence[Value]
    ) -> tuple[Any, list[Any], list[Any]]:
        """(condition, carried values, values to stack) of one turn."""
        found = self.node.run_graph(self.body, [i, going, *carry])
        return found[0], found[1 : 1 + self.count], found[1 + self.count :]

    def unrolled(self) -> tuple[Value, ...]:
        """Turn by turn; the condition must be known at each."""
        going: Any = self.start
        carry, rows, i = list(self.carry), [], 0
        while self.trips is None or i < self._limit():
            if not is_known(going):
                raise UnsupportedError("unsupported: a condition known only when it runs")
            if not tensor_of(going).numpy().all():
                break
            if recording() and i >= _MAX_UNROLLED:
                raise UnsupportedError(f"unsupported: more than {_MAX_UNROLLED} unrolled turns")
            going, carry, row = self.turn(wrap(np.asarray(i, np.int64)), going, carry)
            rows.append([tensor_of(v) for v in row])
            i += 1
        stacks = [composite.stack(column) for column in zip(*rows, strict=True)]
        return (*carry, *(stacks if rows else self._empty()))

    def _limit(self) -> int:
        if isinstance(self.trips, Tensor):
            raise self.node.unknown(0)
        assert self.trips is not None
        return known_size(self.trips, "the number of turns")

    def _empty(self) -> list[Tensor]:
        """Stacks of no turns, as the body's outputs are declared."""
        found = []
        for info in self.body.output[1 + self.count :]:
            tensor = info.type.tensor_type
            if any(not d.HasField("dim_value") for d in tensor.shape.dim):
                raise UnsupportedError("unsupported: no turns, and results of unknown shape")
            shape = (0, *(d.dim_value for d in tensor.shape.dim))
            found.append(composite.zeros(shape, dtype=dtype_from(tensor.elem_type, info.name)))
        return found

    def scanned(self) -> tuple[Value, ...]:
        """One scan node, for a number of turns that is known or a size."""
        true = wrap(np.asarray(True))
        start = [tensor_of(v, "a carried value") for v in self.carry]

        def body(
            i: Tensor, carry: list[Tensor], _: list[Tensor]
        ) -> tuple[list[Tensor], list[Tensor]]:
            after, row = self.turn(i, true, carry)[1:]
            return [tensor_of(v) for v in after], [tensor_of(v) for v in row]

        if self.trips is None or isinstance(self.trips, Tensor):
            raise self.node.unknown(0)
        last, stacks = scan_lists(body, start, [], self.trips, False)
        return (*last, *stacks)

    def looped(self) -> tuple[Value, ...]:
        """One while node; there can be nothing to stack."""
        if self.stacked:
            raise self.node.unknown(1 if self.counted() else 0)
        start = [tensor_of(v, "a carried value") for v in self.carry]
        trips: Any = self.trips

        def go_on(values: list[Tensor]) -> Tensor:
            return (
                values[1]
                if trips is None
                else ops.logical_and(values[1], ops.less(values[0], trips))
            )

        def body(values: list[Tensor]) -> list[Tensor]:
            going, after, _ = self.turn(values[0], values[1], values[2:])
            return [
                values[0] + 1,
                ops.reshape(tensor_of(going), ()),
                *(tensor_of(v) for v in after),
            ]

        first = [wrap(np.asarray(0, np.int64)), ops.reshape(self.start, ()), *start]
        return tuple(control.while_loop(go_on, body, first)[2:])


@operator("Loop")
def loop(node: Node) -> tuple[Value, ...]:
    it = _Loop(node)
    if not recording():
        return it.unrolled()
    counted = it.counted()
    always = _is_always_true(it.body) and is_known(it.start) and bool(it.start.numpy().all())
    tries = [it.scanned, it.unrolled] if counted and always else [it.looped, it.unrolled]
    first: Exception | None = None
    for attempt in tries:
        try:
            return attempt()
        except (DTypeError, FileError, ShapeError, UnsupportedError) as error:
            first = error if first is None else first
    assert first is not None
    if isinstance(first, FileError):  # broken, whichever way it is read
        raise first
    found = UnsupportedError(f"unsupported: a loop of this kind: {first}")
    found.inputs = getattr(first, "inputs", ())
    raise found from None


# Scan.


@operator("Scan")
def scan(node: Node) -> tuple[Value, ...]:
    if node.version < 9:
        return _batched_scan(node)
    count = node.attr("num_scan_inputs")
    states, xs = node.all()[:-count], node.all()[-count:]
    return tuple(_scan(node, states, xs))


def _listed(node: Node, name: str, count: int) -> list[int]:
    found = node.attr(name)
    found = [0] * count if found is None else found
    if len(found) != count:
        raise FileError(f"{name} of length {len(found)}: expected {count}")
    return found


def _scan(node: Node, states: Sequence[Tensor], xs: Sequence[Tensor]) -> list[Tensor]:
    body = node.attr("body")
    if len(body.input) != len(states) + len(xs) or len(body.output) < len(states):
        raise FileError("the body's inputs or outputs do not fit the node's")
    stacked = len(body.output) - len(states)
    moved = []
    input_directions = "scan_input_directions" if node.version >= 9 else "directions"
    for x, axis, back in zip(
        xs,
        _listed(node, "scan_input_axes", len(xs)),
        _listed(node, input_directions, len(xs)),
        strict=True,
    ):
        front = composite.moveaxis(x, one_axis(axis, x.ndim), 0)
        moved.append(ops.flip(front, 0) if back else front)

    def turn(carry: list[Tensor], x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        found = [tensor_of(v) for v in node.run_graph(body, [*carry, *x])]
        return found[: len(states)], found[len(states) :]

    last, ys = control.scan(turn, list(states), moved)
    results = []
    axes, backwards = (
        _listed(node, n, stacked) for n in ("scan_output_axes", "scan_output_directions")
    )
    for y, axis, back in zip(ys, axes, backwards, strict=True):
        y = ops.flip(y, 0) if back else y
        results.append(composite.moveaxis(y, 0, one_axis(axis, y.ndim)))
    return [*last, *results]


def _batched_scan(node: Node) -> tuple[Value, ...]:
    """Version 8: everything has a batch axis in front, and every sequence is full."""
    if node.has(0):
        raise UnsupportedError("unsupported: lengths of sequences")
    count = node.attr("num_scan_inputs")
    values = [node.x(i) for i in range(1, len(node.inputs))]
    batch = known_size(values[0].shape[0], "the batch of a scan")
    rows = [
        _scan(node, [v[b] for v in values[:-count]], [v[b] for v in values[-count:]])
        for b in range(batch)
    ]
    return tuple(composite.stack(column) for column in zip(*rows, strict=True))
