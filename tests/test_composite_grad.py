"""Derivatives of composites where definitions part: limits, ties, zeros, infinities. As torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot

torch = pytest.importorskip("torch")

EDGES = np.array([0.0, -1.0, 1.0, 2.5, -2.5, 0.5, 3.0], np.float32)
OTHERS = np.array([0.0, 1.0, 1.0, -2.5, 0.75, 0.5, -2.0], np.float32)
NAN = np.array([np.nan, 1.0, np.inf, -np.inf, 0.0, 2.0, 0.5], np.float32)
M = np.array([[1.0, 1.0, -2.0], [0.0, 0.0, 0.0], [3.0, -3.0, 2.0]], np.float32)

Function = Callable[..., Any]
# name: (ingot's function, torch's function, operands)
CASES: dict[str, tuple[Function, Function, list[np.ndarray]]] = {
    "clamp": (
        lambda x: ingot.clamp(x, -0.9, 2.2),
        lambda x: torch.clamp(x, -0.9, 2.2),
        [EDGES],
    ),
    "clamp by tensors": (ingot.clamp, torch.clamp, [EDGES, OTHERS + 0.1, OTHERS + 1]),
    "fmod": (ingot.fmod, torch.fmod, [EDGES, OTHERS + 0.25]),
    "frac": (ingot.frac, torch.frac, [EDGES]),
    "fmax ties": (ingot.fmax, torch.fmax, [EDGES, OTHERS]),
    "fmin ties": (ingot.fmin, torch.fmin, [EDGES, OTHERS]),
    "fmax nan": (ingot.fmax, torch.fmax, [NAN, OTHERS]),
    "lerp": (ingot.lerp, torch.lerp, [EDGES, OTHERS, np.abs(OTHERS)]),
    "addcmul": (
        lambda x, a, b: ingot.addcmul(x, a, b, value=0.5),
        lambda x, a, b: torch.addcmul(x, a, b, value=0.5),
        [EDGES, OTHERS, EDGES],
    ),
    "addcdiv": (ingot.addcdiv, torch.addcdiv, [EDGES, OTHERS, EDGES + 5]),
    "nan_to_num": (ingot.nan_to_num, torch.nan_to_num, [NAN]),
    "hypot": (ingot.hypot, torch.hypot, [EDGES[1:], OTHERS[1:]]),
    "hypot large": (ingot.hypot, torch.hypot, [EDGES[1:] * 1e18, OTHERS[1:] * 1e18]),
    "std where all are equal": (
        lambda x: ingot.std(x, 1, correction=1),
        lambda x: torch.std(x, 1),
        [M],
    ),
    "var": (lambda x: ingot.var(x, correction=1), lambda x: torch.var(x), [M]),
    "amax ties": (lambda x: ingot.amax(x, 1), lambda x: torch.amax(x, 1), [M]),
    "amin ties": (lambda x: ingot.amin(x, 0), lambda x: torch.amin(x, 0), [M]),
    "logsumexp": (lambda x: ingot.logsumexp(x, 1), lambda x: torch.logsumexp(x, 1), [M * 50]),
    "logsumexp of infinities": (
        lambda x: ingot.logsumexp(x),
        lambda x: torch.logsumexp(x, 0),
        [np.array([-np.inf, 1.0, 2.0], np.float32)],
    ),
    "nansum": (ingot.nansum, torch.nansum, [NAN]),
    "nanmean": (ingot.nanmean, torch.nanmean, [NAN[3:]]),
    "masked_fill": (
        lambda x: ingot.masked_fill(x, np.isnan(NAN), 3.0),
        lambda x: torch.masked_fill(x, torch.isnan(torch.tensor(NAN)), 3.0),
        [NAN],
    ),
    "kron": (ingot.kron, torch.kron, [M, M[:, :2]]),
    "cross": (ingot.cross, lambda a, b: torch.linalg.cross(a, b), [M, M + 1]),
    "diagonal": (lambda x: ingot.diagonal(x, 1), lambda x: torch.diagonal(x, 1), [M]),
    "tril": (lambda x: ingot.tril(x), torch.tril, [M]),
    "roll": (lambda x: ingot.roll(x, 4), lambda x: torch.roll(x, 4), [M]),
    "tile": (lambda x: ingot.tile(x, (2, 3)), lambda x: torch.tile(x, (2, 3)), [M]),
    "norm where it is 0": (
        lambda x: ingot.vector_norm(x, axis=1),
        lambda x: torch.linalg.vector_norm(x, dim=1),
        [M],
    ),
    "norm 1": (
        lambda x: ingot.vector_norm(x, ord=1, axis=1),
        lambda x: torch.linalg.vector_norm(x, 1, dim=1),
        [M],
    ),
    "norm 3": (
        lambda x: ingot.vector_norm(x, ord=3, axis=1),
        lambda x: torch.linalg.vector_norm(x, 3, dim=1),
        [M],
    ),
    "norm 1.5": (
        lambda x: ingot.vector_norm(x, ord=1.5, axis=1),
        lambda x: torch.linalg.vector_norm(x, 1.5, dim=1),
        [M],
    ),
    "norm inf": (
        lambda x: ingot.vector_norm(x, ord=np.inf, axis=1),
        lambda x: torch.linalg.vector_norm(x, np.inf, dim=1),
        [M],
    ),
    "logaddexp": (ingot.logaddexp, torch.logaddexp, [EDGES * 30, OTHERS]),
    "logaddexp of what is small": (ingot.logaddexp, torch.logaddexp, [EDGES - 20, EDGES]),
    "logcumsumexp": (
        lambda x: ingot.logcumsumexp(x, 1),
        lambda x: torch.logcumsumexp(x, 1),
        [M * 40],
    ),
    "cummax": (lambda x: ingot.cummax(x)[0], lambda x: torch.cummax(x, 1)[0], [M]),
    "unfold": (lambda x: ingot.unfold(x, 0, 3, 2), lambda x: x.unfold(0, 3, 2), [EDGES]),
    "topk": (lambda x: ingot.topk(x, 2)[0], lambda x: torch.topk(x, 2)[0], [M + EDGES[:3]]),
    "index_add": (
        lambda x, y: ingot.index_add(x, 0, np.array([2, 0, 2]), y, alpha=2),
        lambda x, y: torch.index_add(x, 0, torch.tensor([2, 0, 2]), y, alpha=2),
        [M, M + 1],
    ),
    "several indices": (
        lambda x: x[np.array([[0, 2]]), np.array([1, 1])],
        lambda x: x[torch.tensor([[0, 2]]), torch.tensor([1, 1])],
        [M],
    ),
    "matrix norm": (ingot.matrix_norm, torch.linalg.matrix_norm, [M]),
    "einsum": (
        lambda a, b: ingot.einsum("ij,kj,ik->k", a, b, a),
        lambda a, b: torch.einsum("ij,kj,ik->k", a, b, a),
        [M, M + 1],
    ),
    "matrix_power": (
        lambda x: ingot.matrix_power(x, 5),
        lambda x: torch.linalg.matrix_power(x, 5),
        [M],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_derivatives_are_those_of_torch(name: str, rng: np.random.Generator) -> None:
    function, theirs, operands = CASES[name]
    leaves = [torch.tensor(x, requires_grad=True) for x in operands]
    expected = theirs(*leaves)
    weight = rng.standard_normal(tuple(expected.shape)).astype(np.float32)
    expected.backward(torch.tensor(weight))
    result, pull = ingot.vjp(function, *[ingot.tensor(x) for x in operands])
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=3e-6, atol=1e-6)
    for leaf, gradient in zip(leaves, pull(ingot.tensor(weight)), strict=True):
        np.testing.assert_allclose(gradient.numpy(), leaf.grad.numpy(), rtol=1e-5, atol=1e-5)


def test_clamp_passes_the_gradient_at_its_limits() -> None:
    """Where x equals a limit it lies inside: clamp is x there."""
    _, pull = ingot.vjp(lambda x: ingot.clamp(x, -1.0, 2.5), ingot.tensor(EDGES))
    (gradient,) = pull(ingot.ones_like(EDGES))
    assert gradient.tolist() == [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0]
