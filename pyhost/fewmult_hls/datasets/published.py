# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Published sets: where they come from, and the checksums of what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import idx
from .folder import STEMS


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
        mirrors: base URLs.
        files: what is fetched from them.
        others: files that hold the same set, each of them alone.
    """

    title: str
    classes: int
    source: str
    licence: str
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
            all(file.name in files and file.is_in(files[file.name]) for file in parts)
            for parts in whole
        )


_MNIST = PublishedSet(
    "MNIST",
    10,
    "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits, "
    "http://yann.lecun.com/exdb/mnist/",
    "CC BY-SA 3.0, as stated by the Keras documentation; the source names none",
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    tuple(
        PublishedFile(stem, sha256, size, packed=True)
        for stem, sha256, size in zip(
            STEMS,
            (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
            (47_040_016, 60_008, 7_840_016, 10_008),
            strict=True,
        )
    ),
)

_CIFAR10 = PublishedSet(
    "CIFAR-10",
    10,
    "A. Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, "
    "https://www.cs.toronto.edu/~kriz/cifar.html",
    "not known: the source names none",
    ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"),
    (
        PublishedFile(
            "cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
        ),
    ),
    (
        PublishedFile(
            "cifar-10-python.tar.gz",
            "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            170_498_071,
        ),
    ),
)

_SVHN = PublishedSet(
    "SVHN",
    10,
    "Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu and A. Y. Ng (2011), Reading Digits in "
    "Natural Images with Unsupervised Feature Learning, http://ufldl.stanford.edu/housenumbers/",
    "for non-commercial use only, as stated by the source",
    ("http://ufldl.stanford.edu/housenumbers/",),
    (
        PublishedFile(
            "train_32x32.mat",
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            182_040_794,
        ),
        PublishedFile(
            "test_32x32.mat",
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            64_275_384,
        ),
    ),
)

PUBLISHED = {"mnist": _MNIST, "cifar10": _CIFAR10, "svhn": _SVHN}
"""The sets that can be fetched, by name."""


def known_classes(name: str) -> int | None:
    """How many classes the set of that name has, if that is known without its labels."""
    return PUBLISHED[name].classes if name in PUBLISHED else None
