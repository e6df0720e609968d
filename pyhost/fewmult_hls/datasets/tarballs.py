# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Files in a tar archive, gzipped or not: read in one pass, never unpacked to the disk."""

from __future__ import annotations

import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ..system.errors import FewmultError
from . import idx

_CHUNK = 1 << 20


def read_members(
    path: Path, names: Collection[str], largest: int, limit: int
) -> Iterator[tuple[str, bytes]]:
    """The files of those names in an archive, whatever folders they are in, with their content.

    Args:
        path: of the archive.
        names: of files, each of which it may have once.
        largest: bytes that each of them may have.
        limit: bytes that the archive may have, unpacked.

    Raises:
        FewmultError: it cannot be read, is damaged or larger, or has one of the files twice.
    """
    with idx.unpacked(path) as stream:
        bounded, found = _Bounded(path, stream, limit), set()
        try:
            with tarfile.open(fileobj=bounded, mode="r|") as archive:  # type: ignore[call-overload]
                for member in archive:
                    name = PurePosixPath(member.name).name
                    if name not in names or not member.isreg():
                        continue
                    if name in found or member.size > largest:
                        raise FewmultError(
                            f"{path} has {name} twice, or with more than {largest:,} bytes: "
                            f"{idx.AGAIN}"
                        )
                    found.add(name)
                    file = archive.extractfile(member)
                    assert file is not None  # of a regular file
                    yield name, file.read()
        except (tarfile.TarError, UnicodeError, OverflowError) as error:
            raise FewmultError(
                f"{path} is no tar archive, or is damaged ({error}); {idx.AGAIN}"
            ) from error
        bounded.drain()


class _Bounded:
    """A stream that ends with an error where more comes than an archive can have."""

    def __init__(self, path: Path, stream: BinaryIO, limit: int) -> None:
        self._path, self._stream, self._left = path, stream, limit

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise FewmultError(
                f"{self._path} is larger than any archive of the set, unpacked; {idx.AGAIN}"
            )
        return content

    def drain(self) -> None:
        """Reads on to the end, which makes gzip compare its checksum."""
        while self.read(_CHUNK):
            pass
