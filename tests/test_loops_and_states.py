"""An LSTM, a beam search and a decoder with a cache: checked node by node, equal bits between the
runner and Python, and no allocation after the first run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.installed import runner
from tests.test_allocations import counted
from tests.test_allocations import folder as counter_folder

import ingot
from ingot import testing

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
import decoder
import loops

folder = counter_folder  # the fixture that builds the counter
rng = np.random.default_rng(0)
WEIGHTS = {
    "input": loops.array(loops.WIDTH, 4 * loops.WIDTH),
    "hidden": loops.array(loops.WIDTH, 4 * loops.WIDTH),
    "bias": loops.array(4 * loops.WIDTH),
}
X = loops.array(loops.STEPS, loops.BATCH, loops.WIDTH, scale=1.0)
TABLE = loops.array(loops.WORDS, loops.WORDS, scale=1.0)


def lstm_step(x: ingot.Tensor) -> dict[str, ingot.Tensor]:
    weights = {name: ingot.tensor(w, name=name) for name, w in WEIGHTS.items()}
    loss, slopes = ingot.value_and_grad(loops.lstm_loss)(weights, x)
    return {"loss": loss, **slopes}


def search(table: ingot.Tensor) -> dict[str, ingot.Tensor]:
    words, scores = loops.beam_search(table)
    return {"words": words, "scores": scores, "slope": ingot.grad(loops.best_score)(table)}


CASES: dict[str, tuple[Callable[..., Any], str, np.ndarray]] = {
    "lstm": (lstm_step, "x", X),
    "beam search": (search, "table", TABLE),
}


@pytest.mark.parametrize("name", CASES)
def test_the_program_agrees_node_by_node(name: str) -> None:
    function, _, x = CASES[name]
    program = ingot.compile(ingot.record(function, x))
    testing.check(program, [x])
    expected = function(ingot.tensor(x))
    for key, value in program(x).items():
        np.testing.assert_allclose(value, expected[key].numpy(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_the_runner_gives_the_same_bits_and_allocates_nothing(
    name: str, folder: Path, tmp_path: Path
) -> None:
    function, argument, x = CASES[name]
    graph = ingot.record(function, x)
    graph.save(tmp_path / "m.ingot")
    np.save(tmp_path / "x.npy", x)
    outputs = [output.name for output in graph.outputs]
    words = [runner(), tmp_path / "m.ingot", "--input", f"{argument}={tmp_path / 'x.npy'}"]
    for output in outputs:
        words += ["--output", f"{output}={tmp_path / output}.npy"]
    subprocess.run([str(w) for w in words], check=True, capture_output=True)
    expected = ingot.load(tmp_path / "m.ingot")(x)
    for output in outputs:
        np.testing.assert_array_equal(np.load(f"{tmp_path / output}.npy"), expected[output])
    totals = []
    for runs in (1, 20):
        total = tmp_path / f"total-{runs}"
        arguments = [tmp_path / "m.ingot", "--input", f"{argument}=zeros", "--repeat", runs]
        counted(folder, runner(), *arguments, "--json", ALLOC_COUNTER_FILE=str(total))
        totals.append(int(total.read_text()))
    assert totals[1] == totals[0]


def test_the_second_call_sees_the_cache_of_the_first(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "decoder.ingot"
    decoder.record(path)
    module = ingot.Module.load(str(path))
    names = sorted(name for name, _, _ in module.states)
    assert names == ["decoder.keys", "decoder.position", "decoder.values"]
    program, eager = ingot.load(path), decoder.Decoder()
    tokens = np.asarray([3, 1, 4, 1, 5])
    for graph, given in ((program.prefill, tokens), (program.decode, [9]), (program.decode, [2])):
        found = graph(np.asarray(given))["y"]
        np.testing.assert_allclose(found, eager(np.asarray(given)).numpy(), rtol=1e-4, atol=1e-5)
    assert program.default_session.state["decoder.position"] == 7
    totals = []
    for runs in (1, 9):
        total = tmp_path / f"total-{runs}"
        arguments = [path, "--graph", "decode", "--input", "tokens=zeros", "--repeat", runs]
        counted(folder, runner(), *arguments, "--json", ALLOC_COUNTER_FILE=str(total))
        totals.append(int(total.read_text()))
    assert totals[1] == totals[0]
