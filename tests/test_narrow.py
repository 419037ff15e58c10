"""float16, bfloat16 and the small integers: stored and moved as they are, computed in float32 and
int32, rounded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.installed import run

import ingot
import ingot.testing
from ingot import _core
from ingot.bounds import same_bits
from ingot.dtypes import convert, dtype_of, text_name
from ingot.op import OPS

Array = Any
HALVES = ["float16", "bfloat16"]
SMALL = ["int8", "uint8", "int16", "uint16"]
EXPONENT = {"float16": 0x7C00, "bfloat16": 0x7F80}  # infinity's bits


def every_number(dtype: str) -> Array:
    """All 65536 bit patterns."""
    return np.arange(2**16, dtype=np.uint16).view(dtype_of(dtype))


def static(function: Callable[..., Any], *arrays: Array, **options: Any) -> Array:
    """What a program gives where the recorded function stands."""
    return np.asarray(ingot.compile(ingot.record(function, *arrays), **options)(*arrays))


# ---- casts round once


def neighbors(dtype: str) -> tuple[Array, Array, Array]:
    """Every positive number, the next one and what lies half way; past the largest comes infinity,
    which stands where the next power of two would."""
    bits = np.arange(EXPONENT[dtype], dtype=np.uint16)
    low, high = bits.view(dtype_of(dtype)), (bits + np.uint16(1)).view(dtype_of(dtype))
    ends = high.astype(np.float64)
    ends[-1] = 2 * low[-1].astype(np.float64) - low[-2].astype(np.float64)
    return low, high, (low.astype(np.float64) + ends) / 2


def around_ties(dtype: str, source: str) -> tuple[Array, Array]:
    """(x, rounded): numbers of the source at and beside every tie of the positive numbers."""
    low, high, middle = neighbors(dtype)
    even = np.where((low.view(np.uint16) & 1) == 0, low, high)
    if source.startswith("int"):
        whole = (middle == np.floor(middle)) & (middle < np.iinfo(source).max) & (middle > 2)
        low, high, even = low[whole], high[whole], even[whole]
        tie = middle[whole].astype(source)
        below, above = tie - tie.dtype.type(1), tie + tie.dtype.type(1)
    else:
        tie = middle.astype(source)
        assert (tie == middle).all()
        below = np.nextafter(tie, tie.dtype.type(-np.inf))
        above = np.nextafter(tie, tie.dtype.type(np.inf))
    return np.concatenate([below, tie, above]), np.concatenate([low, even, high])


@pytest.mark.parametrize("level", _core.levels())
@pytest.mark.parametrize("source", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("dtype", HALVES)
def test_a_cast_to_a_16_bit_float_rounds_once(dtype: str, source: str, level: str) -> None:
    x, expected = around_ties(dtype, source)
    for sign in (1, -1):
        signed = x * x.dtype.type(sign)
        wanted = expected * expected.dtype.type(sign)
        got = static(lambda t: ingot.cast(t, dtype=dtype), signed, level=level)
        assert same_bits(got, wanted)
        assert same_bits(convert(signed, dtype_of(dtype)), wanted)


@pytest.mark.parametrize("level", _core.levels())
@pytest.mark.parametrize("dtype", HALVES)
def test_a_16_bit_float_survives_the_way_through_every_wider_float(dtype: str, level: str) -> None:
    x = every_number(dtype)
    for wide in ("float32", "float64"):
        there = static(lambda t, w=wide: ingot.cast(t, dtype=w), x, level=level)
        assert same_bits(there, convert(x, np.dtype(wide)))
        back = static(lambda t: ingot.cast(t, dtype=dtype), there, level=level)
        assert same_bits(back, x)


# ---- ops round once


UNARY_FLOAT = [
    record
    for record in OPS.values()
    if "pointwise" in record.row.traits
    and record.row.operands == ["a"]
    and record.row.dtype_rule == "same"
    and "float" in record.row.classes
]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("record", UNARY_FLOAT, ids=[record.name for record in UNARY_FLOAT])
def test_a_function_of_every_16_bit_number_is_within_its_bound(record: Any, dtype: str) -> None:
    x = every_number(dtype)
    ingot.testing.check(ingot.compile(ingot.record(record.function, x)), [x])


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide"])
def test_arithmetic_of_16_bit_floats_is_correctly_rounded(op: str, dtype: str) -> None:
    """float64 is so much wider that rounding its result is rounding the exact one."""
    rng = np.random.default_rng(5)
    a, b = (
        rng.integers(0, 2**16, 200_000, dtype=np.uint16).view(dtype_of(dtype)) for _ in range(2)
    )
    with np.errstate(all="ignore"):
        exact = getattr(np, op)(a.astype(np.float64), b.astype(np.float64))
    assert same_bits(static(getattr(ingot, op), a, b), convert(exact, dtype_of(dtype)))


@pytest.mark.parametrize("dtype", HALVES)
def test_sums_of_16_bit_floats_accumulate_in_float32(dtype: str) -> None:
    ones = np.ones((2, 3000), dtype_of(dtype))  # in the dtype itself a sum of ones stops growing
    expected = convert(np.full(2, 3000.0), dtype_of(dtype))
    assert same_bits(static(lambda x: ingot.sum(x, axis=1), ones), expected)
    assert same_bits(static(lambda x: x @ ingot.ones(3000, dtype=dtype), ones), expected)
    assert same_bits(ingot.sum(ingot.tensor(ones), axis=1).numpy(), expected)


def test_a_sum_too_large_for_float16_is_infinite() -> None:
    x = np.full(70, 1000.0, np.float16)
    assert np.isposinf(static(lambda t: ingot.sum(t), x))
    assert np.isposinf(ingot.sum(ingot.tensor(x)).numpy())


# ---- what a dtype passes through


@pytest.mark.parametrize("dtype", [*HALVES, *SMALL])
def test_constants_params_states_and_outputs_keep_their_dtype(dtype: str) -> None:
    target = dtype_of(dtype)
    start, weight = (np.arange(3) + 1).astype(target), (np.arange(20) + 2).astype(target)
    name = text_name(target)
    one = "1.5" if dtype in HALVES else "1"
    text = f"""ingot 1
numerics 1
param w: {name}[20]
state s: {name}[3] = stored
graph f(x: {name}[3]) {{
  %0 = slice(w, start=[0], stop=[3], step=[1]) : {name}[3]
  %1 = multiply(x, %0) : {name}[3]
  %2 = add(%1, {one}) : {name}[3]
  %3 = add(s, %2) : {name}[3]
  update s <- %3
  return %2 as y
}}
"""
    module = _core.Module.parse(text, {"w": weight, "s": start})
    loaded = _core.Module.from_bytes(module.to_bytes())
    assert loaded.text() == text
    x = np.asarray([1, 2, 3]).astype(target)
    session = _core.Program(loaded).new_session()
    (y,) = session.run(0, [x])
    expected = (np.asarray([2, 6, 12]) + float(one)).astype(target)
    assert same_bits(y, expected)
    summed = np.asarray([3, 8, 15]) + float(one)
    assert same_bits(session.read_state("s"), summed.astype(target))
    ingot.testing.check(ingot.Program(loaded), [x])


@pytest.mark.parametrize("dtype", [*HALVES, *SMALL])
def test_a_fetched_value_has_the_dtype_that_the_graph_says(dtype: str) -> None:
    x = np.asarray([1, 2, 3]).astype(dtype_of(dtype))
    graph = ingot.record(lambda t: ingot.negative(t * t) < t, x)
    found = ingot.compile(graph).run([x], fetch=["%0", "%1", "%2"])
    assert same_bits(found["%0"], np.asarray([1, 4, 9]).astype(x.dtype))
    assert same_bits(found["%1"], convert(-np.asarray([1, 4, 9]), x.dtype))
    assert found["%2"].dtype == np.bool_


@pytest.mark.parametrize("dtype", [*HALVES, *SMALL])
def test_python_scalars_take_the_dtype_of_the_tensor(dtype: str) -> None:
    x = np.asarray([1, 2, 3]).astype(dtype_of(dtype))
    assert same_bits(static(lambda t: 3 * t + 1, x), np.asarray([4, 7, 10]).astype(x.dtype))


@pytest.mark.parametrize("dtype", [*HALVES, *SMALL])
def test_loops_carry_a_narrow_dtype(dtype: str) -> None:
    name = text_name(dtype_of(dtype))
    text = f"""ingot 1
numerics 1
graph f(x: {name}[2], n: i64[]) {{
  %0, %1 = while(n, x) : i64[], {name}[2] {{
    cond(%2: i64[], %3: {name}[2]) {{
      %4 = greater(%2, 0) : bool[]
      return %4
    }}
    body(%5: i64[], %6: {name}[2]) {{
      %7 = subtract(%5, 1) : i64[]
      %8 = add(%6, %6) : {name}[2]
      return %7, %8
    }}
  }}
  return %1
}}
"""
    x = np.asarray([1, 3]).astype(dtype_of(dtype))
    program = ingot.Program(_core.Module.parse(text))
    assert same_bits(program(x, 4), np.asarray([16, 48]).astype(x.dtype))
    ingot.testing.check(program, [x, 4])


def test_an_error_at_run_time_names_the_op_and_the_users_line() -> None:
    x = np.zeros(3, np.float16)
    program = ingot.compile(
        ingot.record(lambda t, i: ingot.take(t + 1, i), x, np.zeros(1, np.int64))
    )
    with pytest.raises(ingot.RangeError, match=r"take: .*\(.*test_narrow\.py:\d+\)"):
        program(x, np.asarray([7]))


@pytest.mark.parametrize("dtype", ["uint32", "uint64", "complex64", "complex128"])
def test_a_dtype_without_kernels_is_refused_when_compiled_naming_op_and_line(dtype: str) -> None:
    x = np.ones(2, dtype)
    graph = ingot.record(lambda t: ingot.equal(t, t), x)
    with pytest.raises(ingot.DTypeError, match=r"equal: no kernel: got \w+.*test_narrow\.py:\d+\)"):
        ingot.compile(graph)
    moved = static(lambda t: ingot.concat([t, t]), x)  # moving needs no arithmetic
    assert same_bits(moved, np.ones(4, dtype))


@pytest.mark.parametrize("passes", [None, []], ids=["all", "none"])
def test_passes_do_not_decide_what_is_computed_in_float32(passes: list[str] | None) -> None:
    x = np.asarray([1.0, 2**-11, 2**-12], np.float16)

    def f(t: ingot.Tensor) -> ingot.Tensor:
        return (t + 1) - 1  # every op rounds: 2**-12 is lost

    assert static(f, x, passes=passes).tolist() == [1.0, 0.0, 0.0]
    assert f(ingot.tensor(x)).tolist() == [1.0, 0.0, 0.0]


# ---- the runner


def doubled(tmp_path: Path, dtype: str) -> Path:
    name = text_name(dtype_of(dtype))
    text = f"ingot 1\nnumerics 1\ngraph g(x: {name}[3]) {{\n  %0 = add(x, x) : {name}[3]\n"
    path = tmp_path / "doubled.ingot"
    path.write_bytes(_core.Module.parse(text + "  return %0 as y\n}\n").to_bytes())
    return path


@pytest.mark.parametrize("dtype", [*HALVES, *SMALL])
def test_the_runner_computes_on_npy_files(dtype: str, tmp_path: Path) -> None:
    x, y = tmp_path / "x.npy", tmp_path / "y.npy"
    array = np.asarray([1, 100, 3]).astype(dtype_of(dtype))
    np.save(
        x, array
    )  # of bfloat16 NumPy writes two raw bytes, "V2": the runner reads and writes that
    done = run(doubled(tmp_path, dtype), "--input", f"x={x}", "--output", f"y={y}")
    assert done.returncode == 0, done.stderr
    result = np.load(y)
    assert same_bits(result.view(array.dtype), (ingot.tensor(array) * 2).numpy())


def test_the_runner_reads_bfloat16_from_safetensors(tmp_path: Path) -> None:
    x, y = tmp_path / "x.safetensors", tmp_path / "y.npy"
    save_file({"x": np.asarray([1, 2.5, -3]).astype(dtype_of("bfloat16"))}, x)
    done = run(doubled(tmp_path, "bfloat16"), "--input", f"x={x}", "--output", f"y={y}")
    assert done.returncode == 0, done.stderr
    assert np.load(y).view(dtype_of("bfloat16")).tolist() == [2, 5, -6]
