"""Composites named as in NumPy give what NumPy gives, eagerly and as a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ingot
import ingot.testing

NAN, INF = np.nan, np.inf
A = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 7
SPECIAL = np.array([NAN, INF, -INF, 0.0, -0.0, 1.5, -2.5, 1e-30, 1e30], np.float32)
SORTED = np.array([-3.0, -1.0, 0.0, 0.0, 2.0, 9.0, 9.0], np.float32)
M = np.arange(9, dtype=np.float32).reshape(3, 3)


def _rows_searched(xp: Any, x: Any) -> Any:
    if xp is ingot:
        return ingot.searchsorted(ingot.stack([x, x * 2]), ingot.stack([x, x]))
    return np.stack([np.searchsorted(x, x), np.searchsorted(x * 2, x)])


def _running(xp: Any, x: Any, which: str) -> Any:
    if xp is ingot:
        return getattr(ingot, f"cum{which}")(x[::-1])[0]
    return getattr(np, f"{which}imum").accumulate(x[::-1])


# name: (function of ingot or NumPy as `xp`, operands); both must give the same.
SAME: dict[str, tuple[Callable[[Any, Any], Any], np.ndarray]] = {
    "moveaxis": (lambda xp, x: xp.moveaxis(x, (0, 1), (-1, 0)), A),
    "swapaxes": (lambda xp, x: xp.swapaxes(x, 0, -1), A),
    "ravel": (lambda xp, x: xp.ravel(x), A),
    "squeeze": (lambda xp, x: xp.squeeze(x[:, :1]), A),
    "atleast_1d": (lambda xp, x: xp.atleast_1d(x[0, 0, 0]), A),
    "atleast_2d": (lambda xp, x: xp.atleast_2d(x[0, 0]), A),
    "atleast_3d": (lambda xp, x: xp.atleast_3d(x[0]), A),
    "vstack": (lambda xp, x: xp.vstack([x[0, 0], x[1, 1]]), A),
    "hstack": (lambda xp, x: xp.hstack([x[0], x[1]]), A),
    "repeat": (lambda xp, x: xp.repeat(x, 3, axis=1), A),
    "repeat each": (lambda xp, x: xp.repeat(x, np.array([2, 0, 1]), axis=1), A),
    "repeat flat": (lambda xp, x: xp.repeat(x, 2), A),
    "tile": (lambda xp, x: xp.tile(x, (2, 1, 3)), A),
    "tile more": (lambda xp, x: xp.tile(x, (2, 1, 1, 2)), A),
    "tile fewer": (lambda xp, x: xp.tile(x, (2,)), A),
    "tile none": (lambda xp, x: xp.tile(x, (0, 1)), A),
    "roll": (lambda xp, x: xp.roll(x, -2, axis=2), A),
    "roll flat": (lambda xp, x: xp.roll(x, 5), A),
    "roll two": (lambda xp, x: xp.roll(x, (1, 7), axis=(0, 2)), A),
    "diff": (lambda xp, x: xp.diff(x * x, axis=1), A),
    "diff twice": (lambda xp, x: xp.diff(x * x, n=2), A),
    "diff away": (lambda xp, x: xp.diff(x, n=9), A),
    "diff joined": (lambda xp, x: xp.diff(x, axis=0, prepend=x[:1], append=x), A),
    "diff of bools": (lambda xp, x: xp.diff(x > 3), A),
    "diagonal": (lambda xp, x: xp.diagonal(x, 1, 1, 2), A),
    "diagonal below": (lambda xp, x: xp.diagonal(x, -2, 2, 0), A),
    "no diagonal": (lambda xp, x: xp.diagonal(x, 9, 0, 1), A),
    "trace": (lambda xp, x: xp.trace(x), M),
    "diag": (lambda xp, x: xp.diag(x[0], -1), M),
    "diag of a matrix": (lambda xp, x: xp.diag(x, 1), M),
    "tril": (lambda xp, x: xp.tril(x, -1), A),
    "triu": (lambda xp, x: xp.triu(x, 1), A),
    "eye": (lambda xp, x: xp.eye(3, 4, k=-1, dtype="float32") + x, A),
    "meshgrid": (lambda xp, x: xp.meshgrid(x[0, 0], x[0, :, 0])[1], A),
    "meshgrid ij": (lambda xp, x: xp.meshgrid(x[0, 0], x[0, 1], indexing="ij")[0], A),
    "kron": (lambda xp, x: xp.kron(x[0, :2], x[1, 0]), A),
    "outer": (lambda xp, x: xp.outer(x[0, 0], x[0, 1]), A),
    "tensordot": (lambda xp, x: xp.tensordot(x, x[0, :, 1:3], axes=([1], [0])), A),
    "tensordot stretched": (
        lambda xp, x: xp.tensordot(x[:, :1] + 0 * x if xp is np else x[:, :1], x, axes=([1], [1])),
        A,
    ),
    "argmax of all": (lambda xp, x: xp.argmax(x, keepdims=True), A),
    "tensordot none": (lambda xp, x: xp.tensordot(x[0, 0], x[1, 1], axes=0), A),
    "dot": (lambda xp, x: xp.dot(x[0, 0], x[0, 1]), A),
    "cross": (lambda xp, x: xp.cross(x[0, :, :3], x[1, :1, 1:]), A),
    "linspace": (lambda xp, x: xp.linspace(-1, 2, 24, dtype="float32").reshape(x.shape) + x, A),
    "linspace open": (lambda xp, x: xp.linspace(0, 2, 4, endpoint=False, dtype="float32") + x, A),
    "nan_to_num": (lambda xp, x: xp.nan_to_num(x, nan=7.0, neginf=-1.0), SPECIAL),
    "isclose": (lambda xp, x: xp.isclose(x[:, None], x * 1.000001), SPECIAL),
    "isclose nan": (lambda xp, x: xp.isclose(x[:, None], x, equal_nan=True), SPECIAL),
    "fmax": (lambda xp, x: xp.fmax(x[:, None], x), SPECIAL),
    "fmin": (lambda xp, x: xp.fmin(x[:, None], x), SPECIAL),
    "fmod": (lambda xp, x: xp.fmod(x[:, None], x), SPECIAL),
    "hypot": (lambda xp, x: xp.hypot(x[:, None], x), SPECIAL),
    "clip": (lambda xp, x: xp.clip(x, x[::-1], 2.0), SPECIAL),
    "isin": (lambda xp, x: xp.isin(x, x[2:5]), SPECIAL),
    "count_nonzero": (lambda xp, x: xp.count_nonzero(x, axis=1), A),
    "nansum": (lambda xp, x: xp.nansum(x[3:]) + xp.nansum(x[:1]), SPECIAL),
    "nanmean": (lambda xp, x: xp.nanmean(x[3:].reshape((2, 3)), axis=0), SPECIAL),
    "searchsorted": (lambda xp, x: xp.searchsorted(x, x - 0.5), SORTED),
    "searchsorted right": (lambda xp, x: xp.searchsorted(x, x, side="right"), SORTED),
    "searchsorted in nothing": (lambda xp, x: xp.searchsorted(x[:0], x), SORTED),
    "searchsorted nan": (lambda xp, x: xp.searchsorted(x[5:], x / 0), SORTED),
    "searchsorted in rows": (lambda xp, x: _rows_searched(xp, x), SORTED),
    "running maximum": (lambda xp, x: _running(xp, x, "max"), SPECIAL),
    "running minimum": (lambda xp, x: _running(xp, x, "min"), SPECIAL),
    "var": (lambda xp, x: xp.var(x, (0, 2), keepdims=True), A),
    "std": (lambda xp, x: xp.std(x, 1), A),
}
RANK_3 = ("moveaxis", "swapaxes", "ravel", "tile", "roll", "triu", "repeat", "std", "kron")


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value", "ignore:overflow")
@pytest.mark.parametrize("name", SAME)
def test_a_composite_gives_what_numpy_gives(name: str) -> None:
    function, x = SAME[name]
    expected = np.asarray(function(np, x))
    eager = function(ingot, ingot.tensor(x))
    np.testing.assert_allclose(eager.numpy(), expected, rtol=2e-6, strict=expected.ndim > 0)
    program = ingot.compile(ingot.record(lambda x: function(ingot, x), x))
    np.testing.assert_allclose(program(x), expected, rtol=2e-6)
    ingot.testing.check(program, [x])


@pytest.mark.parametrize("name", RANK_3)
def test_a_composite_takes_a_symbolic_size(name: str) -> None:
    function, x = SAME[name]
    spec = ingot.Spec((ingot.Dim("n", 2, 9), *x.shape[1:]))
    program = ingot.compile(ingot.record(lambda x: function(ingot, x), spec))
    for n in (2, 5):
        given = np.concatenate([x] * 3)[:n]
        np.testing.assert_allclose(program(given), function(np, given), rtol=2e-6)


def test_the_diagonal_of_square_matrices_of_symbolic_size() -> None:
    n = ingot.Dim("n", 1, 9)
    program = ingot.compile(ingot.record(ingot.diagonal, ingot.Spec((n, n))))
    np.testing.assert_array_equal(program(M), np.diagonal(M))


def test_float16_means_are_taken_in_float32() -> None:
    x = ingot.full((70000,), 2.0, "float16")
    assert float(ingot.mean(x)) == 2.0
    assert ingot.mean(x).dtype == np.float16
    assert float(ingot.std(x)) == 0.0
    assert np.isfinite(float(ingot.logsumexp(x)))


def test_integers_are_divided_with_the_rest_of_c() -> None:
    low = np.iinfo(np.int32).min
    x = np.array([7, -7, 7, -7, low, low, 5], np.int32)
    y = np.array([3, 3, -3, -3, -1, 3, 0], np.int32)
    assert ingot.fmod(ingot.tensor(x), ingot.tensor(y)).tolist() == [1, -1, 1, -1, 0, -2, 0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_fmod_keeps_the_dtype_of_floats(dtype: str) -> None:
    x = ingot.tensor([5.5, -5.5]).astype(dtype)
    rest = ingot.fmod(x, x * 0 + 2)
    assert rest.dtype.name == dtype
    assert rest.tolist() == [1.5, -1.5]


def test_what_depends_on_data_is_eager_only() -> None:
    x = ingot.tensor([3.0, 1.0, 3.0, 0.0])
    assert ingot.nonzero(x)[0].tolist() == [0, 1, 2]
    found = ingot.unique_all(x)
    assert found.values.tolist() == [0.0, 1.0, 3.0]
    assert found.indices.tolist() == [3, 1, 0]
    assert found.inverse_indices.tolist() == [2, 1, 2, 0]
    assert found.counts.tolist() == [1, 1, 2]
    for function in (ingot.nonzero, ingot.unique_values, lambda x: ingot.repeat(x, x > 0)):
        with pytest.raises(ingot.RecordError, match="data"):
            ingot.record(function, x)


WRONG: dict[str, tuple[Callable[[Any], Any], type[ingot.IngotError]]] = {
    "moveaxis": (lambda x: ingot.moveaxis(x, (0, 1), 0), ingot.ArgumentError),
    "repeat": (lambda x: ingot.repeat(x, -1), ingot.ArgumentError),
    "repeat too few": (lambda x: ingot.repeat(x, [1, 2], axis=2), ingot.ArgumentError),
    "roll": (lambda x: ingot.roll(x, (1, 2)), ingot.ArgumentError),
    "roll numbers": (lambda x: ingot.roll(x, (1, 2), axis=0), ingot.ArgumentError),
    "diagonal": (lambda x: ingot.diagonal(x, 0, 1, 1), ingot.ArgumentError),
    "tensordot": (lambda x: ingot.tensordot(x, x, axes=1), ingot.ShapeError),
    "cross": (lambda x: ingot.cross(x, x), ingot.ShapeError),
    "matrix_power": (lambda x: ingot.matrix_power(x, 2), ingot.ShapeError),
    "inverse": (lambda x: ingot.matrix_power(x[0, :3, :3], -1), ingot.ArgumentError),
    "select": (lambda x: ingot.select(x, 0, 2), ingot.RangeError),
    "topk": (lambda x: ingot.topk(x, 5), ingot.ShapeError),
    "unfold": (lambda x: ingot.unfold(x, 0, 3, 1), ingot.ShapeError),
    "searchsorted": (lambda x: ingot.searchsorted(x, x[0]), ingot.ShapeError),
    "side": (lambda x: ingot.searchsorted(x[0, 0], x, side="up"), ingot.ArgumentError),
    "broadcast_arrays": (lambda x: ingot.broadcast_arrays(x, x[0, 0, :3]), ingot.ShapeError),
    "device": (lambda x: ingot.zeros_like(x, device="gpu"), ingot.DeviceError),
    "copy": (lambda _: ingot.asarray([1], copy=False), ingot.ArgumentError),
    "tril": (lambda x: ingot.tril(x[0, 0]), ingot.ArgumentError),
    "finfo": (lambda _: ingot.finfo("int8"), ingot.DTypeError),
    "iinfo": (lambda _: ingot.iinfo("float32"), ingot.DTypeError),
    "isdtype": (lambda _: ingot.isdtype("float32", "real"), ingot.ArgumentError),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_a_named_error(name: str) -> None:
    function, error = WRONG[name]
    with pytest.raises(error):
        function(ingot.tensor(A))
    with pytest.raises(error):
        ingot.record(function, A)


EINSUMS = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk", [(2, 3), (3, 4)]),
    ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
    ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("ijj->ji", [(2, 3, 3)]),
    ("...ij,...jk->...ik", [(5, 2, 3), (1, 3, 4)]),
    ("i...,j...->...ij", [(2, 3), (4, 1)]),
    ("i,j->ij", [(2,), (3,)]),
    ("i,i,i->", [(3,), (3,), (3,)]),
    ("bn,anm,bm->ba", [(2, 3), (4, 3, 5), (2, 5)]),
    ("ij->", [(2, 3)]),
    ("ba", [(2, 3)]),
    ("ij,ij->ij", [(2, 3), (2, 1)]),
    ("i,ij->j", [(1,), (4, 3)]),
    ("ij,kl->", [(2, 3), (4, 5)]),
    ("ij,jk->ik", [(0, 3), (3, 4)]),
    (",i->i", [(), (3,)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), EINSUMS)
def test_einsum_sums_as_numpys(
    subscripts: str, shapes: list[tuple[int, ...]], rng: np.random.Generator
) -> None:
    operands = [rng.standard_normal(s).astype(np.float32) for s in shapes]
    expected = np.einsum(subscripts, *operands)
    eager = ingot.einsum(subscripts, *operands)
    np.testing.assert_allclose(eager.numpy(), expected, rtol=1e-5, atol=1e-5)
    assert eager.shape == expected.shape
    program = ingot.compile(ingot.record(lambda *x: ingot.einsum(subscripts, *x), *operands))
    np.testing.assert_allclose(program(*operands), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("subscripts", "error"),
    [
        ("ij,jk->il", ingot.ArgumentError),
        ("ij->ij", ingot.ArgumentError),
        ("ijk,jk->i", ingot.ArgumentError),
        ("ij,kj->kk", ingot.ArgumentError),
        ("i1,kj->k", ingot.ArgumentError),
        ("ij,jk->ik", ingot.ShapeError),
    ],
)
def test_wrong_subscripts_are_named(subscripts: str, error: type[ingot.IngotError]) -> None:
    with pytest.raises(error, match="einsum"):
        ingot.einsum(subscripts, ingot.zeros((2, 3)), ingot.zeros((4, 5)))


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("order", [2, 0, 1, 3, 0.5, -1, np.inf, -np.inf])
def test_vector_norms_are_numpys(order: float) -> None:
    eager = ingot.vector_norm(A, ord=order, axis=1, keepdims=True)
    expected = np.linalg.norm(A, order, 1, keepdims=True)
    np.testing.assert_allclose(eager.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("order", ["fro", 1, -1, np.inf, -np.inf])
def test_matrix_norms_are_numpys(order: float) -> None:
    expected = np.linalg.norm(A, order, (-2, -1))
    np.testing.assert_allclose(ingot.matrix_norm(A, ord=order).numpy(), expected, rtol=1e-6)
    expected = np.linalg.norm(A, order, (2, 0), keepdims=True)
    got = ingot.matrix_norm(A, ord=order, axis=(2, 0), keepdims=True)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6)


def test_a_norm_that_needs_singular_values_is_refused() -> None:
    with pytest.raises(ingot.ArgumentError, match="nuc"):
        ingot.matrix_norm(A, ord="nuc")


def test_topk_is_ordered_and_stable() -> None:
    x = ingot.tensor([[1.0, 3.0, 3.0, 2.0], [np.nan, 0.0, 5.0, 5.0]])
    values, indices = ingot.topk(x, 2)
    np.testing.assert_array_equal(values.numpy(), [[3.0, 3.0], [np.nan, 5.0]])
    assert indices.tolist() == [[1, 2], [0, 2]]
    assert ingot.topk(x, 1, 0, largest=False).indices.tolist() == [[0, 1, 0, 0]]


def test_running_extremes_say_the_last_position_of_ties() -> None:
    x = np.array([[2, 1, 2, 3, 0]] * 2)
    values, positions = ingot.cummax(ingot.tensor(x), axis=1)
    assert values.tolist()[0] == [2, 2, 2, 3, 3]
    assert positions.tolist()[0] == [0, 0, 2, 3, 3]
    assert ingot.cummin(ingot.tensor(x[:, :0]), axis=1)[0].shape == (2, 0)


def test_index_add_adds_in_order() -> None:
    x, source = ingot.zeros((2, 3)), ingot.ones((2, 4))
    got = ingot.index_add(x, 1, ingot.tensor([0, 2, 2, -1]), source, alpha=0.5)
    assert got.tolist() == [[0.5, 0.0, 1.5]] * 2


def test_masked_select_takes_a_known_mask() -> None:
    x, mask = ingot.tensor(A), A[0] > 0
    np.testing.assert_array_equal(ingot.masked_select(x, mask).numpy(), A[:, mask].ravel())
    graph = ingot.record(lambda x: ingot.masked_select(x, mask), A)
    np.testing.assert_array_equal(ingot.compile(graph)(A), A[:, mask].ravel())
    with pytest.raises(ingot.RecordError, match="data"):
        ingot.record(lambda x: ingot.masked_select(x, x > 0), A)
