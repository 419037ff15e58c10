"""Writes graphs as ONNX models: `to_onnx`.

Every row of the op table has an exporter: the ONNX op that its record names, or a function of the
modules here that composes ONNX ops. docs/onnx.md lists what differs.
"""

from __future__ import annotations

from os import PathLike
from typing import Any

from ingot.onnx.package import package
from ingot.record import Graph

__all__ = ["to_onnx"]


def to_onnx(
    graph: Graph, path: str | PathLike[str] | None = None, *, external_data: bool | None = None
) -> Any:
    """The graph as an `onnx.ModelProto`; written to `path` if one is given.

    external_data: whether params lie in a file beside it, `path` with `.data` behind it; by default
    where the model would not fit into one file (2 GiB). Needs the package `onnx`. Raises
    UnsupportedError naming the node that ONNX cannot express, LimitError where external_data is
    False and the model does not fit, DeviceError without the package or with the system's reason.

    >>> import ingot
    >>> g = ingot.record(lambda x: ingot.exp(x) + 1, ingot.Spec((ingot.Dim("n"), 3)))
    >>> [node.op_type for node in g.to_onnx().graph.node]
    ['Exp', 'Add']
    """
    package()
    from .model import model_of
    from .write import write_model

    model = model_of(graph.module, graph.index)
    if path is not None:
        write_model(model, path, external_data)
    return model
