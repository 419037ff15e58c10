"""RNN, GRU and LSTM: a scan over time for each direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from ingot import composite, control, ops
from ingot.errors import FileError, UnsupportedError
from ingot.nn import functional
from ingot.onnx.node import Node, known_size
from ingot.onnx.registry import operator
from ingot.recorder import eagerly
from ingot.tensor import Tensor

Activation = Callable[[Tensor], Tensor]
Step = Callable[[Tensor, list[Tensor]], list[Tensor]]  # (projected input, states) -> states

_DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_ALPHA = {"Affine": 1.0, "LeakyRelu": 0.01, "ThresholdedRelu": 1.0, "ScaledTanh": 1.0}
_ALPHA |= {"HardSigmoid": 0.2, "Elu": 1.0}
_BETA = {"Affine": 0.0, "ScaledTanh": 1.0, "HardSigmoid": 0.5}


def _activation(name: str, alpha: float | None, beta: float | None) -> Activation:
    a = _ALPHA.get(name, 0.0) if alpha is None else alpha
    b = _BETA.get(name, 0.0) if beta is None else beta
    known: dict[str, Activation] = {
        "Affine": lambda x: x * a + b,
        "Elu": lambda x: ops.where(ops.less(x, 0), ops.expm1(ops.minimum(x, 0)) * a, x),
        "HardSigmoid": lambda x: composite.clip(x * a + b, 0, 1),
        "LeakyRelu": lambda x: functional.leaky_relu(x, a),
        "Relu": composite.relu,
        "ScaledTanh": lambda x: ops.tanh(x * b) * a,
        "Sigmoid": composite.sigmoid,
        "Softplus": lambda x: composite.logaddexp(x, 0),
        "Softsign": lambda x: x / (ops.abs(x) + 1),
        "Tanh": ops.tanh,
        "ThresholdedRelu": lambda x: ops.where(ops.greater(x, a), x, 0),
    }
    if name not in known:
        raise UnsupportedError(f"unsupported: the activation {name!r}")
    return known[name]


def _activations(node: Node, directions: int) -> list[list[Activation]]:
    """Of every direction."""
    defaults = _DEFAULTS[node.op]
    names = node.attr("activations") if "activations" in node.given else defaults * directions
    if len(names) != len(defaults) * directions:
        raise FileError(f"{len(names)} activations: expected {len(defaults) * directions}")
    canonical = {n.lower(): n for n in [*_ALPHA, *_BETA, "Relu", "Sigmoid", "Tanh"]}
    canonical |= {n.lower(): n for n in ("Softplus", "Softsign")}
    alphas, betas = (
        list(node.attr("activation_alpha") or []),
        list(node.attr("activation_beta") or []),
    )
    found = []
    for given in names:
        name = canonical.get(given.lower(), given)
        alpha = alphas.pop(0) if alphas and name in _ALPHA else None
        beta = betas.pop(0) if betas and name in _BETA else None
        found.append(_activation(name, alpha, beta))
    count = len(defaults)
    return [found[i * count : (i + 1) * count] for i in range(directions)]


@dataclass
class Weights:
    """Of one direction. r: [gates * h, h]; bias: of the input and of the state, [gates * h]."""

    w: Tensor
    r: Tensor
    input_bias: Tensor | None  # where nothing scales the state's part, the sum of both
    state_bias: Tensor | None
    peepholes: Tensor | None
    hidden: int

    def gate(self, x: Tensor, i: int) -> Tensor:
        """Part i of a tensor whose last axis holds all gates."""
        return composite.narrow(x, -1, i * self.hidden, self.hidden)


def _clipped(node: Node, x: Tensor) -> Tensor:
    limit = node.attr("clip")
    return x if limit is None else composite.clip(x, -limit, limit)


def _rnn_step(node: Node, weights: Weights, f: Sequence[Activation]) -> Step:
    def step(x: Tensor, states: list[Tensor]) -> list[Tensor]:
        sums = x + ops.matmul(states[0], weights.r.mT)
        return [f[0](_clipped(node, sums))]

    return step


def _gru_step(node: Node, weights: Weights, f: Sequence[Activation]) -> Step:
    """Gates z, r, h."""
    before_reset, part = bool(node.attr("linear_before_reset", 0)), weights.gate
    r = [
        ops.slice(weights.r, (i * weights.hidden, 0), ((i + 1) * weights.hidden, weights.hidden))
        for i in range(3)
    ]
    bias = weights.state_bias

    def state_part(h: Tensor, i: int) -> Tensor:
        product = ops.matmul(h, r[i].mT)
        return product if bias is None else product + part(bias, i)

    def step(x: Tensor, states: list[Tensor]) -> list[Tensor]:
        h = states[0]
        z = f[0](_clipped(node, part(x, 0) + state_part(h, 0)))
        reset = f[0](_clipped(node, part(x, 1) + state_part(h, 1)))
        new = reset * state_part(h, 2) if before_reset else state_part(reset * h, 2)
        new = f[1](_clipped(node, part(x, 2) + new))
        return [(1 - z) * new + z * h]

    return step


def _lstm_step(node: Node, weights: Weights, f: Sequence[Activation]) -> Step:
    """Gates i, o, f, c; peepholes of i, o, f."""
    part, peek = weights.gate, weights.peepholes
    joined = bool(node.attr("input_forget", 0))

    def look(x: Tensor, i: int, cell: Tensor) -> Tensor:
        x = x if peek is None else x + part(peek, i) * cell
        return f[0](_clipped(node, x))

    def step(x: Tensor, states: list[Tensor]) -> list[Tensor]:
        h, c = states
        gates = x + ops.matmul(h, weights.r.mT)
        i = look(part(gates, 0), 0, c)
        forget = 1 - i if joined else look(part(gates, 2), 2, c)
        c = forget * c + i * f[1](_clipped(node, part(gates, 3)))
        o = look(part(gates, 1), 1, c)
        return [o * f[2](c), c]

    return step


_STEPS = {"RNN": _rnn_step, "GRU": _gru_step, "LSTM": _lstm_step}


def named(x: Tensor, name: str | None) -> Tensor:
    """Known numbers as a param of this name."""
    return Tensor(x.numpy(), name=name)


def _part(node: Node, operand: int, direction: int) -> Tensor:
    """What an operand holds for one direction; of known weights a window, so that kernels may
    pack them."""
    x = node.x(operand)
    if x.is_recorded:
        return x[direction]
    name = x.name if x.shape[0] == 1 or x.name is None else f"{x.name}.{direction}"
    return Tensor(x.numpy()[direction], name=name)


def _weights(node: Node, direction: int) -> Weights:
    w, r = _part(node, 1, direction), _part(node, 2, direction)
    hidden = known_size(r.shape[-1], "the hidden size")
    rows = _GATES[node.op] * hidden
    if w.shape[0] != rows or r.shape[0] != rows:
        raise FileError(f"weights of {w.shape[0]} and {r.shape[0]} rows: expected {rows}")
    biases: list[Tensor | None] = [None, None]
    if node.has(3):
        both = _part(node, 3, direction)
        with eagerly() if not both.is_recorded else nullcontext():
            of_input, of_state = (composite.narrow(both, 0, i * rows, rows) for i in range(2))
            joined = node.op != "GRU"  # which may scale the state's part before it is added
            biases = [of_input + of_state, None] if joined else [of_input, of_state]
        biases = [b if b is None or b.is_recorded else named(b, both.name) for b in biases]
    peepholes = _part(node, 7, direction) if node.op == "LSTM" and node.has(7) else None
    return Weights(w, r, biases[0], biases[1], peepholes, hidden)


def _start(node: Node, operand: int, direction: int, x: Tensor, hidden: int) -> Tensor:
    given = node.optional(operand)
    if given is None:
        return composite.zeros((x.shape[1], hidden), dtype=x.dtype)
    return given[:, direction] if node.attr("layout", 0) else given[direction]


def _one_direction(
    node: Node, x: Tensor, direction: int, backward: bool, f: Sequence[Activation]
) -> tuple[Tensor, list[Tensor]]:
    """x: [time, batch, in] -> ([time, batch, hidden], last states)."""
    weights = _weights(node, direction)
    lengths = node.optional(4)
    step = _STEPS[node.op](node, weights, f)
    projected = ops.matmul(x, weights.w.mT)
    projected = projected if weights.input_bias is None else projected + weights.input_bias
    operands = [5, 6] if node.op == "LSTM" else [5]
    start = [_start(node, i, direction, x, weights.hidden) for i in operands]
    steps = ops.arange(x.shape[0], dtype="int64")

    def body(states: list[Tensor], xs: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        after = step(xs[0], states)
        if lengths is None:
            return after, after[0]
        inside = ops.reshape(ops.less(xs[1], lengths.astype("int64")), (-1, 1))
        kept = [ops.where(inside, new, old) for new, old in zip(after, states, strict=True)]
        return kept, ops.where(inside, after[0], 0)

    last, ys = control.scan(body, start, [projected, steps], reverse=backward)
    return ys, last


@operator("RNN", "GRU", "LSTM")
def recurrent(node: Node) -> tuple[Tensor, ...]:
    x, layout = node.x(), node.attr("layout", 0)
    x = composite.swapaxes(x, 0, 1) if layout else x
    kind = node.attr("direction", "forward").lower()
    if kind not in ("forward", "reverse", "bidirectional"):
        raise FileError(f"unknown direction {kind!r}")
    backwards = [False, True] if kind == "bidirectional" else [kind == "reverse"]
    activations = _activations(node, len(backwards))
    parts = [
        _one_direction(node, x, i, backward, f)
        for i, (backward, f) in enumerate(zip(backwards, activations, strict=True))
    ]
    y = composite.stack(
        [ys for ys, _ in parts], 2 if layout else 1
    )  # [time, directions, batch, hidden]
    y = composite.swapaxes(y, 0, 1) if layout else y
    states = zip(*(last for _, last in parts), strict=True)
    return (y, *(composite.stack(s, 1 if layout else 0) for s in states))
