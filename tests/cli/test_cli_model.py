# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""model.npz, damaged in every way: refused, or read as what was written."""

from __future__ import annotations

import io
import re
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from command import SMALL, assert_one_line, fewmult
from fewmult_hls.cli.commands import run
from fewmult_hls.models.model import Model, load_model
from fewmult_hls.system.errors import FewmultError

Arrays = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "run"
    assert run(["train", *SMALL, "--batch", "64", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def good(trained: Path) -> bytes:
    return (trained / "model.npz").read_bytes()


def read(path: Path, content: bytes) -> Model | None:
    """None where it is refused."""
    path.write_bytes(content)
    try:
        return load_model(path)
    except FewmultError as error:
        message = str(error)
    assert message.startswith(f"{path} is damaged or not a model of fewmult-hls (")
    assert "\n" not in message
    return None


def same(one: Model, other: Model) -> bool:
    pairs = zip(one.means.items(), other.means.items(), strict=True)
    return (
        one.network.fingerprint == other.network.fingerprint
        and one.network.spec == other.network.spec
        and all(
            a == b and all(map(np.array_equal, mine, theirs)) for (a, mine), (b, theirs) in pairs
        )
    )


def test_any_flipped_byte(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    original = read(path, good)
    assert original is not None
    generator = np.random.default_rng(1)
    refused = 0
    positions = range(0, len(good), 3)
    for position in positions:
        damaged = bytearray(good)
        damaged[position] ^= int(generator.integers(1, 256))
        model = read(path, bytes(damaged))
        # A time stamp, for one, may change.
        assert model is None or same(model, original), position
        refused += model is None
    assert refused > 0.8 * len(positions)


def test_any_truncation(good: bytes, tmp_path: Path) -> None:
    for size in [*range(0, len(good), 97), len(good) - 1]:
        assert read(tmp_path / "model.npz", good[:size]) is None, size


def changed(good: bytes, change: Callable[[Arrays], None], **options: Any) -> bytes:
    with np.load(io.BytesIO(good)) as archive:
        arrays = dict(archive)
    change(arrays)
    file = io.BytesIO()
    np.savez(file, **arrays, **options)
    return file.getvalue()


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
    assert read(tmp_path / "model.npz", content) is None
    np.save(tmp_path / "model.npy", trap, allow_pickle=True)
    assert read(tmp_path / "model.npz", (tmp_path / "model.npy").read_bytes()) is None
    assert not (tmp_path / "sprung").exists()


def huge_member(good: bytes) -> bytes:
    """An array whose header declares 2 TiB that are not there."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<i2", "fortran_order": False, "shape": (1 << 20, 1 << 20)}
    )
    return with_member(good, "weights_0.npy", header.getvalue(), zipfile.ZIP_STORED)


def zip_bomb(good: bytes) -> bytes:
    """An array of half a GiB in half a MiB."""
    header = io.BytesIO()
    shape = (1 << 12, 1 << 16)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<i2", "fortran_order": False, "shape": shape}
    )
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("weights_0.npy", "w", force_zip64=True) as member:
            member.write(header.getvalue())
            for _ in range(1 << 5):
                member.write(bytes(1 << 24))
        _copy_others(good, archive, "weights_0.npy")
    return bomb.getvalue()


def with_member(good: bytes, name: str, content: bytes, kind: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        archive.writestr(name, content)
        _copy_others(good, archive, name)
    return file.getvalue()


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


@pytest.mark.parametrize("make", [huge_member, zip_bomb, lying_sizes])
def test_no_file_takes_more_memory_than_it_has_bytes(
    make: Callable[[bytes], bytes], good: bytes, tmp_path: Path
) -> None:
    (tmp_path / "model.npz").write_bytes(make(good))
    limit = 1 << 29

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    done = fewmult("evaluate", tmp_path, "--dataset", "digits", before=limited)
    assert done.returncode == 1
    assert_one_line(done.stderr, f"{tmp_path}/model.npz is damaged or not a model of fewmult-hls")


def test_what_is_no_archive(tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", bytes(1000), b"hello"):
        assert read(tmp_path / "model.npz", content) is None


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
