# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Published sets: where they come from, and the checksums of what was published.

The facts are in ``published.toml``, all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..system.schema import parse_toml, typed
from . import idx

FILE_NAME = "published.toml"


@dataclass(frozen=True)
class PublishedFile:
    """A file of a published set.

    Attributes:
        name: of the file; where it is packed, without the ``.gz`` that it has on mirrors.
        sha256: of its content.
        size: bytes of its content.
        packed: whether mirrors have it gzipped, and the checksum is of what is in it: some pack it
            anew, which changes the bytes of the .gz alone.
    """

    name: str
    sha256: str
    size: int
    packed: bool = False

    @property
    def remote_name(self) -> str:
        """The name that mirrors have it under."""
        return f"{self.name}.gz" if self.packed else self.name

    @property
    def most_bytes(self) -> int:
        """What it has at most, packed by anyone or not."""
        return self.size + (idx.packing_bytes(self.size) if self.packed else 0)

    def among(self, files: Mapping[str, Path]) -> Path | None:
        """The one of files, by their names with or without ``.gz``, that should be this one."""
        return files.get(self.name, files.get(self.name.removesuffix(".gz")))

    def is_in(self, path: Path) -> bool:
        """Whether ``path`` holds the published content.

        Raises:
            FewmultError: the file cannot be read or its gzip data is damaged.
        """
        return idx.content_sha256(path, self.size, unpack=self.packed) == self.sha256


@dataclass(frozen=True)
class PublishedSet:
    """What is known of a set that was published.

    Attributes:
        title: what it is called in text.
        classes: how many there are, whatever the labels.
        source: who made it, and where.
        licence: as far as one is stated.
        checksums: who states them.
        mirrors: base URLs.
        files: what is fetched from them.
        others: files that hold the same set, each of them alone.
    """

    title: str
    classes: int
    source: str
    licence: str
    checksums: str
    mirrors: tuple[str, ...]
    files: tuple[PublishedFile, ...]
    others: tuple[PublishedFile, ...] = ()

    def is_in(self, files: Mapping[str, Path]) -> bool:
        """Whether files, by their names, hold what was published.

        Raises:
            FewmultError: a file cannot be read or its gzip data is damaged.
        """
        whole = (self.files, *((other,) for other in self.others))
        return any(
            all((path := file.among(files)) is not None and file.is_in(path) for file in parts)
            for parts in whole
        )


def _read() -> dict[str, PublishedSet]:
    content = resources.files(__package__).joinpath(FILE_NAME).read_bytes()
    return {name: typed(PublishedSet, facts) for name, facts in parse_toml(content).items()}


PUBLISHED = _read()
"""The sets that can be fetched, by name."""


def known_classes(name: str) -> int | None:
    """How many classes the set of that name has, if that is known without its labels."""
    return PUBLISHED[name].classes if name in PUBLISHED else None
