"""Programs on a device have the bits of programs on the processor: every op, random programs and
networks, the examples."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.op_samples import RECORDS, applications, bits, module_of, run
from tests.random_functions import gradient, random_function
from tests.random_networks import build_network
from tests.random_programs import SeededChoose, build, check_on_device

import ingot
from ingot import _core
from ingot.op import OpRecord

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
import decoder
import loops
import networks

VALUED = [record for record in RECORDS if record.row.dtype_rule != "condition"]
IDS = [record.name for record in VALUED]


def check_module(device: str, module: _core.Module, operands: list[Any]) -> None:
    expected = [bits(x) for x in run(module, operands)]
    assert [bits(x) for x in run(module, operands, device=device)] == expected


def leaves(results: Any) -> list[Any]:
    if isinstance(results, dict):
        return list(results.values())
    return list(results) if isinstance(results, (tuple, list)) else [results]


def check_graph(device: str, graph: ingot.Graph, *calls: tuple[Any, ...]) -> None:
    """Several calls of one session, as the same calls on the processor."""
    there, here = ingot.compile(graph, device=device), ingot.compile(graph)
    for arguments in calls:
        found, expected = leaves(there(*arguments)), leaves(here(*arguments))
        assert [bits(np.asarray(x)) for x in found] == [bits(np.asarray(x)) for x in expected]


@pytest.mark.parametrize("record", VALUED, ids=IDS)
def test_every_op_has_the_bits_of_the_processor(record: OpRecord, cuda: str) -> None:
    for application in itertools.islice(applications(record), 40):
        check_module(cuda, module_of(application), application.operands)


@pytest.mark.parametrize("record", VALUED, ids=IDS)
def test_every_op_among_pointwise_ones_has_the_bits_of_the_processor(
    record: OpRecord, cuda: str
) -> None:
    for application in itertools.islice(applications(record), 12):
        check_module(cuda, module_of(application, neighbors=True), application.operands)


def test_random_programs_agree_with_the_processor(cuda: str) -> None:
    outcomes = [check_on_device(*build(SeededChoose(seed)), cuda) for seed in range(400)]
    assert outcomes.count("ran") > len(outcomes) / 2


def test_random_networks_agree_with_the_processor(cuda: str) -> None:
    outcomes = [check_on_device(*build_network(SeededChoose(seed)), cuda) for seed in range(100)]
    assert outcomes.count("ran") > len(outcomes) * 0.9


@pytest.mark.parametrize("seed", range(20))
def test_gradients_of_random_functions_agree_with_the_processor(seed: int, cuda: str) -> None:
    function, inputs = random_function(seed)
    graph = ingot.record(gradient(function, len(inputs)), *inputs)
    check_graph(cuda, graph, tuple(inputs), tuple(inputs))


@pytest.mark.parametrize("network", [networks.ConvNet, networks.EncoderBlock])
def test_networks_of_any_batch(network: type, cuda: str, rng: np.random.Generator) -> None:
    shape = (3, 32, 32) if network is networks.ConvNet else (7, 64)
    graph = ingot.record(network(), ingot.Spec((ingot.Dim("batch", 1, 8), *shape)))
    sizes = [1, 1, 1, 8, 3, 3, 3]
    calls = [(rng.standard_normal((n, *shape)).astype(np.float32),) for n in sizes]
    check_graph(cuda, graph, *calls)


def dense(
    x: ingot.Tensor, w: ingot.Tensor, scale: ingot.Tensor, bias: ingot.Tensor, rest: ingot.Tensor
) -> ingot.Tensor:
    return ingot.maximum(x @ w * scale + bias, 0.0) + rest


def filtered(
    x: ingot.Tensor, w: ingot.Tensor, scale: ingot.Tensor, bias: ingot.Tensor, rest: ingot.Tensor
) -> ingot.Tensor:
    return ingot.tanh(ingot.conv2d(x, w, padding=1) * scale + bias) + rest


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (dense, [(70, 33), (33, 40), (40,), (40,), (70, 40)]),
        (dense, [(2, 5, 600), (600, 36), (1,), (5, 1), (2, 5, 36)]),
        (filtered, [(2, 5, 7, 8), (12, 5, 3, 3), (12, 1, 1), (12, 1, 1), (2, 12, 7, 8)]),
    ],
)
def test_what_follows_a_product_is_one_step_with_it(
    layer: Any, shapes: list[tuple[int, ...]], cuda: str, rng: np.random.Generator
) -> None:
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    graph = ingot.record(layer, *arrays)
    expected = bits(np.asarray(ingot.compile(graph)(*arrays)))
    arenas = []
    for without in ("", "fuse_contractions", "fuse_pointwise"):
        passes = [name for name in _core.pipeline() if name != without]
        program = ingot.compile(graph, device=cuda, passes=passes)
        assert bits(np.asarray(program(*arrays))) == expected
        plan = program.plan()
        arenas.append(plan.arena_bytes)
        if without == "":
            steps = [step for step in plan.steps if step["kind"] == "kernel"]
            assert [step["code"].split()[0] for step in steps] == [steps[0]["kernel"] + ","]
            assert steps[0]["kernel"] + "+" in program.explain()
    assert arenas[0] < arenas[1]


def test_an_lstm_and_its_gradient(cuda: str) -> None:
    def slopes(x: ingot.Tensor, w: ingot.Tensor, h: ingot.Tensor, b: ingot.Tensor) -> Any:
        weights = {"input": w, "hidden": h, "bias": b}
        return ingot.grad(loops.lstm_loss)(weights, x)

    width = loops.WIDTH
    arrays = [
        loops.array(20, loops.BATCH, width, scale=1.0),
        loops.array(width, 4 * width),
        loops.array(width, 4 * width),
        loops.array(4 * width),
    ]
    check_graph(cuda, ingot.record(slopes, *arrays), *([tuple(arrays)] * 3))


def test_a_beam_search(cuda: str) -> None:
    table = loops.array(loops.WORDS, loops.WORDS, scale=1.0)
    check_graph(cuda, ingot.record(loops.beam_search, table), (table,), (-table,), (table,))


def test_a_decoder_keeps_its_cache_on_the_device(cuda: str, tmp_path: Path) -> None:
    decoder.record(tmp_path / "decoder.ingot")
    there = ingot.load(tmp_path / "decoder.ingot", device=cuda)
    here = ingot.load(tmp_path / "decoder.ingot")
    for graph, tokens in [("prefill", [3, 1, 4, 1, 5]), *[("decode", [n]) for n in (9, 2, 6, 5)]]:
        found, expected = (getattr(p, graph)(np.asarray(tokens))["y"] for p in (there, here))
        assert bits(np.asarray(found)) == bits(np.asarray(expected))
    for name in ("decoder.keys", "decoder.values", "decoder.position"):
        states = [np.asarray(p.default_session.state[name]) for p in (there, here)]
        assert bits(states[0]) == bits(states[1])
