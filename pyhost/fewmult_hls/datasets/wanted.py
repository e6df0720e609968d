# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What is asked of data when they are read, by a run's settings or for a net that is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..system import memory
from ..system.errors import UsageError
from .dataset import Array, Dataset, Split, make_split
from .preprocessing import Preprocessing
from .scale import Scale, find_scale


@dataclass(frozen=True)
class Wanted:
    """What is asked of data.

    Attributes:
        gray: colours are to become grey.
        resize: rows and columns that images are to be scaled to.
        scale: how numbers become bytes, as ``find_scale`` takes it; or what a net learned with.
        label: the column of a table that has the labels; empty if it is to be found.
        in_colour: grey images get three channels.
    """

    gray: bool = False
    resize: tuple[int, int] | None = None
    scale: str | Scale = ""
    label: str = ""
    in_colour: bool = False


def find_preprocessing(what: str, images: npt.NDArray[Any], wanted: Wanted) -> Preprocessing:
    """What is to happen to images of which these are for training; see ``find_scale``.

    Raises:
        UsageError: it cannot.
    """
    scale = wanted.scale
    if not isinstance(scale, Scale):
        scale = find_scale(what, images, scale)
    return Preprocessing(scale, wanted.gray, wanted.resize)


def adapted(dataset: Dataset, wanted: Wanted) -> Dataset:
    """A data set in memory, with done to its images what is asked and was not done yet.

    Raises:
        UsageError: it cannot be.
        FewmultError: the memory does not hold the result.
    """
    before, shape = dataset.preprocessing, dataset.image_shape
    if wanted.scale and before.scale != Scale():
        raise UsageError(f"the numbers of {dataset.name} are scaled already: leave scale out")
    if wanted.resize not in (None, shape[:2]) and (before.resize or shape[0] == 1):
        raise UsageError(f"the images of {dataset.name} cannot be scaled (again): no resize")
    more = find_preprocessing("train", _images(dataset, dataset.train), wanted)
    if more == Preprocessing() and not wanted.in_colour:
        return dataset
    if before.whitening is not None:
        raise UsageError(f"the images of {dataset.name} are whitened already: leave the rest out")
    made = Preprocessing(
        before.scale if more.scale == Scale() else more.scale,
        before.gray or more.gray,
        more.resize or before.resize,
    )
    memory.check(
        f"{dataset.name} as it is asked for",
        sum(split.images.nbytes for split in dataset.splits) * (3 if wanted.in_colour else 1),
        "take fewer images",
    )
    splits = []
    for split in dataset.splits:
        images = more.images(dataset.name, _images(dataset, split))
        if wanted.in_colour and images.ndim == 3 and shape[0] > 1:
            images = np.repeat(images[..., None], 3, axis=3)
        splits.append(make_split(images, split.labels))
    train, validation, test = splits
    return replace(
        dataset,
        image_shape=images.shape[1:],
        train=train,
        validation=validation,
        test=test,
        preprocessing=made,
    )


def _images(dataset: Dataset, split: Split) -> Array:
    return split.images.reshape(-1, *dataset.image_shape)
