# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Small sets in the formats that CIFAR-10 and SVHN were published in."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

BATCHES = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")
COUNT = 12  # images of a batch

Images = npt.NDArray[np.uint8]


def images(count: int, seed: int) -> Images:
    """Images (count, 32, 32, 3)."""
    values = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3))
    return values.astype(np.uint8)


def labels(count: int) -> Images:
    """Labels of ten classes in turn."""
    return (np.arange(count) % 10).astype(np.uint8)


def planes(pixels: Images) -> Images:
    """Rows of planes of red, green and blue, (N, 3072)."""
    return pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1)


def binary_batch(pixels: Images, classes: Images) -> bytes:
    """A batch of CIFAR-10's binary version."""
    return np.concatenate([classes[:, None], planes(pixels)], axis=1).tobytes()


def python_batch(pixels: Images, classes: Images, name: str) -> bytes:
    """A batch as cPickle of Python 2 wrote it, with memo and in protocol 2."""
    return _Pickle().batch(planes(pixels), classes.tolist(), name)


class _Pickle:
    """Writes as cPickle did: all but small integers are kept in the memo."""

    def __init__(self) -> None:
        self._kept = 0

    def batch(self, data: Images, classes: list[int], name: str) -> bytes:
        names = [f"image_{k}.png" for k in range(len(classes))]
        items = (
            (b"batch_label", self.text(name.encode())),
            (b"labels", self.list(b"".join(b"K" + bytes([k]) for k in classes))),
            (b"data", self.array(data)),
            (b"filenames", self.list(b"".join(self.text(n.encode()) for n in names))),
        )
        body = b"".join(self.text(key) + value for key, value in items)
        return b"\x80\x02" + self.keep(b"}") + b"(" + body + b"u."

    def keep(self, value: bytes) -> bytes:
        self._kept += 1
        number = self._kept
        return value + (
            b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number)
        )

    def text(self, value: bytes) -> bytes:
        short = len(value) < 256
        head = b"U" + bytes([len(value)]) if short else b"T" + struct.pack("<i", len(value))
        return self.keep(head + value)

    def list(self, items: bytes) -> bytes:
        return self.keep(b"]") + b"(" + items + b"e"

    def array(self, data: Images) -> bytes:
        """What ``numpy.ndarray.__reduce__`` gave."""
        rows, columns = (b"M" + struct.pack("<H", size) for size in data.shape)
        name = self.keep(b"cnumpy.core.multiarray\n_reconstruct\n")
        kind = self.keep(b"cnumpy\nndarray\n")
        empty = name + kind + self.keep(b"K\x00\x85") + self.text(b"b") + self.keep(b"\x87")
        dtype = (
            self.keep(b"cnumpy\ndtype\n") + self.text(b"u1") + b"K\x00K\x01" + self.keep(b"\x87")
        )
        minus = b"J\xff\xff\xff\xff"
        state = b"(K\x03" + self.text(b"|") + b"NNN" + 2 * minus + b"K\x00" + self.keep(b"t") + b"b"
        shape = rows + columns + self.keep(b"\x86")
        content = self.text(data.tobytes())
        described = self.keep(dtype + b"R") + state
        return self.keep(empty + b"R") + b"(K\x01" + shape + described + b"\x89" + content + b"tb"


def cifar_batches(end: str = ".bin", count: int = COUNT) -> dict[str, bytes]:
    """The six batches by name, in the binary version or, without ``.bin``, that of Python."""
    batches = {}
    for k, name in enumerate(BATCHES):
        pixels, classes = images(count, k), labels(count)
        is_binary = end == ".bin"
        content = binary_batch if is_binary else lambda p, c, n=name: python_batch(p, c, n)
        batches[name + end] = content(pixels, classes)
    return batches


def write_all(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The folder, with the files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def tarball(path: Path, folder: str, files: Mapping[str, bytes]) -> Path:
    """An archive with the files in a folder, gzipped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def svhn_arrays(count: int, seed: int) -> dict[str, Images]:
    """X and y of so many images, with label 10 for the digit 0."""
    classes = labels(count)
    classes[classes == 0] = 10
    return {"X": images(count, seed).transpose(1, 2, 3, 0), "y": classes[:, None]}


def mat(arrays: Mapping[str, object], *, packed: bool = True) -> bytes:
    """A MAT-file of version 5, as scipy writes it."""
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, dict(arrays), do_compression=packed)
    return file.getvalue()
