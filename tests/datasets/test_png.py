# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""PNG images: every way to store grey values, and files that others would take for images."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fewmult_hls.datasets import png
from fewmult_hls.system.errors import FewmultError
from images import chunk, grey, header, pixels, png_bytes, png_of

PATH = Path("x.png")
ROWS, COLUMNS = 3, 5
GREY_ROWS = np.arange(15, dtype=np.uint8).reshape(ROWS, COLUMNS)
RAW = b"".join(b"\0" + bytes(row) for row in GREY_ROWS)
GOOD = (header(ROWS, COLUMNS), pixels(RAW))
PALETTE = bytes(value for level in range(15) for value in (level, level, level))
INDEXED = header(ROWS, COLUMNS, kind=3)


def read(content: bytes) -> np.ndarray:
    shape, values = png.shape(PATH, content), png.decode(PATH, content)
    assert values.shape == shape
    return values


def test_parts_that_change_no_pixel() -> None:
    packed = zlib.compress(RAW)
    for parts in (
        GOOD,
        (GOOD[0], chunk(b"IDAT", packed[:4]), chunk(b"IDAT"), chunk(b"IDAT", packed[4:])),
        (GOOD[0], chunk(b"tEXt", b"a\0b"), chunk(b"gAMA", bytes(4)), GOOD[1], chunk(b"tIME", b"")),
        (GOOD[0], chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(1 << 20))), GOOD[1]),
        (INDEXED, chunk(b"PLTE", PALETTE), GOOD[1]),
        (INDEXED, chunk(b"PLTE", PALETTE), chunk(b"tRNS", b"\xff" * 15), GOOD[1]),
        (GOOD[0], chunk(b"tRNS", b"\0\x50"), GOOD[1]),
    ):
        np.testing.assert_array_equal(read(png_of(*parts)), GREY_ROWS)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 8), (9, 13)])
def test_interlaced_and_few_bits(bits: int, size: tuple[int, int]) -> None:
    """Packed by hand, from the standard."""
    rows, columns = size
    most = (1 << bits) - 1
    levels = (np.arange(rows * columns) * 7 % (most + 1)).reshape(size)
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
    for interlaced, passes in enumerate([((0, 0, 1, 1),), (*starts, (0, 1, 1, 2))]):
        raw = b""
        for column, row, step, row_step in passes:
            for line in levels[row::row_step, column::step]:
                digits = "".join(f"{level:0{bits}b}" for level in line)
                padded = digits.ljust(-(-len(digits) // 8) * 8, "0")
                if digits:
                    raw += b"\0" + int(padded, 2).to_bytes(len(padded) // 8, "big")
        content = png_of(header(rows, columns, bits, 0, interlaced), pixels(raw))
        np.testing.assert_array_equal(read(content), levels * 255 // most)
        short = png_of(header(rows, columns, bits, 0, interlaced), pixels(raw[:-1]))
        with pytest.raises(FewmultError, match="fewer pixels"):
            read(short)


TWICE = [
    (chunk(b"IHDR", struct.pack(">IIBBBBB", 5, 2, 8, 0, 0, 0, 0)), "IHDR IHDR IDAT IEND"),
    (header(ROWS, COLUMNS), "not those of one image: IHDR IHDR IDAT IEND"),
]
STRANGE = [
    *[((GOOD[0], second, GOOD[1]), text) for second, text in TWICE],
    ((*GOOD, GOOD[0]), "not those of one image: IHDR IDAT IHDR IEND"),
    ((GOOD[1], GOOD[0]), "does not begin with its header"),
    ((GOOD[0],), "not those of one image: IHDR IEND"),
    ((*GOOD, chunk(b"IEND"), *GOOD), "bytes follow its end"),
    ((GOOD[0], *[chunk(b"IDAT")] * 10_000, GOOD[1]), "more than 10,000 parts"),
    ((GOOD[0], GOOD[1], chunk(b"tEXt", b"a\0b"), chunk(b"IDAT")), "between its pixels"),
    ((GOOD[0], chunk(b"NEWX"), GOOD[1]), "not those of one image: IHDR NEWX IDAT IEND"),
    ((GOOD[0], chunk(b"PLTE", PALETTE), GOOD[1]), "palette does not fit"),
    ((INDEXED, GOOD[1]), "has no palette"),
    ((INDEXED, chunk(b"PLTE", PALETTE[:-1]), GOOD[1]), "palette is cut short"),
    ((INDEXED, chunk(b"PLTE"), GOOD[1]), "palette does not fit"),
    ((INDEXED, chunk(b"PLTE", PALETTE[:-3]), GOOD[1]), "a colour that its palette lacks"),
    ((INDEXED, GOOD[1], chunk(b"PLTE", PALETTE)), "IHDR IDAT PLTE"),
    ((INDEXED, *[chunk(b"PLTE", PALETTE)] * 2, GOOD[1]), "IHDR PLTE PLTE"),
    ((INDEXED, chunk(b"PLTE", PALETTE), chunk(b"tRNS", bytes(16)), GOOD[1]), "transparency"),
    ((GOOD[0], chunk(b"tRNS", b"\0"), GOOD[1]), "transparency does not fit"),
    ((GOOD[0], chunk(b"tRNS", b"\1\7"), GOOD[1]), "transparency does not fit"),
    ((GOOD[0], GOOD[1], chunk(b"tRNS", b"\0\7")), "IHDR IDAT tRNS"),
    ((GOOD[0], chunk(b"tRNS", b"\0\7"), GOOD[1]), "has transparent pixels"),
    ((GOOD[0], pixels(RAW[:-1])), "fewer pixels than its header says"),
    ((GOOD[0], pixels(RAW[:-6])), "fewer pixels than its header says"),
    ((GOOD[0], pixels(RAW + b"\0")), "more pixels than its header says"),
    ((GOOD[0], pixels(RAW * 100_000)), "more pixels than its header says"),
    ((GOOD[0], chunk(b"IDAT", zlib.compress(RAW) + b"\0")), "more pixels than its header says"),
    ((GOOD[0], chunk(b"IDAT", zlib.compress(RAW)[:-1])), "fewer pixels than its header says"),
    ((GOOD[0], chunk(b"IDAT", zlib.compress(RAW)[:-4] + bytes(4))), "its pixels are damaged"),
    ((GOOD[0], chunk(b"IDAT", RAW)), "its pixels are damaged"),
    ((GOOD[0], chunk(b"IDAT")), "fewer pixels"),
    ((GOOD[0], pixels(b"\5" + RAW[1:])), "damaged PNG image"),
    ((GOOD[0], chunk(b"acTL", struct.pack(">II", 1, 0)), GOOD[1]), "is an animation"),
    ((GOOD[0], chunk(b"acTL", bytes(8)), GOOD[1]), "is an animation"),
    ((*GOOD, chunk(b"fdAT", bytes(9))), "is an animation"),
]


@pytest.mark.parametrize(("parts", "message"), STRANGE, ids=range(len(STRANGE)))
def test_what_others_would_take(parts: tuple[bytes, ...], message: str) -> None:
    content = png_of(*parts)
    with pytest.raises(FewmultError) as error:
        read(content)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "fields",
    [
        (0, 3, 8, 0, 0, 0, 0),
        (5, 0, 8, 0, 0, 0, 0),
        (5, 3, 3, 0, 0, 0, 0),
        (5, 3, 4, 2, 0, 0, 0),
        (5, 3, 8, 1, 0, 0, 0),
        (5, 3, 8, 0, 1, 0, 0),
        (5, 3, 8, 0, 0, 1, 0),
        (5, 3, 8, 0, 0, 0, 2),
    ],
)
def test_headers_that_mean_nothing(fields: tuple[int, ...]) -> None:
    content = png_of(chunk(b"IHDR", struct.pack(">IIBBBBB", *fields)), GOOD[1])
    with pytest.raises(FewmultError, match="its header means nothing"):
        png.shape(PATH, content)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_transparent_values_of_few_bits(bits: int) -> None:
    """Pillow compares them with values that it has made 8 bits of."""
    most = (1 << bits) - 1
    parts = header(1, 1, bits), pixels(b"\0" + bytes([most << 8 - bits]))
    with_value = (chunk(b"tRNS", bytes([0, value])) for value in (most, most - 1))
    transparent, other = (png_of(parts[0], value, parts[1]) for value in with_value)
    with pytest.raises(FewmultError, match="has transparent pixels"):
        read(transparent)
    assert read(other).tolist() == [[255]]


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"pHYs", b"sRGB", b"cHRM"])
def test_nothing_else_in_a_file_is_looked_into(kind: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in (b"", b"\xff", b"a\0\0" + zlib.compress(bytes(1 << 24))):
            content = png_of(GOOD[0], chunk(kind, values), GOOD[1])
            np.testing.assert_array_equal(read(content), GREY_ROWS)


@pytest.mark.slow
@settings(max_examples=300)
@given(data=st.data())
def test_any_damage_is_refused(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(["L", "P", "RGB", "1"]))
    image = grey(6, 255)
    whole = bytearray(png_bytes(image, mode))
    at = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["change", "cut", "insert", "double"]))
    if kind == "change":
        whole[at] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del whole[at : at + data.draw(st.integers(1, 20))]
    else:
        more = data.draw(st.binary(min_size=1, max_size=20)) if kind == "insert" else whole[at:]
        whole[at:at] = more
    with pytest.raises(FewmultError):
        read(bytes(whole))


def test_what_pillow_writes_is_read() -> None:
    random = np.random.default_rng(2).integers(0, 256, (13, 11)).astype(np.uint8)
    for options in ({}, {"optimize": True}, {"dpi": (300, 300)}, {"icc_profile": b"profile"}):
        file = io.BytesIO()
        Image.fromarray(random).save(file, "PNG", **options)  # type: ignore[arg-type]
        np.testing.assert_array_equal(read(file.getvalue()), random)
