"""Windows that go over images: kernel, stride, dilation, padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingot.errors import FileError
from ingot.onnx.node import Node, known_size
from ingot.tensor import SizeLike


def same_padding(total: int, more_behind: bool) -> tuple[int, int]:
    """(before, behind): the halves of a padding; the odd one goes behind, or before."""
    half = total // 2
    rest = total - half
    return (half, rest) if more_behind else (rest, half)


@dataclass
class Windows:
    """Of each axis. pads: (before, behind) of every axis, or as `auto` says."""

    kernel: list[int]
    stride: list[int]
    dilation: list[int]
    pads: list[int] | None = None
    auto: str = "NOTSET"
    ceil: bool = False

    @classmethod
    def of(cls, node: Node, kernel: Sequence[SizeLike] | None = None) -> Windows:
        """What the attributes of a node say; `kernel` where a weight has the size."""
        sizes = node.attr("kernel_shape")
        if sizes is None:
            sizes = [known_size(n, "a kernel's size") for n in kernel or []]
        rank = len(sizes)
        found = cls(
            list(sizes),
            node.attr("strides") or [1] * rank,
            node.attr("dilations") or [1] * rank,
            node.attr("pads"),
            node.attr("auto_pad", "NOTSET"),
            bool(node.attr("ceil_mode", 0)),
        )
        lengths = {rank, len(found.stride), len(found.dilation)}
        if len(lengths) != 1 or (found.pads is not None and len(found.pads) != 2 * rank):
            raise FileError("kernel, strides, dilations and pads have different lengths")
        if min([*found.kernel, *found.stride, *found.dilation], default=1) < 1:
            raise FileError("a kernel, stride or dilation is less than 1")
        return found

    def extents(self) -> list[int]:
        """How far each window reaches."""
        return [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]

    def padding(self, sizes: Sequence[SizeLike]) -> tuple[list[int], list[int]]:
        """(before, behind) of every axis."""
        rank = len(self.kernel)
        if len(sizes) != rank:
            raise FileError(f"a window of {rank} axes on {len(sizes)}")
        if self.auto in ("SAME_UPPER", "SAME_LOWER"):
            pairs = [
                same_padding(
                    self._same_total(known_size(n, "a padded size"), i), self.auto == "SAME_UPPER"
                )
                for i, n in enumerate(sizes)
            ]
            return [a for a, _ in pairs], [b for _, b in pairs]
        if self.auto not in ("NOTSET", "VALID"):
            raise FileError(f"unknown auto_pad {self.auto!r}")
        if self.pads is None or self.auto == "VALID":
            return [0] * rank, [0] * rank
        return list(self.pads[:rank]), list(self.pads[rank:])

    def _same_total(self, size: int, i: int) -> int:
        count = -(-size // self.stride[i])
        return max((count - 1) * self.stride[i] + self.extents()[i] - size, 0)

    def counts(self, sizes: Sequence[SizeLike]) -> tuple[list[SizeLike], list[int], list[int]]:
        """(results, padding before, padding behind) of every axis; behind includes what rounding
        up needs, of which windows that would begin in it are no part."""
        low, high = self.padding(sizes)
        counts: list[SizeLike] = []
        for i, (size, extent) in enumerate(zip(sizes, self.extents(), strict=True)):
            stride, total = self.stride[i], size + low[i] + high[i]
            count: SizeLike = (total - extent) // stride + 1
            if self.ceil and self.auto not in ("SAME_UPPER", "SAME_LOWER"):
                known = known_size(total, "a size that is rounded up")
                count = -(-(known - extent) // stride) + 1
                if (count - 1) * stride >= known_size(size, "a size") + low[i]:
                    count -= 1
                high[i] += max((count - 1) * stride + extent - known, 0)
            counts.append(count)
        return counts, low, high
