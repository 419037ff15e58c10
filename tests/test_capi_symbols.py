"""libingot exports the C API and nothing else; the header and the library agree on what that is."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from tests.installed import PACKAGE, library, tool


def exported() -> set[str]:
    options = ["-gU"] if sys.platform == "darwin" else ["-D", "--defined-only"]
    listed = subprocess.run(
        [tool("nm"), *options, library()], capture_output=True, text=True, check=True
    )
    return {line.split()[-1].lstrip("_").split("@")[0] for line in listed.stdout.splitlines()}


def declared() -> set[str]:
    header = PACKAGE / "include" / "ingot.h"
    if not header.exists():
        pytest.skip("ingot.h is not installed")
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    return set(re.findall(r"^INGOT_API [^;(]*?(\w+)\(", text, flags=re.MULTILINE))


def test_the_library_exports_only_the_c_api() -> None:
    assert {name for name in exported() if not name.startswith("ingot_")} == set()


def test_the_header_declares_exactly_what_is_exported() -> None:
    assert declared() == exported()
    assert len(declared()) > 25
