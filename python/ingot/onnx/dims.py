"""Symbolic dims of ONNX inputs as Ingot's sizes: names, and sums and products of names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ingot.errors import ArgumentError, UnsupportedError
from ingot.record import Dim
from ingot.tensor import SizeLike

_TOKEN = re.compile(r"\s*(?:(\d+)|([A-Za-z_][\w.]*)|([-+*()]))")
_PREFIX = "ingot.dim."  # metadata of a model that Ingot wrote: its range, as 1..64
_ANY = (1, None)  # what a dim can be where nothing is said: an empty one is rarely meant


def ranges_of(model: Any) -> dict[str, tuple[int, int | None]]:
    """The ranges of dims that a model's metadata name, where Ingot wrote it."""
    if model.producer_name != "ingot":
        return {}
    found: dict[str, tuple[int, int | None]] = {}
    for prop in model.metadata_props:
        match = re.fullmatch(r"(\d{1,18})\.\.(\d{0,18})", prop.value)
        if prop.key.startswith(_PREFIX) and match is not None:
            least, most = match.groups()
            found[prop.key.removeprefix(_PREFIX)] = int(least), int(most) if most else None
    return found


class Dims:
    """The dims of one model. `given` says what names are: a size, a range or a Dim; `ranges` says
    it where nothing is given."""

    def __init__(
        self, given: Mapping[str, Any] | None, ranges: Mapping[str, tuple[int, int | None]]
    ) -> None:
        self.given = dict(given or {})
        self.ranges = ranges
        self.used: dict[str, Dim | int] = {}

    def size(self, name: str) -> SizeLike:
        """The size that dim_param says: a name, or an expression of names."""
        if name in self.given or not re.search(r"[-+*]", name):
            return self._named(name)
        parsed = _Parser(self, name).parse()
        return self._named(name) if parsed is None else parsed

    def _named(self, name: str) -> SizeLike:
        key = name if name.isidentifier() else re.sub(r"\W", "_", name) or "dim"
        if key[0].isdigit():
            key = f"dim_{key}"
        if key not in self.used:
            self.used[key] = self._declared(key, self.given.get(name, self.ranges.get(name, _ANY)))
        dim = self.used[key]
        return dim if isinstance(dim, int) else dim.size

    def _declared(self, name: str, given: Any) -> Dim | int:
        if isinstance(given, Dim):
            return Dim(name, given.lo, given.hi)
        if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
            return given
        if isinstance(given, tuple) and len(given) == 2:
            return Dim(name, *given)
        raise ArgumentError(
            f"onnx: wrong dim {name!r}: got {given!r}, expected a size, (least, most) or a Dim"
        )

    def declared(self) -> list[Dim]:
        """Those to declare in a recording."""
        return [dim for dim in self.used.values() if isinstance(dim, Dim)]

    def check_given(self) -> None:
        """Raises ArgumentError for a name that the model does not have."""
        for name in self.given:
            key = name if name.isidentifier() else re.sub(r"\W", "_", name)
            if key not in self.used:
                known = ", ".join(self.used) or "none"
                raise ArgumentError(f"onnx: no dim {name!r}: expected one of {known}")


class _Parser:
    """Sums, differences and products of names, numbers and brackets."""

    def __init__(self, dims: Dims, text: str) -> None:
        self.dims, self.text = dims, text
        self.tokens: list[str] = []

    def parse(self) -> SizeLike | None:
        """None for anything else."""
        at = 0
        text = self.text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                return None
            self.tokens.append(found.group().strip())
            at = found.end()
        try:
            result = self._sum()
        except IndexError:
            return None
        return None if self.tokens else result

    def _sum(self) -> SizeLike:
        result = self._product()
        while self.tokens and self.tokens[0] in "+-":
            sign = self.tokens.pop(0)
            term = self._product()
            result = result + term if sign == "+" else result - term
        return result

    def _product(self) -> SizeLike:
        result = self._atom()
        while self.tokens and self.tokens[0] == "*":
            self.tokens.pop(0)
            result = result * self._atom()
        return result

    def _atom(self) -> SizeLike:
        token = self.tokens.pop(0)
        if token == "(":
            result = self._sum()
            if self.tokens.pop(0) != ")":
                raise UnsupportedError(f"onnx: unsupported: the dim {self.text!r}")
            return result
        if token in "+-*)":
            raise UnsupportedError(f"onnx: unsupported: the dim {self.text!r}")
        return int(token) if token.isdigit() else self.dims._named(token)
