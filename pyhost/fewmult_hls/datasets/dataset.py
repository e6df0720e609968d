# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a data set is: three splits of 8-bit images with their labels."""

from __future__ import annotations

import hashlib
import math
import reprlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ..system import html
from ..system.errors import UsageError
from .preprocessing import Preprocessing
from .whitening import Whitening, multiplications

Array = npt.NDArray[np.uint8]

VALIDATION_SHARE = 6
"""One training image in this many is kept for validation."""
CLASS_NAMES = "classes.json"
"""The file in a folder that names the classes."""
_FEW = 12  # classes: of so many an image is shown
_LONGEST_NAME = 255  # characters, as of a folder's name


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images and their labels, both read-only.

    Attributes:
        images: uint8, shape (N, features), values 0..255, each image row by row.
        labels: uint8, shape (N,).
    """

    images: Array
    labels: Array

    def __repr__(self) -> str:
        return f"Split({len(self.labels):,} images of {self.images.shape[1]:,} values)"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A whole data set; none of its splits is empty.

    Attributes:
        name: the name or the folder's name it was loaded by.
        classes: labels are 0..classes-1.
        image_shape: (rows, columns) of one image, or (rows, columns, channels).
        train: what is trained on.
        validation: a sixth of the training files, for choices made while training.
        test: what only the final accuracy is measured on.
        class_names: by label; empty where classes only have numbers.
        are_counted: whether nobody said how many classes there are, but the largest label.
        preprocessing: what made these images of those that came; a net's model keeps it.
        notes: what may not be meant, in lines: files that were skipped, numbers of another scale.
    """

    name: str
    classes: int
    image_shape: tuple[int, ...]
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...] = ()
    are_counted: bool = False
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses arrays that the kernels could not take.

        Raises:
            UsageError: there are such.
        """
        for part in ("train", "validation", "test"):
            if not _fits(getattr(self, part), self.features, self.classes):
                raise UsageError(
                    f"{part}: a data set holds uint8 images (N, {self.features}) and uint8 labels "
                    f"(N,) below {self.classes}: make it with datasets.from_arrays"
                )

    def __repr__(self) -> str:
        return f"Dataset({', '.join(self._said.values())})"

    def _repr_html_(self) -> str:
        return html.card(f"Dataset {self.name}", self._said, map(self._picture, range(self._shown)))

    @property
    def _said(self) -> dict[str, str]:
        """What it is, for people."""
        counts = [f"{len(split.labels):,}" for split in self.splits]
        return {
            "name": self.name,
            "classes": f"{self.classes} classes",
            "images": f"images of {'x'.join(map(str, self.image_shape))}",
            "parts": "{} to train, {} to validate, {} to test".format(*counts),
        }

    @property
    def _shown(self) -> int:
        """Classes of which Jupyter shows an image: none of what is no picture."""
        rows, *_, channels = (
            (*self.image_shape, 1) if len(self.image_shape) < 3 else self.image_shape
        )
        return min(self.classes, _FEW) if rows > 1 and channels in (1, 3) else 0

    def _picture(self, label: int) -> str:
        """The first training image of a class; nothing where there is none."""
        found = np.flatnonzero(self.train.labels == label)
        if not found.size:
            return ""
        image = self.train.images[found[0]].reshape(self.image_shape)
        if image.shape[2:] == (1,):
            image = image[:, :, 0]
        return html.picture(image, self.class_names[label] if self.class_names else str(label))

    @property
    def features(self) -> int:
        """The values in one image, those of all channels."""
        return math.prod(self.image_shape)

    @property
    def splits(self) -> tuple[Split, Split, Split]:
        """What is trained, validated and tested on."""
        return self.train, self.validation, self.test

    @property
    def digest(self) -> str:
        """SHA-256 of what training and its choices see; two sets agree or they do not."""
        sha = hashlib.sha256()
        for split in (self.train, self.validation):
            for array in (split.images, split.labels):
                sha.update(str(array.shape).encode())
                sha.update(np.ascontiguousarray(array).data)
        return sha.hexdigest()

    def whitened(self) -> Dataset:
        """The same data with whitened images, by a transform from the training images.

        Raises:
            UsageError: images have too many values, or are whitened already.
            FewmultError: the memory does not hold the transform.
        """
        if self.preprocessing.whitening is not None:
            raise UsageError(f"the images of {self.name} are whitened already: leave whiten out")
        found = Whitening.of(self.train.images)
        train, validation, test = (
            make_split(found.images(split.images), split.labels) for split in self.splits
        )
        made = replace(self.preprocessing, whitening=found)
        return replace(self, train=train, validation=validation, test=test, preprocessing=made)

    @property
    def host_multiplications(self) -> int:
        """What whitening it took; 0 where images are as they came."""
        if self.preprocessing.whitening is None:
            return 0
        learned, *others = (len(split.labels) for split in self.splits)
        return sum(multiplications(self.features, learned, sum(others)).values())

    def check_classes(self) -> None:
        """Whether each class can be learned, unless someone said that there are so many.

        Raises:
            UsageError: one cannot; a single wrong label may have made many.
        """
        empty = np.flatnonzero(np.bincount(self.train.labels, minlength=self.classes) == 0)
        if self.are_counted and empty.size:
            raise UsageError(
                f"{self.name}: label {self.classes - 1} makes {self.classes} classes, and "
                f"{empty.size} of them, such as {empty[0]}, have no training image: correct the "
                f"labels, or say that there are {self.classes}, in a folder by a file "
                f"{CLASS_NAMES} with their names, of arrays by classes={self.classes}"
            )


def _fits(split: object, features: int, classes: int) -> bool:
    """Whether it is a split with images of so many values and labels of so many classes."""
    if not isinstance(split, Split):
        return False
    images, labels = vars(split).values()
    return (
        isinstance(images, np.ndarray)
        and isinstance(labels, np.ndarray)
        and images.dtype == labels.dtype == np.uint8
        and labels.size > 0
        and (images.shape, labels.shape) == ((labels.size, features), (labels.size,))
        and int(labels.max()) < classes
    )


def make_split(images: Array, labels: Array) -> Split:
    """Flatten ``images`` (uint8, shape (N, ..)) and close both arrays for writing."""
    flat = np.ascontiguousarray(images.reshape(images.shape[0], -1))
    labels = np.ascontiguousarray(labels)
    flat.setflags(write=False)
    labels.setflags(write=False)
    return Split(flat, labels)


def carve_validation(
    images: Array, labels: Array, share: int = VALIDATION_SHARE
) -> tuple[Split, Split]:
    """Split training images into train and validation: the last floor(N/share) validate.

    Args:
        images: uint8, shape (N, rows, columns), in file order.
        labels: uint8, shape (N,).
        share: one image in so many is kept for validation.
    """
    kept = len(images) - len(images) // share
    return make_split(images[:kept], labels[:kept]), make_split(images[kept:], labels[kept:])


def check_class_names(names: Iterable[object]) -> None:
    """Refuses names that are no text, or cannot be told apart or printed.

    Raises:
        ValueError: one of them is such a name.
    """
    seen = set()
    for name in names:
        if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST_NAME):
            raise ValueError(f"{reprlib.repr(name)} cannot name a class")
        shown = unicodedata.normalize("NFC", name)  # an accent may be a character of its own
        if shown in seen:
            raise ValueError(f"two classes are named {name}")
        seen.add(shown)
