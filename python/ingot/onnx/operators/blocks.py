"""DepthToSpace and SpaceToDepth: blocks of pixels as channels and back."""

from __future__ import annotations

from ingot import ops
from ingot.onnx.node import Node, known_size
from ingot.onnx.registry import operator
from ingot.tensor import Tensor


@operator("DepthToSpace")
def depth_to_space(node: Node) -> Tensor:
    x, b = node.x(), node.attr("blocksize")
    n, c, *space = x.shape
    rank = len(space)
    blocks = [b] * rank
    channels = known_size(c, "the number of channels") // b**rank
    if node.attr("mode", "DCR") == "DCR":
        x = ops.reshape(x, (n, *blocks, channels, *space))
        first, block = rank + 1, 1
    else:
        x = ops.reshape(x, (n, channels, *blocks, *space))
        first, block = 1, 2
    pairs = [a for i in range(rank) for a in (rank + 2 + i, block + i)]
    x = ops.permute_dims(x, [0, first, *pairs])
    return ops.reshape(x, (n, channels, *(s * b for s in space)))


@operator("SpaceToDepth")
def space_to_depth(node: Node) -> Tensor:
    x, b = node.x(), node.attr("blocksize")
    n, c, *space = x.shape
    rank = len(space)
    x = ops.reshape(x, (n, c, *(m for s in space for m in (s // b, b))))
    inner, outer = [3 + 2 * i for i in range(rank)], [2 + 2 * i for i in range(rank)]
    order = [0, *inner, 1, *outer] if node.attr("mode", "DCR") == "DCR" else [0, 1, *inner, *outer]
    x = ops.permute_dims(x, order)
    return ops.reshape(x, (n, c * b**rank, *(s // b for s in space)))
