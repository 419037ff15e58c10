"""The tape: what a result was computed from, as far as somebody wants its gradient.

`op` attaches a node to every result with an operand that requires a gradient; `grad` walks the
nodes back from the last to the first. Pulls are written in the project's own ops, so that a
backward pass is recorded, optimized and differentiated like any other code.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from .dtypes import is_float
from .errors import DTypeError
from .tensor import Tensor, operations

# (gradients of the outputs, the outputs), None where the walk did not come by -> gradients of the
# inputs, None for zero.
Gradients = Sequence[Tensor | None]
Pull = Callable[[Gradients, Gradients], Gradients]

_enabled: ContextVar[bool] = ContextVar("ingot_grad_enabled", default=True)
_serials = itertools.count(1)


@dataclass(frozen=True, eq=False)
class GradNode:
    """One application. Serials grow with time: an input's node has a smaller one."""

    inputs: tuple[Tensor | None, ...]  # None: wants no gradient
    num_outputs: int
    pull: Pull = field(repr=False)
    serial: int = field(default_factory=lambda: next(_serials))


def next_serial() -> int:
    """A number between those of the nodes made before this call and after it."""
    return next(_serials)


def is_grad_enabled() -> bool:
    """Whether ops on this thread are noted for gradients."""
    return _enabled.get()


@contextmanager
def grad_mode(enabled: bool) -> Iterator[None]:
    """Notes ops for gradients, or does not, inside the block."""
    token = _enabled.set(enabled)
    try:
        yield
    finally:
        _enabled.reset(token)


def wanted(x: object) -> Tensor | None:
    """`x` if it is a tensor whose gradient somebody wants."""
    return x if isinstance(x, Tensor) and x.requires_grad else None


def attach(outputs: Sequence[Tensor], inputs: Sequence[Tensor | None], pull: Pull) -> None:
    """Hangs one node on all outputs (floats alone count), if any input wants a gradient."""
    if not _enabled.get() or all(x is None for x in inputs):
        return
    node = GradNode(tuple(inputs), len(outputs), pull)
    for position, output in enumerate(outputs):
        if is_float(output.dtype):
            output._node, output._position = node, position


def alias(x: Tensor, *, leaf: bool = False) -> Tensor:
    """The same numbers as another tensor, through which gradients pass to `x`; a leaf of its own
    where `x` wants none and `leaf` is set."""
    other = x.detach()
    if x.requires_grad and _enabled.get():
        attach([other], [x], lambda grads, _: grads)
    else:
        other._requires_grad = leaf
    return other


class Walk:
    """One walk back. Gradients meet in tensors; those of `targets` stop there."""

    def __init__(self, targets: Iterable[Tensor] | None) -> None:
        self._targets = None if targets is None else {id(t) for t in targets}
        self._pending: dict[int, tuple[GradNode, list[Tensor | None], list[Tensor | None]]] = {}
        self._order: list[int] = []  # serials, largest first
        self.leaves: dict[int, tuple[Tensor, Tensor]] = {}  # by id: tensor, gradient

    def add(self, x: Tensor, gradient: Tensor) -> None:
        """Adds to the gradient of `x`."""
        is_leaf = x._node is None if self._targets is None else id(x) in self._targets
        if is_leaf:
            known = self.leaves.get(id(x))
            self.leaves[id(x)] = x, gradient if known is None else _sum(known[1], gradient)
            return
        node = x._node
        if node is None:
            return
        if node.serial not in self._pending:
            empty = [None] * node.num_outputs
            self._pending[node.serial] = node, list(empty), list(empty)
            heapq.heappush(self._order, -node.serial)
        _, gradients, outputs = self._pending[node.serial]
        before = gradients[x._position]
        gradients[x._position] = gradient if before is None else _sum(before, gradient)
        outputs[x._position] = x

    def run(self) -> None:
        """Pulls every gradient back, from the last node to the first."""
        while self._order:
            node, gradients, outputs = self._pending.pop(-heapq.heappop(self._order))
            pulled = node.pull(gradients, outputs)
            for x, gradient in zip(node.inputs, pulled, strict=True):
                if x is not None and gradient is not None:
                    self.add(x, gradient)


def _sum(a: Tensor, b: Tensor) -> Tensor:
    result: Tensor = operations["add"](a, b)
    return result


def pull_back(outputs: Gradients, gradients: Gradients, targets: Sequence[Tensor]) -> Gradients:
    """Gradients of `targets`, given those of `outputs`; None where nothing depends on a target."""
    walk = Walk(targets)
    for y, g in zip(outputs, gradients, strict=True):
        if y is not None and g is not None and y.requires_grad:
            walk.add(y, g)
    walk.run()
    found = (walk.leaves.get(id(t)) for t in targets)
    return [None if pair is None else pair[1] for pair in found]


def reached(outputs: Iterable[Tensor | None], since: int) -> list[Tensor]:
    """The tensors made before serial `since`, and leaves, that outputs were computed from by nodes
    made after it; each once, in the order of a depth-first walk."""
    found: dict[int, Tensor] = {}
    seen: set[int] = set()
    stack = [x for x in outputs if x is not None and x.requires_grad]
    while stack:
        x = stack.pop()
        node = x._node
        if node is None or node.serial < since:
            found[id(x)] = x
        elif node.serial not in seen:
            seen.add(node.serial)
            stack += [y for y in reversed(node.inputs) if y is not None]
    return list(found.values())


def require_float(what: str, x: Tensor) -> None:
    """Raises DTypeError for a tensor that can have no gradient."""
    if not is_float(x.dtype):
        raise DTypeError(f"{what}: no gradient for integers: got {x.dtype}, expected floats")
