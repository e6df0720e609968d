# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic that the other parts of the oracle share (contract, section 2)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..contract.limits import ACTIVATION_MAX as ACTIVATION_MAX

IntArray = npt.NDArray[np.int64]

DELTA_MAX = 127
HINGE_MARGIN = 64
BIAS_FRACTION = 16
BIAS_MAX = 1 << 23
ACTIVATION_FRACTION = 5
LOGIT_FRACTION = 6


def shift_round(values: IntArray, bits: int) -> IntArray:
    """Values / 2**bits to the nearest integer, halves up."""
    return (values + (1 << bits >> 1)) >> bits


def power_of_two_step(values: IntArray, exponent: int) -> IntArray:
    """Values * 2**exponent: a left shift, or a rounded right shift."""
    return values << exponent if exponent >= 0 else shift_round(values, -exponent)


def fits_int32(values: IntArray) -> IntArray:
    """The values themselves, once it is sure that 32 bits hold them.

    Raises:
        OverflowError: a bound that the contract proves does not hold.
    """
    plain = np.asarray(values)  # the check is no part of the step, so nobody counts it
    if plain.size and (plain.max() > 2**31 - 1 or plain.min() < -(2**31)):
        raise OverflowError("a sum left the 32 bits that docs/arithmetic.md proves sufficient")
    return values
