"""The one interception point: every op application passes through `bind`.

It promotes the operands, then either records a node (while a recorder is active on the thread) or
asks the core for the result's type and evaluates the reference. It knows no op by name but `cast`
and `size`. The tape follows it (`track`).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from . import _core
from .dtypes import (
    Array,
    DType,
    as_dtype,
    default_dtype,
    from_text,
    kind_of,
    promote_all,
    scalar_array,
    text_name,
)
from .errors import ArgumentError, DTypeError, InternalError, RecordError
from .origin import at_user_line
from .recorder import Recorder, active_recorder
from .tensor import Holder, Size, Tensor, TensorLike, eager_array, operations, wrap

Strong = Tensor | Array  # an operand with a dtype of its own; an Array is a constant
_WEAK = (bool, int, float, complex, Size)


class Applicable(Protocol):
    """What `bind` needs of an op's record."""

    @property
    def row(self) -> _core.OpRow: ...

    def evaluate(self, arrays: Sequence[Array], attrs: Mapping[str, Any], dtype: DType) -> Array:
        """The result's numbers."""

    def track(
        self, result: Tensor, operands: Sequence[Tensor | Array], attrs: Mapping[str, Any]
    ) -> None:
        """Notes what the result was computed from, if its gradient is wanted."""


def bind(op: Applicable, operands: Sequence[TensorLike], attrs: Mapping[str, Any]) -> Tensor:
    """Applies one op. Raises what the op's rules raise, naming the user's line while recording."""
    row, recorder = op.row, active_recorder()
    given = core_attrs(row, attrs)
    items = promote_operands(row, [_operand(row.name, x, recorder) for x in operands], recorder)
    if recorder is not None:
        results = recorder.add_node(row.name, items, given)
        result = results[0] if results else Tensor(np.zeros(()))
    else:
        arrays = [x.numpy() if isinstance(x, Tensor) else x for x in items]
        result = apply_eager(op, arrays, given)
    op.track(result, items, given)
    return result


def apply_eager(op: Applicable, arrays: Sequence[Array], attrs: Mapping[str, Any]) -> Tensor:
    """Checks by the op's own rules, then evaluates the reference."""
    row = op.row
    types = [(text_name(x.dtype), x.shape) for x in arrays]
    for value in _flat(attrs.values()):
        if isinstance(value, Size):
            raise RecordError(
                f"{row.name}: a symbolic size outside a recording: got {value}, expected a number"
            )
    inferred = _core.infer(row.name, types, attrs)
    if inferred is None:
        op.evaluate(arrays, reference_attrs(attrs, row), np.dtype(np.bool_))
        return Tensor(np.zeros(()))
    dtype, shape = from_text(inferred[0]), inferred[1]
    result = np.asarray(op.evaluate(arrays, reference_attrs(attrs, row), dtype))
    if result.dtype != dtype or result.shape != shape:
        raise InternalError(
            f"{row.name}: the reference disagrees with the row: "
            f"got {result.dtype}{list(result.shape)}, expected {dtype}{list(shape)}"
        )
    return wrap(result)


def _flat(values: Any) -> list[Any]:
    return [y for x in values for y in (x if isinstance(x, (list, tuple)) else [x])]


def reference_attrs(attrs: Mapping[str, Any], row: _core.OpRow) -> dict[str, Any]:
    """Attributes as a reference takes them: every one of the row, dtypes as NumPy's."""
    result = {spec.name: spec.default for spec in row.attrs if not spec.required}
    result.update(attrs)
    for spec in row.attrs:
        if spec.kind == "dtype" and isinstance(result[spec.name], str):
            result[spec.name] = from_text(result[spec.name])
    return result


# Operands and their dtypes.


def _operand(op: str, x: Any, recorder: Recorder | None) -> Any:
    """A Tensor, or a weak Python scalar or size as it is."""
    if isinstance(x, Holder):
        x = x.value
    if isinstance(x, Tensor):
        if x.is_recorded and x._recorder is not recorder:
            raise RecordError(
                f"{op}: a tensor outside its recording: got one of {x._recorder}, "
                f"expected an eager tensor{at_user_line()}"
            )
        return x
    if isinstance(x, _WEAK) and not isinstance(x, np.generic):
        return x
    if x is None or isinstance(x, (str, bytes)):
        raise ArgumentError(
            f"{op}: not a tensor: got {x!r}, expected a tensor, an array or a number"
        )
    if isinstance(x, np.ndarray):
        return recorder.tensor_of(x) if recorder is not None else wrap(eager_array(op, x).view())
    return wrap(np.array(eager_array(op, x)))


def promote_operands(row: _core.OpRow, items: list[Any], recorder: Recorder | None) -> list[Strong]:
    """Operands of one dtype, as the row's dtype rule wants; casts are recorded."""
    first, last = 0, len(items)
    if row.dtype_rule == "select":
        first = 1
    elif row.dtype_rule == "indexed":
        last -= 1
    elif row.dtype_rule not in ("same", "compare"):
        return [_fixed(row.name, x, recorder) for x in items]
    ends = [_fixed(row.name, x, recorder) for x in items[:first] + items[last:]]
    middle = items[first:last]
    strong = [x.dtype for x in middle if not isinstance(x, _WEAK)]
    weak = [x for x in middle if isinstance(x, _WEAK)]
    dtype = promote_all(row.name, strong, weak)
    takes_floats = "float" in row.classes and "int" not in row.classes
    if takes_floats and kind_of(dtype) in ("bool", "int", "uint"):
        dtype = np.dtype(np.float32)  # a float function of integers
    cast = [_cast(row.name, x, dtype, recorder) for x in middle]
    return ends[:first] + cast + ends[first:]


def _fixed(op: str, x: Any, recorder: Recorder | None) -> Strong:
    return _cast(op, x, default_dtype(x), recorder) if isinstance(x, _WEAK) else x


def _cast(op: str, x: Any, dtype: DType, recorder: Recorder | None) -> Strong:
    if isinstance(x, Size):
        if recorder is None:
            raise RecordError(f"{op}: a symbolic size outside a recording: got {x}")
        return recorder.add_node("size", [], {"value": x, "dtype": text_name(dtype)})[0]
    if isinstance(x, (bool, int, float, complex)) and not isinstance(x, np.generic):
        return scalar_array(op, x, dtype)
    strong: Strong = x
    if strong.dtype == dtype:
        return strong
    result: Tensor = operations["cast"](strong, dtype=dtype)
    return result


# Attributes.


def core_attrs(row: _core.OpRow, attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as the core takes them: plain ints, lists and text names of dtypes."""
    specs = {spec.name: spec for spec in row.attrs}
    result = {}
    for name, value in attrs.items():
        kind = specs[name].kind if name in specs else ""
        try:
            result[name] = _attr(kind, value)
        except DTypeError:
            raise
        except TypeError:
            raise ArgumentError(
                f"{row.name}: wrong {name}: got {value!r}, expected {_EXPECTED.get(kind, kind)}"
            ) from None
    return result


_EXPECTED = {
    "int": "an integer",
    "ints": "integers",
    "size": "a size",
    "sizes": "sizes",
    "bool": "True or False",
    "string": "a string",
    "float": "a number",
}


def _size(value: Any) -> int | Size:
    return value if isinstance(value, Size) else operator.index(value)


def _attr(kind: str, value: Any) -> Any:
    if kind == "dtype":
        return text_name(as_dtype(value))
    if kind == "int":
        return operator.index(value)
    if kind == "ints":
        return [operator.index(v) for v in value]
    if kind == "size":
        return _size(value)
    if kind == "sizes":
        return [_size(v) for v in value]
    if kind == "bool" and not isinstance(value, (bool, np.bool_)):
        raise TypeError
    if kind == "string" and not isinstance(value, str):
        raise TypeError
    return float(value) if kind == "float" else bool(value) if kind == "bool" else value
