# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Archives of arrays: a checksum over all of it, and no member that numpy would not write."""

from __future__ import annotations

import io
import re
import shutil
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import assert_one_line
from fewmult_hls import datasets, load
from fewmult_hls.cli.commands import run
from fewmult_hls.models.classifier import read_model
from fewmult_hls.system.archive import CHECKSUM, Archive, checksum, read_array, reading_archive
from fewmult_hls.system.errors import FewmultError

Arrays = dict[str, npt.NDArray[Any]]
METHODS = ("ternary-qbp", "float")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for method in METHODS:
        options = ["--net", "64-16-10", "--epochs", "1", "--method", method]
        assert run(["train", *options, "--out", str(folder / method)]) == 0
    return folder


def arrays_of(path: Path) -> Arrays:
    with np.load(path) as archive:
        return dict(archive)


def save(path: Path, arrays: Arrays, *, sign: bool = True) -> None:
    if sign:
        arrays[CHECKSUM] = np.array(checksum(arrays))
    np.savez(path, **arrays)


def change(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Another value that could be there."""
    if array.dtype.kind == "U":
        return np.array([f"x{text}" for text in array.ravel().tolist()]).reshape(array.shape)
    changed = array.copy()
    changed.flat[0] += 1
    return changed


@pytest.mark.parametrize("method", METHODS)
def test_nothing_changes_under_the_same_checksum(method: str, runs: Path, tmp_path: Path) -> None:
    good, path = arrays_of(runs / method / "model.npz"), tmp_path / "model.npz"
    for name, array in good.items():
        if array.size:
            save(path, {**good, name: change(array)}, sign=False)
            with pytest.raises(FewmultError, match=r"model.npz is damaged"):
                read_model(path)
    save(path, {**good, "more": np.zeros(3)}, sign=False)
    with pytest.raises(FewmultError, match="its content does not have its checksum"):
        read_model(path)
    save(path, {name: good[name] for name in good if name != CHECKSUM}, sign=False)
    with pytest.raises(FewmultError, match=r"There is no item named 'sha256.npy'"):
        read_model(path)


def of_before(method: str, arrays: Arrays) -> Arrays:
    """As the last version wrote it that knew no checksum."""
    mark, last = ("float_format", 1) if method == "float" else ("format", 2)
    older = {**arrays, mark: np.int32(last)}
    del older[CHECKSUM]
    return older


@pytest.mark.parametrize("method", METHODS)
def test_models_of_before_are_read_and_said_to_have_no_checksum(
    method: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(runs / method, tmp_path / "run"))
    path = folder / "model.npz"
    assert read_model(path).has_checksum
    save(path, of_before(method, arrays_of(path)), sign=False)
    with load(folder) as net, load(runs / method) as newer:
        assert not net.has_checksum
        assert newer.has_checksum
        assert net.fingerprint == newer.fingerprint
    np.save(tmp_path / "images.npy", datasets.load("digits").test.images[:2])
    said = f"warning: {folder} has no checksum, as an earlier version wrote it: its weights are"
    commands = [["evaluate", folder], ["predict", folder, tmp_path / "images.npy"]]
    if method != "float":
        commands.append(["export", folder, "--format", "packed", "--out", tmp_path / "packed"])
    for command in commands:
        capsys.readouterr()
        assert run(list(map(str, command))) == 0
        err = capsys.readouterr().err
        assert err.startswith(said)
        assert err.count("\n") == 1
        command[1] = runs / method
        assert run([*map(str, command), *(["--overwrite"] if command[0] == "export" else [])]) == 0
        assert capsys.readouterr().err == ""


ODD_ARRAYS: list[tuple[str, Callable[[npt.NDArray[Any]], Any], str]] = [
    ("weights_0", lambda a: a.astype(np.complex128), "weights_0 is complex128"),
    ("weights_0", lambda a: a.astype(np.float32), "weights_0 is float32"),
    ("weights_0", lambda a: np.full(a.shape, np.nan), "weights_0 is float64"),
    ("weights_0", lambda a: a.astype(">i2"), "weights_0 is >i2"),
    ("weights_0", lambda a: a.astype(np.bool_), "weights_0 is bool"),
    ("weights_0", lambda a: a.astype(object), "weights_0 has no header of plain numbers"),
    ("weights_0", lambda a: a.view([("x", "i2")]), "weights_0 has no header of plain numbers"),
    ("weights_0", lambda a: a.astype("m8[s]"), "weights_0 has no header of plain numbers"),
    ("weights_0", lambda a: a.astype("S5"), "weights_0 has no header of plain numbers"),
    ("weights_0", lambda a: a.astype("U5"), "weights_0 is <U5"),
    ("weights_0", lambda a: a[None], "weights_0 is int16 (1, 16, 64)"),
    ("weights_0", lambda a: a[:0], "weights_0 is int16 (0, 64)"),
    ("bias_1", lambda a: a.astype(np.int64), "bias_1 is int64"),
    ("mean_ternary_0", lambda a: a.astype(np.complex64), "mean_ternary_0 is complex64"),
    ("batch", lambda a: np.float64(128.7), "batch is float64 (), not one integer"),
    ("batch", lambda a: np.array([128]), "batch is int64 (1,), not one integer"),
    ("batch", lambda a: np.bool_(True), "batch is bool (), not one integer"),
    ("format", lambda a: np.complex64(3), "format is complex64 (), not one integer"),
    ("format", lambda a: np.array("3"), "format is <U1 (), not one integer"),
    ("widths", lambda a: a + 0.5, "widths is float64 (3,), not a row of integers"),
    ("widths", lambda a: a[None], "widths is int32 (1, 3), not a row of integers"),
    ("widths", lambda a: -a, "every width must be 1 to"),
    ("image_shape", lambda a: a * 1j, "image_shape is complex128"),
    ("image_shape", lambda a: -a, "images of (-8, -8)"),
    ("class_names", lambda a: np.zeros(10), "class_names is float64 (10,), not a row of texts"),
    ("class_names", lambda a: np.array(["a"] * 10), "two classes are named a"),
    ("class_names", lambda a: np.array(["a", "b"]), "it names 2 classes of 10"),
    ("class_names", lambda a: np.array(["\x1b[2J", *"bcdefghij"]), "cannot name a class"),
    ("weights_kind", lambda a: np.array([3]), "weights_kind is int64 (1,), not one text"),
    ("fingerprint", lambda a: np.array(["x"]), "fingerprint is <U1 (1,), not one text"),
    (CHECKSUM, lambda a: np.array(3), "sha256 is int64 (), not one text"),
]


ODD_FLOATS: list[tuple[str, Callable[[npt.NDArray[Any]], Any], str]] = [
    ("weights_0", lambda a: a.astype(np.complex64), "weights_0 is complex64"),
    ("weights_0", lambda a: a * np.float32(np.nan), "weights_0 has values that are not finite"),
    ("gain_1", lambda a: np.full_like(a, np.inf), "gain_1 has values that are not finite"),
    ("bias_0", lambda a: a.astype(np.float64), "bias_0 is float64"),
    ("variance_real-valued_0", lambda a: -a - 1, "has negative values"),
    ("mean_real-valued_1", lambda a: a + np.float32(np.inf), "are not finite"),
]


@pytest.mark.parametrize(
    ("method", "name", "make", "reason"),
    [
        (method, *odd)
        for method, all_ in zip(METHODS, (ODD_ARRAYS, ODD_FLOATS), strict=True)
        for odd in all_
    ],
)
def test_odd_arrays(
    method: str,
    name: str,
    make: Callable[[npt.NDArray[Any]], Any],
    reason: str,
    runs: Path,
    tmp_path: Path,
) -> None:
    arrays, path = arrays_of(runs / method / "model.npz"), tmp_path / "model.npz"
    arrays[name] = np.asarray(make(arrays[name]))
    save(path, arrays, sign=name != CHECKSUM)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FewmultError, match=re.escape(reason)) as caught:
            read_model(path)
    assert "\n" not in str(caught.value)


def npy(header: str | bytes, content: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


PLAIN = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{}",
        "None",
        PLAIN[:-1],
        PLAIN.replace("(2, 3)", "(-2, -3)"),
        PLAIN.replace("(2, 3)", "(True, 6)"),
        PLAIN.replace("(2, 3)", "(2.0, 3)"),
        PLAIN.replace("(2, 3)", "(6)*1"),
        PLAIN.replace("(2, 3)", "(" + "9" * 5000 + ", )"),
        PLAIN.replace("(2, 3)", "[2, 3]"),
        PLAIN.replace("(2, 3)", "(" * 20_000),
        PLAIN.replace("(2, 3)", "-" * 60_000 + "6"),
        PLAIN.replace("|u1", "|O"),
        PLAIN.replace("|u1", "|V1"),
        PLAIN.replace("|u1", "<M8[s]"),
        PLAIN.replace("|u1", "<f3"),
        PLAIN.replace("|u1", "<U0"),
        PLAIN.replace("|u1", "|u" + "1" * 5000),
        PLAIN.replace("'|u1'", "[('x', '|u1')]"),
        PLAIN.replace("False", "0"),
        PLAIN.replace("False", "(2, 3)"),
        PLAIN.replace("(2, 3)", "True"),
        PLAIN.replace("'shape'", "'shapes'"),
        PLAIN.replace("'descr'", "'shape'"),
        PLAIN.replace(", }", ", 'more': False}"),
        PLAIN.replace("2, 3", "2, 4"),
        "\xff" * 100,
    ],
)
def test_odd_headers(header: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_array("x", npy(header, bytes(6)))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "header",
    [
        PLAIN,
        PLAIN + " " * 40 + "\n",
        PLAIN.replace(", }", "}"),
        PLAIN.replace("(2, 3)", "(2,3,)"),
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '|u1'}",
    ],
)
def test_headers_of_other_programs(header: str) -> None:
    assert read_array("x", npy(header, bytes(range(6)))).tolist() == [[0, 1, 2], [3, 4, 5]]


@given(
    st.sampled_from("?bBhHiIlLqQefdFD"),
    st.lists(st.integers(0, 4), max_size=4),
    st.sampled_from("<>"),
    st.sampled_from("CF"),
)
def test_what_numpy_writes_is_read(kind: str, shape: list[int], order: str, layout: str) -> None:
    dtype = np.dtype(kind).newbyteorder(order)
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    array = np.asarray(values.astype(dtype), order=layout)  # type: ignore[call-overload]
    file = io.BytesIO()
    np.save(file, array)
    read = read_array("x", file.getvalue())
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)
    assert read.flags.c_contiguous
    assert read.flags.aligned
    assert read.flags.writeable


def zipped(members: list[tuple[str, bytes]], **options: Any) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", **options) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def patched(content: bytes, offset: int, value: bytes) -> bytes:
    """Other bytes in the entry of the last member in the directory."""
    at = content.rindex(b"PK\x01\x02") + offset
    return content[:at] + value + content[at + len(value) :]


GOOD = zipped([("a.npy", npy(PLAIN, bytes(6)))])


@pytest.mark.parametrize(
    "content",
    [
        zipped([("a.npy", npy(PLAIN, bytes(6))), ("a.npy", npy(PLAIN, bytes(6)))]),
        zipped([("a.npy", npy(PLAIN, bytes(6)))], compression=zipfile.ZIP_DEFLATED),
        zipped([("b.npy", npy(PLAIN, bytes(6)))]),
        patched(GOOD, 8, b"\x01\x00"),  # encrypted
        patched(GOOD, 10, b"\x63\x00"),  # AES
        patched(GOOD, 20, b"\x05\x00\x00\x00"),  # of two sizes
        patched(GOOD, 24, b"\x05\x00\x00\x00"),
        patched(GOOD, 20, b"\xff\xff\xff\xff"),  # zip64 without its sizes
        patched(GOOD, 42, b"\xff\xff\xff\x7f"),  # elsewhere
        patched(GOOD, 46, b"\xff\xfe\xfd"),
        GOOD[:-22],
        GOOD[10:],
        b"",
    ],
)
def test_odd_members(content: bytes, tmp_path: Path) -> None:
    assert Archive(io.BytesIO(GOOD))["a"].shape == (2, 3)
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(FewmultError, match=r"model.npz is damaged"), reading_archive(path, "") as a:
        _ = a["a"]


def test_a_sparse_file_takes_no_memory(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(runs / "ternary-qbp", tmp_path / "run"))
    for path in (folder / "model.npz", *(folder / "checkpoints").iterdir()):
        with path.open("r+b") as file:
            file.truncate(1 << 40)
    (folder / "summary.json").unlink()
    for arguments in (["evaluate", folder], ["train", "--resume", folder]):
        capsys.readouterr()
        assert run(list(map(str, arguments))) == 1
        assert_one_line(capsys.readouterr().err, str(folder), "damaged")


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A right archive of a TiB, nearly all of it a hole."""
    size, header = 1 << 40, npy(PLAIN)
    info = zipfile.ZipInfo("a.npy")
    info.file_size = info.compress_size = size
    info.header_offset = info.CRC = 0
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.filelist.append(info)
        archive._didModify = True  # type: ignore[attr-defined]
    path = tmp_path / "model.npz"
    with path.open("wb") as whole:
        whole.write(info.FileHeader(zip64=True) + header)
        whole.seek(size + 1000)
        whole.write(file.getvalue())
    with pytest.raises(FewmultError, match=r"needs about 2048.0 GiB of memory, and .* are free"):
        read_model(path)


def test_the_checksum_is_of_names_types_shapes_and_values() -> None:
    arrays = {"b": np.arange(3, dtype="<i4"), "a": np.array("text")}
    first = checksum(arrays)
    assert checksum(dict(reversed(arrays.items()))) == checksum({**arrays, CHECKSUM: 3}) == first
    others = [arrays["b"][:, None], arrays["b"].astype("<u4"), arrays["b"] + 1]
    assert len({first, *(checksum({**arrays, "b": other}) for other in others)}) == 4
    assert checksum({"c": arrays["b"], "a": arrays["a"]}) != first
