"""The functions of ONNX operators, by domain and name; those of one op of the table come from its
record."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ingot.op import OPS

from .node import Node

Operator = Callable[[Node], Any]
OPERATORS: dict[tuple[str, str], Operator] = {}


def operator(*names: str, domain: str = "") -> Callable[[Operator], Operator]:
    """Registers the function of these operators. It takes a Node and gives the output, or a tuple
    of outputs."""

    def register(function: Operator) -> Operator:
        for name in names:
            OPERATORS[domain, name] = function
        return function

    return register


@functools.cache
def _of_records() -> dict[str, Operator]:
    """ONNX operators that are one op without attributes: the records name them."""
    found: dict[str, Operator] = {}
    for record in OPS.values():
        if record.onnx is not None and not record.row.attrs and record.function is not None:
            found[record.onnx] = _direct(record.function, len(record.row.operands))
    return found


def _direct(function: Callable[..., Any], count: int) -> Operator:
    def apply(node: Node) -> Any:
        return function(*(node.x(i) for i in range(count)))

    return apply


def find(domain: str, name: str) -> Operator | None:
    """The function of an operator; None where there is none."""
    known = OPERATORS.get((domain, name))
    if known is None and domain == "":
        known = _of_records().get(name)
    return known
