"""What shape arithmetic does to symbolic sizes: the operators that exporters use for it.

Every rule works on arrays of integers and sizes; what it cannot decide it leaves (None) to the
operator itself, which then computes with recorded tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ingot.recorder import active_recorder
from ingot.tensor import Size, Tensor, wrap

from .node import Node, many_axes, one_axis
from .values import Sizes, Value, folded

Rule = Callable[[Node, list[Any]], Any]
Pair = Callable[[Any, Any], Any]
_RULES: dict[str, Rule] = {}


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        for name in names:
            _RULES[name] = function
        return function

    return register


def sized(node: Node) -> Value | None:
    """The result of a node that takes sizes; None where no rule says it."""
    rule = _RULES.get(node.op)
    if rule is None:
        return None
    arrays = [_array(v) for v in node.inputs]
    if any(a is None and v is not None for a, v in zip(arrays, node.inputs, strict=True)):
        return None
    found = rule(node, arrays)
    if found is None:
        return None
    if node.op in _COMPARISONS:
        return wrap(found.astype(np.bool_))
    array = found if isinstance(found, np.ndarray) else _object(found)
    return folded(Sizes(array, _dtype(node)))


def _array(value: Value | None) -> Any:
    if isinstance(value, Sizes):
        return value.array
    if isinstance(value, Tensor) and not value.is_recorded and value.dtype.kind in "iub":
        return value.numpy().astype(object)
    return None


def _object(value: Any) -> Any:
    array = np.empty((), dtype=object)
    array[()] = value
    return array


def _dtype(node: Node) -> Any:
    if node.op == "Cast":
        return node.data_type("to")
    return next(v.dtype for v in node.inputs if isinstance(v, Sizes))


@_rule("Identity")
def _identity(_: Node, x: list[Any]) -> Any:
    return x[0]


@_rule("Cast")
def _cast(node: Node, x: list[Any]) -> Any:
    return x[0] if node.data_type("to").name in ("int64", "int32") else None


@_rule("Gather")
def _gather(node: Node, x: list[Any]) -> Any:
    if any(isinstance(i, Size) for i in x[1].ravel().tolist()):
        return None
    return np.take(x[0], x[1].astype(np.int64), axis=one_axis(node.attr("axis", 0), x[0].ndim))


@_rule("Concat")
def _concat(node: Node, x: list[Any]) -> Any:
    return np.concatenate(x, axis=node.attr("axis"))


@_rule("Unsqueeze")
def _unsqueeze(node: Node, x: list[Any]) -> Any:
    axes = node.attr("axes") if len(x) < 2 else x[1].ravel().tolist()
    return np.expand_dims(x[0], tuple(many_axes(axes, x[0].ndim + len(axes))))


@_rule("Squeeze")
def _squeeze(node: Node, x: list[Any]) -> Any:
    axes = node.attr("axes") if len(x) < 2 else x[1].ravel().tolist()
    return np.squeeze(x[0], None if axes is None else tuple(many_axes(axes, x[0].ndim)))


@_rule("Reshape")
def _reshape(_: Node, x: list[Any]) -> Any:
    shape = x[1].ravel().tolist()
    known = all(not isinstance(n, Size) for n in shape) and 0 not in shape
    return x[0].reshape(shape) if known else None


@_rule("Slice")
def _slice(node: Node, x: list[Any]) -> Any:
    if node.version < 10:
        starts, ends, axes, steps = node.attr("starts"), node.attr("ends"), node.attr("axes"), None
    else:
        given = [None if a is None else a.ravel().tolist() for a in x[1:]]
        starts, ends, axes, steps = (given + [None] * 4)[:4]
    if any(isinstance(n, Size) for n in [*starts, *ends]):
        return None
    key = [slice(None)] * x[0].ndim
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = one_axis(axes[i], x[0].ndim) if axes is not None else i
        step = steps[i] if steps is not None else 1
        last = None if step < 0 and end < -x[0].shape[axis] else end
        key[axis] = slice(start, last, step)
    return x[0][tuple(key)]


def _pairwise(function: Pair) -> Rule:
    def apply(_: Node, x: list[Any]) -> Any:
        if len(x) != 2:
            return None
        pairs = np.broadcast(*x)
        found = [function(a, b) for a, b in pairs]
        if any(n is None for n in found):
            return None
        result = np.empty(len(found), dtype=object)
        result[:] = found
        return result.reshape(pairs.shape)

    return apply


def _bounds(n: Any) -> tuple[int | None, int | None]:
    """(least, most) of a size, None where not known: sums, products and quotients of dims grow with
    them."""
    if not isinstance(n, Size):
        return int(n), int(n)
    recorder = active_recorder()
    if recorder is None or "-" in str(n):
        return None, None
    ranges = {name: recorder.range_of(name) for name in n.dims}
    most = {name: high for name, (_, high) in ranges.items() if high is not None}
    least = n.evaluate({name: low for name, (low, _) in ranges.items()})
    return least, n.evaluate(most) if len(most) == len(ranges) else None


def _is_at_least(a: Any, b: Any) -> bool:
    """Whether that is known."""
    least, most = _bounds(a)[0], _bounds(b)[1]
    return bool(a == b) or (least is not None and most is not None and least >= most)


def _is_above(a: Any, b: Any) -> bool:
    """Whether that is known."""
    least, most = _bounds(a)[0], _bounds(b)[1]
    return least is not None and most is not None and least > most


def _divided(a: Any, b: Any) -> Any:
    """Where nothing is negative, flooring is truncating."""
    if isinstance(b, Size) or b <= 0:
        return 1 if isinstance(b, Size) and a == b else None
    return a // b if _is_at_least(a, 0) else None


def _least(a: Any, b: Any) -> Any:
    return b if _is_at_least(a, b) else a if _is_at_least(b, a) else None


def _greatest(a: Any, b: Any) -> Any:
    return a if _is_at_least(a, b) else b if _is_at_least(b, a) else None


def _compared(true: Pair, false: Pair) -> Rule:
    """A comparison, where it is known to be true or to be false."""
    return _pairwise(lambda a, b: True if true(a, b) else False if false(a, b) else None)


@_rule("ReduceProd")
def _product(node: Node, x: list[Any]) -> Any:
    if x[0].ndim != 1:
        return None
    result: Any = 1
    for n in x[0].tolist():
        result = result * n
    return _object(result) if not node.attr("keepdims", 1) else _object(result).reshape(1)


_RULES["Add"] = _pairwise(lambda a, b: a + b)
_RULES["Sub"] = _pairwise(lambda a, b: a - b)
_RULES["Mul"] = _pairwise(lambda a, b: a * b)
_RULES["Div"] = _pairwise(_divided)
_RULES["Min"] = _pairwise(_least)
_RULES["Max"] = _pairwise(_greatest)
_RULES["Equal"] = _compared(lambda a, b: a == b, lambda a, b: _is_above(a, b) or _is_above(b, a))
_RULES["Greater"] = _compared(_is_above, lambda a, b: _is_at_least(b, a))
_RULES["GreaterOrEqual"] = _compared(_is_at_least, lambda a, b: _is_above(b, a))
_RULES["Less"] = _compared(lambda a, b: _is_above(b, a), _is_at_least)
_RULES["LessOrEqual"] = _compared(lambda a, b: _is_at_least(b, a), _is_above)
_COMPARISONS = {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}


@_rule("Where")
def _where(_: Node, x: list[Any]) -> Any:
    if any(isinstance(c, Size) for c in x[0].ravel().tolist()):
        return None
    a, b, c = np.broadcast_arrays(x[1], x[2], x[0])
    found = np.empty(a.shape, dtype=object)
    for i in np.ndindex(a.shape):
        found[i] = a[i] if c[i] else b[i]
    return found
