"""The reader against tests/data: old files load for ever, malformed ones give their one error."""

from __future__ import annotations

import json
import runpy
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ingot import _core, errors

DATA = Path(__file__).parent / "data"
GOLDEN = sorted((DATA / "golden").glob("v*/*.ingot"))
BAD = [tuple(line.split("\t")) for line in (DATA / "bad" / "expected.txt").read_text().splitlines()]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_old_file_loads_and_is_written_back_byte_for_byte(path: Path) -> None:
    module = _core.Module.load(str(path))
    assert module.to_bytes() == path.read_bytes()
    assert _core.Module.load(str(path), copy=True).text() == module.text()
    assert _core.Module.from_bytes(path.read_bytes()).text() == module.text()
    assert module.metadata["licence"] == "Apache-2.0"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_text_of_an_old_file_is_what_its_metadata_says(path: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(path, framework="numpy") as file:
        assert _core.Module.load(str(path)).text() == file.metadata()["ingot.module"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_params_of_an_old_file_have_their_bytes(path: Path) -> None:
    module = _core.Module.load(str(path))
    panels = {
        line.split()[1].rstrip(":") for line in module.text().splitlines() if "panel16" in line
    }
    for name, _, _ in module.params:
        if name not in panels:  # the array is row-major whatever the layout
            got = np.frombuffer(module.param(name).tobytes(), np.uint8)
            np.testing.assert_array_equal(got, np.arange(got.size) % 7 == 3)


@pytest.mark.parametrize(("file", "error", "words"), BAD, ids=[row[0] for row in BAD])
def test_a_malformed_file_gives_its_error(file: str, error: str, words: str) -> None:
    path = DATA / "bad" / file
    with pytest.raises(getattr(errors, error)) as raised:
        _core.Module.load(str(path))
    message = str(raised.value)
    assert words in message
    assert len(message) < 600
    assert "\n" not in message
    with pytest.raises(getattr(errors, error)) as from_bytes:
        _core.Module.from_bytes(path.read_bytes())
    assert str(from_bytes.value) == message


def test_every_bad_file_is_listed_and_made_by_the_script(tmp_path: Path) -> None:
    assert {row[0] for row in BAD} == {path.name for path in (DATA / "bad").glob("*.ingot")}
    script = tmp_path / "make_bad.py"
    script.write_text((DATA / "make_bad.py").read_text())
    subprocess.run([sys.executable, str(script)], check=True, stdout=subprocess.DEVNULL)
    for path in (DATA / "bad").iterdir():
        assert (tmp_path / "bad" / path.name).read_bytes() == path.read_bytes(), path.name


def test_every_bad_file_is_named_by_the_documentation() -> None:
    page = (DATA.parent.parent / "docs" / "file_format.md").read_text()
    groups = ("json_", "text_")  # the grammar is their rule
    missing = [
        row[0]
        for row in BAD
        if f"`{row[0].removesuffix('.ingot')}`" not in page and not row[0].startswith(groups)
    ]
    assert missing == []


def test_the_bad_files_are_one_change_away_from_a_valid_one() -> None:
    script = runpy.run_path(str(DATA / "make_bad.py"))
    valid = script["Parts"]().pack()
    assert _core.Module.from_bytes(valid).text() == script["TEXT"]


def test_paths_that_hold_no_file_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(errors.DeviceError, match="No such file"):
        _core.Module.load(str(tmp_path / "none.ingot"))
    with pytest.raises(errors.FileError, match="is a folder"):
        _core.Module.load(str(tmp_path))
    (tmp_path / "empty.ingot").touch()
    with pytest.raises(errors.FileError, match="too short"):
        _core.Module.load(str(tmp_path / "empty.ingot"))


def test_a_valid_file_of_another_safetensors_writer_loads() -> None:
    """Other key order, blanks, data at a multiple of 8: a reader demands no habit of our writer."""
    data = (DATA / "golden" / "v1" / "ops.ingot").read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    reordered = json.dumps(dict(reversed(header.items())), indent=1)
    reordered += " " * (-len(reordered) % 8)
    other = struct.pack("<Q", len(reordered)) + reordered.encode() + data[8 + size :]
    assert _core.Module.from_bytes(other).to_bytes() == data
