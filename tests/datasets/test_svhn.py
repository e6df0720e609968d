# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""SVHN's cropped digits: MAT-files as scipy and h5py write them, and what is none."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colour_sets import images, labels, mat, svhn_arrays, write_all
from fewmult_hls import datasets
from fewmult_hls.datasets.fetch import fetch
from fewmult_hls.datasets.importing import import_set
from fewmult_hls.system import memory
from fewmult_hls.system.errors import FewmultError, UsageError
from mirror import publish, serving

pytest.importorskip("scipy.io")

TRAIN, EXTRA, TEST = "train_32x32.mat", "extra_32x32.mat", "test_32x32.mat"
COUNT = 30


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    given, cache = tmp_path / "given", tmp_path / "cache"
    monkeypatch.setenv("FEWMULT_DATA", str(given))
    monkeypatch.setenv("FEWMULT_CACHE", str(cache))
    return given, cache


def svhn(write: Callable[..., bytes] = mat) -> dict[str, bytes]:
    return {TRAIN: write(svhn_arrays(COUNT, 1)), TEST: write(svhn_arrays(7, 2))}


def check(dataset: datasets.Dataset, extra: int = 0) -> None:
    """Whether it is what ``svhn`` gives, label 10 for the digit 0 and the last sixth validating."""
    assert (dataset.classes, dataset.image_shape) == (10, (32, 32, 3))
    pixels, classes = images(COUNT, 1).reshape(COUNT, -1), labels(COUNT)
    learned = np.concatenate([pixels[:25], images(extra, 3).reshape(extra, 3072)])
    np.testing.assert_array_equal(dataset.train.images, learned)
    np.testing.assert_array_equal(dataset.train.labels, [*classes[:25], *labels(extra)])
    np.testing.assert_array_equal(dataset.validation.images, pixels[25:])
    np.testing.assert_array_equal(dataset.validation.labels, classes[25:])
    np.testing.assert_array_equal(dataset.test.images, images(7, 2).reshape(7, -1))
    np.testing.assert_array_equal(dataset.test.labels, labels(7))


def hdf5(arrays: dict[str, np.ndarray]) -> bytes:
    """A MAT-file of version 7.3: HDF5 behind 512 bytes, the dimensions in the other order."""
    import io

    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w", userblock_size=512) as stored:
        for name, array in arrays.items():
            stored.create_dataset(name, data=array.T, compression="gzip")
    content = bytearray(file.getvalue())
    content[:19] = b"MATLAB 7.3 MAT-file"
    content[124:128] = b"\x00\x02IM"
    return bytes(content)


def plain(arrays: dict[str, np.ndarray]) -> bytes:
    return mat(arrays, packed=False)


@pytest.mark.parametrize("write", [mat, plain, hdf5])
def test_files_are_read_and_imported(tmp_path: Path, write: Callable[..., bytes]) -> None:
    source = write_all(tmp_path / "source", svhn(write))
    check(datasets.load(str(source)))
    stored = import_set("svhn", source)
    assert {file.name for file in stored.iterdir()} == {TRAIN, TEST, "checksums.json"}
    check(datasets.load("svhn"))


def test_extra_images_are_learned_from(tmp_path: Path) -> None:
    folder = write_all(tmp_path / "set", {**svhn(), EXTRA: mat(svhn_arrays(11, 3))})
    check(datasets.load(str(folder)), extra=11)


def test_other_variables_and_another_order_do_not_matter(tmp_path: Path) -> None:
    """Labels as double are stored as bytes; texts, structs and other numbers are passed over."""
    given = svhn_arrays(COUNT, 1)
    arrays = {
        "about": "text",
        "table": {"a": 1.5},
        "mean": np.arange(9.0) / 7,
        "y": given["y"].ravel(),
        "X": given["X"],
        "more": np.array([[1, 2]], dtype=object),
        "complex": np.array([1 + 2j]),
    }
    for write in (mat, plain):
        check(datasets.load(str(write_all(tmp_path / "set", {**svhn(), TRAIN: write(arrays)}))))


def test_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = publish(write_all(tmp_path / "mirror", svhn()), monkeypatch, "svhn")
    with serving(folder) as url:
        monkeypatch.setenv("FEWMULT_MIRRORS", url)
        fetch("svhn")
    check(datasets.load("svhn"))


# ---- Bad input -----------------------------------------------------------------------------------


def refused(folder: Path, *parts: str) -> None:
    with pytest.raises(FewmultError) as error:
        datasets.load(str(folder))
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def with_arrays(write: Callable[..., bytes] = mat, **changed: np.ndarray | None) -> bytes:
    arrays = {**svhn_arrays(COUNT, 1), **changed}
    return write({name: array for name, array in arrays.items() if array is not None})


def test_missing_files_are_named(tmp_path: Path) -> None:
    files = svhn()
    refused(write_all(tmp_path / "one", {TEST: files[TEST]}), f"lacks {TRAIN};")
    refused(write_all(tmp_path / "two", {EXTRA: files[TEST]}), f"lacks {TRAIN}, {TEST};")


NONE = "is no MAT-file of SVHN's cropped digits: "


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "it has no header of one"),
        (b"no MAT-file" * 100, "it has no header of one"),
        (mat({})[:124] + b"\x00\x03IM", "its version is 0x0300, not 0x0100"),
        (mat({}), "it has no images X"),
        (plain(svhn_arrays(9, 1))[:-300], "it is cut short: "),
        (mat(svhn_arrays(9, 1))[:-1], "it is cut short: 1 bytes are missing"),
        (mat(svhn_arrays(9, 1))[:131], "it is cut short"),
        (hdf5(svhn_arrays(9, 1))[:4000], ""),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, fault: str) -> None:
    refused(write_all(tmp_path / "set", {**svhn(), TRAIN: content}), TRAIN, NONE, fault)


@pytest.mark.parametrize("write", [mat, plain, hdf5])
@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"X": None}, "it has no images X"),
        ({"y": None}, "it has no labels y"),
        ({"X": np.zeros((28, 28, 3, 9), np.uint8)}, "X has the shape (28, 28, 3, 9), not (32, 32"),
        ({"X": np.zeros((32, 32, COUNT), np.uint8)}, f"X has the shape (32, 32, {COUNT}, 1)"),
        ({"y": np.ones((5, 6), np.uint8)}, "y has the shape (5, 6), not (N, 1)"),
        ({"y": np.ones((29, 1), np.uint8)}, "it has 30 images and 29 labels"),
        ({"y": np.zeros((30, 1), np.uint8)}, "label 0 at index 0 is none of 1..10"),
        ({"y": np.full((30, 1), 11, np.uint8)}, "label 11 at index 0 is none of 1..10"),
        ({"X": np.zeros((32, 32, 3, 0), np.uint8), "y": np.zeros((0, 1), np.uint8)}, "0 image(s)"),
        (svhn_arrays(5, 1), "it holds 5 image(s) where at least 6 are needed"),
    ],
)
def test_arrays_that_are_none_of_svhn(
    tmp_path: Path, write: Callable[..., bytes], changed: dict[str, np.ndarray | None], fault: str
) -> None:
    files = {**svhn(), TRAIN: with_arrays(write, **changed)}
    refused(write_all(tmp_path / "set", files), TRAIN, NONE, fault)


@pytest.mark.parametrize("write", [mat, hdf5])
def test_images_that_are_no_bytes(tmp_path: Path, write: Callable[..., bytes]) -> None:
    files = {**svhn(), TRAIN: with_arrays(write, X=np.zeros((32, 32, 3, 30), np.float32) + 0.5)}
    refused(write_all(tmp_path / "set", files), TRAIN, NONE, "X is float32" * (write is hdf5))


def test_sizes_that_no_file_holds_take_no_memory(tmp_path: Path) -> None:
    """A header that promises 2^31 images, in plain and packed elements."""
    for write in (plain, mat):
        content = bytearray(write(svhn_arrays(9, 1)))
        if write is plain:
            content = content.replace(
                struct.pack("<4i", 32, 32, 3, 9), struct.pack("<4i", 32, 32, 3, 2**31 - 1)
            )
            fault = "27,648 bytes where (32, 32, 3, 2147483647) are promised"
        else:
            content[132:136] = struct.pack("<I", 2**32 - 1)
            fault = "it is cut short"
        refused(write_all(tmp_path / "set", {**svhn(), TRAIN: bytes(content)}), TRAIN, fault)


def test_values_for_which_there_is_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packed zeros take a thousandth of themselves in a file."""
    monkeypatch.setattr(memory, "free_memory", lambda: 10 << 20)
    zeros = np.zeros((32, 32, 3, 4000), np.uint8)
    for changed in ({"X": zeros, "y": None}, {"X": None, "y": np.zeros((1, 6 << 20), np.uint8)}):
        files = {**svhn(), TRAIN: with_arrays(**changed)}
        fault = "MiB of memory, and 10 MiB are free: read it on a larger machine"
        refused(write_all(tmp_path / "set", files), TRAIN, fault)


def test_version_7_3_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_all(tmp_path / "set", svhn(hdf5))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"version 7.3, which needs h5py: pip install 'fewmult"):
        datasets.load(str(folder))


def test_version_7_3_that_leads_elsewhere(tmp_path: Path) -> None:
    """HDF5 has links to other files, and arrays that lie in them."""
    h5py = pytest.importorskip("h5py")
    folder = write_all(tmp_path / "set", svhn(hdf5))
    arrays = svhn_arrays(COUNT, 1)
    for kind in ("link", "storage"):
        with h5py.File(folder / TRAIN, "w") as stored:
            stored["y"] = arrays["y"].T
            if kind == "link":
                stored["X"] = h5py.ExternalLink(str(folder / TEST), "X")
            else:
                where = [("/dev/zero", 0, h5py.h5f.UNLIMITED)]
                stored.create_dataset("X", (COUNT, 3, 32, 32), np.uint8, external=where)
        refused(folder, TRAIN, "X is no array, or lies in another file")


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_change_is_refused_or_gives_a_set(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    write = data.draw(st.sampled_from([mat, plain]))
    content = bytearray(write(svhn_arrays(9, 1)))
    for _ in range(data.draw(st.integers(1, 3))):
        # Where the elements' tags are, most of the time.
        place = data.draw(st.integers(0, 300) | st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.getbasetemp() / "changed"
    write_all(folder, {TRAIN: bytes(content), TEST: svhn_arrays_file()})
    with suppress(FewmultError):
        assert datasets.load(str(folder)).image_shape == (32, 32, 3)


def svhn_arrays_file() -> bytes:
    return mat(svhn_arrays(7, 2))
