# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a net's inputs and outputs stand for, in memory and in a model's file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..datasets import Dataset
from ..datasets.dataset import check_class_names
from ..datasets.preprocessing import Preprocessing, preprocessing_arrays, read_preprocessing
from ..datasets.scale import COLUMNS
from ..nets.network import Shape
from ..system.archive import Archive
from .levels import Levels, doubt, levels_arrays, levels_of, read_levels


@dataclass(frozen=True)
class Domain:
    """What a net's inputs and outputs stand for.

    Attributes:
        image_shape: (rows, columns) of an image, (rows, columns, channels) of one with channels, or
            None where it is just a row of values.
        class_names: of all classes by number; empty where they only have numbers.
        preprocessing: what happens to an image before the net sees it.
        levels: how bright training images were, where that is known and says something.

    Raises:
        ValueError: names that cannot be told apart or printed.
    """

    image_shape: tuple[int, ...] | None = None
    class_names: tuple[str, ...] = ()
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    levels: Levels | None = None

    def __post_init__(self) -> None:
        check_class_names(self.class_names)

    def fits(self, shape: tuple[int, ...], features: int) -> bool:
        """Whether an image of a shape is one for a net with so many inputs."""
        if self.image_shape is None:
            return len(shape) == 2 and math.prod(shape) == features
        return self.image_shape == shape

    def doubts(self, images: npt.NDArray[np.uint8]) -> tuple[str, ...]:
        """What makes images (N, features) unlike those of training, in lines."""
        said = doubt(self.levels, images) if self.levels is not None and len(images) else None
        return () if said is None else (said,)

    def image_text(self, features: int) -> str:
        """What an image must have, for people."""
        if self.image_shape is None:
            return f"{features} values"
        sides = "rows x columns" if len(self.image_shape) == 2 else "rows x columns x channels"
        return f"{'x'.join(map(str, self.image_shape))} pixels ({sides})"

    def class_name(self, label: int) -> str:
        """The name of a class, or its number."""
        return self.class_names[label] if self.class_names else str(label)


def domain_of(dataset: Dataset) -> Domain:
    """What a net that is trained on the data stands for."""
    # One row of values is no image: any that has so many pixels will do.
    shape = None if dataset.image_shape[0] == 1 else dataset.image_shape
    made = dataset.preprocessing
    # Columns that have ranges of their own say nothing together, nor do whitened values.
    says_nothing = made.scale.kind == COLUMNS or made.whitening is not None
    levels = None if says_nothing else levels_of(dataset.train.images)
    return Domain(shape, dataset.class_names, made, levels)


def domain_arrays(domain: Domain) -> dict[str, Any]:
    """The arrays that ``read_domain`` reads."""
    return {
        "image_shape": np.array(domain.image_shape or (), np.int32),
        "class_names": np.array(domain.class_names, np.str_),
        **preprocessing_arrays(domain.preprocessing),
        **levels_arrays(domain.levels),
    }


def read_domain(arrays: Archive, spec: Shape, *, has_preprocessing: bool = True) -> Domain:
    """The domain that ``domain_arrays`` stored.

    Args:
        arrays: of a model's file.
        spec: the shape of its net.
        has_preprocessing: whether it says what happens to images: formats before do not.

    Raises:
        ValueError, KeyError: there is none, or it does not fit the shape.
    """
    shape, names = arrays.integers("image_shape"), arrays.texts("class_names")
    if shape and (len(shape) not in (2, 3) or min(shape) < 1 or math.prod(shape) != spec.features):
        raise ValueError(f"images of {shape} do not have {spec.features} pixels")
    if names and len(names) != spec.classes:
        raise ValueError(f"it names {len(names)} classes of {spec.classes}")
    if not has_preprocessing:
        return Domain(shape or None, names)
    made = read_preprocessing(arrays)
    sizes = {spec.features} | ({made.whitening.features} if made.whitening else set())
    if made.resize not in (None, shape[:2]) or not made.scale.fits(spec.features) or len(sizes) > 1:
        raise ValueError(f"its preprocessing does not make {spec.features} values of an image")
    return Domain(shape or None, names, made, read_levels(arrays))
