"""A transformer decoder with a key-value cache: one file with two graphs, prefill and decode, that
share the weights and the cache.

The cache is an ingot.State: read and assigned in the recorded functions, it becomes state of the
module. A session keeps it from call to call; saved with the session, it travels to ingot-run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from runner import difference, run_file

import ingot

WORDS, WIDTH, HEADS, LENGTH = 20, 32, 4, 16
DEPTH = WIDTH // HEADS


class Decoder:
    """One layer. tokens: i64[n] -> the scores of the word after each of them, f32[n, words]."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)

        def weight(*shape: int) -> ingot.Tensor:
            return ingot.tensor((rng.standard_normal(shape) * 0.2).astype(np.float32))

        self.embedding, self.places = weight(WORDS, WIDTH), weight(LENGTH, WIDTH)
        self.query, self.key, self.value, self.out = (weight(WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = weight(WIDTH, 4 * WIDTH), weight(4 * WIDTH, WIDTH)
        self.keys = ingot.State(np.zeros((HEADS, LENGTH, DEPTH), np.float32))
        self.values = ingot.State(np.zeros((HEADS, LENGTH, DEPTH), np.float32))
        self.position = ingot.State(0)

    def heads(self, x: ingot.Tensor) -> ingot.Tensor:
        return ingot.permute_dims(x.reshape((x.shape[0], HEADS, DEPTH)), (1, 0, 2))

    def remember(self, cache: ingot.State, x: ingot.Tensor) -> ingot.Tensor:
        """Writes the heads of x behind what the cache holds."""
        start = ingot.stack([ingot.tensor(0), self.position.value, ingot.tensor(0)])
        cache.value = ingot.dynamic_update_slice(cache, self.heads(x), start)
        return cache.value

    def __call__(self, tokens: ingot.Tensor) -> ingot.Tensor:
        at = self.position + ingot.arange(tokens.shape[0])
        x = ingot.take(self.embedding, tokens, axis=0) + ingot.take(self.places, at, axis=0)
        keys, values = (
            self.remember(self.keys, x @ self.key),
            self.remember(self.values, x @ self.value),
        )
        scores = self.heads(x @ self.query) @ keys.mT * DEPTH**-0.5
        seen = ingot.arange(LENGTH) <= at[:, None]
        mixed = ingot.softmax(ingot.where(seen, scores, float("-inf")), axis=-1) @ values
        x = x + ingot.permute_dims(mixed, (1, 0, 2)).reshape(x.shape) @ self.out
        x = x + ingot.gelu(x @ self.up) @ self.down
        self.position.value = self.position + tokens.shape[0]
        return x @ self.embedding.T


def record(path: Path) -> None:
    """Writes both graphs into one file."""
    decoder = Decoder()
    prefill = ingot.record(lambda tokens: {"y": decoder(tokens)}, ingot.Spec((5,), "int64"))
    decode = ingot.record(lambda tokens: {"y": decoder(tokens)}, ingot.Spec((1,), "int64"))
    ingot.save(path, prefill=prefill, decode=decode)


def generate(prefill, decode, tokens: np.ndarray, count: int) -> tuple[list[int], np.ndarray]:
    """The most likely words after `tokens`, and the scores of the last one."""
    scores, words = np.asarray(prefill(tokens)), []
    for _ in range(count):
        words.append(int(scores[-1].argmax()))
        scores = np.asarray(decode(np.asarray(words[-1:])))
    return words, scores


def main() -> None:
    tokens = np.asarray([3, 1, 4, 1, 5])
    with tempfile.TemporaryDirectory() as folder:
        path, later = Path(folder) / "decoder.ingot", Path(folder) / "later.ingot"
        record(path)
        program = ingot.load(path)
        eager = Decoder()
        expected, last = generate(eager, eager, tokens, 8)
        found, scores = generate(
            lambda t: program.prefill(t)["y"], lambda t: program.decode(t)["y"], tokens, 8
        )
        print(f"decoder: words {found}, relative difference {difference(scores, last):.1e}")
        if found != expected or difference(scores, last) > 1e-5:
            sys.exit("decoder: eager and static disagree")

        # The session after the prompt, saved with its cache, continues in another process.
        session = program.session()
        session.prefill(tokens)
        session.save(later)
        word = np.asarray(expected[:1])
        runner = run_file(later, {"tokens": word}, ["y"], "--graph", "decode")["y"]
        if not np.array_equal(runner, session.decode(word)["y"]):
            sys.exit("decoder: ingot-run does not continue where the session was")
        print("decoder: ingot-run continues where the session was, bit for bit")


if __name__ == "__main__":
    main()
