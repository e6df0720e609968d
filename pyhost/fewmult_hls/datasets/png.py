# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Grey PNG images: whatever holds 8-bit grey values without loss, in whichever of PNG's ways."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FewmultError
from .dataset import Array

CONVERT = "convert it, for example with `magick IN -colorspace gray -depth 8 OUT.png`"
"""The fix for an image of another kind."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8s4x4sIIB")  # signature, IHDR, width, height, bits of a sample
_BITS = 8


def is_png(content: bytes) -> bool:
    """Whether a file with this content is a PNG image, whatever its name says."""
    return content.startswith(_SIGNATURE)


def shape(path: Path, content: bytes) -> tuple[int, int]:
    """Rows and columns, from the header alone.

    Args:
        path: names the file in errors.
        content: of the file.

    Raises:
        FewmultError: it is no PNG image, or one with more than 8 bits a sample.
    """
    if not is_png(content):
        raise FewmultError(f"{path} is no PNG image: {CONVERT}, or remove it")
    if len(content) < _HEADER.size or content[12:16] != b"IHDR":
        raise _damaged(path, "its header is not there")
    _, _, columns, rows, bits = _HEADER.unpack_from(content)
    if bits > _BITS:
        raise FewmultError(f"{path} has {bits} bits a pixel where 8 are needed: {CONVERT}")
    return rows, columns


def decode(path: Path, content: bytes) -> Array:
    """The grey values, uint8, (rows, columns); check the ``shape`` first, which may be huge.

    Args:
        path: names the file in errors.
        content: of the file.

    Raises:
        FewmultError: it is damaged, or has colours or transparent pixels.
    """
    image = _opened(path, content)
    if image.mode == "L" and "transparency" not in image.info:
        return np.asarray(image)
    # Palettes, single bits and three equal channels may be grey too.
    values = np.asarray(image.convert("RGBA"))
    grey = values[..., 0]
    if (values[..., 3] != 255).any():
        raise FewmultError(
            f"{path} ({image.mode}) has transparent pixels where grey ones are needed: "
            "lay it on a background and convert it, for example with "
            "`magick IN -background black -flatten -colorspace gray -depth 8 OUT.png`"
        )
    if (values[..., 1:3] != grey[..., None]).any():
        raise FewmultError(f"{path} ({image.mode}) has colours where grey is needed: {CONVERT}")
    return np.ascontiguousarray(grey)


def _opened(path: Path, content: bytes) -> Any:
    """The image, decoded, and its checksums compared."""
    from PIL import Image

    try:
        # Comparing them leaves an image of no further use.
        Image.open(io.BytesIO(content), formats=["PNG"]).verify()
        image = Image.open(io.BytesIO(content), formats=["PNG"])
        image.load()
    except MemoryError:
        raise
    # What Pillow raises on damaged bytes has no common base.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _damaged(path, reason) from error
    if getattr(image, "is_animated", False):
        raise FewmultError(f"{path} is an animation: give its images as files of their own")
    return image


def _damaged(path: Path, reason: str) -> FewmultError:
    return FewmultError(f"{path} is a damaged PNG image ({reason}): copy it again, or remove it")
