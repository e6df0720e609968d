# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A net as a QONNX graph: floats on which ``Quant`` nodes say which integers they are.

All rounding is ROUND, and half of the last bit that a shift drops is added before: so no value
ever lies between two integers, and every tool's idea of rounding makes the same of it. FLOOR,
which would be nearer to the contract, is silently another thing in some of them.
"""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...layers.base import Image
from ...layers.inference import Inference, PixelInference, PoolInference, WeightedInference
from ...system.errors import UsageError
from ..model import Model
from .graph import Graph, filters, is_ours, window_attributes

__all__ = ["WHAT", "is_ours", "save"]

WHAT = "ONNX file of ours"
_DOMAIN = "qonnx.custom_op.general"
_EXACT = 1 << 24  # integers up to it are exact in float32
_ACTIVATION_BITS, _SIGNED_BITS, _LOGIT_BITS = 7, 8, 24


def save(path: Path, model: Model) -> str:
    """Writes a model, whole or not at all: float32 (1, features), 0 to 255, to float32 logits."""
    graph, x = Graph(), "images"
    for layer in model.inference():
        x = _add(layer, graph, x)
    # One image at a time is what compilers for FPGAs take.
    graph.save(path, model, examples=1, dtype=(np.float32, np.float32))
    return f"{path.stat().st_size:,} bytes, one image of floats 0 to 255 to float logits"


@singledispatch
def _add(layer: Inference, graph: Graph, x: str) -> str:
    """Adds a layer.

    Raises:
        UsageError: QONNX cannot have it.
    """
    raise UsageError(f"QONNX files know no {type(layer).__name__}: take --format packed")


@_add.register
def _pixels(layer: PixelInference, graph: Graph, x: str) -> str:
    half = graph.node("Mul", x, graph.constant(0.5, np.float32))
    if layer.offsets is None:
        low = graph.node("Add", half, graph.constant(-0.25, np.float32))
        return _quantized(graph, low, _ACTIVATION_BITS)
    offsets = np.tile(layer.offsets, layer.image.places)
    low = graph.node("Add", half, graph.constant(-0.5 * offsets - 0.25, np.float32))
    return _quantized(graph, low, _SIGNED_BITS, signed=1, narrow=1)


@_add.register
def _weighted(layer: WeightedInference, graph: Graph, x: str) -> str:
    scale = 0.5**layer.shift
    scaled = graph.node("Mul", _sums(layer, graph, x), graph.constant(scale, np.float32))
    addend = graph.constant(_addends(layer).ravel() * (scale / 2), np.float32)
    y = graph.node("Add", scaled, addend)
    if layer.is_output:
        return _quantized(graph, y, _LOGIT_BITS, signed=1)
    return _quantized(graph, y, _ACTIVATION_BITS)


def _addends(layer: WeightedInference) -> npt.NDArray[np.int64]:
    """What is added to sums that are shifted, (places, units), in halves of the last dropped bit.

    Raises:
        UsageError: floats could not hold the sums.
    """
    half, odd = 1 << layer.shift >> 1, int(layer.shift > 0)
    addends = 2 * (layer.before - half) + odd + (layer.behind << (layer.shift + 1))
    largest = int((np.abs(addends) + 2 * layer.reach).max())
    if largest >= _EXACT:
        raise UsageError(
            f"sums of {layer.window.fan_in:,} values with such means and biases need more than "
            "float32's 24 bits: take --format onnx"
        )
    return addends


def _sums(layer: WeightedInference, graph: Graph, x: str) -> str:
    window = layer.window
    if layer.is_whole:
        return graph.node("MatMul", x, _weights(graph, layer.weights.T, layer.is_binary))
    image = graph.image(x, Image(window.channels, window.rows, window.columns))
    weights = _weights(graph, filters(layer.weights, window), layer.is_binary)
    return graph.rows(graph.node("Conv", image, weights, **window_attributes(window)), layer.values)


def _weights(graph: Graph, weights: npt.NDArray[np.int8], binary: bool) -> str:
    name = graph.constant(weights, np.float32)
    if binary:
        one = graph.constant(1, np.float32)
        return graph.node("BipolarQuant", name, one, domain=_DOMAIN)
    return _quantized(graph, name, 2, signed=1, narrow=1)


@_add.register
def _pool(layer: PoolInference, graph: Graph, x: str) -> str:
    return graph.pool(x, layer.image, layer.pooled, layer.size)


def _quantized(graph: Graph, x: str, bits: int, **changes: int) -> str:
    """Adds the node that rounds to integers of so many bits, and saturates."""
    numbers = (graph.constant(value, np.float32) for value in (1, 0, bits))
    attributes: dict[str, Any] = {"signed": 0, "narrow": 0, **changes}
    return graph.node("Quant", x, *numbers, domain=_DOMAIN, rounding_mode="ROUND", **attributes)
