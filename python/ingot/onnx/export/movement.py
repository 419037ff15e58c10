"""Ops that move data: shapes, windows, joins, picks by index. Nothing is computed but positions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ingot.tensor import SizeLike

from .pointwise import computed
from .registry import Call, exports
from .sizes import Sizes
from .terms import Term

_LEAST = -(2**63) + 1  # past the front of every axis


@exports("reshape")
def _reshape(call: Call) -> Term:
    (x,) = call.operands
    shape = _short_shape(x.shape, call.shape, call.sizes)
    if shape is not None:
        return x.op("Reshape", x.emitter.ints(shape))
    return x.op("Reshape", call.sizes.vector(call.shape), allowzero=1)


def _short_shape(
    old: Sequence[SizeLike], new: Sequence[SizeLike], sizes: Sizes
) -> list[int] | None:
    """The shape as a constant: a size that stays in its place is 0, one other is -1. None where
    this does not say it."""
    if any(isinstance(n, int) and n == 0 for n in (*old, *new)):
        return None
    result = [
        n if isinstance(n, int) else 0 if i < len(old) and old[i] == n else -1
        for i, n in enumerate(new)
    ]
    # What is divided by nothing is not known.
    kept = [n for n, short in zip(new, result, strict=True) if short != -1]
    if -1 in result and any(sizes.may_be_empty(n) for n in kept):
        return None
    return result if result.count(-1) <= 1 else None


@exports("broadcast_to")
def _broadcast_to(call: Call) -> Term:
    (x,) = call.operands
    lead = len(call.shape) - len(x.shape)
    # Expand broadcasts both ways, so that 1 keeps a size.
    kept = [i >= lead and x.shape[i - lead] == n for i, n in enumerate(call.shape)]
    if all(kept):
        return x
    shape = [1 if same else n for same, n in zip(kept, call.shape, strict=True)]
    return computed(x).op("Expand", call.sizes.vector(shape)).cast(x.dtype)


@exports("permute_dims")
def _permute_dims(call: Call) -> Term:
    return call.operands[0].op("Transpose", perm=list(call.attrs["axes"]))


@exports("flip")
def _flip(call: Call) -> Term:
    (x,) = call.operands
    axes = list(call.attrs["axes"])
    if not axes:
        return x
    ints = x.emitter.ints
    ones = [1] * len(axes)
    ends = [_LEAST] * len(axes)
    return x.op("Slice", ints([-1 for _ in axes]), ints(ends), ints(axes), ints([-n for n in ones]))


@exports("slice")
def _slice(call: Call) -> Term:
    (x,) = call.operands
    bounds = zip(call.attrs["start"], call.attrs["stop"], call.attrs["step"], strict=True)
    cuts = [
        (axis, start, stop, step)
        for axis, (start, stop, step) in enumerate(bounds)
        if not (start == 0 and stop == x.shape[axis] and step == 1)
    ]
    if not cuts:
        return x
    axes, starts, stops, steps = zip(*cuts, strict=True)
    vector, ints = call.sizes.vector, x.emitter.ints
    return x.op("Slice", vector(starts), vector(stops), ints(axes), ints(steps))


@exports("concat")
def _concat(call: Call) -> Term:
    first, *rest = call.operands
    return first.op("Concat", *rest, axis=call.attrs["axis"])


@exports("pad")
def _pad(call: Call) -> Term:
    if all(isinstance(n, int) and n == 0 for n in (*call.attrs["low"], *call.attrs["high"])):
        return call.operands[0]
    x, value = (computed(a) for a in call.operands)
    widths = call.sizes.vector([*call.attrs["low"], *call.attrs["high"]])
    return x.op("Pad", widths, value, mode="constant").cast(call.dtype)


@exports("take")
def _take(call: Call) -> Term:
    x, indices = call.operands
    return x.op("Gather", indices, axis=call.attrs["axis"])


@exports("take_along_axis")
def _take_along_axis(call: Call) -> Term:
    x, indices = call.operands
    return x.op("GatherElements", indices, axis=call.attrs["axis"])


@exports("scatter")
def _scatter(call: Call) -> Term:
    x, updates, indices = call.operands
    return x.op("ScatterElements", indices, updates, axis=call.attrs["axis"])


_REDUCTION = {"add": "add", "multiply": "mul", "min": "min", "max": "max"}


@exports("scatter_reduce")
def _scatter_reduce(call: Call) -> Term:
    x, updates = (a.cast("f32") if a.dtype == "f16" else computed(a) for a in call.operands[:2])
    attrs = {"axis": call.attrs["axis"], "reduction": _REDUCTION[call.attrs["reduce"]]}
    return x.op("ScatterElements", call.operands[2], updates, **attrs).cast(call.dtype)


# ---- windows whose place is known at the run


def _place(call: Call, start: Term, shape: Sequence[SizeLike]) -> Term:
    """int64[rank]: where the window begins, counted from the front."""
    first = start.cast("i64")
    return (first < 0).where(first + call.sizes.vector(shape), first)


@exports("dynamic_slice")
def _dynamic_slice(call: Call) -> Term:
    x, start = call.operands
    if not x.shape:
        return x
    first = _place(call, start, x.shape)
    axes = x.emitter.ints(range(len(x.shape)))
    return x.op("Slice", first, first + call.sizes.vector(call.shape), axes)


@exports("dynamic_update_slice")
def _dynamic_update_slice(call: Call) -> Term:
    """Axis by axis: what lies before the window, the window, what lies after it."""
    x, update, start = call.operands
    axes = [i for i, n in enumerate(x.shape) if n != update.shape[i]]
    first = _place(call, start, x.shape) if axes else None
    return _updated(call, x, update, first, axes)


def _updated(call: Call, x: Term, update: Term, first: Term | None, axes: Sequence[int]) -> Term:
    if first is None or not axes:
        return update
    axis, *others = axes
    ints = x.emitter.ints
    begin = first.op("Slice", ints([axis]), ints([axis + 1]))
    end = begin + call.sizes.vector([update.shape[axis]])
    before = x.op("Slice", ints([0]), begin, ints([axis]))
    after = x.op("Slice", end, ints([np.iinfo(np.int64).max]), ints([axis]))
    if others:
        middle = x.op("Slice", begin, end, ints([axis]))
        update = _updated(call, middle, update, first, others)
    return before.op("Concat", update, after, axis=axis)
