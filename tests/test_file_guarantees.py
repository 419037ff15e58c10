"""What a saved file guarantees: the same bytes in every process, readable by safetensors, never
half written.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.random_programs import SeededChoose, build

import ingot
from ingot import _core

RECORDING = """
import sys
import numpy as np
import ingot

rng = np.random.default_rng(0)
w = ingot.tensor(rng.standard_normal((300, 70)).astype(np.float32), name="w")
b = ingot.tensor(rng.standard_normal(70).astype(np.float32))

def model(x):
    return {"y": ingot.softmax(ingot.gelu(x @ w + b), axis=-1)}

graph = ingot.record(model, ingot.Spec((ingot.Dim("batch", 1, 8), 300), "float32"))
"""
SAVE_ONCE = RECORDING + "graph.save(sys.argv[1])\n"
SAVE_FOREVER = RECORDING + "print('ready', flush=True)\nwhile True:\n    graph.save(sys.argv[1])\n"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text(SAVE_ONCE)
    for name in ("a.ingot", "b.ingot"):
        subprocess.run([sys.executable, "model.py", name], cwd=tmp_path, check=True)
    return tmp_path


def test_the_same_recording_gives_the_same_bytes_in_two_processes(saved: Path) -> None:
    assert (saved / "a.ingot").read_bytes() == (saved / "b.ingot").read_bytes()


def test_safetensors_reads_weights_and_text(saved: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    module = _core.Module.load(str(saved / "a.ingot"))
    with safetensors.safe_open(str(saved / "a.ingot"), framework="numpy") as file:
        assert file.metadata()["ingot.module"] == module.text()
        weights = {name for name, _, _ in module.params}
        assert weights <= set(file.keys())
        for name in weights:
            np.testing.assert_array_equal(file.get_tensor(name), module.param(name))


def test_every_tensor_starts_at_a_multiple_of_64_bytes(saved: Path) -> None:
    import json
    import struct

    data = (saved / "a.ingot").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__")
    starts = [
        8 + length + v["data_offsets"][0]
        for k, v in header.items()
        if not k.startswith("ingot.pad.")
    ]
    assert starts
    assert all(start % 64 == 0 for start in starts)


def test_a_killed_save_never_leaves_half_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(SAVE_FOREVER)
    target = tmp_path / "model.ingot"
    rng = random.Random(0)
    expected: bytes | None = None
    for _ in range(int(os.environ.get("INGOT_KILLS", "8"))):
        target.unlink(missing_ok=True)
        command = [sys.executable, "model.py", str(target)]
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(rng.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
        if target.exists():
            _core.Module.load(str(target))
            expected = expected or target.read_bytes()
            assert target.read_bytes() == expected


def test_random_modules_print_parse_print_to_the_same_text() -> None:
    for seed in range(int(os.environ.get("INGOT_ROUND_TRIPS", "500"))):
        module, _ = build(SeededChoose(seed))
        text = module.text()
        again = _core.Module.from_bytes(module.to_bytes())
        assert again.text() == text


def test_save_replaces_the_file_or_leaves_it(tmp_path: Path) -> None:
    graph = ingot.record(lambda x: x + 1, ingot.Spec((2,), "float32"))
    missing = tmp_path / "no" / "such" / "folder" / "m.ingot"
    with pytest.raises(ingot.DeviceError, match="No such file"):
        graph.save(missing)
    graph.save(tmp_path / "m.ingot")
    assert [p.name for p in tmp_path.iterdir()] == ["m.ingot"]
