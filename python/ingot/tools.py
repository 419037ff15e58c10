"""What `python -m ingot` and `ingot.show_config()` answer: versions, levels, folders of the
installation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from . import _core
from .errors import DeviceError


def show_config() -> None:
    """Prints version, compiler, instruction-set levels and threads."""
    for key, value in {**_core.config(), "numpy": np.__version__}.items():
        print(f"{key}: {value}")


def cmake_folder() -> str:
    """The folder of ingotConfig.cmake, for CMAKE_PREFIX_PATH or ingot_DIR. Raises DeviceError
    where the package was installed without it."""
    places = [Path(__file__).parent, Path(_core.__file__).parent]
    for place in places:
        for config in sorted(place.rglob("ingotConfig.cmake")):
            return str(config.parent)
    raise DeviceError(
        f"cmake: no ingotConfig.cmake below {places[0]}: expected an installed package"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line of `python -m ingot`."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m ingot", description="About this installation.")
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument(
        "--cmake", action="store_true", help="print the folder of ingotConfig.cmake"
    )
    given = parser.parse_args(arguments)
    if given.version:
        print(f"ingot {_core.__version__}")
    elif given.cmake:
        print(cmake_folder())
    else:
        show_config()
    return 0
