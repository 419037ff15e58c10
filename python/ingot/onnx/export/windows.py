"""Contractions and windows of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingot.dtypes import from_text

from .pointwise import computed, one_to_one, wide_operands
from .registry import Call, exports
from .terms import Term

exports("matmul")(one_to_one)


@exports("conv2d")
def _conv2d(call: Call) -> Term:
    if any(isinstance(n, int) and n == 0 for a in call.operands for n in a.shape):
        # Sums of nothing, or none; runtimes have been seen to hang on a convolution of no channels.
        return call.emitter.scalar(0, call.dtype).op("Expand", call.sizes.vector(call.shape))
    x, w = wide_operands(call)
    kernel = call.operands[1].shape[2:]
    attrs = {**_window(call, kernel), "group": call.attrs["groups"]}
    return x.op("Conv", w, **attrs).cast(call.dtype)


def _window(call: Call, kernel: Any) -> dict[str, Any]:
    """The attributes that all windows have; ONNX too begins with the sides of low indices."""
    result = {
        "kernel_shape": list(kernel),
        "strides": list(call.attrs["stride"]),
        "pads": list(call.attrs["padding"]),
    }
    if "dilation" in call.attrs:
        result["dilations"] = list(call.attrs["dilation"])
    return result


@exports("avg_pool2d")
def _avg_pool2d(call: Call) -> Term:
    x = computed(call.operands[0])
    count = int(call.attrs["count_include_pad"])
    attrs = _window(call, call.attrs["kernel"])
    return x.op("AveragePool", **attrs, count_include_pad=count).cast(call.dtype)


@exports("max_pool2d")
def _max_pool2d(call: Call) -> Term:
    (x,) = call.operands
    if from_text(x.dtype).kind in "iu":
        return _largest_of_windows(call, x)
    return computed(x).op("MaxPool", **_window(call, call.attrs["kernel"])).cast(call.dtype)


def _largest_of_windows(call: Call, x: Term) -> Term:
    """Integers, which MaxPool does not take: a slice for each place in the window."""
    x, ints = computed(x), x.emitter.ints
    top, left, bottom, right = call.attrs["padding"]
    least = int(np.iinfo(from_text(x.dtype)).min)
    padded = x.op("Pad", ints([0, 0, top, left, 0, 0, bottom, right]), x.like(least))
    (height, width), stride = call.attrs["kernel"], call.attrs["stride"]
    seen = []
    for i in range(height):
        for j in range(width):
            start = [i * call.attrs["dilation"][0], j * call.attrs["dilation"][1]]
            stop = [
                first + (n - 1) * step + 1
                for first, n, step in zip(start, call.shape[2:], stride, strict=True)
            ]
            ends = call.sizes.vector(stop)
            seen.append(padded.op("Slice", ints(start), ends, ints([2, 3]), ints(stride)))
    first, *rest = seen
    return (first.op("Max", *rest) if rest else first).cast(call.dtype)
