"""What a recorded function reads from elsewhere: one param for one array, under the name it has
there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import ingot

SPEC = ingot.Spec((2, 5))
SHARED = ingot.tensor(np.ones((5, 4), np.float32))


def weight(value: float = 1.0) -> ingot.Tensor:
    return ingot.tensor(np.full((5, 4), value, np.float32))


def params(function: Callable[..., Any], *args: Any) -> list[str]:
    return [name for name, _, _ in ingot.record(function, *(args or [SPEC])).module.params]


class Layer:
    def __init__(self, value: float) -> None:
        self.weight = weight(value)

    def __call__(self, x: Any) -> Any:
        return x @ self.weight


class Network:
    def __init__(self) -> None:
        self.layers = [Layer(1.0), Layer(2.0)]
        self.named = {"head": np.full((5, 4), 3.0, np.float32)}

    def __call__(self, x: Any) -> Any:
        total = x @ self.named["head"]
        for layer in self.layers:
            total = total + layer(x)
        return total


def test_a_global_a_closure_and_a_partial_give_their_variables_name() -> None:
    inner = weight()
    assert params(lambda x: x @ SHARED) == ["SHARED"]
    assert params(lambda x: x @ inner) == ["inner"]
    assert params(functools.partial(lambda x, w: x @ w, w=weight())) == ["w"]


def test_an_object_gives_the_path_of_attributes_and_keys() -> None:
    expected = ["layers.0.weight", "layers.1.weight", "named.head"]
    assert sorted(params(Network())) == expected
    assert sorted(params(Network().__call__)) == expected


def test_a_name_given_to_the_tensor_wins() -> None:
    given = ingot.tensor(np.ones((5, 4), np.float32), name="the weight")
    assert params(lambda x: x @ given) == ["the weight"]


def test_a_small_tensor_with_a_name_is_a_param_and_without_one_a_constant() -> None:
    named, unnamed = ingot.tensor(np.ones(5, np.float32), name="b"), ingot.tensor([2.0] * 5)
    assert params(lambda x: x + named + unnamed) == ["b"]


def test_one_array_gives_one_param() -> None:
    w, plain = weight(), np.ones((5, 4), np.float32)
    assert params(lambda x: x @ w + x @ w) == ["w"]
    assert params(lambda x: x @ plain + x @ plain) == ["plain"]


def test_an_array_that_changed_meanwhile_is_captured_again() -> None:
    buffer = np.zeros((5, 4), np.float32)

    def f(x: Any) -> Any:
        buffer[:] = 1
        first = x @ buffer
        buffer[:] = 2
        return first + x @ buffer

    program = ingot.compile(ingot.record(f, SPEC))
    np.testing.assert_array_equal(program(np.ones((2, 5), np.float32)), np.full((2, 4), 15.0))


def test_equal_names_are_told_apart() -> None:
    first, second = (ingot.tensor(np.ones((5, 4), np.float32), name="w") for _ in range(2))
    assert params(lambda x: x @ first + x @ second) == ["w", "w_2"]
    assert params(lambda w: w @ first) == ["w_2"]  # an input has the name already


def test_the_same_recording_gives_the_same_bytes() -> None:
    network = Network()
    first, second = (ingot.record(network, SPEC).module.to_bytes() for _ in range(2))
    assert first == second


def test_ops_on_captured_tensors_are_recorded_not_computed() -> None:
    w = ingot.tensor(np.ones((5, 4), np.float32), name="w")
    program = ingot.compile(ingot.record(lambda x: x @ (w * 2), SPEC))
    x = np.ones((2, 5), np.float32)
    np.testing.assert_array_equal(program(x), np.full((2, 4), 10.0))
    changed = program.with_params({"w": np.full((5, 4), 3, np.float32)})
    np.testing.assert_array_equal(changed(x), np.full((2, 4), 30.0))


class Pair(NamedTuple):
    w: Any
    b: Any


def test_nested_arguments_are_named_and_called_as_they_were_recorded() -> None:
    def f(p: dict[str, Any], pair: Pair, *rest: Any) -> Any:
        return rest[1] @ p["w"][0] + pair.b * rest[0]

    w, b, one = ingot.Spec((5, 4)), ingot.Spec((4,)), ingot.Spec(())
    graph = ingot.record(f, {"w": [w]}, Pair(w, b), one, SPEC)
    names = ["p.w.0", "pair.w", "pair.b", "rest.0", "rest.1"]
    assert [spec.name for spec in graph.inputs] == names
    arrays = [np.ones(spec.shape, np.float32) for spec in graph.inputs]  # type: ignore[arg-type]
    program, expected = ingot.compile(graph), np.full((2, 4), 6.0)
    nested = {"w": [arrays[0]]}, Pair(*arrays[1:3])
    np.testing.assert_array_equal(program(*arrays), expected)
    np.testing.assert_array_equal(program(*nested, arrays[3:]), expected)
    by_name = program.run({"p": nested[0], "pair": nested[1], "rest": arrays[3:]})
    np.testing.assert_array_equal(by_name[0], expected)
    np.testing.assert_array_equal(program.run(dict(zip(names, arrays, strict=True)))[0], expected)
    np.testing.assert_array_equal(graph.evaluate(*arrays), expected)
    with pytest.raises(ingot.ArgumentError, match=r"pair\.b"):
        program(nested[0], {"w": arrays[1]}, arrays[3:])


@pytest.mark.parametrize("given", [3, "text", None, object(), ingot])
def test_an_argument_that_is_no_array_is_a_named_error(given: Any) -> None:
    with pytest.raises(ingot.ArgumentError, match="wrong argument 'n'"):
        ingot.record(lambda x, n: (x, n)[0], SPEC, given)


@pytest.mark.parametrize("returned", [None, "text", ((),), object()])
def test_an_output_that_is_no_tensor_is_a_named_error(returned: Any) -> None:
    with pytest.raises(ingot.RecordError, match="wrong output"):
        ingot.record(lambda x: (x, returned)[1:], SPEC)


def test_outputs_may_be_captured_or_plain_values() -> None:
    program = ingot.compile(ingot.record(lambda x: (x, SHARED, 1.5), SPEC))
    x = np.ones((2, 5), np.float32)
    first, second, third = program(x)
    np.testing.assert_array_equal(first, x)
    np.testing.assert_array_equal(second, SHARED.numpy())
    assert float(third) == 1.5


def test_a_tensor_outside_its_recording_is_a_named_error() -> None:
    kept: list[Any] = []
    ingot.record(lambda x: (kept.append(x), x)[1], SPEC)
    for use in (lambda: kept[0] + 1, lambda: ingot.record(lambda y: y + kept[0], SPEC)):
        with pytest.raises(ingot.RecordError, match=r"\(test_capture.py:\d+\)"):
            use()
    with pytest.raises(ingot.RecordError):
        kept[0].numpy()


def test_a_recording_inside_a_recording_is_its_own() -> None:
    inner: list[ingot.Graph] = []

    def outer(x: Any) -> Any:
        inner.append(ingot.record(lambda y: y + 1, SPEC))
        return x * 2

    graph = ingot.record(outer, SPEC)
    assert "add" not in str(graph)
    assert "multiply" not in str(inner[0])


def test_composite_calls_tag_their_nodes_with_a_number() -> None:
    text = str(ingot.record(lambda x: ingot.gelu(ingot.silu(ingot.silu(x))), SPEC))
    assert "in silu.1" in text
    assert "in silu.2" in text
    assert "in gelu.1" in text
    assert "sigmoid" not in text  # the call that the user wrote
