# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Training images moved and mirrored by chance, before a step (contract, section 14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..contract.calls import Access, Array, Call, Enter, HostCall, Shape
from ..contract.stages import Stage
from ..oracle.augmentation import augment, draw_moves
from ..oracle.draws import Purpose, purpose_word
from ..oracle.threefry import unwatched
from ..system.errors import UsageError
from .memory import Memory
from .pixels import Pixels


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image.

    Attributes:
        flip: whether half of them are mirrored, left for right.
        crop: by how many places they are moved at most, a power of two; 0 for none.
    """

    flip: bool = False
    crop: int = 0

    def check(self, pixels: Pixels) -> None:
        """Whether what enters a net can be moved.

        Raises:
            UsageError: it cannot: it is no image, or a small one.
        """
        names = [name for name in ("flip", "crop") if getattr(self, name)]
        if not names:
            return
        option, image = f"--{names[0]}", pixels.image
        pixels.check_signed(f"{option} moves images")
        if self.crop >= min(image.rows, image.columns):
            raise UsageError(
                f"--crop {self.crop} would move images of {image.rows}x{image.columns} out of "
                "sight: take less"
            )

    def calls(self, pixels: Pixels, memory: Memory, chosen: Array, seed: int) -> Sequence[Call]:
        """What is done in a step to the images that were loaded.

        Args:
            pixels: what enters the net.
            memory: of the net.
            chosen: int64 (batch,), numbers of the images.
            seed: of all draws.
        """
        if self == AS_THEY_ARE:
            return []
        channels, rows, columns = pixels.image
        return [
            AugmentBatch(
                chosen=chosen,
                x=memory["x_0"],
                channels=channels,
                rows=rows,
                columns=columns,
                flip=self.flip,
                crop=self.crop,
                seed=seed,
                step=0,
            )
        ]


AS_THEY_ARE = Augmentation()
"""Nothing happens to them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AugmentBatch(HostCall):
    """Moves and mirrors the images of a batch, in place.

    Attributes:
        chosen: int64 (batch,), their numbers in the training split, read.
        x: activations int8 (rows * columns * channels, batch), read and written.
        channels: of an image.
        rows: of an image.
        columns: of an image.
        flip: whether images are mirrored.
        crop: by how many places they are moved at most.
        seed: first word of the key.
        step: second word of the counter.
    """

    kernel = "augment_batch"
    stage = Stage.INPUT
    host_arrays = ("chosen",)
    access = Access(("chosen", "x"), ("x",))

    chosen: Array = None
    x: Array = None
    channels: int
    rows: int
    columns: int
    flip: bool
    crop: int
    seed: int
    step: int

    @property
    def purpose(self) -> int:
        """Second word of the key."""
        return purpose_word(Purpose.AUGMENTATION)

    def shapes(self) -> dict[str, Shape]:
        """See ``Call``."""
        batch: Shape = self.chosen.shape
        return {"chosen": batch, "x": (self.rows * self.columns * self.channels, *batch)}

    def execute(self, enter: Enter = unwatched) -> None:
        """See ``HostCall``."""
        shape = (len(self.chosen), self.rows, self.columns, self.channels)
        moves = draw_moves(self.seed, self.step, self.chosen, self.crop, enter)
        images = np.ascontiguousarray(self.x.T).reshape(shape)
        self.x[...] = augment(images, moves, flip=self.flip).reshape(len(images), -1).T
