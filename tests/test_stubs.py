"""python/ingot/_core.pyi says exactly what the compiled module has: names, kinds, parameters."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

import ingot
from ingot import _core

STUB = Path(ingot.__file__).parent / "_core.pyi"
TREE = ast.parse(STUB.read_text())
ALIASES = {"AnyArray", "SizeLike"}  # of the stub alone


def parameters(function: ast.FunctionDef) -> list[str]:
    """Names in order, `*` before the keyword-only ones."""
    names = [a.arg for a in function.args.posonlyargs + function.args.args]
    keyword = [a.arg for a in function.args.kwonlyargs]
    return names + (["*", *keyword] if keyword else [])


def is_decorated(function: ast.FunctionDef, name: str) -> bool:
    return any(name in ast.unparse(d) for d in function.decorator_list)


def compiled_parameters(name: str, function: Any) -> list[str]:
    """Parameters as the first line of pybind11's docstring lists them."""
    signature = function.__doc__.splitlines()[0]
    inner = re.fullmatch(rf"{name}\((.*)\) -> .*", signature)
    assert inner, signature
    depth, parts = 0, [""]
    for c in inner[1]:
        depth += (c in "[({") - (c in "])}")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [part.split(":")[0].split("=")[0].strip() for part in parts if part.strip()]


def members(tree: ast.Module | ast.ClassDef) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for item in tree.body:
        if isinstance(item, (ast.FunctionDef, ast.ClassDef)):
            if not (isinstance(item, ast.FunctionDef) and is_decorated(item, "setter")):
                found[item.name] = item
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            found[item.target.id] = item
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            found[item.targets[0].id] = item
    return found


TOP = members(TREE)
CLASSES = {name: item for name, item in TOP.items() if isinstance(item, ast.ClassDef)}
FUNCTIONS = [
    (owner, name, item)
    for owner, tree in [("", TREE), *CLASSES.items()]
    for name, item in members(tree).items()
    if isinstance(item, ast.FunctionDef) and not is_decorated(item, "property")
]


def own_names(object_: Any) -> set[str]:
    """What a user may call; comparison and arithmetic that the class defines itself count too."""
    names = {n for n in vars(object_) if not n.startswith("_")}
    if not inspect.isclass(object_):
        return names | {"__version__"}
    special = {"__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__floordiv__"}
    special |= {"__lt__", "__le__", "__gt__", "__ge__", "__bool__"}
    special |= {"__array__", "__dlpack__", "__dlpack_device__"}
    return names | (special & set(vars(object_)))


def test_the_module_has_what_the_stub_says_and_nothing_else() -> None:
    assert set(TOP) - ALIASES == own_names(_core)


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_what_the_stub_says_and_nothing_else(name: str) -> None:
    stub, compiled = members(CLASSES[name]), getattr(_core, name)
    always = {"__init__", "__call__", "__str__", "__repr__", "__eq__", "__hash__"}
    assert set(stub) - always == own_names(compiled)
    for member in always & set(stub):
        assert callable(getattr(compiled, member))


@pytest.mark.parametrize("name", CLASSES)
def test_properties_are_properties_and_may_be_set_where_the_stub_says(name: str) -> None:
    compiled = getattr(_core, name)
    setters = {
        item.name
        for item in CLASSES[name].body
        if isinstance(item, ast.FunctionDef) and is_decorated(item, "setter")
    }
    for member, item in members(CLASSES[name]).items():
        is_property = not isinstance(item, ast.FunctionDef) or is_decorated(item, "property")
        assert isinstance(vars(compiled).get(member), property) == is_property, member
        if is_property:
            assert (vars(compiled)[member].fset is not None) == (member in setters), member


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"Caller"}))  # which is there to derive from
def test_classes_are_final_and_hold_no_other_attributes(name: str) -> None:
    assert is_decorated(CLASSES[name], "final")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Derived", (getattr(_core, name),), {})


@pytest.mark.parametrize(
    ("owner", "name", "stub"), FUNCTIONS, ids=[f"{o}.{n}".lstrip(".") for o, n, _ in FUNCTIONS]
)
def test_parameters_have_the_names_of_the_stub(
    owner: str, name: str, stub: ast.FunctionDef
) -> None:
    if name in {"__hash__", "__str__"} or (owner == "Caller" and name != "run_into"):
        return  # special methods without parameters
    place = getattr(_core, owner) if owner else _core
    compiled = compiled_parameters(name, getattr(place, name))
    if owner and not is_decorated(stub, "staticmethod"):
        compiled = ["self", *compiled[1:]]
    assert compiled == parameters(stub)


def test_defaults_are_where_the_stub_has_them() -> None:
    for owner, name, stub in FUNCTIONS:
        if name.startswith("__") and (name != "__init__" or owner == "Caller"):
            continue
        place = getattr(_core, owner) if owner else _core
        signature = getattr(place, name).__doc__.splitlines()[0]
        args = stub.args
        with_default = {a.arg for a in args.args[len(args.args) - len(args.defaults) :]}
        with_default |= {
            a.arg for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None
        }
        assert set(re.findall(r"(\w+): [^,]*? = ", signature)) == with_default, signature
