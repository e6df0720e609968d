# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Images to classify, from files: PNG or .npy, whatever their names say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from ..datasets import png, png_chunks
from ..system import memory
from ..system.archive import Header, read_header
from ..system.errors import FewmultError
from ..system.files import open_regular, read_file
from .domain import Domain

_NPY = b"\x93NUMPY"

Images = npt.NDArray[np.uint8]


def read_images(path: Path, domain: Domain, features: int) -> Images:
    """The images in a file, (N, features); one in a PNG image.

    Args:
        path: a PNG image, grey, or in colour if the model takes three channels; or a .npy file of
            uint8, (rows, columns) or (N, rows, columns), each with channels if the model takes
            them, or (N, features).
        domain: says what shape an image must have.
        features: values that an image must have.

    Raises:
        FewmultError: the file cannot be read or is damaged, or holds something else, or more than
            the memory does.
    """
    with open_regular(path) as file:
        begin = file.read(max(len(_NPY), len(png_chunks.SIGNATURE)))
        if begin.startswith(_NPY):
            return _read_npy(path, file, domain, features)
    if not png.is_png(begin):
        raise FewmultError(
            f"{path} is neither a PNG image nor a .npy file: {png.CONVERT}, or numpy.save"
        )
    content = read_file(path, png.LIMIT)
    shape, channels = png.shape(path, content), (domain.image_shape or ())[2:]
    if channels not in ((), (1,), (3,)) or not domain.fits((*shape, *channels), features):
        raise FewmultError(
            f"{path} has {shape[0]}x{shape[1]} pixels (rows x columns) and the model takes "
            f"{domain.image_text(features)}: {_scaling(domain)}"
        )
    return png.decode(path, content, in_colour=channels == (3,)).reshape(1, -1)


def _read_npy(path: Path, file: BinaryIO, domain: Domain, features: int) -> Images:
    """Reads an array whose header fits the file, the model and the memory."""
    file.seek(0)
    try:
        header = read_header("the array", file, os.fstat(file.fileno()).st_size)
    except ValueError as error:
        raise FewmultError(
            f"{path} is a damaged .npy file, or holds no plain numbers ({error}): save it again"
        ) from error
    _check_header(path, header, domain, features)
    # Numbers by columns are copied once, and so are those of several files.
    memory.check(str(path), 2 * header.size, "give its images in parts")
    array = np.fromfile(file, np.uint8, header.size)
    if array.size != header.size:
        raise FewmultError(f"{path} became shorter while it was read: give it again")
    return array.reshape(header.shape, order=header.order).reshape(-1, features)


def _check_header(path: Path, header: Header, domain: Domain, features: int) -> None:
    shape = header.shape
    if header.dtype != np.uint8:
        raise FewmultError(
            f"{path} holds {header.dtype} and the model takes uint8, grey values 0 to 255: "
            "scale and convert it with astype"
        )
    is_image = domain.fits(shape, features) or domain.fits(shape[1:], features)
    if not (is_image or (len(shape) == 2 and shape[1] == features)):
        raise FewmultError(
            f"{path} has the shape {shape} and the model takes images of "
            f"{domain.image_text(features)}: save one, (N, ..) of them, or (N, {features})"
        )
    if 0 in shape:
        raise FewmultError(f"{path} holds no images: leave it out")


def _scaling(domain: Domain) -> str:
    if domain.image_shape is None:
        return "give one with so many"
    rows, columns, *channels = domain.image_shape
    if channels not in ([], [1], [3]):
        return "a PNG image has 1 or 3 channels, so give it as a .npy file"
    return f"scale it, for example with `magick IN -resize '{columns}x{rows}!' OUT.png`"
