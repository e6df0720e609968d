# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a trained net is to those who use it, whatever its numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from ..methods.floating.model import FloatModel
    from .model import Model


class Scorer(Protocol):
    """A network with its weights, ready to run."""

    def logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Logits of images (N, features): (N, classes)."""


class Opened(NamedTuple):
    """A net that is ready.

    Attributes:
        scorer: the net.
        close: gives back what it holds.
        how: it was opened: precision of its weights, backend, threads.
    """

    scorer: Scorer
    close: Callable[[], None]
    how: tuple[str, str, int | None]


Trained: TypeAlias = "Model | FloatModel"
"""A network, and what evaluating it needs: both have the same properties, and ``open``."""
