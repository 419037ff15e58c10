"""nn.functional: every function against torch where it is installed, values and gradients, eagerly
and as a program; at the corners of its curves; with a symbolic batch; and called wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
import ingot.nn.functional as F
import ingot.testing

Call = Callable[..., Any]


def normal(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [rng.standard_normal(shape) for shape in shapes]


# name -> the shapes of its float arguments, and the call, given Ingot's or torch's functions.
CASES: dict[str, tuple[list[tuple[int, ...]], Call]] = {
    "relu": ([(3, 4)], lambda f, x: f.relu(x)),
    "relu6": ([(3, 4)], lambda f, x: f.relu6(x * 5)),
    "sigmoid": ([(3, 4)], lambda f, x: f.sigmoid(x)),
    "silu": ([(3, 4)], lambda f, x: f.silu(x)),
    "gelu": ([(3, 4)], lambda f, x: f.gelu(x)),
    "gelu tanh": ([(3, 4)], lambda f, x: f.gelu(x, approximate="tanh")),
    "elu": ([(3, 4)], lambda f, x: f.elu(x, 1.5)),
    "celu": ([(3, 4)], lambda f, x: f.celu(x, 1.5)),
    "selu": ([(3, 4)], lambda f, x: f.selu(x)),
    "glu": ([(3, 4)], lambda f, x: f.glu(x, dim=1)),
    "hardsigmoid": ([(3, 4)], lambda f, x: f.hardsigmoid(x * 3)),
    "hardswish": ([(3, 4)], lambda f, x: f.hardswish(x * 3)),
    "hardtanh": ([(3, 4)], lambda f, x: f.hardtanh(x, -0.5, 0.25)),
    "leaky_relu": ([(3, 4)], lambda f, x: f.leaky_relu(x, 0.1)),
    "logsigmoid": ([(3, 4)], lambda f, x: f.logsigmoid(x)),
    "mish": ([(3, 4)], lambda f, x: f.mish(x)),
    "prelu": ([(3, 4, 2), (4,)], lambda f, x, w: f.prelu(x, w)),
    "softplus": ([(3, 4)], lambda f, x: f.softplus(x, beta=2.0, threshold=1.0)),
    "softsign": ([(3, 4)], lambda f, x: f.softsign(x)),
    "tanh": ([(3, 4)], lambda f, x: f.tanh(x)),
    "softmax": ([(3, 4)], lambda f, x: f.softmax(x, dim=0)),
    "log_softmax": ([(3, 4)], lambda f, x: f.log_softmax(x, dim=1)),
    "linear": ([(2, 3, 4), (5, 4), (5,)], lambda f, x, w, b: f.linear(x, w, b)),
    "mse_loss": ([(3, 4), (3, 4)], lambda f, x, t: f.mse_loss(x, t)),
    "l1_loss": ([(3, 4), (3, 4)], lambda f, x, t: f.l1_loss(x, t, reduction="sum")),
    "smooth_l1_loss": ([(3, 4), (3, 4)], lambda f, x, t: f.smooth_l1_loss(x, t, beta=0.5)),
    "huber_loss": ([(3, 4), (3, 4)], lambda f, x, t: f.huber_loss(x, t, delta=0.5)),
    "binary_cross_entropy_with_logits": (
        [(3, 4), (3, 4)],
        lambda f, x, t: f.binary_cross_entropy_with_logits(x, t, pos_weight=t[0].detach() * 0 + 2),
    ),
    "kl_div": ([(3, 4), (3, 4)], lambda f, x, t: f.kl_div(x, t, reduction="sum", log_target=True)),
    "cross_entropy soft": (
        [(3, 4), (3, 4)],
        lambda f, x, t: f.cross_entropy(x, t, label_smoothing=0.1),
    ),
    "layer_norm": ([(3, 4), (4,), (4,)], lambda f, x, w, b: f.layer_norm(x, (4,), w, b)),
    "rms_norm": ([(3, 4), (4,)], lambda f, x, w: f.rms_norm(x, (4,), w, eps=1e-3)),
    "group_norm": ([(2, 4, 3), (4,), (4,)], lambda f, x, w, b: f.group_norm(x, 2, w, b)),
    "instance_norm": ([(2, 4, 3)], lambda f, x: f.instance_norm(x)),
    "batch_norm": (
        [(3, 2, 4), (2,), (2,)],
        lambda f, x, w, b: f.batch_norm(x, None, None, w, b, training=True),
    ),
    "normalize": ([(3, 4)], lambda f, x: f.normalize(x, dim=0)),
    "cosine_similarity": ([(3, 4), (4,)], lambda f, x, y: f.cosine_similarity(x, y, dim=-1)),
    "conv1d": ([(2, 4, 7), (6, 2, 3)], lambda f, x, w: f.conv1d(x, w, stride=2, groups=2)),
    "conv2d": (
        [(2, 4, 7, 6), (6, 2, 3, 2), (6,)],
        lambda f, x, w, b: f.conv2d(x, w, b, (2, 1), 1, (1, 2), 2),
    ),
    "conv2d same": (
        [(3, 5, 6), (2, 3, 2, 3)],
        lambda f, x, w: f.conv2d(x, w, padding="same", dilation=2),
    ),
    "conv_transpose1d": (
        [(2, 4, 5), (4, 3, 3)],
        lambda f, x, w: f.conv_transpose1d(x, w, stride=2, padding=1, output_padding=1),
    ),
    "conv_transpose2d": (
        [(2, 4, 3, 4), (4, 3, 3, 2), (6,)],
        lambda f, x, w, b: f.conv_transpose2d(x, w, b, (2, 3), 1, (1, 2), 2, (2, 1)),
    ),
    "max_pool1d": ([(2, 3, 8)], lambda f, x: f.max_pool1d(x, 3, 2, 1)),
    "max_pool2d": ([(2, 3, 7, 6)], lambda f, x: f.max_pool2d(x, (3, 2), 2, 1, ceil_mode=True)),
    "avg_pool1d": ([(2, 3, 8)], lambda f, x: f.avg_pool1d(x, 3, 2, 1, count_include_pad=False)),
    "avg_pool2d": (
        [(2, 3, 7, 6)],
        lambda f, x: f.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    ),
    "avg_pool2d divisor": ([(3, 7, 6)], lambda f, x: f.avg_pool2d(x, 2, divisor_override=3)),
    "adaptive_avg_pool1d": ([(2, 3, 7)], lambda f, x: f.adaptive_avg_pool1d(x, 3)),
    "adaptive_avg_pool2d": ([(2, 3, 7, 5)], lambda f, x: f.adaptive_avg_pool2d(x, (3, None))),
    "pad": ([(2, 3, 4)], lambda f, x: f.pad(x, (1, -1, 0, 2), value=0.5)),
    "pad reflect": ([(2, 3, 4)], lambda f, x: f.pad(x, (2, 1), "reflect")),
    "pad replicate": ([(2, 3, 4, 4)], lambda f, x: f.pad(x, (2, 1, -1, 3), "replicate")),
    "pad circular": ([(2, 3, 4)], lambda f, x: f.pad(x, (2, 1), "circular")),
    "unfold": ([(2, 3, 5, 6)], lambda f, x: f.unfold(x, (2, 3), 2, 1, (1, 2))),
    "pixel_shuffle": ([(2, 8, 3, 2)], lambda f, x: f.pixel_shuffle(x, 2)),
    "pixel_unshuffle": ([(2, 3, 4, 6)], lambda f, x: f.pixel_unshuffle(x, 2)),
    "interpolate": ([(2, 3, 4)], lambda f, x: f.interpolate(x, scale_factor=1.7)),
    "interpolate bilinear": (
        [(2, 3, 4, 5)],
        lambda f, x: f.interpolate(x, (7, 3), mode="bilinear", align_corners=True),
    ),
    "interpolate bicubic": (
        [(2, 3, 4, 5)],
        lambda f, x: f.interpolate(x, (7, 3), mode="bicubic"),
    ),
    "interpolate area": ([(2, 3, 4, 5)], lambda f, x: f.interpolate(x, (3, 7), mode="area")),
    "grid_sample": ([(2, 3, 4, 5), (2, 3, 3, 2)], lambda f, x, g: f.grid_sample(x, g)),
    "grid_sample reflection": (
        [(2, 3, 4, 5), (2, 3, 3, 2)],
        lambda f, x, g: f.grid_sample(x, g * 2, "bicubic", "reflection", True),
    ),
    "scaled_dot_product_attention": (
        [(2, 4, 3, 5), (2, 2, 6, 5), (2, 2, 6, 4)],
        lambda f, q, k, v: f.scaled_dot_product_attention(q, k, v, enable_gqa=True),
    ),
    "scaled_dot_product_attention causal": (
        [(2, 3, 5), (2, 6, 5), (2, 6, 4)],
        lambda f, q, k, v: f.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.5),
    ),
    "scaled_dot_product_attention mask": (
        [(2, 3, 5), (2, 6, 5), (2, 6, 4), (3, 6)],
        lambda f, q, k, v, m: f.scaled_dot_product_attention(q, k, v, m),
    ),
}


def gradients_of_torch(call: Call, arrays: list[np.ndarray], g: np.ndarray) -> Any:
    import torch

    inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
    functional = torch.nn.functional
    call(functional, *inputs).backward(torch.tensor(g))
    return [x.grad.numpy() for x in inputs]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_torch(name: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    shapes, call = CASES[name]
    arrays = normal(rng, *shapes)
    expected = call(torch.nn.functional, *map(torch.tensor, arrays)).numpy()
    y, pull = ingot.vjp(lambda *xs: call(F, *xs), *arrays)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-7, atol=1e-9)
    (g,) = normal(rng, expected.shape)
    for found, wanted in zip(pull(g), gradients_of_torch(call, arrays, g), strict=True):
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_a_program_computes_the_eager_values_and_gradients(
    name: str, rng: np.random.Generator
) -> None:
    shapes, call = CASES[name]
    arrays = [a.astype(np.float32) for a in normal(rng, *shapes)]

    def both(*xs: ingot.Tensor) -> list[ingot.Tensor]:
        y, pull = ingot.vjp(lambda *inner: call(F, *inner), *xs)
        return [y, *pull(ingot.ones_like(y))]

    program = ingot.compile(ingot.record(both, *arrays), num_threads=1)
    for static, eager in zip(program(*arrays), both(*map(ingot.tensor, arrays)), strict=True):
        np.testing.assert_allclose(static, eager.numpy(), rtol=1e-4, atol=1e-5)
    ingot.testing.check(program, arrays)


CORNERS: dict[str, tuple[Call, list[float]]] = {
    "relu": (lambda f, x: f.relu(x), [0.0, -0.0]),
    "relu6": (lambda f, x: f.relu6(x), [0.0, 6.0]),
    "hardtanh": (lambda f, x: f.hardtanh(x), [-1.0, 1.0]),
    "hardsigmoid": (lambda f, x: f.hardsigmoid(x), [-3.0, 3.0]),
    "leaky_relu": (lambda f, x: f.leaky_relu(x), [0.0]),
    "elu": (lambda f, x: f.elu(x, 2.0), [0.0, 1000.0, -1000.0]),
    "celu": (lambda f, x: f.celu(x, 2.0), [0.0, 1000.0, -1000.0]),
    "selu": (lambda f, x: f.selu(x), [0.0, 1000.0, -1000.0]),
    "sigmoid": (lambda f, x: f.sigmoid(x), [0.0, 1000.0, -1000.0]),
    "silu": (lambda f, x: f.silu(x), [0.0, 1000.0]),
    "logsigmoid": (lambda f, x: f.logsigmoid(x), [0.0, 1000.0, -1000.0]),
    "softplus": (lambda f, x: f.softplus(x), [0.0, 20.0, 1000.0, -1000.0]),
    "mish": (lambda f, x: f.mish(x), [0.0, 20.0, 1000.0, -1000.0]),
    "softsign": (lambda f, x: f.softsign(x), [0.0]),
    "l1_loss": (lambda f, x: f.l1_loss(x, x * 0, reduction="none"), [0.0]),
    "smooth_l1_loss": (lambda f, x: f.smooth_l1_loss(x, x * 0, reduction="none"), [0.0, 1.0, -1.0]),
    "huber_loss": (lambda f, x: f.huber_loss(x, x * 0, reduction="none"), [0.0, 1.0, -1.0]),
    "normalize": (lambda f, x: f.normalize(x, dim=0), [0.0, 0.0]),
    "max_pool1d": (lambda f, x: f.max_pool1d(x.reshape(1, 4), 2), [1.0, 1.0, 2.0, 2.0]),
}


@pytest.mark.parametrize("name", CORNERS)
def test_derivatives_at_corners_and_far_out_are_those_of_torch(name: str) -> None:
    pytest.importorskip("torch")
    call, points = CORNERS[name]
    x = np.array(points)
    y, pull = ingot.vjp(lambda x: call(F, x), x)
    g = np.ones(y.shape)
    (expected,) = gradients_of_torch(call, [x], g)
    np.testing.assert_allclose(pull(g)[0].numpy(), expected, rtol=1e-12)


CLASSES: dict[str, Call] = {
    "plain": lambda f, x, t, _: f.cross_entropy(x, t),
    "weight": lambda f, x, t, w: f.cross_entropy(x, t, w),
    "ignored": lambda f, x, t, w: f.cross_entropy(x, t, w, ignore_index=1),
    "smooth": lambda f, x, t, w: f.cross_entropy(x, t, w, ignore_index=1, label_smoothing=0.2),
    "none": lambda f, x, t, w: f.cross_entropy(x, t, w, reduction="none", label_smoothing=0.2),
    "nll": lambda f, x, t, w: f.nll_loss(x, t, w, ignore_index=0),
}


@pytest.mark.parametrize("name", CLASSES)
def test_cross_entropy_of_classes_is_that_of_torch(name: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x, w = normal(rng, (2, 3, 4), (3,))
    w, t = np.abs(w), rng.integers(0, 3, (2, 4))
    call = CLASSES[name]
    inputs = torch.tensor(x, requires_grad=True)
    y = call(torch.nn.functional, inputs, torch.tensor(t), torch.tensor(w))
    found, pull = ingot.vjp(lambda x: call(F, x, t, w), x)
    np.testing.assert_allclose(found.numpy(), y.detach().numpy(), rtol=1e-12)
    (g,) = normal(rng, tuple(y.shape))
    y.backward(torch.tensor(g))
    np.testing.assert_allclose(pull(g)[0].numpy(), inputs.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_a_class_out_of_range_is_an_error_and_an_ignored_one_is_not() -> None:
    x = ingot.zeros((2, 3))
    assert float(F.cross_entropy(x, ingot.tensor([1, -100]))) == pytest.approx(np.log(3))
    with pytest.raises(ingot.RangeError):
        F.cross_entropy(x, ingot.tensor([1, 3]))


def test_the_padding_row_of_an_embedding_gets_no_gradient() -> None:
    table, indices = ingot.ones((4, 2)), ingot.tensor([[1, 0], [1, 3]])
    _, pull = ingot.vjp(lambda w: F.embedding(indices, w, padding_idx=1), table)
    assert pull(ingot.ones((2, 2, 2)))[0][:, 0].tolist() == [1.0, 0.0, 0.0, 1.0]
    _, pull = ingot.vjp(lambda w: F.embedding(indices, w, scale_grad_by_freq=True), table)
    assert pull(ingot.ones((2, 2, 2)))[0][:, 0].tolist() == [1.0, 1.0, 0.0, 1.0]


def test_an_embedding_shortens_the_rows_that_it_reads() -> None:
    table = ingot.tensor([[3.0, 4.0], [0.3, 0.4]])
    rows = F.embedding(ingot.tensor([0, 1]), table, max_norm=1.0).numpy()
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)
    assert table[0].tolist() == [3.0, 4.0]


def test_the_positions_of_largest_elements_are_those_of_torch(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    x = rng.integers(0, 5, (2, 3, 7, 6)).astype(np.float32)
    options = {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": (1, 2), "ceil_mode": True}
    expected = torch.nn.functional.max_pool2d(torch.tensor(x), return_indices=True, **options)
    found = F.max_pool2d(x, return_indices=True, **options)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_query_without_keys_attends_to_nothing() -> None:
    q, k, v = ingot.ones((2, 3)), ingot.ones((4, 3)), ingot.ones((4, 2))
    mask = ingot.tensor([[True, False, True, False], [False] * 4])
    y, pull = ingot.vjp(lambda q: F.scaled_dot_product_attention(q, k, v, mask), q)
    assert y.tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert np.isfinite(pull(ingot.ones((2, 2)))[0].numpy()).all()


def test_half_precision_is_computed_in_single_and_rounded_once(rng: np.random.Generator) -> None:
    x = (rng.standard_normal((2, 4, 6, 6)) * 30).astype(np.float16)
    for f in (
        F.gelu,
        F.softmax,
        lambda x: F.layer_norm(x, 6),
        lambda x: F.group_norm(x, 2),
        lambda x: F.rms_norm(x, 6, eps=1e-5),
        lambda x: F.batch_norm(x, None, None, training=True),
        lambda x: F.adaptive_avg_pool2d(x, 4),
        lambda x: F.interpolate(x, (3, 9), mode="bilinear"),
        lambda x: F.scaled_dot_product_attention(x, x, x),
    ):
        once = f(x.astype(np.float32)).numpy().astype(np.float16)
        assert f(x).numpy().tobytes() == once.tobytes()


def test_convolutions_of_integers_are_exact() -> None:
    x = ingot.full((1, 2, 3, 3), 2**40 + 1)
    w = ingot.ones((1, 2, 2, 2), "int64")
    assert F.conv2d(x, w)[0, 0, 0, 0].item() == 8 * (2**40 + 1)


BATCHED: dict[str, tuple[tuple[int, ...], Call]] = {
    "softmax": ((4,), lambda x: F.softmax(x)),
    "layer_norm": ((4,), lambda x: F.layer_norm(x, 4)),
    "group_norm": ((4, 3), lambda x: F.group_norm(x, 2)),
    "batch_norm": ((4, 3), lambda x: F.batch_norm(x, None, None, training=True)),
    "conv2d": ((2, 5, 5), lambda x: F.conv2d(x, np.ones((3, 2, 3, 3), np.float32), padding=1)),
    "conv_transpose2d": ((2, 3, 3), lambda x: F.conv_transpose2d(x, ingot.ones((2, 1, 2, 2)))),
    "max_pool2d": ((2, 4, 4), lambda x: F.max_pool2d(x, 2)),
    "avg_pool2d": ((2, 4, 4), lambda x: F.avg_pool2d(x, 2)),
    "adaptive_avg_pool2d": ((2, 5, 4), lambda x: F.adaptive_avg_pool2d(x, 2)),
    "interpolate": ((2, 3, 3), lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    "unfold": ((2, 3, 3), lambda x: F.unfold(x, 2)),
    "pixel_shuffle": ((4, 3, 3), lambda x: F.pixel_shuffle(x, 2)),
    "attention": ((3, 4), lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True)),
    "mse_loss": ((4,), lambda x: F.mse_loss(x, ingot.zeros_like(x))),
}


@pytest.mark.parametrize("name", BATCHED)
def test_the_batch_may_be_symbolic(name: str, rng: np.random.Generator) -> None:
    shape, call = BATCHED[name]
    program = ingot.compile(
        ingot.record(call, ingot.Spec((ingot.Dim("batch", 1, 8), *shape))), num_threads=1
    )
    for batch in (1, 3):
        x = rng.standard_normal((batch, *shape)).astype(np.float32)
        expected = call(ingot.tensor(x)).numpy()
        np.testing.assert_allclose(program(x), expected, rtol=1e-5, atol=1e-6)


X = np.ones((2, 4, 5, 5), np.float32)
WRONG: dict[str, tuple[Call, type[ingot.IngotError]]] = {
    "celu": (lambda: F.celu(X, 0), ingot.ArgumentError),
    "glu": (lambda: F.glu(X), ingot.ShapeError),
    "reduction": (lambda: F.mse_loss(X, X, "median"), ingot.ArgumentError),
    "smooth_l1_loss": (lambda: F.smooth_l1_loss(X, X, beta=-1), ingot.ArgumentError),
    "huber_loss": (lambda: F.huber_loss(X, X, delta=0), ingot.ArgumentError),
    "bce": (lambda: F.binary_cross_entropy_with_logits(X, X[0]), ingot.ShapeError),
    "nll_loss dtype": (lambda: F.nll_loss(X, X[:, 0]), ingot.DTypeError),
    "nll_loss shape": (lambda: F.nll_loss(X, np.zeros(2, np.int64)), ingot.ShapeError),
    "smoothing": (lambda: F.cross_entropy(X, X, label_smoothing=2), ingot.ArgumentError),
    "group_norm": (lambda: F.group_norm(X, 3), ingot.ShapeError),
    "instance_norm": (lambda: F.instance_norm(X[0, 0]), ingot.ArgumentError),
    "batch_norm": (lambda: F.batch_norm(X, None, None), ingot.ArgumentError),
    "embedding": (lambda: F.embedding(np.zeros(1, np.int64), X), ingot.ArgumentError),
    "one_hot": (lambda: F.one_hot(X), ingot.DTypeError),
    "conv2d padding": (lambda: F.conv2d(X, X, padding="full"), ingot.ArgumentError),
    "conv2d same": (lambda: F.conv2d(X, X, padding="same", stride=2), ingot.ArgumentError),
    "conv2d rank": (lambda: F.conv2d(X[0, 0], X), ingot.ArgumentError),
    "conv2d bias": (lambda: F.conv2d(X, X, X), ingot.ShapeError),
    "conv1d stride": (lambda: F.conv1d(X[0], X[0], stride=(1, 2)), ingot.ArgumentError),
    "max_pool2d": (lambda: F.max_pool2d(X, 2, padding=2), ingot.ArgumentError),
    "avg_pool2d": (lambda: F.avg_pool2d(X, 2, divisor_override=0), ingot.ArgumentError),
    "adaptive": (lambda: F.adaptive_avg_pool2d(X, (1, 2, 3)), ingot.ArgumentError),
    "pad mode": (lambda: F.pad(X, (1, 1), "mirror"), ingot.ArgumentError),
    "pad widths": (lambda: F.pad(X, (1, 1, 1)), ingot.ArgumentError),
    "pad reflect": (lambda: F.pad(X, (5, 1), "reflect"), ingot.ShapeError),
    "pad cut": (lambda: F.pad(X, (-3, -3)), ingot.ShapeError),
    "unfold": (lambda: F.unfold(X, 6), ingot.ShapeError),
    "pixel_shuffle": (lambda: F.pixel_shuffle(X, 3), ingot.ShapeError),
    "pixel_unshuffle": (lambda: F.pixel_unshuffle(X, 3), ingot.ShapeError),
    "interpolate mode": (lambda: F.interpolate(X, 2, mode="cubic"), ingot.ArgumentError),
    "interpolate size": (lambda: F.interpolate(X), ingot.ArgumentError),
    "interpolate rank": (lambda: F.interpolate(X, 2, mode="linear"), ingot.ArgumentError),
    "grid_sample mode": (lambda: F.grid_sample(X, X, "cubic"), ingot.ArgumentError),
    "grid_sample grid": (lambda: F.grid_sample(X, X), ingot.ShapeError),
    "attention": (lambda: F.scaled_dot_product_attention(X, X, X, X, 0, True), ingot.ArgumentError),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_named(name: str) -> None:
    call, error = WRONG[name]
    with pytest.raises(error):
        call()


def test_a_number_of_classes_that_is_data_cannot_be_recorded() -> None:
    assert F.one_hot(ingot.tensor([0, 2])).shape == (2, 3)
    with pytest.raises(ingot.RecordError, match="num_classes"):
        ingot.record(F.one_hot, ingot.Spec((2,), "int64"))
