"""Control flow: cond, switch, while_loop, fori_loop, scan, named and called as in JAX.

Eagerly they are ordinary Python: branches and loops run, print and stop in a debugger. In a
recording each becomes one node with regions. Bodies see everything around them; values are nested
tuples, lists and dicts of tensors. Their derivatives run the body again on the values that each
turn began with, and are control flow of the same kind, so that they can be differentiated too.
"""

from __future__ import annotations

from .branches import cond, switch
from .loops import fori_loop, while_loop
from .scans import scan

__all__ = ["cond", "fori_loop", "scan", "switch", "while_loop"]
