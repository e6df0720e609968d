# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Adversarial inputs (contract, section 13)."""

from __future__ import annotations

import numpy as np

from .integers import ACTIVATION_MAX, IntArray


def perturb(g: IntArray, x: IntArray, shift: int, least: int = 0) -> IntArray:
    """Inputs moved by 2**shift in the direction that raises the loss, clipped to ``least`` to 127.

    Args:
        g: product of the first layer's deltas with its weights, shape (inputs, batch).
        x: the inputs, same shape.
        shift: log2 of the step.
        least: value that an input can have.
    """
    up = np.where(g > 0, 1 << shift, 0)
    down = np.where(g < 0, 1 << shift, 0)
    return np.clip(x + up - down, least, ACTIVATION_MAX)
