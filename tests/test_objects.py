"""What the linker sees of the kernels: levels share no symbol and run no code at load.

A weak symbol outside a level's namespace may be taken from the AVX-512 objects for portable
callers; an initializer in a level's object runs that level's instructions on any processor.
The objects are those of the build folder INGOT_BUILD_DIR, or are built here.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.device import host_compiler

ROOT = Path(__file__).resolve().parent.parent
LEVEL_FOLDER = re.compile(r"ingot_kernels_(\w+)\.dir$")
INITIALIZER = re.compile(r"\.(init_array|ctors|preinit_array)\b")
# Weak or unique definitions; V and W are weak objects and functions, u is unique in the process.
SHARED_KINDS = "VWu"


def run(*command: str | Path) -> str:
    return subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    ).stdout


def levels_of_this_machine() -> list[str]:
    if platform.machine() in ("x86_64", "AMD64"):
        return ["generic", "avx2", "avx512"]
    return ["generic", "neon"]


def build_objects(folder: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed and INGOT_BUILD_DIR is not set")
    run(
        "cmake",
        "-S",
        ROOT,
        "-B",
        folder,
        "-DINGOT_TESTS=OFF",
        "-DINGOT_PYTHON=OFF",
        "-DINGOT_CUDA=OFF",
        "-DCMAKE_BUILD_TYPE=Release",
    )
    targets = [f"ingot_kernels_{level}" for level in levels_of_this_machine()]
    run("cmake", "--build", folder, "--parallel", "2", "--target", *targets)


def find_objects(folder: Path) -> dict[str, list[Path]]:
    objects: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.o")):
        for parent in path.parents:
            match = LEVEL_FOLDER.search(parent.name)
            if match:
                objects.setdefault(match.group(1), []).append(path)
    return objects


@pytest.fixture(scope="module")
def level_objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    if platform.system() != "Linux":
        pytest.skip("reads ELF objects")
    for tool in ("nm", "readelf"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    given = os.environ.get("INGOT_BUILD_DIR")
    if given is None:
        folder = tmp_path_factory.mktemp("objects")
        build_objects(folder)
    else:
        folder = Path(given)
    return find_objects(folder)


def defined_symbols(path: Path) -> list[tuple[str, str]]:
    """(kind, mangled name) of each symbol that others can see."""
    lines = run("nm", "--defined-only", "--extern-only", "--portability", path).splitlines()
    return [(line.split()[1], line.split()[0]) for line in lines]


def in_namespace(symbol: str, level: str) -> bool:
    """Whether the symbol is an entity of ingot::<level>, or a table or guard of one."""
    return re.match(rf"_Z(GV|T[VIS])?(ZN?)*N?K?5ingot{len(level)}{level}", symbol) is not None


def test_every_level_has_objects(level_objects: dict[str, list[Path]]) -> None:
    sources = {path.name for path in (ROOT / "csrc" / "kernels").glob("*.cpp")}
    assert sorted(level_objects) == sorted(levels_of_this_machine())
    for level, paths in level_objects.items():
        assert {path.name.removesuffix(".o") for path in paths} == sources, level


def test_no_level_defines_a_symbol_outside_its_namespace(
    level_objects: dict[str, list[Path]],
) -> None:
    wrong = [
        f"{level}/{path.name}: {kind} {name}"
        for level, paths in level_objects.items()
        for path in paths
        for kind, name in defined_symbols(path)
        if not in_namespace(name, level)
    ]
    assert wrong == []


def test_no_level_has_code_that_runs_at_load(level_objects: dict[str, list[Path]]) -> None:
    wrong = [
        f"{level}/{path.name}"
        for level, paths in level_objects.items()
        for path in paths
        if INITIALIZER.search(run("readelf", "--sections", "--wide", path))
    ]
    assert wrong == []


def compile_source(tmp_path: Path, text: str) -> Path:
    source, result = tmp_path / "probe.cpp", tmp_path / "probe.o"
    source.write_text(text)
    run(host_compiler(), "-std=c++20", "-c", source, "-o", result)
    return result


def test_a_shared_inline_function_would_be_noticed(tmp_path: Path) -> None:
    path = compile_source(
        tmp_path,
        "namespace ingot { inline int twice(int x) { return 2 * x; }\n"
        "namespace generic { template <class T> T thrice(T x) { return 3 * x; }\n"
        "int f(int x) { return twice(x) + thrice(x); } } }\n",
    )
    outside = [
        (kind, name) for kind, name in defined_symbols(path) if not in_namespace(name, "generic")
    ]
    assert [name for _, name in outside] == ["_ZN5ingot5twiceEi"]
    assert all(kind in SHARED_KINDS for kind, _ in outside)


def test_a_static_registrar_would_be_noticed(tmp_path: Path) -> None:
    path = compile_source(
        tmp_path,
        "int f();\nnamespace ingot::generic { static int done = f(); int g() { return done; } }\n",
    )
    assert INITIALIZER.search(run("readelf", "--sections", "--wide", path))
