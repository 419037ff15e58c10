"""Derivatives: every rule against central differences, and the laws of backward, grad and vjp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
from ingot import _core
from ingot.op import OPS, OpRecord, Sample

Array = Any
STEP = 1e-6
ROWS = [row.name for row in _core.op_table() if "region" not in row.traits]
DIFFERENTIABLE = [name for name in ROWS if OPS[name].rules]


def float64_leaves(sample: Sample) -> list[int]:
    """Positions of the arguments that are float arrays, once all floats are float64."""
    return [i for i, x in enumerate(sample.args) if getattr(x, "dtype", None) == np.float64]


def in_float64(sample: Sample) -> Sample:
    """The sample with floats in float64, drawn away from where a slope jumps or explodes."""

    def convert(x: Any) -> Any:
        if isinstance(x, list):
            return [convert(v) for v in x]
        return x.astype(np.float64) if getattr(x, "dtype", None) == np.float32 else x

    return Sample(tuple(convert(x) for x in sample.args), sample.kwargs)


def is_usable(sample: Sample) -> bool:
    """Finite floats of moderate size, of which two points of a slope can be taken."""
    arrays = [x for a in sample.args for x in (a if isinstance(a, list) else [a])]
    floats = [x for x in arrays if isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"]
    single = [x for x in floats if x.dtype == np.float32]
    return (
        bool(single)
        and len(single) == len(floats)
        and all(np.all(np.isfinite(x) & (np.abs(x) < 1e3)) for x in floats)
        and sum(x.size for x in floats) <= 4000
    )


def usable_samples(record: OpRecord) -> list[Sample]:
    assert record.samples is not None
    return [in_float64(s) for s in record.samples(np.random.default_rng(7)) if is_usable(s)]


def with_floats(sample: Sample, floats: list[Array]) -> Sample:
    given = iter(floats)

    def put(x: Any) -> Any:
        if isinstance(x, list):
            return [put(v) for v in x]
        return next(given) if getattr(x, "dtype", None) == np.float64 else x

    return Sample(tuple(put(x) for x in sample.args), sample.kwargs)


def floats_of(sample: Sample) -> list[Array]:
    arrays = [x for a in sample.args for x in (a if isinstance(a, list) else [a])]
    return [np.asarray(x) for x in arrays if getattr(x, "dtype", None) == np.float64]


def projections(
    function: Callable[..., ingot.Tensor], floats: list[Array], rng: np.random.Generator
) -> tuple[float, float, float]:
    """One random directional derivative: by the rules, by central differences, and their scale."""
    directions = [rng.standard_normal(x.shape) for x in floats]
    y, pull = ingot.vjp(function, *[ingot.tensor(x) for x in floats])
    weights = rng.standard_normal(y.shape)
    gradients = [g.numpy() for g in pull(ingot.tensor(weights))]
    by_rule = float(sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True)))

    def along(t: float) -> float:
        moved = [ingot.tensor(x + t * d) for x, d in zip(floats, directions, strict=True)]
        return float(np.sum(function(*moved).numpy() * weights))

    scale = sum(np.sum(np.abs(g * d)) for g, d in zip(gradients, directions, strict=True))
    return by_rule, (along(STEP) - along(-STEP)) / (2 * STEP), float(scale)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_says_what_its_derivative_is(name: str) -> None:
    rules = OPS[name].rules
    assert rules is not None, f"{name}: neither vjp nor nondifferentiable"
    assert len(rules) in (0, len(OPS[name].row.operands))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_rule_agrees_with_central_differences(name: str) -> None:
    record = OPS[name]
    rng = np.random.default_rng(3)
    for sample in usable_samples(record):

        def function(*floats: ingot.Tensor, sample: Sample = sample) -> ingot.Tensor:
            call = with_floats(sample, list(floats))
            assert record.function is not None
            result: ingot.Tensor = record.function(*call.args, **call.kwargs)
            return result

        # Away from ties and steps: a sample may lie on one.
        floats = [x + 0.01 * rng.standard_normal(x.shape) for x in floats_of(sample)]
        y = function(*[ingot.tensor(x) for x in floats])
        if y.dtype != np.float64 or not np.all(np.isfinite(y.numpy())):
            continue
        by_rule, by_difference, scale = projections(function, floats, rng)
        assert by_rule == pytest.approx(by_difference, rel=1e-5, abs=1e-5 * (1 + scale)), sample


def test_backward_adds_to_the_gradients_of_leaves() -> None:
    x = ingot.tensor([1.0, 3.0])
    x.requires_grad = True
    ingot.sum(x * x).backward()
    ingot.sum(x).backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 7.0])


def test_no_grad_and_detach_cut_the_tape() -> None:
    x = ingot.tensor(2.0)
    x.requires_grad = True
    with ingot.no_grad():
        assert not (x * x).requires_grad
    assert (x * x).requires_grad
    assert not (x * x).detach().requires_grad


def test_grad_of_grad_and_mixed_second_order() -> None:
    f = lambda x, y: x * x * y + ingot.sin(y)  # noqa: E731
    x, y = ingot.tensor(3.0, dtype="float64"), ingot.tensor(0.5, dtype="float64")
    d_xy = ingot.grad(lambda b: ingot.grad(f)(x, b))(y)
    assert d_xy.item() == 6.0
    d_yy = ingot.grad(ingot.grad(f, 1), 1)(x, y)
    assert d_yy.item() == pytest.approx(-np.sin(0.5))


def test_inner_and_outer_gradients_do_not_mix() -> None:
    inner = lambda x: ingot.grad(lambda y: x * y)(ingot.tensor(1.0))  # noqa: E731
    assert ingot.grad(lambda x: x * inner(x))(ingot.tensor(2.0)).item() == 4.0


def test_value_and_grad_takes_nested_arguments_and_aux() -> None:
    def loss(p: dict[str, ingot.Tensor], x: ingot.Tensor) -> tuple[ingot.Tensor, ingot.Tensor]:
        y = x @ p["w"] + p["b"]
        return ingot.sum(y * y), y

    p = {"w": ingot.ones((2, 1)), "b": ingot.zeros((1,))}
    (value, aux), g = ingot.value_and_grad(loss, has_aux=True)(p, ingot.tensor([[1.0, 2.0]]))
    assert value.item() == 9.0
    assert aux.shape == (1, 1)
    np.testing.assert_array_equal(g["w"].numpy(), [[6.0], [12.0]])


def test_integer_arguments_have_no_gradient() -> None:
    with pytest.raises(ingot.DTypeError, match="no gradient for integers: got int64"):
        ingot.grad(lambda x: ingot.sum(x))(ingot.tensor([1, 2]))
    _, pull = ingot.vjp(lambda x, i: x * i, ingot.ones((3,)), ingot.tensor([2]))
    assert pull(ingot.ones((3,)))[1] is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: (x * 2).backward(), ingot.ShapeError, "backward: not a scalar: got shape .2."),
        (lambda x: x.detach().backward(), ingot.ArgumentError, "nothing to differentiate"),
        (lambda x: (x * 2).backward(ingot.ones((3,))), ingot.ShapeError, "wrong shape of the grad"),
        (lambda x: ingot.grad(lambda y: y)(x), ingot.ShapeError, "grad: not a scalar"),
        (lambda x: ingot.grad(ingot.sum, 1)(x), ingot.ArgumentError, "no argument 1: got 1"),
        (
            lambda x: ingot.vjp(ingot.sum, x)[1](ingot.tensor(1)),
            ingot.DTypeError,
            "wrong dtype of the gradient: got int64, expected float32",
        ),
        (
            lambda _: setattr(ingot.tensor(1), "requires_grad", True),
            ingot.DTypeError,
            "requires_grad: got int64",
        ),
    ],
)
def test_misuse_says_what_is_wrong(
    call: Callable[[ingot.Tensor], object], error: type[Exception], message: str
) -> None:
    x = ingot.tensor([1.0, 2.0])
    x.requires_grad = True
    with pytest.raises(error, match=message):
        call(x)


def network(w: ingot.Tensor, x: ingot.Tensor) -> ingot.Tensor:
    return ingot.sum(ingot.softmax(ingot.tanh(x @ w)) ** 2)


def test_a_recorded_backward_pass_equals_the_eager_one() -> None:
    rng = np.random.default_rng(0)
    w = rng.standard_normal((4, 3)).astype(np.float32)
    x = rng.standard_normal((5, 4)).astype(np.float32)
    step = ingot.value_and_grad(network)
    graph = ingot.record(step, w, x)
    value, gradient = ingot.compile(graph)(w, x)
    expected_value, expected = step(ingot.tensor(w), ingot.tensor(x))
    np.testing.assert_allclose(value, expected_value.numpy(), rtol=1e-5)
    np.testing.assert_allclose(gradient, expected.numpy(), rtol=1e-4, atol=1e-6)


def test_backward_inside_a_recording_leaves_eager_gradients_alone() -> None:
    w = ingot.ones((3,))
    w.requires_grad = True

    def step(x: ingot.Tensor) -> ingot.Tensor:
        ingot.sum(w * x).backward()
        assert w.grad is not None
        return w.grad

    graph = ingot.record(step, ingot.Spec((3,)))
    assert w.grad is None
    np.testing.assert_array_equal(ingot.compile(graph)([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0])
