# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How a trained net answers the test images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..datasets import Dataset
from ..models.classifier import Classifier
from ..models.trained import Trained
from ..runs.run import split_to_test


@dataclass(frozen=True)
class Answers:
    """The answers of one net to all test images.

    Attributes:
        images: uint8 (N, features).
        right: the labels that they have.
        labels: the labels that the net gives.
        margins: its largest logit less the next one.
        classes: names by label.
    """

    images: npt.NDArray[np.uint8]
    right: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    margins: npt.NDArray[np.float64]
    classes: list[str]

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Counts, (right label, answer)."""
        size = len(self.classes)
        counts = np.bincount(self.right.astype(np.int64) * size + self.labels, minlength=size**2)
        return counts.reshape(size, size)

    @property
    def mistakes(self) -> npt.NDArray[np.int64]:
        """Numbers of the images with a wrong answer, the most certain first."""
        wrong = np.flatnonzero(self.labels != self.right)
        return wrong[np.argsort(-self.margins[wrong], kind="stable")]


def answers(model: Trained, dataset: Dataset, backend: str) -> Answers:
    """The answers with the weights that the method deploys."""
    split = split_to_test(model, dataset)
    with Classifier(model, model.open(model.deployed, backend, None)) as net:
        labels, margins = net.answers(split.images)
    classes = [model.domain.class_name(label) for label in range(model.spec.classes)]
    return Answers(split.images, split.labels, labels, margins, classes)
