"""Modules and optimizers: torch's numbers, names and training; recorded training and inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
import ingot.nn.functional as F
from ingot import nn, optim

# name -> the arguments of both constructors, and the shapes of the inputs.
LAYERS: dict[str, tuple[tuple[Any, ...], dict[str, Any], list[tuple[int, ...]]]] = {
    "Linear": ((4, 3), {}, [(2, 4)]),
    "LayerNorm": ((4,), {}, [(2, 3, 4)]),
    "RMSNorm": ((4,), {}, [(2, 3, 4)]),
    "GroupNorm": ((2, 4), {}, [(2, 4, 3)]),
    "BatchNorm1d": ((4,), {}, [(3, 4)]),
    "BatchNorm2d": ((4,), {"momentum": 0.3}, [(2, 4, 3, 3)]),
    "Conv1d": ((4, 6, 3), {"groups": 2, "padding": "same"}, [(2, 4, 7)]),
    "Conv2d": ((4, 6, (3, 2)), {"stride": 2, "bias": False}, [(2, 4, 7, 6)]),
    "ConvTranspose2d": ((4, 6, 3), {"stride": 2, "output_padding": 1}, [(2, 4, 3, 3)]),
    "LSTMCell": ((3, 4), {}, [(2, 3)]),
    "GRUCell": ((3, 4), {}, [(2, 3)]),
    "LSTM": ((3, 4), {"num_layers": 2, "batch_first": True}, [(2, 5, 3)]),
    "GRU": ((3, 4), {"num_layers": 2}, [(5, 2, 3)]),
    "MultiheadAttention": ((8, 2), {"batch_first": True}, [(2, 3, 8), (2, 5, 8), (2, 5, 8)]),
}


def outputs(value: Any) -> list[Any]:
    """The tensors of a nested result."""
    if isinstance(value, (tuple, list)):
        return [leaf for part in value for leaf in outputs(part)]
    return [] if value is None else [value]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_with_torchs_weights_gives_torchs_results(
    name: str, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    args, options, shapes = LAYERS[name]
    theirs = getattr(torch.nn, name)(*args, **options).double()
    ours = getattr(nn, name)(*args, **options).to("float64")
    ours.load_state_dict(theirs.state_dict())
    inputs = [rng.standard_normal(shape) for shape in shapes]
    expected = outputs(theirs(*map(torch.tensor, inputs)))
    if name == "MultiheadAttention":
        expected = expected[:1]  # not the weights
    found = outputs(ours(*inputs))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-6, atol=1e-9)
    expected[0].sum().backward()
    ingot.sum(found[0]).backward()
    for (label, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        if q.grad is not None:
            np.testing.assert_allclose(
                p.grad.numpy(), q.grad.numpy(), rtol=1e-5, atol=1e-7, err_msg=label
            )
    for label, q in theirs.named_buffers():
        np.testing.assert_allclose(ours.state_dict()[label].numpy(), q.numpy(), rtol=1e-7)


class Net(nn.Module):
    """Everything that a module may hold."""

    def __init__(self) -> None:
        self.embed = nn.Embedding(5, 4, padding_idx=0)
        self.blocks = [nn.Linear(4, 4), nn.Linear(4, 4)]
        self.norm = nn.BatchNorm1d(4)
        self.head = self.blocks[0]  # shared

    def forward(self, tokens: Any) -> ingot.Tensor:
        x = ingot.mean(self.embed(tokens), axis=1)
        for block in self.blocks:
            x = F.relu(block(x))
        return self.head(self.norm(x))


def test_names_are_dotted_and_a_shared_parameter_is_one() -> None:
    net = Net()
    names = [name for name, _ in net.named_parameters()]
    blocks = [f"blocks.{i}.{which}" for i in (0, 1) for which in ("weight", "bias")]
    assert names == ["embed.weight", *blocks, "norm.weight", "norm.bias"]
    assert [name for name, _ in net.named_buffers()] == [
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]
    assert "head.weight" in net.state_dict()
    assert len(list(net.modules())) == 5


def test_a_state_dict_makes_two_modules_equal() -> None:
    a, b = Net(), Net()
    b.load_state_dict({k: v.numpy() for k, v in a.state_dict().items()})
    tokens = np.array([[1, 2], [3, 4]])
    assert a.eval()(tokens).tolist() == b.eval()(tokens).tolist()


def test_a_state_dict_that_does_not_fit_changes_nothing() -> None:
    layer = nn.Linear(2, 3)
    before = layer.weight.value
    state = {"weight": np.zeros((3, 2)), "bias": np.zeros(4)}
    with pytest.raises(ingot.ShapeError):
        layer.load_state_dict(state)
    with pytest.raises(ingot.ArgumentError, match="missing bias"):
        layer.load_state_dict({"weight": state["weight"]})
    with pytest.raises(ingot.ArgumentError, match="unknown more"):
        layer.load_state_dict({**layer.state_dict(), "more": 1})
    assert layer.weight.value.tolist() == before.tolist()


def test_weights_are_params_in_evaluation_and_states_in_training() -> None:
    net = Net()
    spec = ingot.Spec((ingot.Dim("batch", 2, 8), 2), "int64")
    module = ingot.record(net.eval(), spec).module
    names = {name for name, _ in net.named_parameters()}
    buffers = {"norm.running_mean", "norm.running_var"}
    assert {name for name, *_ in module.params} == names | buffers
    assert module.states == []
    module = ingot.record(net.train(), spec).module
    assert names | buffers <= {name for name, *_ in module.states}
    assert module.params == []


def test_evaluation_mode_refuses_to_record_an_assignment() -> None:
    layer = nn.Linear(2, 2).eval()

    def step(x: ingot.Tensor) -> ingot.Tensor:
        layer.bias.value = layer.bias + 1
        return layer(x)

    with pytest.raises(ingot.RecordError, match=r"train\(\)"):
        ingot.record(step, ingot.Spec((2,)))


OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
    "SGD nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "Adam": ("Adam", {"lr": 0.1, "betas": (0.8, 0.99), "weight_decay": 0.1}),
    "AdamW": ("AdamW", {"lr": 0.1, "weight_decay": 0.1}),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_takes_torchs_steps(name: str, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    kind, options = OPTIMIZERS[name]
    start, factor = rng.standard_normal((2, 3))
    ours = nn.Parameter(start)
    theirs = torch.nn.Parameter(torch.tensor(start))
    mine = getattr(optim, kind)([ours], **options)
    yours = getattr(torch.optim, kind)([theirs], **options)
    for _ in range(5):
        mine.zero_grad()
        yours.zero_grad()
        ingot.sum(ours * ours * factor).backward()
        (theirs * theirs * torch.tensor(factor)).sum().backward()
        mine.step()
        yours.step()
        expected = theirs.detach().numpy()
        np.testing.assert_allclose(ours.value.numpy(), expected, rtol=1e-10, atol=1e-12)


def training(model: nn.Module, optimizer: optim.Optimizer) -> Callable[..., ingot.Tensor]:
    def step(x: ingot.Tensor, target: ingot.Tensor) -> ingot.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_recorded_training_step_trains_as_eager_code_does(
    kind: str, rng: np.random.Generator
) -> None:
    ingot.random.seed(0)
    models = [
        nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), F.relu, nn.Linear(16, 3))
        for _ in range(2)
    ]
    models[1].load_state_dict(models[0].state_dict())
    options = {"momentum": 0.9} if kind == "SGD" else {}
    steps = [training(m, getattr(optim, kind)(m.parameters(), lr=0.05, **options)) for m in models]
    x = rng.standard_normal((32, 4)).astype(np.float32)
    target = (x[:, 0] > 0) + (x[:, 1] > 0).astype(np.int64)
    program = ingot.compile(ingot.record(steps[0], x, target), num_threads=1)
    losses = [(float(program(x, target)), float(steps[1](x, target))) for _ in range(20)]
    static, eager = np.array(losses).T
    np.testing.assert_allclose(static, eager, rtol=1e-3, atol=1e-4)
    assert static[-1] < 0.5 * static[0]
    weights = dict(program.default_session.state)
    name = next(n for n in weights if n.endswith("0.weight"))
    np.testing.assert_allclose(
        weights[name], models[1][0].weight.value.numpy(), rtol=1e-2, atol=1e-3
    )


def test_a_state_as_learning_rate_is_changed_between_runs() -> None:
    weight, rate = nn.Parameter([1.0], name="weight"), ingot.State(np.float32(0.25), name="rate")
    optimizer = optim.SGD([weight], lr=rate)

    def step() -> ingot.Tensor:
        ingot.sum(weight * weight).backward()
        optimizer.step()
        return weight.value

    program = ingot.compile(ingot.record(step))
    assert program().tolist() == [0.5]
    program.default_session.state["rate"] = np.float32(0.5)
    assert program().tolist() == [0.0]


def test_an_lstm_over_128_steps_is_one_loop_and_learns_through_it(
    rng: np.random.Generator,
) -> None:
    layer = nn.LSTM(3, 4)
    x = rng.standard_normal((128, 2, 3)).astype(np.float32)

    def loss_and_gradient(x: ingot.Tensor) -> tuple[ingot.Tensor, ingot.Tensor]:
        layer.zero_grad()
        loss = ingot.sum(layer(x)[0])
        loss.backward()
        return loss, layer.weight_hh_l0.grad

    graph, shorter = (ingot.record(loss_and_gradient, part) for part in (x, x[:8]))
    assert len(graph.module.nodes(0)) == len(shorter.module.nodes(0))
    for a, b in zip(ingot.compile(graph)(x), loss_and_gradient(x), strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-3, atol=1e-3)


def test_a_recurrent_layer_has_each_param_once() -> None:
    layer = nn.LSTM(3, 4, num_layers=2).eval()
    module = ingot.record(lambda x: layer(x)[0], ingot.Spec((5, 2, 3))).module
    assert len(module.params) == 8


def test_dropout_draws_anew_at_every_run_and_keeps_the_mean() -> None:
    layer = nn.Dropout(0.25, generator=ingot.random.Generator(1))
    x = np.ones(4000, np.float32)
    program = ingot.compile(ingot.record(layer, x), num_threads=1)
    first, second = program(x), program(x)
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (first != second).any()
    assert first.tolist() == layer(x).tolist()
    assert second.tolist() == layer(x).tolist()
    assert abs(first.mean() - 1) < 0.05
    assert layer.eval()(x).tolist() == x.tolist()


WRONG: dict[str, Callable[[], Any]] = {
    "groups": lambda: nn.Conv2d(3, 4, 3, groups=2),
    "heads": lambda: nn.MultiheadAttention(8, 3),
    "layers": lambda: nn.LSTM(3, 4, num_layers=0),
    "probability": lambda: nn.Dropout(1.5),
    "rank": lambda: nn.BatchNorm2d(3)(ingot.ones((2, 3))),
    "no parameters": lambda: optim.SGD([]),
    "no gradient": lambda: optim.SGD([nn.Buffer([1.0])]),
    "nesterov": lambda: optim.SGD([nn.Parameter([1.0])], nesterov=True),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_module_is_named(name: str) -> None:
    with pytest.raises(ingot.ArgumentError):
        WRONG[name]()


def test_sequential_counts_its_layers() -> None:
    model = nn.Sequential(nn.Linear(2, 2), F.relu)
    assert len(model) == 2
    assert model[-1] is F.relu
    with pytest.raises(IndexError):
        model[2]
