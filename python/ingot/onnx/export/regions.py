"""Branches and loops: the regions of a node become bodies, which read the values around them.

An ONNX model cannot stop its run, so what stops it here becomes a condition that travels out of the
bodies, as one more result of each, to an output of the model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from .emitter import Emitter, Subgraph
from .registry import Call, exports
from .terms import Term


def _results(call: Call, names: Sequence[str]) -> list[Term]:
    pairs = zip(names, call.results, strict=True)
    return [Term(call.emitter, name, dtype, shape) for name, (dtype, shape) in pairs]


@exports("abort")
def _abort(call: Call) -> list[Term]:
    call.emitter.aborts.append(call.operands[0])
    return []


def any_of(conditions: Sequence[Term]) -> Term:
    """Whether one of the conditions holds."""
    return functools.reduce(lambda a, b: a | b, conditions)


def _body(
    emitter: Emitter, name: str, write: Callable[[Subgraph], None]
) -> tuple[Subgraph, list[Term]]:
    """A body, and the conditions under which it stops."""
    body, outer = Subgraph(emitter, name), emitter.aborts
    emitter.aborts = []
    with emitter.inside(body, emitter.prefix):
        write(body)
    aborts, emitter.aborts = emitter.aborts, outer
    return body, aborts


@exports("fused")
def _fused(call: Call) -> list[Term]:
    """A group is what is in it."""
    return call.run(0, [])


@exports("if")
def _if(call: Call) -> list[Term]:
    emitter = call.emitter

    def branch(region: int) -> tuple[Subgraph, list[Term]]:
        def write(body: Subgraph) -> None:
            for term, (_, shape) in zip(call.run(region, []), call.results, strict=True):
                body.output(term, shape)

        return _body(emitter, ("then", "else")[region], write)

    branches = [branch(0), branch(1)]
    may_stop = any(aborts for _, aborts in branches)
    if may_stop:
        for body, aborts in branches:
            with emitter.inside(body, emitter.prefix):
                body.output(any_of(aborts or [emitter.scalar(False, "bool")]), ())
    count = len(call.results) + may_stop
    if count == 0:
        return []
    bodies = {f"{body.name}_branch": body.proto for body, _ in branches}
    names = emitter.emit("If", call.operands[0].name, outputs=count, **bodies)
    if may_stop:
        emitter.aborts.append(Term(emitter, names.pop(), "bool"))
    return _results(call, names)


@exports("while")
def _while(call: Call) -> list[Term]:
    """A Loop of no fixed number of turns: the condition of the first turn is computed before it,
    that of the others at the end of the turn before. A turn that stops the run is the last."""
    emitter = call.emitter
    (going,) = call.run(0, call.operands)

    def write(body: Subgraph) -> None:
        body.input("turn", "i64", ())
        body.input("going", "bool", ())
        carried = [body.input("carried", dtype, shape) for dtype, shape in call.results]
        carried = call.run(1, carried)
        (again,) = call.run(0, carried)
        if emitter.aborts:
            again = again & ~any_of(emitter.aborts)
        body.output(again, ())
        for term, (_, shape) in zip(carried, call.results, strict=True):
            body.output(term, shape)

    body, aborts = _body(emitter, "turn", write)
    inputs = ["", going.name, *[x.name for x in call.operands]]
    if aborts:
        inputs.append(_carry_stop(body, aborts, len(body.inputs), len(body.outputs)))
    names = emitter.emit("Loop", *inputs, outputs=len(body.outputs) - 1, body=body.proto)
    if aborts:
        emitter.aborts.append(Term(emitter, names.pop(), "bool"))
    return _results(call, names)


def _carry_stop(body: Subgraph, aborts: Sequence[Term], at_input: int, at_output: int) -> str:
    """Makes whether a turn stopped the run one more carried value, with these places among the
    body's inputs and outputs; the name of its first value."""
    emitter = body.emitter
    with emitter.inside(body, emitter.prefix):
        before = body.input("aborted", "bool", ())
        body.output(any_of([before, *aborts]), ())
    body.inputs.insert(at_input, body.inputs.pop())
    body.outputs.insert(at_output, body.outputs.pop())
    return emitter.scalar(False, "bool").name


@exports("scan")
def _scan(call: Call) -> list[Term]:
    """A Scan over the operands and over the turns' numbers, which the body is given too."""
    emitter, carries = call.emitter, call.attrs["carries"]
    if call.attrs["length"] == 0:  # no turn, which runtimes refuse
        return _without_turns(call)
    zero, one = (emitter.scalar(n, "i64") for n in (0, 1))
    turns = zero.op("Range", call.sizes.scalar(call.attrs["length"]), one)

    def write(body: Subgraph) -> None:
        hints = ["carried"] * carries + ["turn"] + ["x"] * (len(call.operands) - carries)
        typed = zip(hints, call.regions[0], strict=True)
        args = [body.input(hint, dtype, shape) for hint, (dtype, shape) in typed]
        for i, term in enumerate(call.run(0, args)):
            _, shape = call.results[i]
            body.output(term, shape if i < carries else shape[1:])

    body, aborts = _body(emitter, "turn", write)
    carried = [x.name for x in call.operands[:carries]]
    if aborts:
        carried.append(_carry_stop(body, aborts, carries, carries))
    if not body.outputs:
        return []
    scanned = [turns.name, *[x.name for x in call.operands[carries:]]]
    stacked = len(call.results) - carries
    directions = {"scan_input_directions": [int(call.attrs["reverse"])] * len(scanned)}
    if stacked:
        directions["scan_output_directions"] = [int(call.attrs["reverse"])] * stacked
    names = emitter.emit(
        "Scan",
        *[*carried, *scanned],
        outputs=len(body.outputs),
        num_scan_inputs=len(scanned),
        **directions,
        body=body.proto,
    )
    if aborts:
        emitter.aborts.append(Term(emitter, names.pop(carries), "bool"))
    return _results(call, names)


def _without_turns(call: Call) -> list[Term]:
    carries = call.attrs["carries"]
    stacked = [
        call.emitter.scalar(0, dtype).op("Expand", call.sizes.vector(shape))
        for dtype, shape in call.results[carries:]
    ]
    return [*call.operands[:carries], *stacked]
