"""What the command line and `ingot.show_config()` tell of the installation: versions, levels,
folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import _core
from .errors import DeviceError


def show_config() -> None:
    """Prints version, compiler, instruction-set levels, devices and threads."""
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
