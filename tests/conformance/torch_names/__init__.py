"""torch's names and argument conventions in terms of Ingot's public functions.

Where torch's function exists in Ingot it is used as it is, but for KEYWORDS; RENAMED has those of
another name; the modules beside translate what differs in more.
"""

from __future__ import annotations

from typing import Any

import ingot
import ingot.nn.functional

from . import arithmetic, indices, reductions, shapes  # noqa: F401 (they fill TRANSLATED)
from .conventions import TRANSLATED, Function

RENAMED = {
    "bitwise_not": "bitwise_invert",
    "bmm": "matmul",
    "eq": "equal",
    "ge": "greater_equal",
    "gt": "greater",
    "le": "less_equal",
    "lt": "less",
    "mm": "matmul",
    "mv": "matmul",
    "ne": "not_equal",
    "neg": "negative",
    "permute": "permute_dims",
    "true_divide": "divide",
    "unsqueeze": "expand_dims",
}
KEYWORDS = {"dim": "axis", "dims": "axis", "start_dim": "start_axis", "end_dim": "end_axis"}


def find(name: str) -> Function | None:
    """The function that takes the arguments of torch's function of this name; None: there is
    none."""
    if name in TRANSLATED:
        return TRANSLATED[name]
    if name.startswith("nn.functional."):
        return getattr(ingot.nn.functional, name.removeprefix("nn.functional."), None)
    function = getattr(ingot, RENAMED.get(name, name), None)
    if function is None:
        return None
    return lambda *args, **kwargs: function(
        *args, **{KEYWORDS.get(key, key): value for key, value in kwargs.items()}
    )


def with_known_sizes(name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments of a call with what decides the size of its result said in numbers, not in an
    array: a recorded function must know it."""
    if name == "nn.functional.one_hot" and kwargs.get("num_classes") == -1:
        return args, {"num_classes": int(args[0].max()) + 1}
    if name == "repeat_interleave" and hasattr(kwargs["repeats"], "tolist"):
        return args, {**kwargs, "repeats": kwargs["repeats"].tolist()}
    return args, kwargs
