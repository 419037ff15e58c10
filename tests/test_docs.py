"""The examples in the docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import ingot

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(ingot.__path__, "ingot.")
    if not info.name.endswith(("_core", "__main__"))
)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_every_public_function_has_a_docstring() -> None:
    missing = [
        n for n in ingot.__all__ if callable(getattr(ingot, n)) and not getattr(ingot, n).__doc__
    ]
    assert missing == []
