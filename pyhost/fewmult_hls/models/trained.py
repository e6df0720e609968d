# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a trained net is to those who use it, whatever its numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..backends.names import Device
from ..nets.network import Shape
from .domain import Domain


class Scorer(Protocol):
    """A network with its weights, ready to run."""

    def logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Logits of images (N, features): (N, classes)."""


class Opened(NamedTuple):
    """A net that is ready, and what gives back what it holds."""

    scorer: Scorer
    close: Callable[[], None]


class Trained(Protocol):
    """A network, and what evaluating it needs: a ``Model`` or a ``FloatModel``."""

    @property
    def unit(self) -> int:
        """What is 1.0 in its logits."""

    @property
    def spec(self) -> Shape:
        """The network's shape."""

    @property
    def domain(self) -> Domain:
        """What its inputs and outputs stand for."""

    @property
    def fingerprint(self) -> str:
        """Of the network as it was trained."""

    @property
    def has_checksum(self) -> bool:
        """Whether the file that it is from protects more than the network itself."""

    @property
    def precisions(self) -> tuple[str, ...]:
        """Of the weights that it can run with."""

    @property
    def deployed(self) -> str:
        """The one of them that training chose by."""

    def open(
        self, precision: str, backend: str, threads: int | None, device: Device | None = None
    ) -> Opened:
        """Makes the network ready.

        Args:
            precision: one of ``precisions``.
            backend: who executes the kernels; a floating-point net has none and runs in numpy.
            threads: of the backend.
            device: of the backend.
        """
