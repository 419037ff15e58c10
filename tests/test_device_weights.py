"""Weights of convolutions on a device: laid when the program is made, not in every run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ingot
from ingot import _core
from ingot.nn import functional as F

IMAGES = ingot.Spec((2, 6, 7, 5), "float32")


def conv(x: Any, w: Any, **attrs: Any) -> Any:
    return F.conv2d(x, w, None, **attrs)


def weights(*shape: int, name: str = "w") -> Any:
    rng = np.random.default_rng(len(name))
    return ingot.tensor(rng.standard_normal(shape, dtype=np.float32), name=name)


def images() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).standard_normal((2, 6, 7, 5), dtype=np.float32)


def params_of(program: ingot.Program) -> list[str]:
    """As the optimized module declares them."""
    lines = program.optimized.text().splitlines()
    return [line.removeprefix("param ") for line in lines if line.startswith("param ")]


def check(graph: ingot.Graph, device: str) -> ingot.Program:
    """The bits of the processor, with the weights laid and as they are."""
    expected = ingot.compile(graph)(images())
    program = ingot.compile(graph, device=device)
    text = program.optimized.text()
    assert _core.Module.from_bytes(program.optimized.to_bytes()).text() == text  # loading verifies
    assert np.asarray(program(images())).tobytes() == np.asarray(expected).tobytes()
    return program


def test_weights_lie_with_their_channels_side_by_side(cuda: str) -> None:
    w = weights(9, 6, 3, 3)
    graph = ingot.record(lambda x: conv(x, w, padding=1), IMAGES)
    program = check(graph, cuda)
    assert any("laid.0" in param and "f32[9,3,3,6]" in param for param in params_of(program))
    assert "axes=[0,3,1,2]" in program.optimized.text()
    assert not any("laid" in param for param in params_of(ingot.compile(graph)))


@pytest.mark.parametrize(("shape", "groups"), [((9, 6, 1, 1), 1), ((6, 1, 3, 3), 6)])
def test_weights_that_lie_so_already_stay(cuda: str, shape: tuple[int, ...], groups: int) -> None:
    w = weights(*shape)
    program = check(ingot.record(lambda x: conv(x, w, groups=groups), IMAGES), cuda)
    assert not any("laid" in param for param in params_of(program))


def test_all_readers_share_what_is_laid_and_others_read_what_was_there(cuda: str) -> None:
    w = weights(6, 6, 3, 3)

    def fn(x: Any) -> Any:
        y = ingot.fori_loop(0, 3, lambda i, y: conv(y, w, padding=1) * 0.1, conv(x, w, padding=1))
        return y + ingot.sum(w)

    program = check(ingot.record(fn, IMAGES), cuda)
    assert len([param for param in params_of(program) if "laid" in param]) == 1


def test_other_params_are_laid_anew(cuda: str) -> None:
    w = weights(9, 6, 3, 2)
    graph = ingot.record(lambda x: conv(x, w), IMAGES)
    program = check(graph, cuda)
    name = program.module.params[0][0]
    other = np.random.default_rng(5).standard_normal((9, 6, 3, 2), dtype=np.float32)
    changed = program.with_params({name: other})
    expected = ingot.compile(graph).with_params({name: other})(images())
    assert np.asarray(changed(images())).tobytes() == np.asarray(expected).tobytes()
    assert (
        np.asarray(program(images())).tobytes()
        == np.asarray(ingot.compile(graph)(images())).tobytes()
    )


def test_a_run_launches_nothing_for_weights(cuda: str, emulator: Any) -> None:
    def kernels(program: ingot.Program) -> int:
        before = emulator.counts().kernels
        program(images())
        return int(emulator.counts().kernels) - before

    w = weights(9, 6, 3, 3)
    graph = ingot.record(lambda x: conv(x, w), IMAGES)
    laid = ingot.compile(graph, device=cuda)
    unlaid = ingot.compile(graph, device=cuda, passes=[])
    for program in (laid, unlaid):
        program(images())
    assert kernels(unlaid) == kernels(laid) + 1
