# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A net as a plain ONNX graph of integers, equal in whatever executes it right.

ONNX has no arithmetic shift of signed numbers: sums are made so large that none is negative
(``WeightedInference.lifted``), and shifted without a sign. Signed inputs come as x + 128 with that
zero point, since not all that multiplies integers takes signed ones.
"""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...contract.limits import ACTIVATION_MAX
from ...layers.base import Image
from ...layers.inference import Inference, PixelInference, PoolInference, WeightedInference
from ...system.errors import UsageError
from ..model import Model
from .graph import Graph, filters, is_ours, window_attributes

__all__ = ["WHAT", "is_ours", "save"]

WHAT = "ONNX file of ours"
_ZERO = 128  # what stands for 0 among signed inputs


class Flow(NamedTuple):
    """What flows between layers: the name of uint8 (examples, values), and what stands for 0."""

    name: str
    zero: int = 0


def save(path: Path, model: Model) -> str:
    """Writes a model, whole or not at all: uint8 (examples, features) to int32 logits."""
    graph, flow = Graph(), Flow("images")
    for layer in model.inference():
        flow = _add(layer, graph, flow)
    graph.save(path, model, examples="examples", dtype=(np.uint8, np.int32))
    return f"{path.stat().st_size:,} bytes, uint8 images to int32 logits"


@singledispatch
def _add(layer: Inference, graph: Graph, x: Flow) -> Flow:
    """Adds a layer.

    Raises:
        UsageError: ONNX cannot have it.
    """
    raise UsageError(f"ONNX files know no {type(layer).__name__}: take --format packed")


@_add.register
def _pixels(layer: PixelInference, graph: Graph, x: Flow) -> Flow:
    if layer.offsets is None:
        return Flow(_shifted(graph, x.name, 1, np.uint8))
    offsets = np.tile(layer.offsets.astype(np.int32), layer.image.places)
    above = graph.node("Add", graph.cast(x.name, np.int32), graph.constant(256 - offsets, np.int32))
    half = _shifted(graph, graph.cast(above, np.uint32), 1, np.uint32)
    low = _ZERO - ACTIVATION_MAX
    return Flow(_clipped(graph, graph.cast(half, np.int32), low, 255), _ZERO)


@_add.register
def _weighted(layer: WeightedInference, graph: Graph, x: Flow) -> Flow:
    before, behind = layer.lifted
    add, cast, ints = graph.node, graph.cast, np.int32
    sums = add("Add", _sums(layer, graph, x), graph.constant(before.ravel(), ints))
    kept = cast(_shifted(graph, cast(sums, np.uint32), layer.shift, np.uint32), ints)
    biases = np.tile(behind, layer.window.result_places)
    y = add("Add", kept, graph.constant(biases, ints))
    return Flow(y if layer.is_output else _clipped(graph, y, 0, ACTIVATION_MAX))


def _sums(layer: WeightedInference, graph: Graph, x: Flow) -> str:
    zero = [graph.constant(x.zero, np.uint8)] if x.zero else []
    window = layer.window
    if layer.is_whole:
        weights = graph.constant(layer.weights.T, np.int8)
        return graph.node("MatMulInteger", x.name, weights, *zero)
    image = graph.image(x.name, Image(window.channels, window.rows, window.columns))
    weights = graph.constant(filters(layer.weights, window), np.int8)
    sums = graph.node("ConvInteger", image, weights, *zero, **window_attributes(window))
    return graph.rows(sums, layer.values)


@_add.register
def _pool(layer: PoolInference, graph: Graph, x: Flow) -> Flow:
    return Flow(graph.pool(x.name, layer.image, layer.pooled, layer.size), x.zero)


def _shifted(graph: Graph, x: str, bits: int, dtype: type) -> str:
    return graph.node("BitShift", x, graph.constant(bits, dtype), direction="RIGHT")


def _clipped(graph: Graph, x: str, low: int, high: int) -> str:
    limits = (graph.constant(limit, np.int32) for limit in (low, high))
    return graph.cast(graph.node("Clip", x, *limits), np.uint8)
