# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What the gradient sees of a batch: the power-of-two codes of each layer's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.backend import Backend, OneByOne, PreparedCalls
from ..contract.calls import Call, ShiftGradient
from ..datasets import Dataset
from ..nets.network import Network
from ..nets.trainer import Trainer
from ..oracle.draws import element_bytes
from ..oracle.gradient import power_of_two_codes
from ..runs.config import RunConfig

Codes = npt.NDArray[np.uint8]


class _Recorder:
    """A backend that notes what the gradient kernel gets."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.codes: list[Codes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def prepare(self, calls: Sequence[Call]) -> PreparedCalls:
        """See ``Backend``: each of them is to be seen."""
        return OneByOne(self, calls)

    def run(self, call: Call) -> None:
        """See ``Backend``; draws the codes that the kernel draws."""
        if isinstance(call, ShiftGradient):
            units, batch = call.x.shape
            random_bytes = element_bytes((call.seed, call.code_purpose), units, batch, call.step)
            codes = power_of_two_codes(np.abs(call.x.astype(np.int64)), random_bytes)
            self.codes.append(codes.astype(np.uint8))  # all layers' at once are in memory
        self._backend.run(call)


def codes_of_a_step(
    network: Network, config: RunConfig, dataset: Dataset, backend: Backend, step: int
) -> list[Codes]:
    """What enters each layer's gradient in a further step of a trained net, on the first batch.

    The network is not changed. Returns codes for each layer, (inputs, batch): 0, or c for 2**c.
    """
    recorder = _Recorder(backend)
    trainer = Trainer(recorder, network, config.seed, step, 0, config.augmentation)
    chosen, sharpness = np.arange(config.batch), network.spec.recipe.sharpness
    trainer.step(dataset.train, chosen, config.rate_exponent, sharpness)
    return recorder.codes[::-1]
