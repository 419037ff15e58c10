"""The `@op` decorator: makes one record per row of the core's table, checked against it at import.

A record holds what the C++ row does not: the Python function with its docstring, the NumPy
reference, the bound on the distance from it, samples, wrong calls and the ONNX name.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar, cast

import numpy as np

from . import _core, tape
from .bind import bind, reference_attrs
from .bounds import Bound, widened
from .dtypes import Array, DType, convert
from .errors import IngotError, InternalError
from .tensor import SizeLike, Tensor, operations, wrap

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])
Reference = Callable[..., Any]
Rule = Callable[..., Any]  # f(g, y, *operands, **attrs) -> the gradient of one operand


class Sample(NamedTuple):
    """One right call; arrays in `args`, attributes in `kwargs`."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class WrongCall(NamedTuple):
    """One wrong call, the error it must raise and a piece of its message."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    error: type[IngotError]
    message: str


def sample(*args: Any, **kwargs: Any) -> Sample:
    """A right call of an op's function."""
    return Sample(args, kwargs)


def wrong(error: type[IngotError], message: str, *args: Any, **kwargs: Any) -> WrongCall:
    """A wrong call of an op's function."""
    return WrongCall(args, kwargs, error, message)


@dataclass
class OpRecord:
    """Everything that Python knows about one op."""

    name: str
    row: _core.OpRow
    onnx: str | None
    bound: Bound
    function: Callable[..., Any] | None = None  # None: a region op, which no function records yet
    reference: Reference | None = None
    samples: Callable[[np.random.Generator], list[Sample]] | None = None
    errors: Callable[[], list[WrongCall]] | None = None
    rules: Sequence[Rule | None] | None = None  # of each operand; (): there is no derivative
    doc: str = field(default="", repr=False)

    def evaluate(self, arrays: Sequence[Array], attrs: Mapping[str, Any], dtype: DType) -> Array:
        """The reference on these operands, rounded once to `dtype`."""
        return convert(self.unrounded(arrays, attrs), dtype)

    def unrounded(self, arrays: Sequence[Array], attrs: Mapping[str, Any]) -> Array:
        """The reference on these operands, floats widened to float64 where the bound says so."""
        if self.reference is None:
            raise InternalError(f"{self.name}: the record has no reference")
        operands = [widened(x) for x in arrays] if self.bound.widen else arrays
        with np.errstate(all="ignore"):
            return np.asarray(self.reference(*operands, **attrs))

    def track(
        self, result: Tensor, operands: Sequence[Tensor | Array], attrs: Mapping[str, Any]
    ) -> None:
        """Notes what the result was computed from, if its gradient is wanted."""
        inputs = [tape.wanted(x) for x in operands]
        if all(x is None for x in inputs) or not tape.is_grad_enabled():
            return
        inputs = [None if self.rule(i) is None else x for i, x in enumerate(inputs)]
        given = [x if isinstance(x, Tensor) else wrap(x) for x in operands]
        filled = reference_attrs(attrs, self.row)

        def pull(gradients: tape.Gradients, outputs: tape.Gradients) -> list[Tensor | None]:
            g, y = gradients[0], outputs[0]
            wanted = [i for i, x in enumerate(inputs) if x is not None]
            return [
                self._gradient(i, g, y, given, filled) if i in wanted else None
                for i in range(len(given))
            ]

        tape.attach([result], inputs, pull)

    def rule(self, i: int) -> Rule | None:
        """The derivative rule of operand i, with i bound where one rule serves all of them."""
        if self.rules is None:
            raise InternalError(f"{self.name}: the record says nothing of derivatives")
        if not self.rules or not self.row.variadic:
            return self.rules[i] if self.rules else None
        rule = self.rules[0]
        return None if rule is None else lambda g, y, *xs, **attrs: rule(g, y, i, *xs, **attrs)

    def _gradient(
        self, i: int, g: Any, y: Any, operands: Sequence[Tensor], attrs: Mapping[str, Any]
    ) -> Tensor:
        rule = self.rule(i)
        if rule is None:
            raise InternalError(f"{self.name}: no derivative for operand {i}")
        gradient: Tensor = rule(g, y, *operands, **attrs)
        if "pointwise" in self.row.traits:
            gradient = sum_to(gradient, operands[i].shape)
        if (gradient.shape, gradient.dtype) != (operands[i].shape, operands[i].dtype):
            raise InternalError(
                f"{self.name}: wrong gradient of operand {i}: got {gradient.dtype}"
                f"{list(gradient.shape)}, expected {operands[i].dtype}{list(operands[i].shape)}"
            )
        return gradient


def sum_to(g: Tensor, shape: Sequence[SizeLike]) -> Tensor:
    """Sums over the axes along which an operand of `shape` was broadcast to g's."""
    if tuple(shape) == g.shape:
        return g
    lead = g.ndim - len(shape)
    axes = [*range(lead)]
    axes += [lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1]
    result: Tensor = operations["reshape"](operations["sum"](g, axis=axes), tuple(shape))
    return result


class OpFunction(Protocol[P, R]):
    """A public function with the setters of its record."""

    record: OpRecord

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    def bind(self, *operands: Any, **attrs: Any) -> Tensor: ...
    def reference(self, function: Reference) -> Reference: ...
    def samples(self, function: F) -> F: ...
    def errors(self, function: F) -> F: ...
    def vjp(self, *rules: Rule | None) -> None: ...
    def nondifferentiable(self) -> None: ...


OPS: dict[str, OpRecord] = {}
ROWS: dict[str, _core.OpRow] = {row.name: row for row in _core.op_table()}


def op(
    *,
    onnx: str | None,
    bound: Bound,
    name: str | None = None,
    lowers: Mapping[str, str] | None = None,
) -> Callable[[Callable[P, R]], OpFunction[P, R]]:
    """Makes a function the Python face of the row of its name.

    onnx: the ONNX operator of the same meaning, or None where there is none.
    name: the row, where it is not the function's name.
    lowers: row attribute -> the parameter it is made from, where their names differ.
    """

    def decorate(function: Callable[P, R]) -> OpFunction[P, R]:
        row_name = name if name is not None else function.__name__
        record = new_record(row_name, onnx, bound, function.__doc__)
        record.function = function
        check_signature(record.row, function, lowers if lowers is not None else {})
        target = cast(Any, function)
        target.record = record
        target.bind = functools.partial(_bind, record)
        target.reference = functools.partial(_set, record, "reference")
        target.samples = functools.partial(_set, record, "samples")
        target.errors = functools.partial(_set, record, "errors")
        target.vjp = functools.partial(_set_rules, record)
        target.nondifferentiable = functools.partial(_set, record, "rules", ())
        operations[function.__name__] = function
        return cast("OpFunction[P, R]", function)

    return decorate


def region_op(name: str, *, onnx: str | None, bound: Bound) -> Callable[[Reference], OpRecord]:
    """Makes a function the reference of a row with regions: reference(operands, attrs, regions)."""

    def decorate(function: Reference) -> OpRecord:
        record = new_record(name, onnx, bound, function.__doc__)
        record.reference = function
        return record

    return decorate


def new_record(name: str, onnx: str | None, bound: Bound, doc: str | None) -> OpRecord:
    """Registers the one record of a row."""
    if name not in ROWS:
        raise InternalError(f"op: no row of this name: got {name!r}")
    if name in OPS:
        raise InternalError(f"op: a second record for the row {name!r}")
    record = OpRecord(name, ROWS[name], onnx, bound, doc=doc if doc is not None else "")
    OPS[name] = record
    return record


def _bind(record: OpRecord, *operands: Any, **attrs: Any) -> Tensor:
    return bind(record, operands, attrs)


def _set(record: OpRecord, what: str, function: F) -> F:
    setattr(record, what, function)
    return function


def _set_rules(record: OpRecord, *rules: Rule | None) -> None:
    operands = len(record.row.operands)
    if len(rules) != operands:
        raise InternalError(
            f"op {record.name}: wrong number of derivative rules: got {len(rules)}, "
            f"expected {operands}"
        )
    record.rules = rules


def check_signature(
    row: _core.OpRow, function: Callable[..., Any], lowers: Mapping[str, str]
) -> None:
    """The first parameters are the row's operands; every attribute is a parameter or made from
    one."""
    parameters = list(inspect.signature(function).parameters)
    operands = list(row.operands)
    if parameters[: len(operands)] != operands:
        raise InternalError(
            f"op {row.name}: parameters differ from the row: got {parameters}, expected {operands}"
        )
    for spec in row.attrs:
        if lowers.get(spec.name, spec.name) not in parameters:
            raise InternalError(f"op {row.name}: no parameter for the attribute {spec.name!r}")
