# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""PNG images: whatever holds 8-bit values without loss, in whichever of PNG's ways."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..system.errors import FewmultError, library_faults
from .dataset import Array
from .png_chunks import GREY, PALETTE, SIGNATURE, Png, read_header, read_png

CONVERT = "convert it, for example with `magick IN -colorspace gray -depth 8 OUT.png`"
"""The fix for an image of another kind."""
LIMIT = 1 << 26
"""Bytes of a file: as large photographs have."""

_BITS = 8


def is_png(content: bytes) -> bool:
    """Whether a file with this content is a PNG image, whatever its name says."""
    return content.startswith(SIGNATURE)


def shape(path: Path, content: bytes) -> tuple[int, int]:
    """Rows and columns of the image in a file's content, from the header alone.

    Raises:
        FewmultError: it is no PNG image, or one with more than 8 bits a sample.
    """
    if not is_png(content):
        raise FewmultError(f"{path} is no PNG image: {CONVERT}, or remove it")
    try:
        header = read_header(content)
    except ValueError as error:
        raise _damaged(path, error) from error
    if header.bits > _BITS:
        raise FewmultError(f"{path} has {header.bits} bits a pixel where 8 are needed: {CONVERT}")
    return header.rows, header.columns


def decode(path: Path, content: bytes) -> Array:
    """The values, uint8; check the ``shape`` first, which may be huge.

    Returns:
        (rows, columns), or (rows, columns, 3), red, green and blue, if some pixel is not grey.

    Raises:
        FewmultError: it is damaged or has transparent pixels.
    """
    try:
        png = read_png(content)
        image = _opened(png)
    except ValueError as error:
        raise _damaged(path, error) from error
    if png.animated:
        raise FewmultError(f"{path} is an animation: give its images as files of their own")
    if image.mode == "L" and not png.transparency:
        return np.asarray(image)
    # Palettes, single bits and three equal channels may be grey too.
    values = np.asarray(image.convert("RGBA"))
    if (values[..., 3] != 255).any() or _has_transparent_grey(png, values[..., 0]):
        raise FewmultError(
            f"{path} ({image.mode}) has transparent pixels, and a background is not known: "
            "lay it on one, for example with `magick IN -background black -flatten -depth 8 "
            "OUT.png`"
        )
    return without_colour(values[..., :3])


def without_colour(colours: Array) -> Array:
    """(rows, columns) of colours (rows, columns, 3) that are all grey; else the colours."""
    grey = colours[..., 0]
    if (colours[..., 1:] == grey[..., None]).all():
        return np.ascontiguousarray(grey)
    return np.ascontiguousarray(colours)


def _opened(png: Png) -> Any:
    """The image, decoded.

    Raises:
        ValueError: its pixels mean nothing.
    """
    from PIL import Image

    with library_faults(ValueError), warnings.catch_warnings():
        warnings.simplefilter("error")
        # Of what else a file may have, nothing reaches the library.
        image = Image.open(io.BytesIO(png.content), formats=["PNG"])
        image.load()
    if png.header.kind == PALETTE and np.asarray(image).max() >= png.colours:
        raise ValueError("it has pixels of a colour that its palette lacks")
    return image


def _has_transparent_grey(png: Png, grey: Array) -> bool:
    """Whether a pixel has the value that is transparent; Pillow takes it for one of 8 bits."""
    if png.header.kind != GREY or not png.transparency:
        return False
    value, most = int.from_bytes(png.transparency, "big"), (1 << png.header.bits) - 1
    return bool((grey == value * 255 // most).any())


def _damaged(path: Path, reason: object) -> FewmultError:
    return FewmultError(
        f"{path} is a damaged PNG image ({reason}): copy it again, convert it anew, or remove it"
    )
