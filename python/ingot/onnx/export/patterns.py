"""The composites that ONNX has as one op. A pattern is tried before those below it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ingot import composite
from ingot.nn import functional
from ingot.tensor import tensor

from .recognize import PATTERNS, Match, Params, Pattern
from .terms import Term

Place = tuple[int, int]  # a step, and one of its operands


def _none(_: Match) -> Params:
    return {}


def _axis(match: Match) -> Params | None:
    axes = match.steps[0].attrs["axes"]
    return {"axis": axes[0]} if len(axes) == 1 else None


def _add(
    function: Any, emit: Any, *sample: tuple[int, ...], find: Any = _none, **params: Any
) -> None:
    name = function.__name__.removeprefix("_")
    PATTERNS.append(Pattern(name, function, emit, sample, params, find))


# ---- normalization


def _layer_norm(x: Any, weight: Any, bias: Any = None, *, axes: int, eps: float) -> Any:
    return functional.layer_norm(x, x.shape[-axes:], weight, bias, eps)


def _normalization(x: Term, *affine: Term, axes: int, eps: float) -> Term:
    return x.op("LayerNormalization", *affine, axis=-axes, epsilon=eps)


def _norm_params(match: Match) -> Params | None:
    eps = match.number(6, 1)
    return None if eps is None else {"axes": len(match.steps[0].attrs["axes"]), "eps": eps}


_add(_layer_norm, _normalization, (2, 3), (3,), (3,), find=_norm_params, axes=1, eps=1e-5)
_add(_layer_norm, _normalization, (2, 3), (3,), find=_norm_params, axes=1, eps=1e-5)

# ---- along an axis

_add(composite.log_softmax, lambda x, axis: x.op("LogSoftmax", axis=axis), (2, 3), find=_axis)
_add(composite.softmax, lambda x, axis: x.op("Softmax", axis=axis), (2, 3), find=_axis)


def _mean_params(match: Match) -> Params:
    attrs = match.steps[0].attrs
    return {"axis": tuple(attrs["axes"]), "keepdims": bool(attrs.get("keepdims", False))}


def _mean(x: Term, axis: tuple[int, ...], keepdims: bool) -> Term:
    return x.op("ReduceMean", x.emitter.ints(axis), keepdims=int(keepdims))


_add(composite.mean, _mean, (2, 3), find=_mean_params, axis=(1,), keepdims=True)

# ---- activations

_add(
    composite.gelu,
    lambda x, approximate: x.op("Gelu", approximate=approximate),
    (3,),
    find=lambda _: {"approximate": "tanh"},
    approximate="tanh",
)
_add(composite.gelu, lambda x: x.op("Gelu"), (3,))
_add(composite.silu, lambda x: x * x.op("Sigmoid"), (3,))
_add(composite.sigmoid, lambda x: x.op("Sigmoid"), (3,))


def _clip(x: Term, min: float, max: float) -> Term:
    return x.op("Clip", x.like(min), x.like(max))


def _limits(low: Place, high: Place) -> Callable[[Match], Params | None]:
    """The limits of a clip, from the steps that read them."""

    def find(match: Match) -> Params | None:
        least, most = match.number(*low), match.number(*high)
        if least is None or most is None or math.isnan(least + most):  # inf - inf: of no use
            return None
        return {"min": least, "max": most}

    return find


def _hardtanh(x: Any, min: float, max: float) -> Any:
    return functional.hardtanh(x, min, max)


def _clip_to_tensors(x: Any, min: float, max: float) -> Any:
    """Limits that could be NaN are looked at."""
    return composite.clip(x, tensor(min, dtype=x.dtype), tensor(max, dtype=x.dtype))


_add(composite.clip, _clip, (3,), find=_limits((0, 1), (2, 1)), min=0.0, max=6.0)
_add(_clip_to_tensors, _clip, (3,), find=_limits((0, 1), (4, 1)), min=0.0, max=6.0)
_add(functional.relu6, lambda x: _clip(x, 0, 6), (3,))
_add(_hardtanh, _clip, (3,), find=_limits((0, 1), (1, 1)), min=0.0, max=6.0)


def _slope(match: Match) -> Params | None:
    slope = match.number(1, 1)
    return None if slope is None else {"negative_slope": slope}


def _leaky(x: Term, negative_slope: float) -> Term:
    return x.op("LeakyRelu", alpha=negative_slope)


def _alpha(match: Match) -> Params | None:
    alpha = match.number(4, 1)
    return None if alpha is None else {"alpha": alpha}


def _hard_sigmoid(x: Term) -> Term:
    return x.op("HardSigmoid", alpha=1 / 6, beta=0.5)


_add(functional.hardswish, lambda x: x.op("HardSwish"), (3,))
_add(functional.hardsigmoid, _hard_sigmoid, (3,))
_add(functional.elu, lambda x, alpha: x.op("Elu", alpha=alpha), (3,), find=_alpha, alpha=1.0)
_add(functional.leaky_relu, _leaky, (3,), find=_slope, negative_slope=0.01)
_add(composite.relu, lambda x: x.op("Relu"), (3,))
