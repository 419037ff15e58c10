"""A graph as the exporter sees it: without the nodes that change nothing, such as a cast to the
dtype that a tensor has, whose results are their operands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingot import _core
from ingot.dtypes import Array
from ingot.tensor import SizeLike

Type = tuple[str, tuple[SizeLike, ...]]


@dataclass(frozen=True)
class Region:
    """A body: value ids of its arguments and results, and what is done."""

    args: Sequence[int]
    steps: Sequence[Step]
    returns: Sequence[int]


@dataclass(frozen=True)
class Step:
    """A node whose operands are the values that they stand for."""

    op: str
    operands: Sequence[int]
    results: Sequence[int]
    attrs: Mapping[str, Any]
    regions: Sequence[Region]
    origin: tuple[str, int, str]


class View:
    """One graph of a module."""

    def __init__(self, module: _core.Module, graph: int) -> None:
        self.module, self.graph = module, graph
        self.table = {value.id: value for value in module.values(graph)}
        self._stands_for: dict[int, int] = {}
        self._nodes = module.nodes(graph)
        self.num_reads: Counter[int] = Counter()  # of every value
        self.body = self._region(module.body(graph))
        self.num_reads.update(self.plain(v) for _, v in module.updates(graph))

    def plain(self, value: int) -> int:
        """The value that this one is."""
        return self._stands_for.get(value, value)

    def type(self, value: int) -> Type:
        """(dtype, shape)."""
        return self.table[value].dtype, self.table[value].shape

    def constant(self, value: int) -> Array | None:
        """The numbers of a constant."""
        if self.table[value].kind != "constant":
            return None
        return self.module.constant(self.graph, value)

    def _region(self, region: _core.Region) -> Region:
        steps = [step for n in region.nodes for step in self._step(self._nodes[n])]
        returns = [self.plain(v) for v in region.returns]
        self.num_reads.update(returns)
        return Region(region.args, steps, returns)

    def _step(self, node: _core.Node) -> list[Step]:
        operands = [self.plain(v) for v in node.operands]
        if self._changes_nothing(node):
            self._stands_for[node.results[0]] = operands[0]
            return []
        self.num_reads.update(operands)
        regions = [self._region(region) for region in node.regions]
        return [Step(node.op, operands, node.results, node.attrs, regions, node.origin)]

    def _changes_nothing(self, node: _core.Node) -> bool:
        """Of the ops that keep a lone operand's elements in their order: the type stays."""
        if node.op not in ("cast", "reshape", "broadcast_to"):
            return False
        return self.type(node.operands[0]) == self.type(node.results[0])
