"""DeformConv and Col2Im: what windows read as columns of a matrix."""

from __future__ import annotations

import numpy as np

from ingot import composite, ops
from ingot.dtypes import Array
from ingot.errors import UnsupportedError
from ingot.onnx.node import Node, known_size
from ingot.onnx.registry import operator
from ingot.tensor import Tensor, wrap

from .products import with_bias
from .sampling import read_linear
from .shaping import product
from .windows import Windows


@operator("DeformConv")
def deform_conv(node: Node) -> Tensor:
    """A convolution whose kernel reads at offsets, each read weighted by the mask."""
    x, w, offset, mask = node.x(0), node.x(1), node.x(2), node.optional(4)
    windows = Windows.of(node, w.shape[2:])
    if len(windows.kernel) != 2:
        raise UnsupportedError("unsupported: a deformed convolution of another rank than 4")
    groups, shared = node.attr("group", 1), node.attr("offset_group", 1)
    n, c = (known_size(s, "a size") for s in x.shape[:2])
    sizes = [known_size(s, "the size of an image") for s in x.shape[2:]]
    taps = windows.kernel[0] * windows.kernel[1]
    counts = [known_size(s, "a size") for s in offset.shape[2:]]
    low, _ = windows.padding(sizes)
    moves = ops.reshape(offset, (n * shared, taps, 2, product(counts)))
    grid = np.indices(counts).reshape(2, 1, -1)
    kernel = np.indices(windows.kernel).reshape(2, -1, 1)
    at = []
    for i in range(2):
        base = grid[i] * windows.stride[i] - low[i] + kernel[i] * windows.dilation[i]
        along = moves[:, :, i] + wrap(base.astype(x.dtype))
        at.append(ops.reshape(along, (n * shared, -1)))
    images = ops.reshape(x, (n * shared, c // shared, *sizes))
    read = ops.reshape(read_linear(images, at, sizes), (n, c, taps, product(counts)))
    if mask is not None:
        weights = ops.reshape(mask, (n, shared, 1, taps, product(counts)))
        read = ops.reshape(read, (n, shared, c // shared, taps, product(counts))) * weights
    columns = ops.reshape(read, (n, groups, c // groups * taps, product(counts)))
    outputs = known_size(w.shape[0], "a size")
    rows = ops.reshape(w, (groups, outputs // groups, c // groups * taps))
    y = ops.reshape(ops.matmul(rows, columns), (n, outputs, *counts))
    return with_bias(y, node.optional(3))


@operator("Col2Im")
def col2im(node: Node) -> Tensor:
    """Every column added to the pixels that its window covers."""
    x, image, block = node.x(), node.ints_at(1), node.ints_at(2)
    rank = len(image)
    windows = Windows(
        block,
        node.attr("strides") or [1] * rank,
        node.attr("dilations") or [1] * rank,
        node.attr("pads"),
    )
    counts, low, _ = windows.counts(image)
    n, c, taps = x.shape[0], x.shape[1] // int(np.prod(block)), int(np.prod(block))
    at = []
    for i in range(rank):
        starts = np.arange(known_size(counts[i], "a size")) * windows.stride[i] - low[i]
        at.append(starts[None, :] + np.arange(block[i])[:, None] * windows.dilation[i])
    flat: Array = np.zeros((1, 1), np.int64)
    inside: Array = np.ones((1, 1), np.bool_)
    for i, positions in enumerate(at):  # [taps so far, windows so far], one axis after the other
        here = (positions >= 0) & (positions < image[i])
        kept = np.clip(positions, 0, image[i] - 1)
        flat = flat[:, None, :, None] * image[i] + kept[None, :, None, :]
        inside = inside[:, None, :, None] & here[None, :, None, :]
        flat = flat.reshape(flat.shape[0] * flat.shape[1], -1)
        inside = inside.reshape(flat.shape)
    values = ops.reshape(x, (n * c, taps * flat.shape[1]))
    values = ops.where(wrap(inside.reshape(1, -1)), values, 0)
    places = ops.broadcast_to(wrap(flat.reshape(1, -1)), values.shape)
    empty = composite.zeros((n * c, int(np.prod(image))), dtype=x.dtype)
    found = ops.scatter_reduce(empty, values, places, axis=1, reduce="add")
    return ops.reshape(found, (n, c, *image))
