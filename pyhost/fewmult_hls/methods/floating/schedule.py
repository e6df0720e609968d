# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's learning rates: from 0.3 down to 0.01 in equal ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass

FIRST_RATE, LAST_RATE = 0.3, 0.01  # the paper's, for MNIST


@dataclass(frozen=True)
class FloatSchedule:
    """See ``nets.cycles.Pace``.

    Attributes:
        epochs: of the whole run.
        shift: log2 of a factor of all rates.
    """

    epochs: int
    shift: int = 0

    def rate(self, epoch: int) -> float:
        """log2 of the learning rate in an epoch from 0."""
        fall = math.log2(LAST_RATE / FIRST_RATE) * epoch / self.epochs
        return self.shift + math.log2(FIRST_RATE) + fall

    def sharpness(self, epoch: int) -> int:
        """None: these samples have one spread."""
        return 0
