# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Images to classify, from files: PNG or .npy, whatever their names say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from .archive import read_array
from .datasets import png
from .domain import Domain
from .errors import FewmultError
from .files import reading

_NPY = b"\x93NUMPY"

Images = npt.NDArray[np.uint8]


def read_images(path: Path, domain: Domain, features: int) -> Images:
    """The images in a file, (N, features); one in a PNG image.

    Args:
        path: a grey PNG image; or a .npy file of uint8, (rows, columns), (N, rows, columns) or
            (N, features).
        domain: says what shape an image must have.
        features: values that an image must have.

    Raises:
        FewmultError: the file cannot be read or is damaged, or holds something else.
    """
    with reading(path):
        content = path.read_bytes()
    if content.startswith(_NPY):
        return _from_npy(path, content, domain, features)
    if not png.is_png(content):
        raise FewmultError(
            f"{path} is neither a PNG image nor a .npy file: {png.CONVERT}, or numpy.save"
        )
    shape = png.shape(path, content)
    if not domain.fits(shape, features):
        raise FewmultError(
            f"{path} has {shape[0]}x{shape[1]} pixels (rows x columns) and the model takes "
            f"{domain.image_text(features)}: {_scaling(domain)}"
        )
    return png.decode(path, content).reshape(1, -1)


def _from_npy(path: Path, content: bytes, domain: Domain, features: int) -> Images:
    try:
        array = read_array("the array", content)
    except MemoryError:
        raise
    # What numpy raises on damaged bytes has no common base.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FewmultError(
            f"{path} is a damaged .npy file, or holds no plain numbers ({reason}): save it again"
        ) from error
    if array.dtype != np.uint8:
        raise FewmultError(
            f"{path} holds {array.dtype} and the model takes uint8, grey values 0 to 255: "
            "scale and convert it with astype"
        )
    if not (
        (array.ndim == 2 and array.shape[1] == features)
        or (array.ndim in (2, 3) and domain.fits(array.shape[-2:], features))
    ):
        raise FewmultError(
            f"{path} has the shape {array.shape} and the model takes images of "
            f"{domain.image_text(features)}: save (rows, columns), (N, rows, columns) or "
            f"(N, {features})"
        )
    if not array.size:
        raise FewmultError(f"{path} holds no images: leave it out")
    return array.reshape(-1, features)


def _scaling(domain: Domain) -> str:
    if domain.image_shape is None:
        return "give one with so many"
    rows, columns = domain.image_shape
    return f"scale it, for example with `magick IN -resize '{columns}x{rows}!' OUT.png`"
