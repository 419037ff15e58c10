"""Neural networks: `functional` has the functions, under torch's names; the layers here hold their
weights. Their names and shapes are torch's, so that its state dicts load."""

from __future__ import annotations

from . import (
    attention,
    convolution,
    dense,
    functional,
    init,
    module,
    normalization,
    parameters,
    recurrent,
)
from .attention import *
from .convolution import *
from .dense import *
from .module import *
from .normalization import *
from .parameters import *
from .recurrent import *

__all__ = [
    *attention.__all__,
    *convolution.__all__,
    *dense.__all__,
    *module.__all__,
    *normalization.__all__,
    *parameters.__all__,
    *recurrent.__all__,
    "functional",
    "init",
]
