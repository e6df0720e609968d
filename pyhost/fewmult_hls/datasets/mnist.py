# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of MNIST: where it is, and the checksums of its content."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import idx
from .folder import STEMS

SOURCE = (
    "Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits, "
    "http://yann.lecun.com/exdb/mnist/"
)
LICENCE = "CC BY-SA 3.0, as stated by the Keras documentation; the source names none"

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)

# Of the unpacked files: some mirrors pack them anew, which changes the bytes of the .gz alone.
CONTENT_SHA256 = dict(
    zip(
        STEMS,
        (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        strict=True,
    )
)
_CONTENT_BYTES = dict(zip(STEMS, (47_040_016, 60_008, 7_840_016, 10_008), strict=True))


def most_bytes(stem: str) -> int:
    """What the file ``stem`` has at most, packed by anyone or not."""
    return _CONTENT_BYTES[stem] + idx.packing_bytes(_CONTENT_BYTES[stem])


def is_published_file(stem: str, path: Path) -> bool:
    """Whether ``path`` holds the published content of the file ``stem``, packed or not.

    Raises:
        FewmultError: the file cannot be read or its gzip data is damaged.
    """
    return idx.content_sha256(path, _CONTENT_BYTES[stem]) == CONTENT_SHA256[stem]


def is_published(files: Mapping[str, Path]) -> bool:
    """Whether all four files hold what was published as MNIST.

    Raises:
        FewmultError: a file cannot be read or its gzip data is damaged.
    """
    return all(is_published_file(stem, files[stem]) for stem in STEMS)
