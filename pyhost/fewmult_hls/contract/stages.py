# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a training step whose operations are counted apart (docs/operations.md)."""

from __future__ import annotations

from enum import Enum


class Stage(Enum):
    """A part of a step, in the order of its execution; the value is what tables call it."""

    INPUT = "input pixels"
    FORWARD = "forward products"
    NORMALIZE = "normalization"
    POOL = "pooling"
    LOSS = "loss"
    BACKWARD = "backward products"
    GATE = "gate"
    NORMALIZE_BACK = "normalization, back"
    BIASES = "biases"
    CODES = "power-of-two codes"
    GRADIENT = "weight gradient"
    UPDATE = "weight update"
    SAMPLE = "weight sampling"
    RANDOM = "random generator"
