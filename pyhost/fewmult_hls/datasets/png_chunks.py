# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The structure of a PNG file: its chunks, whole and in order, with as many pixels as it says.

Those who read PNG forgive much: of two headers one counts, and rows that lack become black. What
could make other pixels of the same bytes is refused here.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, COLOURS, PALETTE, GREY_ALPHA, COLOURS_ALPHA = 0, 2, 3, 4, 6

# Samples of a pixel, bits that they may have, and bytes of the one transparent value, if an image
# can have one; a palette has one a colour.
_KINDS: dict[int, tuple[int, tuple[int, ...], int | None]] = {
    GREY: (1, (1, 2, 4, 8, 16), 2),
    COLOURS: (3, (8, 16), 6),
    PALETTE: (1, (1, 2, 4, 8), None),
    GREY_ALPHA: (2, (8, 16), None),
    COLOURS_ALPHA: (4, (8, 16), None),
}
_HEADER = struct.Struct(">IIBBBBB")
_CHUNK_BYTES = 12  # length, kind and checksum
_MOST_CHUNKS = 10_000  # far more than the pixels that a net takes are ever cut into
_ORDER = re.compile(rb"IHDR(PLTE)?(tRNS)?(IDAT)+IEND")
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
# The passes of an interlaced image: first column and row, and the steps to the next ones.
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class Header(NamedTuple):
    """What the first chunk says; ``bits`` are those of a sample, ``kind`` is as ``GREY``."""

    columns: int
    rows: int
    bits: int
    kind: int
    packing: int
    filtering: int
    interlaced: int

    @property
    def pixel_bytes(self) -> int:
        """Bytes of the unpacked pixels, with one in front of each row."""
        total, bits = 0, _KINDS[self.kind][0] * self.bits
        for column, row, step, row_step in _PASSES if self.interlaced else ((0, 0, 1, 1),):
            columns = -((column - self.columns) // step)
            rows = -((row - self.rows) // row_step)
            if columns > 0 and rows > 0:
                total += rows * (1 + -(-columns * bits // 8))
        return total


class Png(NamedTuple):
    """All that the pixels of a file follow from."""

    header: Header
    palette: bytes
    transparency: bytes
    packed: bytes
    animated: bool

    @property
    def colours(self) -> int:
        """How many colours the palette has."""
        return len(self.palette) // 3

    @property
    def content(self) -> bytes:
        """A file that has these pixels, and nothing but them."""
        chunks = [(b"IHDR", _HEADER.pack(*self.header)), (b"PLTE", self.palette)]
        chunks += [(b"tRNS", self.transparency), (b"IDAT", self.packed)]
        there = (_chunk(kind, values) for kind, values in chunks if values)
        return b"".join((SIGNATURE, *there, _chunk(b"IEND", b"")))


def read_header(content: bytes) -> Header:
    """The header of a file that begins with ``SIGNATURE``.

    Raises:
        ValueError: it is not there, or means nothing.
    """
    kind, values = next(_chunks(content))
    if kind != b"IHDR" or len(values) != _HEADER.size:
        raise ValueError("it does not begin with its header")
    header = Header(*_HEADER.unpack(values))
    if (
        0 in header[:2]
        or header.kind not in _KINDS
        or header.bits not in _KINDS[header.kind][1]
        or (header.packing, header.filtering) != (0, 0)
        or header.interlaced > 1
    ):
        raise ValueError("its header means nothing")
    return header


def read_png(content: bytes) -> Png:
    """What is in a file that begins with ``SIGNATURE``; its pixels are unpacked once, to count.

    Raises:
        ValueError: it is not as the standard of PNG says.
    """
    header, chunks = read_header(content), list(_chunks(content))
    kinds = [kind for kind, _ in chunks]
    # A capital says that a chunk is needed to understand the others.
    judged = [kind for kind in kinds if kind == b"tRNS" or kind[:1].isupper()]
    if not _ORDER.fullmatch(b"".join(judged)):
        order = b" ".join(judged[:8]).decode()
        raise ValueError(f"its parts are not those of one image: {order}")
    first, number = kinds.index(b"IDAT"), kinds.count(b"IDAT")
    if kinds[first : first + number] != [b"IDAT"] * number:
        raise ValueError("other parts are between its pixels")
    found = dict(chunks)
    png = Png(
        header,
        found.get(b"PLTE", b""),
        found.get(b"tRNS", b""),
        b"".join(values for kind, values in chunks if kind == b"IDAT"),
        animated=not _ANIMATION.isdisjoint(kinds),
    )
    _check_colours(png, has_palette=b"PLTE" in kinds, has_transparency=b"tRNS" in kinds)
    _check_pixels(png)
    return png


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and values of each chunk, up to the last."""
    at, kind, left = len(SIGNATURE), b"", _MOST_CHUNKS
    while kind != b"IEND":
        left -= 1
        if not left:
            raise ValueError(f"it has more than {_MOST_CHUNKS:,} parts")
        size = int.from_bytes(content[at : at + 4], "big")
        if at + _CHUNK_BYTES + size > len(content):
            raise ValueError("it is cut short")
        kind, values = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        if not (kind.isalpha() and content[at : at + _CHUNK_BYTES + size] == _chunk(kind, values)):
            raise ValueError(f"its checksum of {kind.decode('ascii', 'replace')!r} is wrong")
        yield kind, values
        at += _CHUNK_BYTES + size
    if at != len(content):
        raise ValueError(f"{len(content) - at:,} bytes follow its end")


def _chunk(kind: bytes, values: bytes) -> bytes:
    sum_ = zlib.crc32(kind + values)
    return len(values).to_bytes(4, "big") + kind + values + sum_.to_bytes(4, "big")


def _check_colours(png: Png, *, has_palette: bool, has_transparency: bool) -> None:
    header = png.header
    if has_palette:
        most = 1 << header.bits if header.kind == PALETTE else 256
        if header.kind in (GREY, GREY_ALPHA) or not 0 < len(png.palette) <= 3 * most:
            raise ValueError("its palette does not fit its header")
        if len(png.palette) % 3:
            raise ValueError("its palette is cut short")
    elif header.kind == PALETTE:
        raise ValueError("it has no palette")
    if has_transparency and not _fits_transparency(png):
        raise ValueError("its transparency does not fit its header")


def _fits_transparency(png: Png) -> bool:
    header, size = png.header, len(png.transparency)
    if header.kind == PALETTE:
        return 0 < size <= png.colours
    samples = [png.transparency[k : k + 2] for k in range(0, size, 2)]
    return size == _KINDS[header.kind][2] and all(
        int.from_bytes(sample, "big") >> header.bits == 0 for sample in samples
    )


def _check_pixels(png: Png) -> None:
    """Whether there are just as many as the header says."""
    wanted, stream = png.header.pixel_bytes, zlib.decompressobj()
    try:
        found = len(stream.decompress(png.packed, wanted + 1))
    except zlib.error as error:
        raise ValueError(f"its pixels are damaged: {error}") from error
    if found > wanted or stream.unused_data:
        raise ValueError("it has more pixels than its header says")
    if found < wanted or not stream.eof:
        raise ValueError("it has fewer pixels than its header says")
