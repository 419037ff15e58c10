"""Reductions, running sums and products, positions and orders along an axis, sizes."""

from __future__ import annotations

from ingot.op import OPS

from .emitter import Subgraph
from .pointwise import computed
from .registry import Call, exports
from .terms import Term


def _ordered(x: Term) -> Term:
    """The term in a dtype that ONNX compares: bools as 0 and 1."""
    return x.cast("i32") if x.dtype == "bool" else computed(x)


def _added(x: Term) -> Term:
    """The term in a dtype that runtimes add and multiply: with a sign, which changes no bit."""
    return x.cast("i64") if x.dtype in ("u32", "u64") else computed(x)


def _reduced(call: Call, x: Term) -> Term:
    name, axes = OPS[call.op].onnx, list(call.attrs["axes"])
    assert name is not None
    if not axes:  # to ONNX none are all
        return call.operands[0]
    keep = int(call.attrs["keepdims"])
    return x.op(name, x.emitter.ints(axes), keepdims=keep).cast(call.dtype)


def _sum(call: Call) -> Term:
    return _reduced(call, _added(call.operands[0]))


def _extremum(call: Call) -> Term:
    return _reduced(call, _ordered(call.operands[0]))


exports("sum")(_sum)
exports("prod")(_sum)
exports("max")(_extremum)
exports("min")(_extremum)


@exports("argmax")
def _argmax(call: Call) -> Term:
    x = _ordered(call.operands[0])
    attrs = {"axis": call.attrs["axis"], "keepdims": int(call.attrs["keepdims"])}
    return x.op("ArgMax", dtype="i64", **attrs)


@exports("argsort")
def _argsort(call: Call) -> Term:
    """TopK of all: of equal elements the one of lower index comes first, in both directions."""
    x = _ordered(call.operands[0])
    axis = call.attrs["axis"]
    count = call.sizes.vector([call.shape[axis]])
    largest = int(call.attrs["descending"])
    _, order = x.emitter.emit(
        "TopK", x.name, count.name, outputs=2, axis=axis, largest=largest, sorted=1
    )
    return Term(x.emitter, order, "i64")


@exports("cumulative_sum")
def _cumulative_sum(call: Call) -> Term:
    x = _added(call.operands[0])
    axis = x.emitter.scalar(call.attrs["axis"], "i64")
    return x.op("CumSum", axis, reverse=int(call.attrs["reverse"])).cast(call.dtype)


@exports("cumulative_prod")
def _cumulative_prod(call: Call) -> Term:
    """A Scan along the axis whose one carried value is the product so far."""
    if any(isinstance(n, int) and n == 0 for n in call.shape):  # no turn, which runtimes refuse
        return call.operands[0]
    x = _added(call.operands[0])
    emitter, axis, back = x.emitter, call.attrs["axis"], int(call.attrs["reverse"])
    shape = [n for i, n in enumerate(call.shape) if i != axis]
    first = x.like(1).op("Expand", call.sizes.vector(shape))
    body = Subgraph(emitter, "product")
    with emitter.inside(body, emitter.prefix):
        product = body.input("product", x.dtype, shape) * body.input("factor", x.dtype, shape)
        body.output(product, shape)
        body.output(product, shape)
    _, products = emitter.emit(
        "Scan",
        first.name,
        x.name,
        outputs=2,
        num_scan_inputs=1,
        scan_input_axes=[axis],
        scan_output_axes=[axis],
        scan_input_directions=[back],
        scan_output_directions=[back],
        body=body.proto,
    )
    return Term(emitter, products, x.dtype).cast(call.dtype)


@exports("arange")
def _arange(call: Call) -> Term:
    zero, one = (call.emitter.scalar(n, "i64") for n in (0, 1))
    return zero.op("Range", call.sizes.scalar(call.attrs["stop"]), one).cast(call.dtype)


@exports("size")
def _size(call: Call) -> Term:
    return call.sizes.scalar(call.attrs["value"]).cast(call.dtype)
