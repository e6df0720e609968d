# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The built-in set: 1797 handwritten digits of 8x8 pixels (see ``digits.md``)."""

from __future__ import annotations

import hashlib
import io
from importlib import resources

import numpy as np

from .dataset import VALIDATION_SHARE, Array, Dataset, Split, make_split

FILE_NAME = "digits.npz"
SOURCE = (
    "E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits (its test "
    "set), UCI Machine Learning Repository, https://doi.org/10.24432/C50P49"
)
LICENCE = "CC BY 4.0"

_TEST_EVERY = 5


def load() -> Dataset:
    """Read the set, whose stored values 0..16 become ``min(255, value << 4)``.

    Every fifth example is for the test, and every sixth of the others for validation. The file is
    in the order of its writers, so that a block at its end would be people nobody trained on.
    """
    with np.load(io.BytesIO(_content()), allow_pickle=False) as file:
        images, labels = _scale(file["images"]), file["labels"]
    images, labels, test = _take_every(_TEST_EVERY, images, labels)
    images, labels, validation = _take_every(VALIDATION_SHARE, images, labels)
    return Dataset("digits", 10, (8, 8), make_split(images, labels), validation, test)


def _take_every(share: int, images: Array, labels: Array) -> tuple[Array, Array, Split]:
    """What remains of the images and labels, and the split made of one in ``share``."""
    taken = np.arange(len(images)) % share == share - 1
    return images[~taken], labels[~taken], make_split(images[taken], labels[taken])


def file_sha256() -> str:
    """SHA-256 of the file in the package."""
    return hashlib.sha256(_content()).hexdigest()


def _content() -> bytes:
    return resources.files(__package__).joinpath(FILE_NAME).read_bytes()


def _scale(values: Array) -> Array:
    # In 16 bits, as 16 << 4 leaves a byte.
    scaled: Array = np.minimum(255, values.astype(np.uint16) << 4).astype(np.uint8)
    return scaled
