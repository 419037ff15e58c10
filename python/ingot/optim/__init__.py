"""Optimizers: `sgd` and `adam` are functions of one parameter's tensors; SGD, Adam and AdamW apply
them to the parameters of a module, so that a recorded training step updates them."""

from __future__ import annotations

from . import optimizers, rules
from .optimizers import *
from .rules import *

__all__ = [
    *optimizers.__all__,
    *rules.__all__,
]
