"""Loops that become one node of the graph: an LSTM over 128 steps by scan, a beam search of 8 by
while_loop, and the gradients through both.

Everything runs eagerly, where it can be printed and stepped through; then it is recorded, saved,
and run by ingot-run. The largest relative differences are printed and must be small.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from runner import difference, run_file

import ingot

STEPS, BATCH, WIDTH = 128, 4, 16
BEAM, WORDS, LENGTH = 8, 12, 10
rng = np.random.default_rng(0)


def array(*shape: int, scale: float = 0.3) -> np.ndarray:
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def lstm(weights: dict[str, ingot.Tensor], x: ingot.Tensor) -> ingot.Tensor:
    """x: f32[steps, batch, width] -> every step's output, of the same shape."""

    def cell(
        carry: tuple[ingot.Tensor, ingot.Tensor], row: ingot.Tensor
    ) -> tuple[tuple, ingot.Tensor]:
        h, c = carry
        i, f, g, o = ingot.split(
            row @ weights["input"] + h @ weights["hidden"] + weights["bias"], 4, axis=-1
        )
        c = ingot.sigmoid(f) * c + ingot.sigmoid(i) * ingot.tanh(g)
        h = ingot.sigmoid(o) * ingot.tanh(c)
        return (h, c), h

    start = ingot.zeros((BATCH, WIDTH))
    return ingot.scan(cell, (start, start), x)[1]


def lstm_loss(weights: dict[str, ingot.Tensor], x: ingot.Tensor) -> ingot.Tensor:
    return ingot.mean(lstm(weights, x) ** 2)


def beam_search(table: ingot.Tensor) -> tuple[ingot.Tensor, ingot.Tensor]:
    """table: f32[words, words], scores of the next word -> the best sequences and their scores."""
    chances = ingot.log_softmax(table, axis=-1)
    places = ingot.arange(LENGTH)

    def grow(state: tuple[ingot.Tensor, ingot.Tensor, ingot.Tensor]) -> tuple[ingot.Tensor, ...]:
        t, words, scores = state
        last = ingot.take(words, t - 1, axis=1)
        total = scores[:, None] + ingot.take(chances, last, axis=0)
        best, found = ingot.topk(total.reshape(BEAM * WORDS), BEAM)
        words = ingot.take(words, found // WORDS, axis=0)
        words = ingot.where(places == t, (found % WORDS)[:, None], words)
        return t + 1, words, best

    # One beam begins; the others are impossible, so that the first step fills them.
    first = ingot.where(ingot.arange(BEAM) == 0, 0.0, -1e9)
    words = ingot.zeros((BEAM, LENGTH), dtype="int64")
    start = (ingot.tensor(1), words, first)
    _, words, scores = ingot.while_loop(
        lambda state: state[0] < LENGTH, grow, start, max_trips=LENGTH
    )
    return words, scores


def best_score(table: ingot.Tensor) -> ingot.Tensor:
    return beam_search(table)[1][0]


def check(name: str, found: np.ndarray, expected: ingot.Tensor) -> None:
    error = difference(found, expected.numpy())
    print(f"{name}: {found.dtype}{list(found.shape)}, relative difference {error:.1e}")
    if error > 1e-4:
        sys.exit(f"{name}: eager and ingot-run disagree")


def main() -> None:
    weights = {
        "input": array(WIDTH, 4 * WIDTH),
        "hidden": array(WIDTH, 4 * WIDTH),
        "bias": array(4 * WIDTH),
    }
    x, table = array(STEPS, BATCH, WIDTH, scale=1.0), array(WORDS, WORDS, scale=1.0)
    tensors = {name: ingot.tensor(w) for name, w in weights.items()}
    named = {f"weights.{name}": w for name, w in weights.items()}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.ingot"

        ingot.record(lambda weights, x: {"y": lstm(weights, x)}, weights, x).save(model)
        check(
            "lstm", run_file(model, {**named, "x": x}, ["y"])["y"], lstm(tensors, ingot.tensor(x))
        )

        ingot.record(ingot.grad(lstm_loss), weights, x).save(model)
        inputs = {f"args.0.{name}": w for name, w in weights.items()}
        found = run_file(model, {**inputs, "args.1": x}, list(weights))
        expected = ingot.grad(lstm_loss)(tensors, ingot.tensor(x))
        for name in weights:
            check(f"lstm gradient of {name}", found[name], expected[name])

        def search(table: ingot.Tensor) -> dict[str, ingot.Tensor]:
            words, scores = beam_search(table)
            return {"words": words, "scores": scores, "slope": ingot.grad(best_score)(table)}

        ingot.record(search, table).save(model)
        eager = search(ingot.tensor(table))
        results = run_file(model, {"table": table}, list(eager))
        for name, value in eager.items():
            check(f"beam search: {name}", results[name], value)


if __name__ == "__main__":
    main()
