# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""CIFAR-10: both versions, folders and archives, and what is none of it."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colour_sets import (
    BATCHES,
    COUNT,
    binary_batch,
    cifar_batches,
    images,
    labels,
    planes,
    python_batch,
    tarball,
    write_all,
)
from fewmult_hls import datasets
from fewmult_hls.datasets.fetch import fetch
from fewmult_hls.datasets.importing import import_set
from fewmult_hls.datasets.pickles import ByteArray, read_pickle
from fewmult_hls.datasets.tarballs import read_members
from fewmult_hls.system.errors import FewmultError
from mirror import publish, serving

# Read before the fixture below gives each test folders of its own.
REAL_DATA = os.environ.get("FEWMULT_DATA", "")
ARCHIVES = {".bin": "cifar-10-binary.tar.gz", "": "cifar-10-python.tar.gz"}
FOLDERS = {".bin": "cifar-10-batches-bin", "": "cifar-10-batches-py"}


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    given, cache = tmp_path / "given", tmp_path / "cache"
    monkeypatch.setenv("FEWMULT_DATA", str(given))
    monkeypatch.setenv("FEWMULT_CACHE", str(cache))
    return given, cache


def check(dataset: datasets.Dataset) -> None:
    """Whether it is what ``cifar_batches`` wrote."""
    assert (dataset.classes, dataset.image_shape) == (10, (32, 32, 3))
    assert dataset.class_names[3] == "cat"
    pixels = np.concatenate([images(COUNT, k) for k in range(6)]).reshape(6 * COUNT, -1)
    classes = np.tile(labels(COUNT), 6)
    kept = 5 * COUNT - COUNT // 2  # a tenth of the training images validates
    for split, part in zip(
        dataset.splits,
        (slice(kept), slice(kept, 5 * COUNT), slice(5 * COUNT, None)),
        strict=True,
    ):
        np.testing.assert_array_equal(split.images, pixels[part])
        np.testing.assert_array_equal(split.labels, classes[part])


@pytest.mark.parametrize("end", FOLDERS)
def test_batches_in_a_folder(tmp_path: Path, end: str) -> None:
    """With the folder that the archive unpacks to, or in one of any name."""
    batches = cifar_batches(end)
    check(datasets.load(str(write_all(tmp_path / "mine", batches))))
    write_all(tmp_path / "whole" / FOLDERS[end], batches)
    check(datasets.load(str(tmp_path / "whole")))


@pytest.mark.parametrize("end", ARCHIVES)
def test_an_archive_is_read_imported_and_found_by_name(
    tmp_path: Path, places: tuple[Path, Path], end: str
) -> None:
    name = ARCHIVES[end]
    batches = dict(reversed(cifar_batches(end).items()))  # in no order that counts
    path = tarball(tmp_path / "loads" / name, FOLDERS[end], {**batches, "readme.html": b"<html>"})
    check(datasets.load(str(path.parent)))
    stored = import_set("cifar10", path)
    assert {file.name for file in stored.iterdir()} == {name, "checksums.json"}
    check(datasets.load("cifar10"))
    assert datasets.locate("cifar10") == places[1] / "cifar10"
    (stored / name).write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(FewmultError, match="does not match its SHA-256"):
        datasets.load("cifar10")
    import_set("cifar10", path.parent, overwrite=True)
    check(datasets.load("cifar10"))


def test_batches_are_imported_as_they_are(tmp_path: Path) -> None:
    source = write_all(tmp_path / "source" / FOLDERS[""], cifar_batches(""))
    stored = import_set("mine", source)
    assert {file.name for file in stored.iterdir()} == {*BATCHES, "checksums.json"}
    check(datasets.load("mine"))


def test_it_is_found_where_mnist_is(places: tuple[Path, Path]) -> None:
    write_all(places[0] / "cifar10" / FOLDERS[".bin"], cifar_batches())
    check(datasets.load("cifar10"))
    assert datasets.available() == {"digits": None, "cifar10": places[0] / "cifar10"}


def test_fetch(tmp_path: Path, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    name = ARCHIVES[".bin"]
    folder = tarball(tmp_path / "mirror" / name, FOLDERS[".bin"], cifar_batches()).parent
    publish(folder, monkeypatch, "cifar10")
    with serving(folder) as url:
        monkeypatch.setenv("FEWMULT_MIRRORS", url)
        assert fetch("cifar10") == places[1] / "cifar10"
    check(datasets.load("cifar10"))
    assert fetch("cifar10") == places[1] / "cifar10"  # no server is there any more
    (folder / name).write_bytes(b"damaged")
    (places[1] / "cifar10" / name).unlink()
    with serving(folder) as url:
        monkeypatch.setenv("FEWMULT_MIRRORS", url)
        with pytest.raises(FewmultError, match="its checksum is wrong"):
            fetch("cifar10")


# ---- Bad input -----------------------------------------------------------------------------------


def refused(folder: Path, *parts: str) -> None:
    with pytest.raises(FewmultError) as error:
        datasets.load(str(folder))
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def spoiled(tmp_path: Path, end: str, name: str, content: bytes) -> Path:
    """A folder in which a batch has another content."""
    batches = cifar_batches(end)
    batches[name] = content
    return write_all(tmp_path / "set", batches)


def test_missing_batches_are_named(tmp_path: Path) -> None:
    for end in FOLDERS:
        batches = cifar_batches(end)
        del batches[f"data_batch_2{end}"], batches[f"test_batch{end}"]
        folder = write_all(tmp_path / f"set{end}", batches)
        refused(folder, f"lacks data_batch_2{end}, test_batch{end};")
        path = tarball(tmp_path / f"tar{end}" / ARCHIVES[end], "x", batches)
        refused(path.parent, ARCHIVES[end], "holds 4 of the set's six batches")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda batch: batch[:-1], "are no rows of 3,073: the last has 3,072"),
        (lambda batch: batch[:-3073], "holds 11 images and"),
        (lambda batch: b"", "it holds 0 image(s) where at least 2 are needed"),
        (lambda batch: batch[:3073], "it holds 1 image(s) where at least 2 are needed"),
        (lambda batch: b"\x0a" + batch[1:], "label 10 at index 0 is beyond the 10 classes (0..9)"),
    ],
)
def test_truncated_and_wrong_binary_batches(
    tmp_path: Path, change: Callable[[bytes], bytes], fault: str
) -> None:
    content = change(cifar_batches()["data_batch_3.bin"])
    refused(spoiled(tmp_path, ".bin", "data_batch_3.bin", content), "data_batch_3.bin", fault)


def test_a_batch_that_is_too_large(tmp_path: Path) -> None:
    folder = spoiled(tmp_path, ".bin", "data_batch_3.bin", b"")
    with (folder / "data_batch_3.bin").open("wb") as sparse:
        sparse.truncate(1 << 40)
    refused(folder, "data_batch_3.bin", "more than")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda packed: packed[: len(packed) // 2], "damaged gzip data"),
        (lambda packed: packed[:-4] + b"oops", "damaged gzip data"),
        (lambda packed: gzip.compress(b"no archive" * 100), "is no tar archive"),
        (lambda packed: gzip.compress(gzip.decompress(packed)[:100_000]), "is no tar archive"),
        (lambda packed: gzip.compress(bytes(1 << 29), 1), "larger than any archive of the set"),
        (lambda packed: b"", "is no tar archive"),
    ],
)
def test_damaged_archives(tmp_path: Path, change: Callable[[bytes], bytes], fault: str) -> None:
    path = tarball(tmp_path / "set" / ARCHIVES[".bin"], "x", cifar_batches())
    path.write_bytes(change(path.read_bytes()))
    refused(path.parent, str(path), fault)


def test_an_archive_with_a_batch_twice_or_as_a_link(tmp_path: Path) -> None:
    path = tmp_path / "set" / ARCHIVES[".bin"]
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        for _ in range(2):
            member = tarfile.TarInfo("x/data_batch_1.bin")
            member.size = 3073
            archive.addfile(member, io.BytesIO(bytes(3073)))
    with pytest.raises(FewmultError, match=r"has data_batch_1\.bin twice"):
        list(read_members(path, ("data_batch_1.bin",), 1 << 20, 1 << 20))
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("data_batch_1.bin")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    refused(path.parent, "holds 0 of the set's six batches")


# ---- Pickles -------------------------------------------------------------------------------------


def test_what_we_take_for_python_2_is_read_by_pickle_as_well() -> None:
    """Pickle itself takes the batches that tests write; only here is anything unpickled."""
    pixels, classes = images(COUNT, 1), labels(COUNT)
    batch = python_batch(pixels, classes, "data_batch_1")
    theirs = pickle.loads(batch, encoding="bytes")
    ours = read_pickle(batch)
    assert isinstance(ours, dict)
    assert ours.keys() == theirs.keys()
    np.testing.assert_array_equal(theirs[b"data"], planes(pixels))
    assert ours[b"data"] == ByteArray((COUNT, 3072), "C", planes(pixels).tobytes())
    for key in (b"batch_label", b"labels", b"filenames"):
        assert ours[key] == theirs[key]


class Harmful:
    """Executes something when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_execute_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({b"data": Harmful(), b"labels": []}, protocol)
    folder = spoiled(tmp_path, "", "data_batch_1", content)
    refused(folder, "data_batch_1 is no batch of CIFAR-10: it ")
    if protocol == 2:
        content = b"\x80\x02cposix\nmkdir\nU\x04harm\x85R."
        (folder / "data_batch_1").write_bytes(content)
        refused(folder, "it calls for 'posix.mkdir', which was not executed")
    assert not (tmp_path / "harm").exists()


GOOD = python_batch(images(2, 1), labels(2), "x")
_RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "it is cut short"),
        (GOOD[:-1], "it is cut short"),
        (b"\x80\x04}.", "it is a pickle of protocol 4, where batches have 2"),
        (b"\x80\x02\x93.", "it has the instruction STACK_GLOBAL, as no batch does"),
        (b"\x80\x02i", "it has the instruction INST, as no batch does"),
        (b"\x00", "it has the byte 0x00 for an instruction"),
        (b".", "it takes values that it did not make"),
        (b"u", "it takes values that it did not make"),
        (b"(u", "it fills a dict that it did not make"),
        (b"Ke.", "it is a pickle of something else than a dict with data and labels"),
        (b"}(K\x00K\x00u.", "a dict with keys that are no texts"),
        (b"}(U\x01au.", "a dict with keys that are no texts"),
        (b"T\xff\xff\xff\xff", "a text of negative length"),
        (b"q\x00", "it keeps a value that it did not make"),
        (b"h\x00", "it recalls a value that it did not keep"),
        (b"c" + b"x" * 100, "it names something without an end"),
        (_RECONSTRUCT + b")R.", "it calls something with other arguments"),
        (b"NNb", "it fills a ByteArray that it did not make"),
        (b"(" * (1 << 18), "it has more than 131,072 instructions"),
        (GOOD.replace(b"U\x06labels", b"U\x06lapels"), "a dict with data and labels"),
        (GOOD.replace(b"K\x00K\x01e", b"K\x00NNe"), "its labels are no list of small integers"),
        (GOOD.replace(b"K\x00K\x01e", b"K\x00e"), "its data are (2, 3072), not bytes of shape (1,"),
        (GOOD.replace(b"K\x00K\x01e", b"K\x00K\x0be"), "label 11 at index 1 is beyond"),
        (GOOD.replace(b"U\x02u1", b"U\x02u2"), "it calls something with other arguments"),
        (GOOD.replace(b"\x89T", b"NT"), "an array of something else than bytes"),
    ],
)
def test_pickles_that_are_no_batch(tmp_path: Path, content: bytes, fault: str) -> None:
    folder = spoiled(tmp_path, "", "data_batch_1", content)
    refused(folder, "data_batch_1 is no batch of CIFAR-10: ", fault)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_change_of_a_pickle_is_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(GOOD)
    beyond_pixels = [k for k in range(len(content)) if k < 200 or k > len(content) - 200]
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.sampled_from(beyond_pixels))] = data.draw(st.integers(0, 255))
    with suppress(ValueError):
        read_pickle(bytes(content))


# ---- The real files ------------------------------------------------------------------------------


@pytest.mark.cifar10
def test_real_cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEWMULT_DATA", REAL_DATA)
    dataset = datasets.load("cifar10")
    shapes = [split.images.shape for split in dataset.splits]
    assert shapes == [(45000, 3072), (5000, 3072), (10000, 3072)]
    counts = sum(np.bincount(split.labels, minlength=10) for split in dataset.splits[:2])
    assert counts.tolist() == [5000] * 10


def test_binary_batches_have_the_published_layout() -> None:
    """The label, then 1,024 values of red, row by row."""
    batch = binary_batch(images(1, 3), labels(1))
    assert len(batch) == 3073
    assert batch[1 + 33] == images(1, 3)[0, 1, 1, 0]
    assert batch[1 + 1024] == images(1, 3)[0, 0, 0, 1]
