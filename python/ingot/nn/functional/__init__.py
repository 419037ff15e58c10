"""Functions of neural networks with torch's names, arguments and defaults.

All are composites of other ops: each one's docstring states its steps. `input` is any tensor or
array; integers and bools where a float function is applied become float32.
"""

from __future__ import annotations

from ingot.composite import linear
from ingot.random import dropout

from . import (
    activations,
    adaptive_pooling,
    attention,
    classification,
    convolution,
    distances,
    embeddings,
    grids,
    losses,
    normalization,
    padding,
    pooling,
    resampling,
)
from .activations import *
from .adaptive_pooling import *
from .attention import *
from .classification import *
from .convolution import *
from .distances import *
from .embeddings import *
from .grids import *
from .losses import *
from .normalization import *
from .padding import *
from .pooling import *
from .resampling import *

__all__ = [
    *activations.__all__,
    *adaptive_pooling.__all__,
    *attention.__all__,
    *classification.__all__,
    *convolution.__all__,
    *distances.__all__,
    *embeddings.__all__,
    *grids.__all__,
    *losses.__all__,
    *normalization.__all__,
    *padding.__all__,
    *pooling.__all__,
    *resampling.__all__,
    "dropout",
    "linear",
]
