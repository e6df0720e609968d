# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What enters a net: a row of values, or an image with channels (contract, section 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.calls import LoadBatch
from ..contract.limits import MAX_ROWS
from ..system.errors import UsageError
from .base import Arrays, Image, Signal
from .inference import PixelInference
from .memory import Memory
from .tensors import Tensor

_FRACTION = 7
_WORD = re.compile("([0-9]{1,20})(?:x([0-9]{1,20})x([0-9]{1,20}))?")
_OFFSETS = "offsets_0"  # of x_0
_IMAGES = 4096  # whose sums are in memory at a time


@dataclass(frozen=True)
class Pixels:
    """The first word of a net's text.

    Attributes:
        image: its shape; of a row of values, one place.
        signed: whether the mean of each channel is taken off, as it is where channels are named.

    Raises:
        UsageError: an image that is none, or too large.
    """

    image: Image
    signed: bool = False

    def __post_init__(self) -> None:
        if self.signed and not 0 < self.image.size <= MAX_ROWS:
            raise UsageError(f"{self.word}: an image has 1 to {MAX_ROWS:,} values")

    @classmethod
    def read(cls, word: str) -> Pixels | None:
        """What a word such as 784 or 3x32x32 names."""
        found = _WORD.fullmatch(word)
        if found is None:
            return None
        if found[2] is None:
            return cls(Image(int(found[1])))
        return cls(Image(*map(int, found.groups())), signed=True)

    @property
    def word(self) -> str:
        """Values, or channels x rows x columns."""
        return "x".join(map(str, self.image)) if self.signed else str(self.image.channels)

    def check_signed(self, reason: str) -> None:
        """Whether it is an image with channels.

        Raises:
            UsageError: it is a row of values, which does not go with what the reason says.
        """
        if not self.signed:
            raise UsageError(
                f"{reason}, and a net that begins with {self.word} takes a row of "
                "values: begin it with channels x rows x columns"
            )

    @property
    def signal(self) -> Signal:
        """What enters the first layer."""
        return Signal(self.image, _FRACTION, self.signed)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What a run takes from its data, once: the mean of each channel."""
        if not self.signed:
            return ()
        return (Tensor(_OFFSETS, (self.image.channels,), np.dtype(np.uint8), 255),)

    def start(self, images: npt.NDArray[np.uint8] | None) -> Arrays:
        """The means of channels, (channels,), rounded to nearest; of no images, 0.

        Args:
            images: of the training split, (N, features).
        """
        if not self.signed:
            return {}
        channels, sums, count = self.image.channels, 0, 0
        for first in range(0, 0 if images is None else len(images), _IMAGES):
            part = images[first : first + _IMAGES].reshape(-1, channels)  # type: ignore[index]
            sums, count = sums + part.sum(axis=0, dtype=np.int64), count + len(part)
        means = (2 * sums + count) // (2 * count) if count else np.zeros(channels)
        return {_OFFSETS: np.asarray(means).astype(np.uint8)}

    def deployed(self, state: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """What an evaluation reads of the state."""
        return {tensor.name: state[tensor.name] for tensor in self.tensors}

    def inference(self, state: Mapping[str, npt.NDArray[Any]]) -> PixelInference:
        """What enters, from grey values."""
        return PixelInference(self.image, state[_OFFSETS] if self.signed else None)

    def load(self, memory: Memory, **arrays: Any) -> LoadBatch:
        """The call that makes images what enters.

        Args:
            memory: of the net.
            **arrays: the other arrays of the call.
        """
        offsets = memory[_OFFSETS] if self.signed else None
        return LoadBatch(x=memory["x_0"], offsets=offsets, **arrays)
