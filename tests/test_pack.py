"""Packed files: same bits at every level, packed once, nothing laid anew, hostile ones refused."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.installed import run

import ingot
from ingot import _core, command, errors
from ingot.nn import functional as F


def network() -> ingot.Graph:
    """A convolution, products by a matrix and by its transposed second reader, a table."""
    rng = np.random.default_rng(5)

    def weight(name: str, *shape: int) -> ingot.Tensor:
        return ingot.tensor(rng.standard_normal(shape).astype(np.float32), name=name)

    kernel, table, w = weight("kernel", 20, 3, 3, 3), weight("table", 500, 36), weight("w", 20, 36)
    again = ingot.tensor(np.asarray(w), name="again")  # equal, under a name of its own

    def f(image: ingot.Tensor, ids: ingot.Tensor) -> tuple[ingot.Tensor, ...]:
        features = ingot.mean(F.conv2d(image, kernel), axis=(2, 3))
        hidden = ingot.relu(features @ w) + ingot.take(table, ids, axis=0)
        return hidden @ ingot.permute_dims(table, (1, 0)), features @ again

    image = ingot.Spec((ingot.Dim("n", 1, 8), 3, 6, 6), "float32")
    return ingot.record(f, image, ingot.Spec((1,), "int64"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "plain.ingot"
    network().save(str(path))
    return path


@pytest.fixture(scope="module")
def packed(plain: Path) -> Path:
    path = plain.with_name("packed.ingot")
    assert command.main(["pack", str(plain), "-o", str(path)]) == command.DONE
    return path


def layouts(path: Path) -> list[str]:
    lines = _core.Module.load(str(path)).text().splitlines()
    return [line for line in lines if line.startswith("param") and "layout" in line]


def outputs(path: Path, level: str = "", passes: list[str] | None = None) -> list[bytes]:
    module = _core.Module.load(str(path))
    program = _core.Program(module, level=level, disabled_passes=passes or [])
    image = np.random.default_rng(1).standard_normal((4, 3, 6, 6)).astype(np.float32)
    results = program.new_session().run(0, [image, np.array([499])])
    return [np.asarray(result).tobytes() for result in results]


def test_params_of_contractions_lie_in_panels(plain: Path, packed: Path) -> None:
    assert layouts(plain) == []
    assert len(layouts(packed)) == 4


@pytest.mark.parametrize("level", _core.levels())
def test_a_packed_file_gives_the_same_bits_at_every_level(
    plain: Path, packed: Path, level: str
) -> None:
    assert outputs(packed, level) == outputs(plain)
    assert outputs(packed, level, ["panel_params"]) == outputs(plain)


@pytest.mark.parametrize("level", _core.levels())
def test_every_level_packs_the_same_file(plain: Path, packed: Path, level: str) -> None:
    other = packed.with_name(f"{level}.ingot")
    done = run(plain, "--pack", other, "--level", level)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{other}\n", "")
    assert other.read_bytes() == packed.read_bytes()


def test_packing_a_packed_file_changes_nothing(packed: Path) -> None:
    again = packed.with_name("again.ingot")
    assert command.main(["pack", str(packed), "-o", str(again)]) == command.DONE
    assert again.read_bytes() == packed.read_bytes()


def test_a_file_may_be_packed_in_place(plain: Path, packed: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.ingot"
    path.write_bytes(plain.read_bytes())
    assert command.main(["pack", str(path), "-o", str(path)]) == command.DONE
    assert path.read_bytes() == packed.read_bytes()


def test_params_read_as_before(plain: Path, packed: Path) -> None:
    before, after = _core.Module.load(str(plain)), _core.Module.load(str(packed))
    assert after.params == before.params
    for name, _, _ in before.params:
        np.testing.assert_array_equal(after.param(name), before.param(name))


def test_metadata_states_and_dims_stay(tmp_path: Path) -> None:
    count = ingot.State(np.full((2, 20), 3, np.float32), name="count")
    w = ingot.tensor(np.ones((4, 20), np.float32), name="w")

    def f(x: ingot.Tensor) -> ingot.Tensor:
        count.value = count.value + x @ w
        return count.value

    path = tmp_path / "m.ingot"
    graph = ingot.record(f, ingot.Spec((2, 4), "float32"))
    graph.save(str(path), metadata={"licence": "none"})
    command.main(["pack", str(path), "-o", str(path)])
    program = ingot.load(path)
    assert program.module.metadata == {"licence": "none"}
    x = np.ones((2, 4), np.float32)
    assert [float(np.asarray(program(x))[0, 0]) for _ in range(2)] == [7, 11]


def test_a_reader_of_rows_gets_rows(packed: Path) -> None:
    """A packed param that other readers want otherwise is laid back."""
    program = ingot.load(packed)
    image = np.ones((1, 3, 6, 6), np.float32)
    fetched = program.run({"image": image, "ids": np.array([0])}, fetch=["w", "kernel"])
    np.testing.assert_array_equal(fetched["w"], program.module.param("w"))
    np.testing.assert_array_equal(fetched["kernel"], program.module.param("kernel"))


def parts(path: Path) -> tuple[dict[str, dict[str, object]], bytes]:
    blob = path.read_bytes()
    (size,) = struct.unpack("<Q", blob[:8])
    return json.loads(blob[8 : 8 + size]), blob[8 + size :]


def joined(header: dict[str, dict[str, object]], data: bytes) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text + data


def test_what_fills_the_last_panel_has_no_meaning(
    plain: Path, packed: Path, tmp_path: Path
) -> None:
    header, data = parts(packed)
    begin, _ = header["w"]["data_offsets"]
    values = np.frombuffer(bytearray(data), np.float32).copy()
    w = values[begin // 4 :][: 3 * 20 * 16].reshape(3, 20, 16)
    assert not w[2, :, 4:].any()
    w[2, :, 4:] = np.nan
    path = tmp_path / "m.ingot"
    path.write_bytes(joined(header, values.tobytes()))
    assert outputs(path) == outputs(plain)
    assert outputs(path, passes=["panel_params"]) == outputs(plain)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("w: f32[20,36] layout panel16", "w: f32[20,36]", "the module wants F32[20,36]"),
        ("w: f32[20,36] layout panel16", "w: f32[20,36] layout panel16(0,1)", "F32[2,36,16]"),
        ("w: f32[20,36] layout panel16", "w: f32[20,52] layout panel16", "F32[4,20,16]"),
        ("w: f32[20,36] layout panel16", "w: f32[20,36] layout panel16(1,0,2)", "does not fit"),
        ("w: f32[20,36] layout panel16", "w: f32[20,36] layout panel8", "panel16"),
        ("w: f32[20,36] layout panel16", "w: i32[20,36] layout panel16", "does not fit"),
        ("panel16(0,2,3,1)", "panel16(0,3,2)", "does not fit"),
        ("panel16(0,2,3,1)", "panel16(0,2,3,3)", "does not fit"),
        ("panel16(0,2,3,1)", "panel16(1,2,3,0)", "the module wants F32[1,3,3,20,16]"),
    ],
)
def test_a_layout_that_is_not_the_tensors_own_is_refused(
    packed: Path, tmp_path: Path, old: str, new: str, words: str
) -> None:
    header, data = parts(packed)
    text = str(header["__metadata__"]["ingot.module"])
    assert old in text
    header["__metadata__"]["ingot.module"] = text.replace(old, new, 1)
    path = tmp_path / "m.ingot"
    path.write_bytes(joined(header, data))
    with pytest.raises(errors.FileError, match=words.replace("[", r"\[")) as raised:
        ingot.load(path)
    assert "\n" not in str(raised.value)
    done = run(path, "--pack", tmp_path / "out.ingot")
    assert (done.returncode, done.stderr) == (3, f"ingot-run: {raised.value}\n")
    assert not (tmp_path / "out.ingot").exists()


def test_cut_and_damaged_files_are_one_error_or_load(packed: Path) -> None:
    blob = packed.read_bytes()
    (size,) = struct.unpack("<Q", blob[:8])
    rng = np.random.default_rng(7)
    for cut in (0, 7, 8, size, 8 + size, len(blob) - 64, len(blob) - 1):
        with pytest.raises((errors.FileError, errors.LimitError)):
            _core.Module.from_bytes(blob[:cut])
    raised: list[errors.IngotError] = []
    for _ in range(300):
        damaged = bytearray(blob)
        damaged[rng.integers(0, 8 + size)] = rng.integers(32, 127)
        try:
            _core.Program(_core.Module.from_bytes(bytes(damaged)))
        except errors.IngotError as error:
            raised.append(error)
    assert len(raised) > 100
    assert not any("\n" in str(error) for error in raised)
    assert not any(isinstance(error, errors.InternalError) for error in raised)


def test_what_cannot_be_read_or_written_has_an_exit_code(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, bad = tmp_path / "no" / "out.ingot", tmp_path / "bad.ingot"
    bad.write_bytes(b"bad")
    assert command.main(["pack", str(plain), "-o", str(nowhere)]) == command.CANNOT_RUN
    assert capsys.readouterr().err.count("\n") == 1
    assert run(plain, "--pack", nowhere).returncode == command.CANNOT_RUN
    assert command.main(["pack", str(bad), "-o", str(nowhere)]) == command.INVALID_FILE
    assert run(bad, "--pack", nowhere).returncode == command.INVALID_FILE
    for words in (["--pack", ""], ["--pack"], ["--pack", "x", "--verify"]):
        assert run(plain, *words).returncode == command.WRONG_USAGE


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the pages in memory")
def test_a_large_table_never_lies_in_memory_twice(tmp_path: Path) -> None:
    table = ingot.tensor(np.ones((40_000, 256), np.float32), name="table")  # 41 MB

    def f(ids: ingot.Tensor) -> ingot.Tensor:
        return ingot.take(table, ids, axis=0) @ ingot.permute_dims(table, (1, 0))

    path = tmp_path / "m.ingot"
    ingot.record(f, ingot.Spec((1,), "int64")).save(str(path))
    done = run(path, "--input", "ids=zeros", "--json")
    assert 41e6 < json.loads(done.stdout)["peak_resident_bytes"] < 41e6 + 30e6
