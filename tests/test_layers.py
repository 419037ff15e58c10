"""The arrows between the parts: a file may only use what lies to the left of it
(docs/architecture.md).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
CSRC = ROOT / "csrc"
PYTHON = ROOT / "python" / "ingot"

# A folder of csrc/ may include headers of itself and of every folder before it in this list ...
CPP_ORDER = [
    "base",
    "ops",
    "graph",
    "verify",
    "file",
    "optimize",
    "plan",
    "execute",
    "device",
    "program",
]
# ... and the edges of the program may include everything but each other.
CPP_EDGES = ["capi", "bindings", "tools"]
KERNEL_MAY_INCLUDE = re.compile(
    r"execute/kernel\.h|ops/pointwise\.def|kernels/\w+\.h|cstdint|cstddef|immintrin\.h|arm_neon\.h"
)
# A plugin shares with the core the structs of the border and what one element means, no code that
# runs a graph.
PLUGIN_MAY_INCLUDE = re.compile(
    r"device/api\.h|execute/kernel\.h|base/dtype\.h|ops/pointwise\.def|"
    r"kernels/(scalar|simd|lane|math\w*|narrow|values|element|reduce_(ops|axes)|philox|box)\.h"
)

# Modules of the Python package, in the order of the arrows; a row may also import within itself.
PYTHON_ROWS = [
    {"errors"},
    {"_core"},
    {"dtypes", "origin"},
    {"bounds", "reference_order", "explain", "in_place"},
    {"tensor", "operators", "methods"},
    {"recorder", "inputs", "state", "tape", "device"},
    {"bind"},
    {"op"},
    {"ops"},
    {"composite"},
    {"control", "grad", "random", "reference"},
    {"record", "tools"},
    {"program"},
    {"testing"},
    {"linalg"},
    {"array_api", "jit", "nn", "optim", "onnx"},
    {"command"},
    {"__init__", "__main__"},
]

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def includes(path: Path) -> list[tuple[int, str]]:
    text = path.read_text()
    return [(text.count("\n", 0, m.start(1)) + 1, m.group(1)) for m in INCLUDE.finditer(text)]


def folder_of(include: str) -> str | None:
    """The folder of csrc/ that an include names; None for a system header."""
    if not (CSRC / include).exists():
        return None
    return include.split("/")[0] if "/" in include else "program"


def cpp_violations() -> list[str]:
    found = []
    for path in sorted(p for p in CSRC.rglob("*") if p.suffix in {".h", ".hpp", ".cpp"}):
        parts = path.relative_to(CSRC).parts
        folder = parts[0] if len(parts) > 1 else "program"
        for line, include in includes(path):
            where = f"{path.relative_to(ROOT)}:{line}: {include}"
            if folder == "kernels":
                if not KERNEL_MAY_INCLUDE.fullmatch(include):
                    found.append(
                        f"{where}: a kernel includes only kernel.h, its own headers, intrinsics"
                    )
                continue
            if "pybind11" in include and folder != "bindings":
                found.append(f"{where}: only bindings/ knows Python")
            target = folder_of(include)
            if target is None or target == folder:
                continue
            allowed = CPP_ORDER if folder in CPP_EDGES else CPP_ORDER[: CPP_ORDER.index(folder)]
            if target not in allowed:
                found.append(f"{where}: {folder} may not include {target}")
    return found


def plugin_violations() -> list[str]:
    found = []
    files = [p for p in (ROOT / "cuda").rglob("*") if p.suffix in {".h", ".cuh", ".cpp", ".cu"}]
    for path in sorted(files):
        for line, include in includes(path):
            if folder_of(include) is not None and not PLUGIN_MAY_INCLUDE.fullmatch(include):
                found.append(f"{path.relative_to(ROOT)}:{line}: a plugin may not include {include}")
    return found


def python_row(module: str) -> int:
    for number, row in enumerate(PYTHON_ROWS):
        if module in row:
            return number
    raise AssertionError(f"python/ingot/{module} has no place in PYTHON_ROWS of {__file__}")


def imported_modules(path: Path) -> list[tuple[int, str]]:
    """(line, top-level module of the package) of every import of one file, lazy ones included."""
    package = ("ingot", *path.relative_to(PYTHON).parts[:-1])
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "ingot" and len(parts) > 1:
                found.append((node.lineno, parts[1]))
    return found


def test_cpp_includes_point_left_only() -> None:
    assert cpp_violations() == []
    assert plugin_violations() == []


def test_python_imports_point_left_only() -> None:
    violations = []
    for path in sorted(PYTHON.rglob("*.py")):
        module = path.relative_to(PYTHON).parts[0].removesuffix(".py")
        for line, target in imported_modules(path):
            known = (PYTHON / target).is_dir() or list(PYTHON.glob(f"{target}.py*"))
            if known and target != module and python_row(target) > python_row(module):
                violations.append(
                    f"{path.relative_to(ROOT)}:{line}: {module} may not import {target}"
                )
    assert violations == []


def is_exports(node: ast.Assign) -> bool:
    return [t.id for t in node.targets if isinstance(t, ast.Name)] == ["__all__"]


def test_python_holds_no_second_list_of_ops() -> None:
    """Every record hangs on a row of the C++ table; no list of a file names rows, but what the file
    itself exports."""
    core_rows = set(
        re.findall(r"^POINTWISE\((\w+),", (CSRC / "ops/pointwise.def").read_text(), re.MULTILINE)
    )
    offenders = []
    for path in sorted(PYTHON.rglob("*.py")):
        tree = ast.parse(path.read_text())
        exports = [n.value for n in tree.body if isinstance(n, ast.Assign) and is_exports(n)]
        for node in ast.walk(tree):
            if isinstance(node, (ast.List, ast.Set, ast.Tuple)) and node not in exports:
                words = {e.value for e in node.elts if isinstance(e, ast.Constant)}
                if len(words & core_rows) >= 4:
                    offenders.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert offenders == []
