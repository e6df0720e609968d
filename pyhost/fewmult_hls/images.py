# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Images to classify, from files: PNG or .npy, whatever their names say."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from . import memory
from .datasets import png, png_chunks
from .domain import Domain
from .errors import FewmultError
from .files import open_regular, read_file

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
    shape = png.shape(path, content)
    if not domain.fits(shape, features):
        raise FewmultError(
            f"{path} has {shape[0]}x{shape[1]} pixels (rows x columns) and the model takes "
            f"{domain.image_text(features)}: {_scaling(domain)}"
        )
    return png.decode(path, content).reshape(1, -1)


def _read_npy(path: Path, file: BinaryIO, domain: Domain, features: int) -> Images:
    """Reads an array whose header fits the file, the model and the memory."""
    try:
        shape, by_columns, dtype = _read_header(file)
        start, end = file.tell(), os.fstat(file.fileno()).st_size
        if math.prod(shape) * dtype.itemsize != end - start:
            raise ValueError("it does not have the size that its header says")
    except ValueError as error:
        raise FewmultError(
            f"{path} is a damaged .npy file, or holds no plain numbers ({error}): save it again"
        ) from error
    _check_header(path, shape, dtype, domain, features)
    # Numbers by columns are copied once, and so are those of several files.
    memory.check(str(path), 2 * (end - start), "give its images in parts")
    array = np.fromfile(file, np.uint8, end - start)
    if array.size != end - start:
        raise FewmultError(f"{path} became shorter while it was read: give it again")
    return array.reshape(shape, order="F" if by_columns else "C").reshape(-1, features)


def _read_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether numbers lie by columns, and type.

    Raises:
        ValueError: it is damaged, or says objects.
    """
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            version = np.lib.format.read_magic(file)
            shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
    # What numpy raises on damaged bytes has no common base; a header has 64 KiB at most.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(reason) from error
    if version != (1, 0) or dtype.hasobject:
        raise ValueError(f"format {version[0]}.{version[1]}, {dtype}")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"the shape {shape}")
    return shape, by_columns, dtype


def _check_header(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], domain: Domain, features: int
) -> None:
    if dtype != np.uint8:
        raise FewmultError(
            f"{path} holds {dtype} and the model takes uint8, grey values 0 to 255: "
            "scale and convert it with astype"
        )
    if not (
        (len(shape) == 2 and shape[1] == features)
        or (len(shape) in (2, 3) and domain.fits(shape[-2:], features))
    ):
        raise FewmultError(
            f"{path} has the shape {shape} and the model takes images of "
            f"{domain.image_text(features)}: save (rows, columns), (N, rows, columns) or "
            f"(N, {features})"
        )
    if 0 in shape:
        raise FewmultError(f"{path} holds no images: leave it out")


def _scaling(domain: Domain) -> str:
    if domain.image_shape is None:
        return "give one with so many"
    rows, columns = domain.image_shape
    return f"scale it, for example with `magick IN -resize '{columns}x{rows}!' OUT.png`"
