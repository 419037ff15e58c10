"""A small convolutional network and a transformer encoder block, recorded, saved, and run by
ingot-run.

Both are plain functions with random weights. Each is run eagerly (NumPy) and by ingot-run (no
Python); the largest relative difference is printed and must be small.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from runner import difference, run_file

import ingot

rng = np.random.default_rng(0)


def weight(*shape: int, scale: float = 0.1) -> ingot.Tensor:
    return ingot.tensor((rng.standard_normal(shape) * scale).astype(np.float32))


class ConvNet:
    """Convolutions, batch norm, a residual. x: f32[batch, 3, 32, 32] -> f32[batch, 10]."""

    def __init__(self) -> None:
        self.stem, self.first, self.second = (
            weight(16, 3, 3, 3),
            weight(16, 16, 3, 3),
            weight(16, 16, 3, 3),
        )
        self.norms = [
            (
                weight(16),
                ingot.tensor(np.full(16, 0.5, np.float32)),
                weight(16, scale=1.0),
                weight(16),
            )
            for _ in range(3)
        ]
        self.head, self.bias = weight(16 * 8 * 8, 10), weight(10)

    def norm(self, x: ingot.Tensor, index: int) -> ingot.Tensor:
        mean, var, gamma, beta = self.norms[index]
        return ingot.batch_norm(x, mean, var, gamma, beta)

    def __call__(self, x: ingot.Tensor) -> ingot.Tensor:
        x = ingot.relu(self.norm(ingot.conv2d(x, self.stem, padding=1), 0))
        x = ingot.max_pool2d(x, 2)
        y = ingot.relu(self.norm(ingot.conv2d(x, self.first, padding=1), 1))
        y = self.norm(ingot.conv2d(y, self.second, padding=1), 2)
        x = ingot.max_pool2d(ingot.relu(x + y), 2)
        return x.reshape((x.shape[0], 16 * 8 * 8)) @ self.head + self.bias


class EncoderBlock:
    """Multi-head self-attention, then a gelu network. x, result: f32[batch, seq, 64]."""

    heads, width = 4, 64

    def __init__(self) -> None:
        n = self.width
        self.query, self.key, self.value, self.out = (
            weight(n, n),
            weight(n, n),
            weight(n, n),
            weight(n, n),
        )
        self.up, self.down = weight(n, 4 * n), weight(4 * n, n)
        self.norms = [(weight(n, scale=1.0), weight(n)) for _ in range(2)]

    def split_heads(self, x: ingot.Tensor) -> ingot.Tensor:
        batch, seq, _ = x.shape
        return ingot.permute_dims(
            x.reshape((batch, seq, self.heads, self.width // self.heads)), (0, 2, 1, 3)
        )

    def attention(self, x: ingot.Tensor) -> ingot.Tensor:
        q, k, v = (self.split_heads(x @ w) for w in (self.query, self.key, self.value))
        scores = q @ ingot.permute_dims(k, (0, 1, 3, 2)) * (self.width // self.heads) ** -0.5
        mixed = ingot.permute_dims(ingot.softmax(scores, axis=-1) @ v, (0, 2, 1, 3))
        return mixed.reshape(x.shape) @ self.out

    def __call__(self, x: ingot.Tensor) -> ingot.Tensor:
        x = x + self.attention(ingot.layer_norm(x, (self.width,), *self.norms[0]))
        h = ingot.layer_norm(x, (self.width,), *self.norms[1])
        return x + ingot.gelu(h @ self.up) @ self.down


def compare(name: str, network: ConvNet | EncoderBlock, spec: ingot.Spec, x: np.ndarray) -> None:
    """Runs `network` eagerly and by ingot-run, and prints how far apart the answers are."""
    graph = ingot.record(lambda x: {"y": network(x)}, spec)
    eager = network(ingot.tensor(x)).numpy()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / f"{name}.ingot"
        graph.save(model)
        static = run_file(model, {"x": x}, ["y"])["y"]
    error = difference(static, eager)
    print(f"{name}: output {static.shape}, largest difference / largest value = {error:.2e}")
    if error > 1e-5:
        sys.exit(f"{name}: eager and static disagree")


def main() -> None:
    batch, seq = ingot.Dim("batch", 1, 8), ingot.Dim("seq", 1, 128)
    images = rng.standard_normal((4, 3, 32, 32)).astype(np.float32)
    compare("convnet", ConvNet(), ingot.Spec((batch, 3, 32, 32), "float32"), images)
    tokens = rng.standard_normal((2, 50, 64)).astype(np.float32)
    compare("encoder", EncoderBlock(), ingot.Spec((batch, seq, 64), "float32"), tokens)


if __name__ == "__main__":
    main()
