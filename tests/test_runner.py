"""ingot-run: every option, one-line errors with the right exit code, JSON that is JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.installed import run, runner, tool

from ingot import _core

W = np.arange(12, dtype=np.float32).reshape(4, 3) - 5
NETWORK = """ingot 1
numerics 1
dim batch in 1..64
param w0: f32[4,3]
graph classify(x: f32[batch,4]) {
  %0 = matmul(x, w0) : f32[batch,3]  @ model.py:12
  %1 = maximum(%0, 0.0) : f32[batch,3]  @ model.py:13 in relu.1
  %2 = sum(%1, axes=[1]) : f32[batch]
  return %1 as hidden, %2
}
"""
SUMS = """ingot 1
numerics 1
dim batch in 1..64
graph sums(x: f32[batch,4]) {
  %0 = cumulative_sum(x, axis=1) : f32[batch,4]
  %1 = cumulative_sum(%0, axis=0) : f32[batch,4]
  return %1
}
"""
TWO_GRAPHS = """ingot 1
numerics 1
graph twice(x: f32[3]) {
  %0 = add(x, x) : f32[3]
  return %0 as y
}
graph "odd \\"name\\"" ("in put": f32[2], i: i64[2]) {
  %0 = take("in put", i, axis=0) : f32[2]
  return %0 as "out \\"put\\\\"
}
""".replace('" (', '"(')
ENDLESS = """ingot 1
numerics 1
graph spin(x: i64[]) {
  %0 = while(x) : i64[] {
    cond(%1: i64[]) {
      %2 = equal(%1, %1) : bool[]
      return %2
    }
    body(%3: i64[]) {
      %4 = add(%3, 1) : i64[]
      return %4
    }
  }
  return %0 as y
}
"""
ABORTS = """ingot 1
numerics 1
graph check(x: f32[2]) {
  %0 = less(x, 0.0) : bool[2]
  %1 = max(%0, axes=[0]) : bool[]
  abort(%1, message="negative")  @ check.py:3
  return x as y
}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "network.ingot"
    _core.Module.parse(NETWORK, {"w0": W}).save(str(path))
    return path


def save(text: str, folder: Path, name: str = "m.ingot") -> Path:
    _core.Module.parse(text).save(str(folder / name))
    return folder / name


@pytest.fixture
def x(tmp_path: Path) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4))
    return path


def hidden(x: np.ndarray) -> np.ndarray:
    return np.maximum(x @ W, 0)


def fails(code: int, words: str, *arguments: object) -> None:
    """Nothing on standard output, one line on standard error that holds `words`."""
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("ingot-run: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_help_names_every_option_and_exit_code() -> None:
    done = run("--help")
    assert done.returncode == 0
    for word in ["--input", "--output", "--dim", "--repeat", "--warmup", "--threads", "--device"]:
        assert f"  {word}" in done.stdout
    for word in ["--level", "--graph", "--print", "--profile", "--json", "--verify", "--expect"]:
        assert f"  {word}" in done.stdout
    for word in ["--max-memory", "--max-steps", "--version", "--cpu", "--seed", "--no-pass"]:
        assert word in done.stdout
    assert "Exit codes: 0 done, 1" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120


def test_version_and_levels_are_those_of_the_package() -> None:
    assert run("--version").stdout.startswith(f"ingot-run {_core.__version__} (format 1")
    assert " ".join(_core.levels()) in run("--cpu").stdout


def test_an_npy_goes_in_and_an_npy_comes_out(model: Path, x: Path, tmp_path: Path) -> None:
    y, total = tmp_path / "y.npy", tmp_path / "total.npy"
    done = run(model, "--input", f"x={x}", "--output", f"hidden={y}", f"--output=1={total}")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(y), hidden(np.load(x)), rtol=1e-6)
    np.testing.assert_allclose(np.load(total), np.load(y).sum(1), rtol=1e-6)
    assert "output hidden: f32[5,3]" in done.stdout
    assert "arena:" in done.stdout


def test_fortran_order_and_version_2_are_read(model: Path, x: Path, tmp_path: Path) -> None:
    array, y = np.load(x), tmp_path / "y.npy"
    other = tmp_path / "other.npy"
    with other.open("wb") as file:
        np.lib.format.write_array(file, np.asfortranarray(array), version=(2, 0))
    assert run(model, "--input", f"x={other}", "--output", f"hidden={y}").returncode == 0
    np.testing.assert_allclose(np.load(y), hidden(array), rtol=1e-6)


def test_a_safetensors_input_is_found_by_name_or_as_the_only_one(
    model: Path, x: Path, tmp_path: Path
) -> None:
    array, y = np.load(x), tmp_path / "y.npy"
    for number, tensors in enumerate([{"a": array * 0, "x": array}, {"only": array}]):
        file = tmp_path / f"{number}.safetensors"
        save_file(tensors, file)
        assert run(model, "--input", f"x={file}", "--output", f"hidden={y}").returncode == 0
        np.testing.assert_allclose(np.load(y), hidden(array), rtol=1e-6)
    save_file({"a": array, "b": array}, tmp_path / "two.safetensors")
    fails(3, "none of them named 'x'", model, "--input", f"x={tmp_path}/two.safetensors")


def test_made_up_inputs_need_their_dims_and_repeat(model: Path) -> None:
    fails(2, "--dim batch=SIZE", model, "--input", "x=rand")
    first = run(model, "--input", "x=rand", "--dim", "batch=8", "--json")
    again = run(model, "--input", "x=rand", "--dim=batch=8", "--json")
    other = run(model, "--input", "x=rand", "--dim=batch=8", "--json", "--seed", "1")
    outputs = [json.loads(done.stdout)["outputs"] for done in (first, again, other)]
    assert outputs[0] == outputs[1] != outputs[2]
    assert outputs[0][0]["type"] == "f32[8,3]"
    zeros = run(model, "--input", "x=zeros", "--dim", "batch=2", "--json")
    assert json.loads(zeros.stdout)["outputs"][0]["max"] == 0


@pytest.mark.parametrize("level", _core.levels())
@pytest.mark.parametrize("threads", [1, 2])
def test_level_and_threads_change_no_bit(
    model: Path, x: Path, tmp_path: Path, level: str, threads: int
) -> None:
    wanted, got = tmp_path / "wanted.npy", tmp_path / "got.npy"
    assert run(model, "--input", f"x={x}", "--output", f"hidden={wanted}").returncode == 0
    options = ["--level", level, "--threads", threads, "--output", f"hidden={got}", "--json"]
    done = run(model, "--input", f"x={x}", *options)
    report = json.loads(done.stdout)
    assert (report["level"], report["threads"]) == (level, threads)
    assert wanted.read_bytes() == got.read_bytes()


def test_expect_decides_the_exit_code(model: Path, x: Path, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.npy", tmp_path / "wrong.npy"
    assert run(model, "--input", f"x={x}", "--output", f"hidden={right}").returncode == 0
    np.save(wrong, np.load(right) + np.float32(0.5))
    given = [model, "--input", f"x={x}", "--expect"]
    assert run(*given, f"hidden={right}").returncode == 0
    assert run(*given, f"hidden={wrong}").returncode == 1
    assert run(*given, f"hidden={wrong}", "--tolerance", "0.51").returncode == 0
    assert "FAILED" in run(*given, f"hidden={wrong}", "--tolerance=0.4").stdout
    np.save(wrong, np.load(right).astype(np.float64))
    assert run(*given, f"hidden={wrong}").returncode == 1


def test_repeat_prints_percentiles_and_what_is_timed(model: Path, x: Path) -> None:
    done = run(model, "--input", f"x={x}", "--repeat", 20, "--warmup", 2)
    assert "20 runs after 2 warm-up: min" in done.stdout
    assert "timed: one run of the graph" in done.stdout
    done = run(model, "--input", f"x={x}", "--repeat", 20, "--json")
    runs = json.loads(done.stdout)["runs"]
    assert runs["count"] == 20
    assert 0 <= runs["min_us"] <= runs["p50_us"] <= runs["p90_us"] <= runs["p99_us"]


def test_it_tells_what_starting_took(model: Path, x: Path) -> None:
    assert "ready after" in run(model, "--input", f"x={x}").stdout
    told = json.loads(run(model, "--input", f"x={x}", "--json").stdout)
    assert 0 <= told["pack_ms"] <= told["compile_ms"]
    assert 0 < told["load_ms"] + told["compile_ms"] + told["reserve_ms"] <= told["ready_ms"]
    assert told["first_run_ms"] > 0


def test_profile_names_kernels_and_source_lines(model: Path, x: Path) -> None:
    done = run(model, "--input", f"x={x}", "--profile", "--repeat", 3, "--json")
    steps = json.loads(done.stdout)["profile"]
    assert all(step["calls"] == 3 for step in steps)
    assert steps[0]["kernel"].startswith("matmul")
    assert steps[0]["origin"] == "model.py:13"  # where the step's last op was written
    assert steps[0]["flops"] > 0
    assert steps[0]["bytes"] > 0
    assert steps[0]["threads"] == steps[0]["tiles"] == 1
    assert steps[0]["at_best_us"] > 0
    assert "matmul" in run(model, "--input", f"x={x}", "--profile").stdout


def test_print_shows_the_graph_as_saved_optimized_and_planned(model: Path, tmp_path: Path) -> None:
    assert run(model, "--print", "graph").stdout == NETWORK
    assert run(model, "--print", "optimized").stdout.startswith("ingot 1\n")
    plan = [save(SUMS, tmp_path, "sums.ingot"), "--print=plan"]
    full, small = run(*plan).stdout, run(*plan, "--dim=batch=1")
    assert "arena" in full
    assert "cumulative_sum" in full
    assert small.returncode == 0
    assert small.stdout != full
    text = json.loads(run(model, "--print", "graph", "--json").stdout)["text"]
    assert text == NETWORK


def test_print_optimized_explains_groups_in_comments(model: Path, tmp_path: Path) -> None:
    text = run(model, "--print", "optimized").stdout
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert any(line.startswith("# group ") and "matmul + maximum" in line for line in comments)
    assert _core.Module.parse(text, {"w0": W}).graphs == [
        "classify"
    ]  # what was printed is a module
    one = run(save(TWO_GRAPHS, tmp_path), "--print", "optimized", "--graph", "twice").stdout
    assert one.startswith("graph twice")
    assert "# alone %0 (add)" in one


def test_print_plan_ends_with_the_work_of_every_step(model: Path) -> None:
    lines = run(model, "--print", "plan", "--dim", "batch=2").stdout.splitlines()
    assert lines[-2].split() == ["0", "1", "1", "54", "108", "B", "matmul+maximum"]
    assert lines[-1].endswith("sum")


def test_print_plan_svg_draws_the_memory(model: Path) -> None:
    picture = run(model, "--print", "plan-svg").stdout
    assert picture.startswith("<svg ")
    assert picture.endswith("</svg>\n")


def test_no_pass_leaves_out_a_pass_and_changes_no_bits(
    model: Path, x: Path, tmp_path: Path
) -> None:
    outputs = []
    for options in ([], ["--no-pass", "fuse_contractions", "--no-pass=fuse_pointwise"]):
        file = tmp_path / f"{len(outputs)}.npy"
        run(model, "--input", f"x={x}", "--output", f"hidden={file}", *options)
        outputs.append(np.load(file))
    np.testing.assert_array_equal(*outputs)
    plain = run(model, "--print", "optimized", "--no-pass=fuse_contractions").stdout
    assert "switched off: fuse_contractions" in plain
    fails(2, "no pass of this name: got 'nope'", model, "--input", f"x={x}", "--no-pass", "nope")


def test_graphs_are_chosen_by_name_and_names_may_be_odd(tmp_path: Path) -> None:
    path = save(TWO_GRAPHS, tmp_path)
    fails(2, "twice", path, "--input", "x=zeros")
    assert run(path, "--graph", "twice", "--input", "x=rand").returncode == 0
    i, z = tmp_path / "i.npy", tmp_path / "z.npy"
    np.save(i, np.array([1, -2]))
    np.save(z, np.array([3, 4], np.float32))
    odd = [path, "--graph", 'odd "name"', "--input", f"i={i}", "--input", f"in put={z}", "--json"]
    report = json.loads(run(*odd).stdout)
    assert report["graph"] == 'odd "name"'
    assert report["outputs"][0]["name"] == 'out "put\\'
    assert report["outputs"][0]["min"] == 3
    np.save(i, np.array([0, 2]))
    fails(1, "out of range", *odd)
    fails(2, "no graph thrice", path, "--graph", "thrice", "--input", "x=rand")


def test_aborts_and_limits_have_their_exit_codes(tmp_path: Path) -> None:
    minus = tmp_path / "minus.npy"
    np.save(minus, np.array([1, -1], np.float32))
    aborts = save(ABORTS, tmp_path, "aborts.ingot")
    fails(1, "negative", aborts, "--input", f"x={minus}")
    assert run(aborts, "--input", "x=zeros").returncode == 0
    endless = save(ENDLESS, tmp_path, "endless.ingot")
    fails(4, "steps", endless, "--input", "x=zeros", "--max-steps", 1000)


def test_max_memory_refuses_a_plan_that_is_larger(model: Path) -> None:
    fails(4, "arena", model, "--input", "x=rand", "--dim", "batch=1", "--max-memory", 16)


USAGE = {
    "no model": ([], "no model"),
    "unknown option": (["M", "--nope"], "unknown option '--nope'"),
    "unknown short option": (["M", "-x"], "unknown option '-x'"),
    "two models": (["M", "N"], "two models"),
    "missing value": (["M", "--repeat"], "needs a value"),
    "value for a flag": (["M", "--json=1"], "takes no value"),
    "repeat not a number": (["M", "--repeat", "10x"], "whole number"),
    "repeat zero": (["M", "--repeat", "0"], "whole number >= 1"),
    "repeat negative": (["M", "--repeat=-3"], "whole number >= 1"),
    "repeat too large": (["M", "--repeat", "99999999999999999999"], "whole number"),
    "repeat with plus": (["M", "--repeat", "+3"], "whole number"),
    "threads zero": (["M", "--threads", "0"], "whole number >= 1"),
    "threads many": (["M", "--threads", "100000"], "at most 1024"),
    "option twice": (["M", "--repeat", "2", "--repeat", "3"], "given twice"),
    "input twice": (["M", "--input", "x=rand", "--input", "x=zeros"], "given twice"),
    "dim twice": (["M", "--dim", "n=1", "--dim", "n=1"], "given twice"),
    "input without =": (["M", "--input", "x"], "expected NAME="),
    "input without source": (["M", "--input", "x="], "expected NAME="),
    "dim not a number": (["M", "--dim", "batch=two"], "whole number"),
    "print what": (["M", "--print", "everything"], "expected graph, optimized, plan or plan-svg"),
    "device": (["M", "--device", "tpu"], "expected cpu, cuda or cuda:N"),
    "tolerance": (["M", "--tolerance", "nan"], "expected a number >= 0"),
    "two actions": (["M", "--verify", "--print", "graph"], "exclude each other"),
    "dash": (["-", "--input", "x=rand"], "for --verify only"),
}


@pytest.mark.parametrize("kind", USAGE)
def test_wrong_usage_is_one_line_and_exit_code_2(kind: str) -> None:
    arguments, words = USAGE[kind]
    fails(2, words, *arguments)


def test_wrong_names_and_shapes_are_wrong_usage(model: Path, x: Path, tmp_path: Path) -> None:
    fails(2, "x: f32[batch,4]", model)
    fails(2, "there is no input 'y'", model, "--input", "y=rand", "--input", f"x={x}")
    fails(2, "there is no output 'z'", model, "--input", f"x={x}", "--output", "z=z.npy")
    fails(2, "no dim 'n'", model, "--input", "x=rand", "--dim", "n=3", "--dim", "batch=2")
    fails(2, "batch", model, "--input", "x=rand", "--dim", "batch=65")
    fails(2, "level", model, "--input", f"x={x}", "--level", "mmx")
    np.save(tmp_path / "wide.npy", np.zeros((5, 7), np.float32))
    fails(2, "x", model, "--input", f"x={tmp_path}/wide.npy")
    np.save(tmp_path / "double.npy", np.zeros((5, 4)))
    fails(2, "f64", model, "--input", f"x={tmp_path}/double.npy")
    fails(2, ".npy", model, "--input", "x=x.txt")


def test_what_the_system_refuses_is_exit_code_4(model: Path, x: Path, tmp_path: Path) -> None:
    fails(4, "No such file or directory", tmp_path / "none.ingot", "--input", "x=rand")
    fails(4, "No such file or directory", model, "--input", f"x={tmp_path}/none.npy")
    fails(4, "cuda", model, "--input", f"x={x}", "--device", "cuda")
    done = run(model, "--input", f"x={x}", "--output", f"hidden={tmp_path}/no/y.npy")
    assert done.returncode == 4
    assert "cannot write" in done.stderr


def npy(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + data


GOOD_HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }\n"
BAD_NPY = {
    "empty": b"",
    "not npy": b"hello, this is text",
    "version": npy(GOOD_HEADER, bytes(16), b"\3\0"),
    "short data": npy(GOOD_HEADER, bytes(15)),
    "long data": npy(GOOD_HEADER, bytes(17)),
    "cut header": npy(GOOD_HEADER, bytes(16))[:30],
    "missing key": npy("{'descr': '<f4', 'shape': (1, 4), }", bytes(16)),
    "repeated key": npy(GOOD_HEADER.replace("}", "'shape': (1, 4), }"), bytes(16)),
    "unknown key": npy(GOOD_HEADER.replace("}", "'a': 1}"), bytes(16)),
    "negative size": npy(GOOD_HEADER.replace("(1, 4)", "(-1, -4)"), bytes(16)),
    "overflow": npy(GOOD_HEADER.replace("(1, 4)", "(4294967296, 4294967296)"), b""),
    "huge": npy(GOOD_HEADER.replace("(1, 4)", "(1, 1099511627776)"), b""),
    "nine axes": npy(GOOD_HEADER.replace("(1, 4)", "(1, 1, 1, 1, 1, 1, 1, 1, 4)"), bytes(16)),
    "no comma": npy(GOOD_HEADER.replace("(1, 4)", "(4)"), bytes(16)),
    "trailing": npy(GOOD_HEADER + "import os", bytes(16)),
    "big-endian": npy(GOOD_HEADER.replace("<f4", ">f4"), bytes(16)),
    "objects": npy(GOOD_HEADER.replace("<f4", "|O"), bytes(16)),
    "structured": npy(GOOD_HEADER.replace("'<f4'", "[('a', '<f4')]"), bytes(16)),
    "control characters": npy(GOOD_HEADER.replace("<f4", "\x1b[1m\n"), bytes(16)),
}


@pytest.mark.parametrize("kind", BAD_NPY)
def test_a_malformed_npy_is_an_invalid_file(model: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bad.npy"
    path.write_bytes(BAD_NPY[kind])
    fails(3, "bad.npy", model, "--input", f"x={path}")


def test_a_malformed_model_is_an_invalid_file(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.ingot"
    path.write_bytes(model.read_bytes()[:-1])
    fails(3, "", path, "--verify")
    fails(3, "", path, "--input", "x=rand")


def test_verify_says_ok(model: Path) -> None:
    done = run(model, "--verify")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
    assert run("--verify", model).stdout == "ok\n"


def test_the_verify_server_answers_every_path_and_survives_all(model: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.ingot"
    bad.write_bytes(b"\x08\0\0\0\0\0\0\0{\x00\xff\n\x1b[")
    paths = [model, bad, "", tmp_path / "none", tmp_path, model, "a" * 10_000, model]
    server = subprocess.Popen(
        [runner(), "--verify", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    for path in paths:
        server.stdin.write(f"{path}\n")
        server.stdin.flush()
        answer = server.stdout.readline()  # comes before the next path: each answer is flushed
        assert answer.endswith("\n")
        if path == model:
            assert answer == "ok\n"
        else:
            assert answer.startswith("error: ")
            assert len(answer) <= 401
            assert answer.rstrip("\n").isprintable()
    server.stdin.close()
    assert server.wait(10) == 0
    server.stdout.close()


def test_special_values_keep_the_json_valid(tmp_path: Path) -> None:
    path, x = save(TWO_GRAPHS, tmp_path), tmp_path / "x.npy"
    np.save(x, np.array([np.nan, np.inf, -np.inf], np.float32))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    done = run(path, "--graph", "twice", "--input", f"x={x}", "--json")
    output = json.loads(done.stdout, parse_constant=refuse)["outputs"][0]
    assert output["nan"] == 1
    assert output["max"] is None


@pytest.mark.parametrize(
    ("name", "dtype"), [(text, python) for text, python, *_ in _core.dtype_names()]
)
def test_every_dtype_passes_through_unchanged(name: str, dtype: str, tmp_path: Path) -> None:
    text = f"ingot 1\nnumerics 1\ngraph g(x: {name}[3]) {{\n  return x as y\n}}\n"
    path, x, y = save(text, tmp_path), tmp_path / "x.npy", tmp_path / "y.npy"
    if name == "bf16":  # NumPy's files know it as two bytes
        array = np.array([0, 0x3F80, 0x4000], np.uint16).view("V2")
    else:
        array = np.array([0, 1, 1]).astype(dtype)
    np.save(x, array)
    done = run(path, "--input", f"x={x}", "--output", f"y={y}", "--expect", f"y={x}")
    assert done.returncode == 0, done.stderr
    assert np.load(y).tobytes() == array.tobytes()
    assert run(path, "--input", "x=rand").returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="ldd is Linux's")
def test_the_runner_links_only_the_c_and_cpp_runtimes() -> None:
    listed = subprocess.run([tool("ldd"), runner()], capture_output=True, text=True, check=True)
    names = {
        line.split()[0].rsplit("/", 1)[-1].split(".")[0] for line in listed.stdout.splitlines()
    }
    allowed = {"linux-vdso", "libc", "libm", "libpthread", "libstdc++", "libgcc_s"}
    loaders = {name for name in names if name.startswith("ld-")}
    assert names - loaders <= allowed
