"""NonMaxSuppression: how many boxes remain depends on their numbers, which must be known."""

from __future__ import annotations

import numpy as np

from ingot import ops
from ingot.dtypes import Array
from ingot.onnx.node import Node
from ingot.onnx.registry import operator
from ingot.recorder import eagerly
from ingot.tensor import Tensor, wrap


def _corners(boxes: Tensor, centered: bool) -> tuple[Tensor, Tensor]:
    """(least, largest) corner of each box: [n, 2]."""
    if centered:  # x, y, width, height
        middle, half = boxes[:, :2], boxes[:, 2:] / 2
        return middle - half, middle + half
    return ops.minimum(boxes[:, :2], boxes[:, 2:]), ops.maximum(boxes[:, :2], boxes[:, 2:])


def _overlaps(boxes: Array, centered: bool) -> Array:
    """Intersection over union of every pair."""
    with eagerly():
        low, high = _corners(wrap(boxes.copy()), centered)
        inner_low = ops.maximum(low[:, None], low[None])
        inner = ops.maximum(ops.minimum(high[:, None], high[None]) - inner_low, 0.0)
        area = ops.prod(high - low, -1)
        shared = ops.prod(inner, -1)
        union = area[:, None] + area[None] - shared
        return ops.where(ops.greater(union, 0.0), shared / union, 0.0).numpy()


@operator("NonMaxSuppression")
def non_max_suppression(node: Node) -> Tensor:
    boxes, scores = node.known(0), node.known(1)
    most = int(node.number(2, 0))
    overlap, least = float(node.number(3, 0.0)), node.number(4, None)
    chosen = []
    for batch in range(scores.shape[0]):
        shared = _overlaps(boxes[batch], bool(node.attr("center_point_box", 0)))
        for kind in range(scores.shape[1]):
            row = scores[batch, kind]
            kept: list[int] = []
            for i in np.argsort(-row, kind="stable").tolist():
                if len(kept) == most or (least is not None and row[i] <= least):
                    break
                if all(shared[i, k] <= overlap for k in kept):
                    kept.append(i)
            chosen += [(batch, kind, i) for i in kept]
    return wrap(np.array(chosen, np.int64).reshape(-1, 3))
