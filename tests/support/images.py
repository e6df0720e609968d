# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""PNG images for tests: good, odd and damaged."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]


def png_bytes(pixels: npt.NDArray[Any], mode: str = "L", **options: Any) -> bytes:
    """A PNG file of a mode that Pillow makes of grey ``pixels``."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "PNG", **options)
    return file.getvalue()


def write_png(path: Path, pixels: npt.NDArray[Any], mode: str = "L", **options: Any) -> Path:
    """Its path; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(pixels, mode, **options))
    return path


def grey(side: int, value: int) -> Pixels:
    """One grey value."""
    return np.full((side, side), value, np.uint8)


def coloured(side: int) -> Pixels:
    """(side, side, 3), nowhere grey."""
    return np.full((side, side, 3), (10, 20, 30), np.uint8)


def translucent(side: int) -> Pixels:
    """(side, side, 4), grey, but one can see through it."""
    return np.full((side, side, 4), (9, 9, 9, 200), np.uint8)


def raw_png(pixels: npt.NDArray[Any]) -> bytes:
    """A PNG file of an array as it is: colours, transparency, 16 bits."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def chunk(kind: bytes, values: bytes = b"") -> bytes:
    """A part of a PNG file, with its checksum."""
    return (
        struct.pack(">I", len(values))
        + kind
        + values
        + struct.pack(">I", zlib.crc32(kind + values))
    )


def header(rows: int, columns: int, bits: int = 8, kind: int = 0, interlaced: int = 0) -> bytes:
    """The first part of a PNG file; ``kind`` is the standard's colour type."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, bits, kind, 0, 0, interlaced))


def pixels(raw: bytes) -> bytes:
    """The part with the pixels, of rows that begin with their filter."""
    return chunk(b"IDAT", zlib.compress(raw))


def png_of(*chunks: bytes) -> bytes:
    """A PNG file of these parts and its end."""
    return b"".join((b"\x89PNG\r\n\x1a\n", *chunks, chunk(b"IEND")))
