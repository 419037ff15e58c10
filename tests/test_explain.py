"""What explain, profile and plans say of a program: groups and what keeps neighbours apart, the
work of every step, memory."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
from ingot import _core

X = ingot.Spec((8, 1024), "float32")
PRODUCT = ingot.Spec((16, 32), "float32")
W = ingot.tensor(np.linspace(-1, 1, 32 * 64, dtype=np.float32).reshape(32, 64))


def explained(f: Callable[..., Any], *specs: ingot.Spec, **options: Any) -> str:
    return ingot.compile(ingot.record(f, *specs), **options).explain()


def test_a_group_says_its_ops_and_the_bytes_that_never_lie_in_memory() -> None:
    text = explained(lambda x: ingot.maximum(x * 2 + 1, 0), X)
    assert "(multiply + add + maximum): 65.5 KB of results never lie in memory" in text
    assert "@ " in text.split("group %")[1].splitlines()[0]  # where it was written
    assert "not with" not in text


def chain(x: ingot.Tensor) -> ingot.Tensor:
    for i in range(20):
        x = ingot.exp(x) + float(i)
    return x


def read_twice(x: ingot.Tensor) -> Any:
    y = x @ W
    return ingot.maximum(y, 0), ingot.sum(y, axis=0)


def through_another(x: ingot.Tensor) -> ingot.Tensor:
    y = ingot.exp(x)
    return y + ingot.cumulative_sum(y, axis=0)


def many_inputs(*xs: ingot.Tensor) -> ingot.Tensor:
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    return total


APART: dict[str, tuple[Callable[..., Any], list[ingot.Spec], str]] = {
    "shape": (lambda x: ingot.exp(x) + ingot.exp(x)[:1], [X], "a view, read where it lies"),
    "kind": (
        lambda x: ingot.exp(ingot.cumulative_sum(x, axis=0)),
        [X],
        "only pointwise ops, reductions over the last axes and products make groups",
    ),
    "ops": (chain, [X], "more than 32 ops"),
    "inputs": (many_inputs, [ingot.Spec((64,), "float32")] * 20, "more than 16 inputs"),
    "consumer": (read_twice, [PRODUCT], "the product's result is read elsewhere too"),
    "operand": (lambda x: ingot.exp(x) @ W, [PRODUCT], "a product reads its operands many times"),
    "rows": (
        lambda x: ingot.softmax(x @ W, axis=-1),
        [PRODUCT],
        "whole rows are needed, and a tile of a product has none",
    ),
    "axes": (
        lambda x: ingot.exp(x) * ingot.sum(ingot.exp(x), axis=0),
        [X],
        "only pointwise ops, reductions over the last axes and products make groups",
    ),
    "long rows": (
        lambda x: ingot.exp(x) - ingot.max(ingot.exp(x), axis=-1, keepdims=True),
        [ingot.Spec((2, 1 << 17), "float32")],
        "rows of more than 65536 elements",
    ),
    "path": (through_another, [X], "a path from one to the other leads through"),
}


@pytest.mark.parametrize("case", APART)
def test_what_keeps_neighbours_apart(case: str) -> None:
    f, specs, reason = APART[case]
    assert reason in explained(f, *specs)


def test_a_pass_that_is_switched_off_is_the_reason() -> None:
    text = explained(lambda x: ingot.exp(x) + 1, X, passes=["dead_code"])
    assert "group" not in text
    assert "switched off: " in text
    assert "fuse_pointwise" in text.split("switched off: ")[1]


def test_groups_inside_loops_are_explained() -> None:
    def body(carry: ingot.Tensor, x: ingot.Tensor) -> Any:
        y = ingot.tanh(carry * 2 + x)
        return y, y

    text = explained(
        lambda c, xs: ingot.scan(body, c, xs),
        ingot.Spec((64,), "float32"),
        ingot.Spec((5, 64), "float32"),
    )
    assert "(multiply + add + tanh): 512 B of results never lie in memory" in text


def test_steps_say_kernel_tiles_threads_flops_and_bytes() -> None:
    program = ingot.compile(ingot.record(lambda x: x @ W, PRODUCT), num_threads=1)
    (step,) = program.plan().steps
    assert step["flops"] == 2 * 16 * 32 * 64
    assert step["bytes"] == 4 * (16 * 32 + 32 * 64 + 16 * 64)
    assert step["threads"] == 1
    assert step["tiles"] >= 1
    assert "65.5 K" in program.explain()


def test_the_work_of_a_plan_for_given_dims_is_that_of_these_dims() -> None:
    spec = ingot.Spec((ingot.Dim("n", 1, 64), 32), "float32")
    program = ingot.compile(ingot.record(lambda x: x @ W, spec))
    assert program.plan().steps[0]["flops"] == 2 * 64 * 32 * 64
    assert program.plan(n=5).steps[0]["flops"] == 2 * 5 * 32 * 64


def test_what_moves_elements_counts_what_it_reads() -> None:
    table = ingot.tensor(np.zeros((1000, 16), np.float32))
    graph = ingot.record(lambda i: ingot.take(table, i, axis=0), ingot.Spec((4,), "int64"))
    (step,) = ingot.compile(graph).plan().steps
    assert step["flops"] == 0
    assert step["bytes"] == 2 * 4 * 16 * 4 + 4 * 8


def test_a_profile_sets_times_beside_what_the_machine_can_do() -> None:
    program = ingot.compile(ingot.record(lambda x: ingot.exp(x @ W), PRODUCT), num_threads=1)
    x = np.ones((16, 32), np.float32)
    assert "at best" not in program.explain()
    profile = program.profile(x, runs=20)
    for step in profile.steps:
        assert step.calls == 20
        assert step.total_ns > 0
        assert 0 < step.at_best_ns < 1e6
    assert "% of the limit" in str(profile)
    text = program.explain()
    assert "at best" in text
    assert "one thread at best: " in text
    flops, cached, memory = program.core.limits()
    assert flops > 0
    assert cached > 0
    assert memory > 0
    assert program.core.limits() == (flops, cached, memory)  # measured once


def test_memory_is_explained_with_its_bounds() -> None:
    program = ingot.compile(ingot.record(lambda x: ingot.exp(x @ W) @ W.T, PRODUCT))
    plan, text = program.plan(), program.explain()
    assert f"arena {plan.arena_bytes} bytes: optimal" in text
    assert f"less than {plan.lower_bound_bytes}" in text
    assert text.splitlines()[1].endswith(str(plan.schedule_free_bound_bytes))


def test_a_plan_draws_every_buffer() -> None:
    spec = ingot.Spec((ingot.Dim("n", 1, 64), 32), "float32")
    program = ingot.compile(ingot.record(lambda x: ingot.softmax(ingot.exp(x @ W) @ W.T), spec))
    plan = program.plan()
    picture = ElementTree.fromstring(plan.svg())
    assert picture.tag.endswith("svg")
    width, height = map(float, picture.attrib["viewBox"].split()[2:])
    rectangles = [e for e in picture.iter() if e.tag.endswith("rect")]
    assert len(rectangles) == len(plan.buffers)
    for e, (offset, size, first, last) in zip(rectangles, plan.buffers, strict=True):
        x, y, w, h = (float(e.attrib[k]) for k in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height
        assert f"{size} bytes at {offset}, steps {first} to {last}" in str(e[0].text)
    texts = [e.text for e in picture.iter() if e.tag.endswith("text")]
    assert f"lower bound {plan.lower_bound_bytes}" in str(texts[0])


def test_an_empty_plan_can_be_drawn_and_explained() -> None:
    program = ingot.compile(ingot.record(lambda x: (), ingot.Spec((0,), "float32")))
    assert ElementTree.fromstring(program.plan().svg()).tag.endswith("svg")
    assert "0 steps" in program.explain()


def test_passes_are_chosen_by_name() -> None:
    graph = ingot.record(lambda x: ingot.exp(x) + 1, X)
    x = np.linspace(-3, 3, 8 * 1024, dtype=np.float32).reshape(8, 1024)
    expected = ingot.compile(graph)(x)
    for name in _core.pipeline():
        without = [other for other in _core.pipeline() if other != name]
        np.testing.assert_array_equal(ingot.compile(graph, passes=without)(x), expected)
    np.testing.assert_array_equal(ingot.compile(graph, passes=[])(x), expected)
    with pytest.raises(
        ingot.ArgumentError, match="no pass 'nope': expected some of fold_constants"
    ):
        ingot.compile(graph, passes=["nope"])
    with pytest.raises(ingot.ArgumentError, match="no pass 'nope'"):
        ingot.load(graph.module.to_bytes(), passes=["nope", "dead_code"])


def test_a_profile_for_explain_must_be_pairs_of_ints() -> None:
    core = ingot.compile(ingot.record(lambda x: x + 1, X)).core
    for wrong in ([3], [(1, 2, 3)], [(1, "a")]):
        with pytest.raises(ingot.ArgumentError, match="explain"):
            core.explain(0, wrong, 1)  # type: ignore[arg-type]
    assert core.explain(0, [(1, 2)] * 5, 1)  # of another plan: left out
