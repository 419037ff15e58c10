"""Fourier transforms: products with matrices of cosines and sines, which follow from sizes."""

from __future__ import annotations

import numpy as np

from ingot import composite, ops
from ingot.dtypes import Array
from ingot.errors import FileError
from ingot.onnx.node import Node, known_size, one_axis
from ingot.onnx.registry import operator
from ingot.tensor import Tensor, wrap

from .padding import padded


def _angles(length: int, results: int) -> Array:
    """2 pi j k / length for [element j, frequency k]; the product is reduced first, exactly."""
    turns = np.outer(np.arange(length), np.arange(results)) % length
    return 2 * np.pi / length * turns


def transformed(x: Tensor, length: int, inverse: bool, onesided: bool) -> Tensor:
    """x: [..., length, 1 or 2] -> [..., frequencies, 2]; computed in float64."""
    dtype, x = x.dtype, x.astype("float64")
    results = length // 2 + 1 if onesided and not inverse else length
    angles = _angles(length, results)
    cosines, sines = (wrap(f(angles)) for f in (np.cos, np.sin))
    real = x[..., 0]
    parts = [ops.matmul(real, cosines), -ops.matmul(real, sines)]
    if x.shape[-1] == 2:
        imaginary = x[..., 1]
        if inverse:
            parts[1] = -parts[1]
            sines = -sines
        parts[0] = parts[0] + ops.matmul(imaginary, sines)
        parts[1] = parts[1] + ops.matmul(imaginary, cosines)
    if inverse:
        parts = [p / length for p in parts]
    return composite.stack(parts, -1).astype(dtype)


@operator("DFT")
def dft(node: Node) -> Tensor:
    x = node.x()
    if node.version >= 20:
        axis = int(node.number(2, -2))
    else:
        axis = node.attr("axis", 1)
    axis = one_axis(axis, x.ndim)
    if axis == x.ndim - 1:
        raise FileError("the transformed axis is that of real and imaginary parts")
    inverse, onesided = bool(node.attr("inverse", 0)), bool(node.attr("onesided", 0))
    size = known_size(x.shape[axis], "the length of a transform")
    if inverse and onesided:
        length = int(node.number(1, 2 * (size - 1)))
        return _real_inverse(x, axis, size, length)
    length = int(node.number(1, size))
    x = composite.moveaxis(_fitted(x, axis, size, length), axis, -2)
    return composite.moveaxis(transformed(x, length, inverse, onesided), -2, axis)


def _fitted(x: Tensor, axis: int, size: int, length: int) -> Tensor:
    """Cut off, or filled with zeros."""
    high = [0] * x.ndim
    high[axis] = length - size
    return padded(x, [0] * x.ndim, high, "constant", 0)


def _real_inverse(x: Tensor, axis: int, size: int, length: int) -> Tensor:
    """The real signal whose frequencies up to the half are given: the others are their
    conjugates."""
    half = length // 2 + 1
    x = composite.moveaxis(_fitted(x, axis, size, half), axis, -2)
    weight = np.full(half, 2.0)
    weight[0] = 1.0
    if length % 2 == 0:
        weight[-1] = 1.0
    angles = _angles(length, half)
    scale = weight / length
    cosines = wrap(np.ascontiguousarray((np.cos(angles) * scale).T))
    sines = wrap(np.ascontiguousarray((np.sin(angles) * scale).T))
    wide = x.astype("float64")
    y = ops.matmul(wide[..., 0], cosines) - ops.matmul(wide[..., 1], sines)
    return composite.moveaxis(composite.expand_dims(y.astype(x.dtype), -1), -2, axis)


@operator("STFT")
def stft(node: Node) -> Tensor:
    x, step = node.x(), int(node.number(1))
    window = node.optional(2)
    length = int(node.number(3)) if node.has(3) else None
    if length is None:
        if window is None:
            raise FileError("neither a window nor a frame length")
        length = known_size(window.shape[0], "the length of a window")
    if x.ndim == 2:
        x = composite.expand_dims(x, -1)
    size = known_size(x.shape[1], "the length of a signal")
    count = (size - length) // step + 1
    if step < 1 or count < 0:
        raise FileError(f"frames of {length} every {step} in a signal of {size}")
    places = np.arange(count)[:, None] * step + np.arange(length)
    frames = ops.take(x, wrap(places), axis=1)  # [batch, frames, length, 1 or 2]
    if window is not None:
        frames = frames * ops.reshape(window, (-1, 1))
    return transformed(frames, length, False, bool(node.attr("onesided", 1)))


@operator("MelWeightMatrix")
def mel_weight_matrix(node: Node) -> Tensor:
    """Triangles between points that lie evenly on the mel scale."""
    bands, length, rate, low, high = (node.number(i) for i in range(5))
    dtype = node.data_type("output_datatype")
    bins = length // 2 + 1
    first_mel, last_mel = (2595 * np.log10(1 + f / 700) for f in (low, high))
    mels = first_mel + np.arange(bands + 2) * (last_mel - first_mel) / (bands + 2)
    edges = np.floor((length + 1) * (700 * (10 ** (mels / 2595) - 1)) / rate).astype(int)
    found = np.zeros((bins, bands))
    for i in range(bands):
        first, center, last = edges[i : i + 3]
        if center == first:
            found[center, i] = 1
        for j in range(first, center + 1):
            if center > first:
                found[j, i] = (j - first) / (center - first)
        for j in range(center, last):
            if last > center:
                found[j, i] = (last - j) / (last - center)
    return wrap(found.astype(dtype))
