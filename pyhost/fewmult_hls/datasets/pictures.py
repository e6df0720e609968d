# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures in files, PNG, JPEG, BMP or WebP: their size before anything is decoded, then bytes.

PNG has a reader of its own (``png``). What a JPEG or WebP file decodes to is not fixed to the bit:
releases of the libraries behind Pillow may differ by a grey value. Everything behind is integers.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..contract.limits import MAX_WIDTH
from ..system import memory
from ..system.errors import FewmultError, library_faults
from ..system.files import open_regular, read_file
from . import png
from .dataset import Array
from .preprocessing import Preprocessing, check_proportions

NAMES = "PNG, JPEG, BMP or WebP"
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
MOST_BYTES = png.LIMIT
MOST_PIXELS = 1 << 26
"""More than this, and a small file may be meant to fill the memory."""
BEGIN = 12
"""Bytes by which a kind is told."""

_BYTES_DECODING = 12  # a pixel, at most: as decoded, with transparency, and as bytes again
# Each block of 8x8 pixels takes a bit. Where some are missing, the library makes them grey.
_PIXELS_BYTE = 8 * 8 * 8
_ORIENTATION = 274  # EXIF's tag
# What EXIF's values, 1 to 8, do to rows and columns that lie as they were stored.
_UPRIGHT: dict[int, Callable[[Array], Array]] = {
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
    8: np.rot90,
}
_LYING = 5  # from here on, rows are columns


class Picture(NamedTuple):
    """An image that is not decoded yet.

    Attributes:
        shape: rows and columns, when it is upright.
        decode: gives (rows, columns), or (rows, columns, 3) if some pixel is not grey.
    """

    shape: tuple[int, int]
    decode: Callable[[], Array]


def kind_of(begin: bytes) -> str | None:
    """What a file is whose first bytes these are, whatever its name says; None if no picture."""
    if png.is_png(begin):
        return "PNG"
    if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP":
        return "WebP"
    return {b"\xff\xd8": "JPEG", b"BM": "BMP"}.get(begin[:2])


def is_picture(path: Path) -> bool:
    """Whether a file is one by its name, or else by its first bytes."""
    if path.suffix.lower() in ENDINGS:
        return True
    try:
        with open_regular(path) as file:
            return kind_of(file.read(BEGIN)) is not None
    except FewmultError:
        return False


def read_picture(path: Path, made: Preprocessing) -> Array:
    """The picture in a file, as a net is given it; see ``picture_of``."""
    return picture_of(path, read_file(path, MOST_BYTES), made)


def picture_of(path: Path, content: bytes, made: Preprocessing) -> Array:
    """A picture as a net is given it: upright, grey and scaled as training did it.

    Args:
        path: names it in errors.
        content: of the file.
        made: what is done to it.

    Returns:
        (rows, columns), or (rows, columns, 3) if some pixel is not grey.

    Raises:
        FewmultError: it is none, damaged or too large.
    """
    picture = _opened(path, content)
    rows, columns = picture.shape
    shown = f"{path} has {rows}x{columns} pixels"
    if rows * columns > MOST_PIXELS:
        raise FewmultError(f"{shown}, and at most {MOST_PIXELS:,} are read: scale it down")
    if made.resize is None and rows * columns > MAX_WIDTH:
        raise FewmultError(
            f"{shown}, and a net takes at most {MAX_WIDTH:,}: train with --resize, such as "
            "--resize 32x32, or scale all images down"
        )
    if made.resize is not None:
        check_proportions(str(path), picture.shape, made.resize)
    memory.check(shown, rows * columns * _BYTES_DECODING, "scale it down")
    image: Array = made.images(str(path), picture.decode()[None])[0]
    return image


def _opened(path: Path, content: bytes) -> Picture:
    kind = kind_of(content)
    if kind is None:
        raise FewmultError(f"{path} is no {NAMES} image: convert it, or remove it")
    if kind == "PNG":
        return Picture(png.shape(path, content), lambda: png.decode(path, content))
    if kind == "WebP":
        _check_webp(path, content)
    image, orientation = _read(path, kind, lambda: _header(kind, content))
    columns, rows = image.size

    def decode() -> Array:
        if kind == "JPEG" and rows * columns > len(content) * _PIXELS_BYTE:
            raise FewmultError(
                f"{path} is a damaged JPEG image: it has fewer pixels than its header says: "
                "copy it again, or remove it"
            )
        values = _read(path, kind, lambda: _values(image))
        upright = _UPRIGHT.get(orientation, np.asarray)(values)
        return np.ascontiguousarray(upright)

    return Picture((columns, rows) if orientation >= _LYING else (rows, columns), decode)


def _header(kind: str, content: bytes) -> tuple[Any, int]:
    """An image of Pillow's, not decoded, and which of its sides is up."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(content), formats=[kind.upper()])
    except Image.DecompressionBombError:
        raise ValueError(f"it says that it has more than {MOST_PIXELS:,} pixels") from None
    try:
        orientation = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # of others' programs, in what is no part of the picture
        orientation = 1
    return image, orientation if 1 <= orientation <= max(_UPRIGHT) else 1


def _values(image: Any) -> Array:
    image.load()
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"):
        raise ValueError(f"its pixels are {image.mode}, and 8 bits a channel are needed")
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.mode in ("RGB", "CMYK"):
        return png.without_colour(np.asarray(image.convert("RGB")))
    values = np.asarray(image.convert("RGBA"))
    if (values[..., 3] != 255).any():
        raise ValueError("it has transparent pixels, and a background is not known")
    return png.without_colour(values[..., :3])


def _read(path: Path, kind: str, action: Callable[[], Any]) -> Any:
    def fault(reason: str) -> FewmultError:
        return FewmultError(
            f"{path} is a damaged {kind} image, or none that can be taken ({reason}): copy it "
            "again, convert it anew, or remove it"
        )

    with library_faults(fault), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes are looked at here
        return action()


def _check_webp(path: Path, content: bytes) -> None:
    """Whether it is one picture and not huge: its library takes memory for all of it at once."""
    kind, body = content[12:16], content[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        if body[0] & 2:
            raise FewmultError(f"{path} is an animation: give its images as files of their own")
        sides = [int.from_bytes(body[k : k + 3], "little") + 1 for k in (4, 7)]
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        sides = [(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1]
    else:
        sides = [int.from_bytes(body[k : k + 2], "little") & 0x3FFF for k in (6, 8)]
    columns, rows = sides
    if rows * columns > MOST_PIXELS:
        raise FewmultError(
            f"{path} has {rows}x{columns} pixels, and at most {MOST_PIXELS:,} are read: "
            "scale it down"
        )
