# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's preprocessing of colour images: contrast of each image (GCN), then ZCA.

It multiplies, on the host, once before a run. Its numbers are integers that every machine finds
alike, whatever BLAS it has and however many threads: docs/arithmetic.md, section 14. LAPACK's
eigenvectors would not be, so the inverse root comes from Newton's iteration in products alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..system import memory
from ..system.archive import Archive, checked
from ..system.errors import UsageError

Array = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

MAX_FEATURES = 4096
"""Values of an image: sums of squares fit 53 bits, and a transform takes minutes."""

_NORM = 55  # of an image, the paper's
_FRACTION = 6  # bits of a value after the first step
_LARGEST = _NORM << _FRACTION
_BIAS = 0.1  # that the paper adds to the covariance
_BOUND = 1 << 12  # above the squared norm of an image, and so above all eigenvalues
_ROOT_FRACTION, _INVERSE_FRACTION, _STEP_FRACTION = 30, 14, 20  # bits, so that products are exact
_CLOSE = 1 - 2.0**-20
_MATRIX_FRACTION = 13
_DROPPED = 13  # bits of a result: 1.0 becomes 64 grey values
_MIDDLE = 128
_ROWS = 2048  # images at once
_MATRICES = 6  # of float64 at once while a transform is found
_COPIES = 4  # of these images, as float64 or int64


@dataclass(frozen=True, eq=False)
class Whitening:
    """The transform of a data set, from its training images.

    Attributes:
        mean: int16 (features,), of normalized values, 6 fraction bits.
        matrix: int16 (features, features), symmetric, 13 fraction bits.
    """

    mean: npt.NDArray[np.int16]
    matrix: npt.NDArray[np.int16]

    text = "contrast normalized and whitened (GCN, ZCA), 128 + 64 times the result"

    @classmethod
    def of(cls, images: Array) -> Whitening:
        """The transform that makes values of these images uncorrelated.

        Args:
            images: (N, features), of the training split.

        Raises:
            UsageError: they have too many values.
            FewmultError: the memory does not hold the matrices.
        """
        count, features = images.shape
        check_features(features)
        needed = 8 * features * (_MATRICES * features + _COPIES * _ROWS)
        memory.check("the transform that whitens", needed, "leave --whiten out")
        sums, products = np.zeros(features), np.zeros((features, features))
        for part in _parts(images):
            values = normalized(part)
            sums += values.sum(axis=0)
            products += values.T @ values  # integers below 2^53: exact in any order
        products -= np.multiply.outer(sums, sums) / count
        products /= count << 2 * _FRACTION
        inverse = _inverse_root(products) / math.sqrt(_BOUND)
        matrix = np.rint((inverse + inverse.T) * 2.0 ** (_MATRIX_FRACTION - 1))
        return cls(np.rint(sums / count).astype(np.int16), matrix.astype(np.int16))

    @property
    def features(self) -> int:
        """Values of an image."""
        return len(self.mean)

    def images(self, images: Array) -> Array:
        """Whitened images of (N, ..), each as many values, of the same shape: 128 is 0."""
        flat = images.reshape(len(images), -1)
        whitened = np.empty(flat.shape, np.uint8)
        matrix = self.matrix.astype(np.float64)
        for first, part in zip(range(0, len(flat), _ROWS), _parts(flat), strict=True):
            products = (normalized(part) - self.mean) @ matrix  # exact, as above
            products *= 2.0**-_DROPPED
            np.floor(products + (_MIDDLE + 0.5), out=products)
            whitened[first : first + len(part)] = products.clip(0, 255)
        return whitened.reshape(images.shape)

    def arrays(self) -> dict[str, Any]:
        """The arrays of a model's file that ``read_whitening`` reads: one half of the matrix."""
        upper = np.triu_indices(self.features)
        return {"whitening_mean": self.mean, "whitening_matrix": self.matrix[upper]}


def read_whitening(arrays: Archive) -> Whitening | None:
    """The whitening that ``Whitening.arrays`` stored, if any.

    Raises:
        ValueError, KeyError: it cannot be.
    """
    if "whitening_mean" not in arrays:
        return None
    mean = arrays["whitening_mean"]
    features = mean.size
    checked("whitening_mean", mean, np.int16, (features,), _LARGEST)
    half, name = (features * (features + 1) // 2,), "whitening_matrix"
    values = checked(name, arrays[name], np.int16, half, (1 << 15) - 1)
    matrix = np.zeros((features, features), np.int16)
    rows, columns = np.triu_indices(features)
    matrix[rows, columns] = matrix[columns, rows] = values
    return Whitening(mean, matrix)


def normalized(images: Array) -> Floats:
    """Images (N, features) with mean 0 and norm 55, in units of 2^-6, rounded to integers.

    The sums are integers; what follows is one operation a value, which IEEE 754 rounds alike
    everywhere.
    """
    features = images.shape[1]
    centred = images.astype(np.int64) * features
    centred -= images.sum(axis=1, dtype=np.int64)[:, None]
    squares = (centred * centred).sum(axis=1).astype(np.float64)
    factors = np.where(squares > 0, _LARGEST / np.sqrt(np.maximum(squares, 1)), 0)
    values: Floats = np.rint(centred * factors[:, None])
    return values


def _inverse_root(covariance: Floats) -> Floats:
    """(covariance + 0.1)^-1/2, times the root of the bound, by Newton's iteration in integers.

    With A the matrix divided by the bound, roots y -> A^1/2 and z -> A^-1/2, each step
    t = (3 - r^2 z y) r / 2, y' = y t, z' = t z; r from the interval of the roots of z y (J. Chen
    and E. Chow, 2014). All three are integers with fraction bits whose norms' product is below
    2^53, so by Cauchy and Schwarz no partial sum of a product rounds.
    """
    features = len(covariance)
    root = covariance * (2.0**_ROOT_FRACTION / _BOUND)
    root[np.diag_indices(features)] += _BIAS * 2.0**_ROOT_FRACTION / _BOUND
    root = np.rint(root)
    inverse = np.diag(np.full(features, 2.0**_INVERSE_FRACTION))
    for scale in _scales():
        step = np.rint((inverse @ root) * 2.0**-_INVERSE_FRACTION)
        step *= -0.5 * (scale * scale * scale) * 2.0 ** (_STEP_FRACTION - _ROOT_FRACTION)
        step[np.diag_indices(features)] += 1.5 * scale * 2.0**_STEP_FRACTION
        step = np.rint(step)
        root = np.rint((root @ step) * 2.0**-_STEP_FRACTION)
        inverse = np.rint((step @ inverse) * 2.0**-_STEP_FRACTION)
    return inverse * 2.0**-_INVERSE_FRACTION


def _scales() -> list[float]:
    """The factor r of each step, while the smallest root of z y grows to 1."""
    scales, least = [], math.sqrt(_BIAS / _BOUND)
    while least < _CLOSE:
        scale = math.sqrt(3 / (1 + least + least * least))
        least = 0.5 * scale * least * (3 - scale * scale * least * least)
        scales.append(scale)
    return scales


def check_features(features: int) -> None:
    """Whether images have few enough values.

    Raises:
        UsageError: they do not.
    """
    if features > MAX_FEATURES:
        raise UsageError(
            f"--whiten takes images of at most {MAX_FEATURES:,} values, and these have "
            f"{features:,}: scale them down, or leave it out"
        )


def multiplications(features: int, training: int, others: int) -> dict[str, int]:
    """Multiplications, divisions and roots on the host, by what they are for.

    Args:
        features: values of an image.
        training: images that the transform is found from, and which are whitened.
        others: images that are whitened besides.
    """
    images, squares = training + others, features * features
    return {
        "contrast": images * (3 * features + 2) + training * (3 * features + 2),
        "covariance": training * squares + 3 * squares + features,
        "inverse root": len(_scales()) * (3 * features * squares + 4 * squares) + 4 * squares,
        "whitening": images * (squares + features),
    }


def _parts(images: Array) -> list[Array]:
    return [images[first : first + _ROWS] for first in range(0, len(images), _ROWS)]
