# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs, a node after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from ... import __version__
from ...contract.window import Window
from ...layers.base import Image
from ...system.errors import UsageError
from ...system.files import write_atomic
from ..model import Model
from .formats import begins

_OPSET, _IR = 17, 8  # those that readers of several years know
_PRODUCER = "fewmult-hls"
_MOST = (1 << 31) - (1 << 24)  # bytes of constants: a file has less than 2 GiB


class Graph:
    """A graph that grows at its end. Tensors are known by their names.

    Examples come as (examples, values), which lie as [place][channel]; ``image`` turns them into
    (examples, channels, rows, columns), and ``rows`` back.
    """

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._domains = {""}

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node with one output: its name. Attributes are those of ``make_node``."""
        name = f"{kind}_{len(self._nodes)}"
        made = helper.make_node(kind, inputs, [name], name=name, **attributes)
        self._nodes.append(made)
        self._domains.add(made.domain)
        return name

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike) -> str:
        """Adds a constant: its name."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def cast(self, x: str, to: npt.DTypeLike) -> str:
        """Adds a conversion."""
        return self.node("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))

    def image(self, x: str, image: Image) -> str:
        """Adds what turns rows into an image."""
        channels, rows, columns = image
        shape = self.constant((-1, rows, columns, channels), np.int64)
        return self.node("Transpose", self.node("Reshape", x, shape), perm=(0, 3, 1, 2))

    def rows(self, x: str, values: int) -> str:
        """Adds what turns an image into rows."""
        lying = self.node("Transpose", x, perm=(0, 2, 3, 1))
        return self.node("Reshape", lying, self.constant((-1, values), np.int64))

    def pool(self, x: str, image: Image, pooled: Image, size: int) -> str:
        """Adds max pooling of rows."""
        sides, none = (size, size), (0, 0, 0, 0)
        shape = {"kernel_shape": sides, "strides": sides, "pads": none}
        return self.rows(self.node("MaxPool", self.image(x, image), **shape), pooled.size)

    def save(self, path: Path, model: Model, *, examples: int | str, dtype: Any) -> None:
        """Writes the graph from ``images`` to ``logits``, whole or not at all.

        Args:
            path: of the file.
            model: that it is of; its logits are what the last node gives.
            examples: how many there are at a time, or what stands for it.
            dtype: of images and logits.

        Raises:
            UsageError: no ONNX file can hold it.
            FewmultError: the file cannot be written.
        """
        spec, (entering, leaving) = model.spec, dtype
        size = sum(len(constant.raw_data) for constant in self._constants)
        if size > _MOST:
            raise UsageError(
                f"net {spec.name} takes {size:,} bytes, more than the {_MOST:,} of an ONNX file: "
                "take --format packed"
            )
        # Not by an Identity: hls4ml drops it, and the output with it.
        self._nodes[-1].output[:] = ["logits"]
        graph = helper.make_graph(
            self._nodes,
            spec.name,
            [_value("images", entering, (examples, spec.features))],
            [_value("logits", leaving, (examples, spec.classes))],
            self._constants,
        )
        domains = [
            helper.make_opsetid(name, 1 if name else _OPSET) for name in sorted(self._domains)
        ]
        made = helper.make_model(
            graph,
            producer_name=_PRODUCER,
            producer_version=__version__,
            opset_imports=domains,
            ir_version=_IR,
        )
        domain = model.domain
        helper.set_model_props(
            made,
            {
                "net": spec.name,
                "weights": spec.weights,
                "fingerprint": model.fingerprint,
                "preprocessing": domain.preprocessing.text,
                "image_shape": "x".join(map(str, domain.image_shape or (spec.features,))),
                "classes": "\n".join(map(domain.class_name, range(spec.classes))),
            },
        )
        onnx.checker.check_model(made)
        write_atomic(path, made.SerializeToString(deterministic=True))


def is_ours(path: Path) -> bool:
    """Whether a file of this package is there.

    Raises:
        FewmultError: it cannot be read.
    """
    # A file begins with the IR version, field 1, and the producer, field 2.
    return begins(path, bytes((8, _IR, 18, len(_PRODUCER))) + _PRODUCER.encode())


def _value(name: str, dtype: npt.DTypeLike, shape: tuple[int | str, ...]) -> Any:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, shape)


def window_attributes(window: Window) -> dict[str, Any]:
    """What a convolution node says of a window; defaults, too, which some readers do not know."""
    top, left = window.row_padding, window.column_padding
    bottom = _after(window.rows, window.result_rows, window.tap_rows, window.stride, top)
    right = _after(window.columns, window.result_columns, window.tap_columns, window.stride, left)
    return {
        "kernel_shape": (window.tap_rows, window.tap_columns),
        "strides": (window.stride, window.stride),
        "pads": (top, left, bottom, right),
        "dilations": (1, 1),
        "group": 1,
    }


def _after(length: int, results: int, taps: int, stride: int, before: int) -> int:
    """Zeros behind the image: as many as its last window sees."""
    return max(0, (results - 1) * stride + taps - length - before)


def filters(weights: npt.NDArray[np.int8], window: Window) -> npt.NDArray[np.int8]:
    """Weights as a convolution node takes them: (units, channels, tap rows, tap columns)."""
    shape = (len(weights), window.tap_rows, window.tap_columns, window.channels)
    return weights.reshape(shape).transpose(0, 3, 1, 2)
