# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""model.npz, damaged in every way: refused, or read as what was written."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command import SMALL, assert_one_line, fewmult, limited
from fewmult_hls.cli.commands import run
from fewmult_hls.models.model import load_model
from fewmult_hls.system.errors import FewmultError
from model_files import Arrays, changed, read, refused_flips


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "run"
    assert run(["train", *SMALL, "--batch", "64", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def good(trained: Path) -> bytes:
    return (trained / "model.npz").read_bytes()


@pytest.mark.slow
def test_any_flipped_byte(good: bytes, tmp_path: Path) -> None:
    assert refused_flips(load_model, tmp_path / "model.npz", good) > 0.8


def test_any_truncation(good: bytes, tmp_path: Path) -> None:
    for size in [*range(0, len(good), 97), len(good) - 1]:
        assert read(load_model, tmp_path / "model.npz", good[:size]) is None, size


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a: a.pop("weights_1"), "no item named 'weights_1.npy'"),
        (lambda a: a.pop("widths"), "no item named 'widths.npy'"),
        (lambda a: a.pop("mean_ternary_0"), "no item named 'mean_ternary_0.npy'"),
        (lambda a: a.update(format=np.int32(99)), "format 99 is not known"),
        (lambda a: a.update(format=np.arange(3)), "damaged"),
        (lambda a: a.update(batch=np.int32(100)), "batch 100 is not possible"),
        (lambda a: a.update(master_bits=np.int32(12)), "8 or 16 bits"),
        (lambda a: a.update(weights_kind=np.array("fuzzy")), "ternary or binary"),
        (lambda a: a.update(widths=np.array([64, 17, 10])), "weights_0 is int16 (16, 64)"),
        (lambda a: a.update(widths=np.array([64, 1 << 40, 10])), "every width must be"),
        (lambda a: a.update(widths=np.full(100_000, 65536)), "is too deep"),
        (lambda a: a.update(widths=np.zeros((2, 2))), "damaged"),
        (lambda a: a.update(weights_0=a["weights_0"].astype(np.int32)), "weights_0 is int32"),
        (lambda a: a.update(weights_0=a["weights_0"].astype(">i2")), "weights_0 is >i2"),
        (lambda a: a.update(weights_0=a["weights_0"][:-1]), "weights_0 is int16 (15, 64)"),
        (lambda a: a["weights_0"].__setitem__((0, 0), -32768), "beyond"),
        (lambda a: a["weights_0"].__setitem__((0, 0), a["weights_0"][0, 0] ^ 1), "fingerprint"),
        (lambda a: a["bias_0"].__setitem__(0, -(1 << 31)), "bias_0 has values beyond"),
        (lambda a: a["mean_8-bit_0"].__setitem__(0, 1 << 30), "mean_8-bit_0 has values beyond"),
    ],
)
def test_odd_arrays(
    change: Callable[[Arrays], None], reason: str, good: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(changed(good, change))
    with pytest.raises(FewmultError, match=re.escape(reason)):
        load_model(path)


class _Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("sprung"),))


def test_pickled_content(good: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trap = np.empty((), dtype=object)
    trap[()] = _Trap()
    content = changed(good, lambda arrays: arrays.update(widths=trap))
    assert read(load_model, tmp_path / "model.npz", content) is None
    np.save(tmp_path / "model.npy", trap, allow_pickle=True)
    assert read(load_model, tmp_path / "model.npz", (tmp_path / "model.npy").read_bytes()) is None
    assert not (tmp_path / "sprung").exists()


def header_of(*shape: int) -> bytes:
    """The beginning of an array of int16, without it."""
    header = io.BytesIO()
    facts = {"descr": "<i2", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, facts)
    return header.getvalue()


def huge_member(good: bytes) -> bytes:
    """An array whose header declares 2 TiB that are not there."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights_0.npy", header_of(1 << 20, 1 << 20))
        _copy_others(good, archive, "weights_0.npy")
    return file.getvalue()


def zip_bomb(good: bytes) -> bytes:
    """An array of half a GiB in half a MiB."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("weights_0.npy", "w", force_zip64=True) as member:
            member.write(header_of(1 << 12, 1 << 16))
            for _ in range(1 << 5):
                member.write(bytes(1 << 24))
        _copy_others(good, archive, "weights_0.npy")
    return bomb.getvalue()


def _copy_others(good: bytes, archive: zipfile.ZipFile, but: str) -> None:
    with zipfile.ZipFile(io.BytesIO(good)) as original:
        for name in original.namelist():
            if name != but:
                archive.writestr(name, original.read(name), zipfile.ZIP_STORED)


def lying_sizes(good: bytes) -> bytes:
    """A directory that promises nearly 4 GiB for a stored member."""
    content = bytearray(good)
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = b"\xf0\xff\xff\xff" * 2
    return bytes(content)


@pytest.mark.slow
@pytest.mark.parametrize("make", [huge_member, zip_bomb, lying_sizes])
def test_no_file_takes_more_memory_than_it_has_bytes(
    make: Callable[[bytes], bytes], good: bytes, tmp_path: Path
) -> None:
    (tmp_path / "model.npz").write_bytes(make(good))
    done = fewmult("evaluate", tmp_path, "--dataset", "digits", before=limited(1 << 29))
    assert done.returncode == 1
    assert_one_line(done.stderr, f"{tmp_path}/model.npz is damaged or not a model of fewmult-hls")


def test_what_is_no_archive(tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", bytes(1000), b"hello"):
        assert read(load_model, tmp_path / "model.npz", content) is None


def test_a_damaged_model_ends_evaluate_in_a_line(
    trained: Path, good: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = bytearray(good)
    damaged[good.index(b"weights_0") + 400] ^= 1
    (tmp_path / "model.npz").write_bytes(damaged)
    assert run(["evaluate", str(tmp_path), "--dataset", "digits"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err, "Bad CRC-32", "train again, or take another copy")
