"""Other runtimes of ONNX models, where they are installed: each takes a model and arrays by name,
and gives its outputs by name."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from typing import Any

import numpy as np

from ingot.dtypes import Array

from .package import package

Source = str | PathLike[str] | bytes
Runtime = Callable[[Source, Mapping[str, Array]], dict[str, Any]]


class CannotRunError(Exception):
    """The runtime is not installed, or does not run this model."""


def _reference(source: Source, inputs: Mapping[str, Array]) -> dict[str, Any]:
    evaluator = package("reference").ReferenceEvaluator
    model = source if isinstance(source, bytes) else fspath(source)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session = evaluator(model)
            results = session.run(None, dict(inputs))
    except Exception as error:  # of any kind: it is written in NumPy
        raise CannotRunError(_one_line(error)) from None
    return dict(zip(session.output_names, results, strict=True))


def _onnxruntime(source: Source, inputs: Mapping[str, Array]) -> dict[str, Any]:
    try:
        onnxruntime: Any = importlib.import_module("onnxruntime")
    except ImportError:
        raise CannotRunError("it is not installed") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    model = source if isinstance(source, bytes) else fspath(source)
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        results = session.run(None, dict(inputs))
    except Exception as error:  # its classes derive from nothing else
        raise CannotRunError(_one_line(error)) from None
    return dict(zip([o.name for o in session.get_outputs()], results, strict=True))


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text else type(error).__name__


RUNTIMES: dict[str, Runtime] = {"onnx.reference": _reference, "onnxruntime": _onnxruntime}
