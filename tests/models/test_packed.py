# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Packed models: the answers of the full one, at its true size; damaged ones are refused."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import SMALL, assert_one_line, fewmult
from fewmult_hls import datasets, load
from fewmult_hls.cli.commands import run
from fewmult_hls.contract.layouts import pack_ternary
from fewmult_hls.models.domain import Domain
from fewmult_hls.models.model import Model, load_model, save_model
from fewmult_hls.models.packed import (
    load_packed,
    pack_signs,
    pack_trits,
    save_packed,
    unpack_signs,
    unpack_trits,
)
from fewmult_hls.nets.evaluator import PLANES
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.system.errors import FewmultError, UsageError
from model_files import Arrays, changed, extreme, read, refused_flips, same

DIGITS = datasets.load("digits")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and its packed form in the same folder."""
    folder = tmp_path_factory.mktemp("packed") / "run"
    assert run(["train", *SMALL, "--batch", "64", "--out", str(folder)]) == 0
    assert run(["export", str(folder), "--format", "packed", "--out", str(folder / "packed")]) == 0
    return folder


@pytest.fixture
def good(trained: Path) -> bytes:
    return (trained / "packed").read_bytes()


# --- the weights ---


@pytest.mark.slow
@given(st.integers(1, 40), st.integers(1, 40), st.randoms(use_true_random=False))
def test_any_weights_make_the_round_trip(rows: int, columns: int, random: Any) -> None:
    values = [random.choice((-1, 0, 1)) for _ in range(rows * columns)]
    weights = np.array(values, np.int8).reshape(rows, columns)
    packed = pack_trits(weights)
    assert packed.nbytes == -(-weights.size // 5)
    assert np.array_equal(unpack_trits(packed, (rows, columns)), weights)


def test_a_byte_is_the_documented_sum() -> None:
    weights = np.array([[1, -1, 0], [0, 1, -1], [-1, 1, 1]], np.int8)
    low, high = 2 + 0 * 3 + 1 * 9 + 1 * 27 + 2 * 81, 0 + 0 * 3 + 2 * 9 + 2 * 27 + 1 * 81
    assert pack_trits(weights).tolist() == [low, high]


def test_bytes_that_stand_for_no_weights() -> None:
    for byte in range(243, 256):
        with pytest.raises(ValueError, match=f"byte {byte} stands for no weights"):
            unpack_trits(np.array([byte], np.uint8), (1, 5))
    assert pack_trits(np.zeros((1, 4), np.int8)).tolist() == [121]
    with pytest.raises(ValueError, match="after the last"):
        unpack_trits(np.array([121 + 81], np.uint8), (1, 4))
    for shape in ((1, 11), (1, 5), (3, 5)):
        with pytest.raises(ValueError, match="are not"):
            unpack_trits(np.full(2, 121, np.uint8), shape)


@given(st.integers(1, 7), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_signs_round_trip(rows: int, columns: int, seed: int) -> None:
    weights = np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), (rows, columns))
    packed = pack_signs(weights)
    assert packed.nbytes == -(-rows * columns // 8)
    assert np.array_equal(unpack_signs(packed, (rows, columns)), weights)


def test_signs_as_documented_and_their_faults() -> None:
    assert pack_signs(np.array([[-1, 1, 1], [-1, -1, 1]], np.int8)).tolist() == [0b011001]
    with pytest.raises(ValueError, match="after the last"):
        unpack_signs(np.array([0b1000000], np.uint8), (2, 3))
    for packed in (np.zeros(2, np.uint8), np.zeros(1, np.int8)):
        with pytest.raises(ValueError, match="are not 6 packed weights"):
            unpack_signs(packed, (2, 3))


# --- the same answers ---


@pytest.mark.parametrize("backend", ["emu", "numpy"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["ternary", "binary"])
def test_logits_are_those_of_the_full_model(
    kind: str, bits: int, backend: str, tmp_path: Path
) -> None:
    spec = NetworkSpec("65-33-20-7", kind, bits, 16)  # type: ignore[arg-type]
    model = extreme(spec, bits, Domain((5, 13)))
    save_model(tmp_path / "full", model)
    save_packed(tmp_path / "packed", model)
    images = np.random.default_rng(1).integers(0, 256, (40, 5, 13)).astype(np.uint8)
    one, other = (load(tmp_path / name, backend=backend) for name in ("full", "packed"))
    assert np.array_equal(one.logits(images), other.logits(images))
    assert np.unique(one.logits(images)).size > 50, "the logits hardly depend on the image"
    assert one.fingerprint == other.fingerprint == model.network.fingerprint
    assert one.domain == other.domain == Domain((5, 13))


def test_all_commands_take_a_packed_file(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "images.npy", DIGITS.test.images)
    outputs = []
    for model in (trained, trained / "model.npz", trained / "packed"):
        assert run(["predict", str(model), str(tmp_path / "images.npy"), "--json"]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] == outputs[2]
    assert run(["evaluate", str(trained)]) == 0
    full = capsys.readouterr().out.splitlines()
    assert run(["evaluate", str(trained / "packed"), "--dataset", "digits"]) == 0
    packed = capsys.readouterr().out.splitlines()
    assert packed[2].split()[2:] == full[3].split()  # the row of the ternary weights
    assert packed[3] == full[4]
    assert len(packed) == len(full) - 1


def test_eight_bits_are_refused(trained: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", DIGITS.test.images[:2])
    files = (trained / "packed", tmp_path / "images.npy")
    done = fewmult("predict", *files, "--precision", "8-bit")
    assert (done.returncode, done.stdout) == (2, "")
    assert_one_line(done.stderr, f"{files[0]} has no 8-bit weights: take precision ternary")
    with pytest.raises(UsageError, match="has no 4-bit weights: take precision 8-bit or ternary"):
        load(trained, precision="4-bit")
    with pytest.raises(UsageError, match="has no 8-bit weights"):
        load(trained / "packed", precision="8-bit")


def test_evaluate_needs_a_data_set(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained / "packed")]) == 2
    assert_one_line(capsys.readouterr().err, "names no dataset: add --dataset")


def test_packing_again_changes_nothing(trained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert run(["export", str(trained / "packed"), "--format", "packed", "--out", str(again)]) == 0
    assert same(load_packed(again), load_packed(trained / "packed"))


# --- the size ---


@pytest.mark.parametrize(("kind", "least", "most"), [("ternary", 1.6, 1.7), ("binary", 1, 1.1)])
def test_bits_of_a_weight_in_a_net_as_large_as_the_papers(
    kind: Any, least: float, most: float, tmp_path: Path
) -> None:
    network = Network.initial(NetworkSpec.parse("784-1024-1024-1024-10", weights=kind), 1)
    means = [np.zeros(1024, np.int32)] * 3
    save_packed(tmp_path / "packed", Model(network, {kind: means}))
    weights = sum(array.size for array in network.weights)
    assert least * weights < 8 * (tmp_path / "packed").stat().st_size < most * weights
    back = load_packed(tmp_path / "packed").network
    for one, other in zip(network.weights, back.weights, strict=True):
        assert all(map(np.array_equal, PLANES[kind](one), PLANES[kind](other)))
        assert np.array_equal(PLANES[kind](other)[1][0], pack_ternary(other)[1])


# --- the command ---


def test_export_says_what_it_wrote(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "file"
    done = fewmult("export", trained, "--format", "packed", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    size = out.stat().st_size
    bits = 8 * size / (64 * 16 + 16 * 10)
    fingerprint = json.loads((trained / "summary.json").read_text())["fingerprint"]
    assert done.stdout.splitlines() == [
        f"{out}: {size:,} bytes, {bits:.2f} bits a weight",
        f"made from {fingerprint}",
    ]


def test_packed_is_short_for_its_format(trained: Path, tmp_path: Path) -> None:
    for name, form in (("short", ["--packed"]), ("long", ["--format", "packed"])):
        assert fewmult("export", trained, *form, "--out", tmp_path / name).returncode == 0
    assert (tmp_path / "short").read_bytes() == (tmp_path / "long").read_bytes()


def test_export_overwrites_nothing_unasked(
    trained: Path, good: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "file"
    out.write_bytes(b"mine")
    command = ["export", str(trained), "--format", "packed", "--out", str(out)]
    assert run(command) == 2
    assert_one_line(capsys.readouterr().err, "is there already", "--overwrite")
    assert run([*command, "--overwrite"]) == 2
    assert_one_line(capsys.readouterr().err, "is no packed model")
    assert out.read_bytes() == b"mine"
    shutil.copy(trained / "packed", out)
    assert run([*command, "--overwrite"]) == 0
    assert same(load_packed(out), load_packed(trained / "packed"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("kind", ["pipe", "nowhere", "model", "config", "empty"])
def test_export_replaces_packed_models_alone(
    kind: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not a device, nor the model that it packs."""
    out = tmp_path / "there"
    makers: dict[str, Callable[[], object]] = {
        "pipe": lambda: os.mkfifo(out),
        "nowhere": lambda: out.symlink_to("none"),
        "model": lambda: shutil.copy(trained / "model.npz", out),
        "config": lambda: shutil.copy(trained / "config.toml", out),
        "empty": out.touch,
    }
    makers[kind]()
    before = out.lstat()
    command = ["export", str(trained), "--format", "packed", "--out", str(out), "--overwrite"]
    assert run(command) == 2
    assert_one_line(capsys.readouterr().err, f"{out} is no packed model", "another file")
    assert out.lstat() == before


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["--out", "new"], 2, "--format"),
        (["--format", "packed"], 2, "--out"),
        (["--format", "packed", "--out", "."], 2, "is a folder"),
        (["--format", "packed", "--out", "none/new"], 1, "cannot write none/new"),
    ],
)
def test_wrong_exports(
    arguments: list[str],
    code: int,
    part: str,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["export", str(trained), *arguments]) == code
    assert_one_line(capsys.readouterr().err, part)
    assert list(tmp_path.iterdir()) == []


# --- damaged files ---


@pytest.mark.slow
def test_any_truncation(good: bytes, tmp_path: Path) -> None:
    for size in range(len(good)):
        assert read(load_packed, tmp_path / "packed", good[:size]) is None, size


@pytest.mark.slow
def test_any_flipped_byte(good: bytes, tmp_path: Path) -> None:
    assert refused_flips(load_packed, tmp_path / "packed", good) > 0.7


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a: a.pop("weights_1"), "weights_1"),
        (lambda a: a.pop("shift_1"), "shift_1"),
        (lambda a: a.update(shift_0=np.int32(9)), "shift_0 is 9, and such a net's is 3"),
        (lambda a: a.pop("widths"), "no item named 'widths.npy'"),
        (lambda a: a.update(packed_format=np.int32(99)), "packed format 99 is not known"),
        (lambda a: a.update(widths=np.array([64, 17, 10])), "are not 1088 packed weights"),
        (lambda a: a.update(widths=np.array([64, 1 << 16, 10])), "packed weights"),
        (lambda a: a.update(widths=np.array([64, 1 << 40, 10])), "every width must be"),
        (lambda a: a.update(widths=np.full(100_000, 65536)), "is too deep"),
        (lambda a: a.update(weights_0=a["weights_0"].astype(np.int8)), "int8"),
        (lambda a: a["weights_0"].__setitem__(0, 243), "byte 243 stands for no weights"),
        (lambda a: a["bias_0"].__setitem__(0, 4097), "bias_0 has values beyond"),
        (lambda a: a.update(bias_0=a["bias_0"].astype(np.int32)), "bias_0 is int32"),
        (lambda a: a["mean_ternary_0"].__setitem__(0, 1 << 31 - 1), "beyond"),
        (lambda a: a.update(fingerprint=np.array("me")), "its fingerprint is none"),
        (lambda a: a.update(class_names=np.array(["a"])), "it names 1 classes of 10"),
        (lambda a: a.update(class_names=np.array(["a"] * 10)), "two classes are named a"),
        (lambda a: a.update(class_names=np.array(["\x1b[2J", *"bcdefghij"])), "cannot name"),
        (lambda a: a.update(image_shape=np.array([8, 9])), "do not have 64 pixels"),
        (lambda a: a.update(image_shape=np.array([-8, -8])), "do not have 64 pixels"),
        (lambda a: a.update(image_shape=np.array([8])), "do not have 64 pixels"),
    ],
)
def test_odd_arrays(
    change: Callable[[Arrays], None], reason: str, good: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "packed"
    path.write_bytes(changed(good, change, sign=True))
    with pytest.raises(FewmultError, match=re.escape(reason)):
        load_packed(path)


PREPROCESSING = ("gray", "resize", "scale", "scale_low", "scale_high", "levels")


def without_preprocessing(model: Model) -> Model:
    return replace(model, domain=Domain(model.domain.image_shape, model.domain.class_names))


@pytest.mark.parametrize("version", [1, 2])
def test_packed_files_of_the_formats_before(version: int, good: bytes, tmp_path: Path) -> None:
    def change(arrays: Arrays) -> None:
        if version == 1:
            assert [arrays.pop(f"shift_{k}") for k in range(2)] == [3, 0]
        for name in PREPROCESSING:
            del arrays[name]
        arrays["packed_format"] = np.int32(version)

    for name, content in (("now", good), ("before", changed(good, change, sign=True))):
        (tmp_path / name).write_bytes(content)
    now, before = load_packed(tmp_path / "now"), load_packed(tmp_path / "before")
    assert now.domain.levels is not None
    assert same(without_preprocessing(now), before)


def test_any_changed_number_breaks_the_checksum(good: bytes, tmp_path: Path) -> None:
    def change(arrays: Arrays) -> None:
        arrays["bias_1"][3] ^= 1

    path = tmp_path / "packed"
    path.write_bytes(changed(good, change))
    with pytest.raises(FewmultError, match="does not have its checksum"):
        load_packed(path)


def test_a_damaged_file_ends_a_command_in_a_line(
    good: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for size in (0, 100, len(good) - 1):
        (tmp_path / "packed").write_bytes(good[:size])
        assert run(["evaluate", str(tmp_path / "packed"), "--dataset", "digits"]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert_one_line(err, "is damaged or not a model of fewmult-hls")


# --- the format before class names ---


def test_models_without_class_names_are_read(trained: Path, tmp_path: Path) -> None:
    with np.load(trained / "model.npz") as file:
        arrays = dict(file)
    for name in ("image_shape", "class_names"):
        del arrays[name]
    np.savez(tmp_path / "half.npz", **arrays)
    with pytest.raises(FewmultError, match="no item named 'image_shape"):
        load_model(tmp_path / "half.npz")
    np.savez(tmp_path / "old.npz", **{**arrays, "format": np.int32(1)})
    old, new = load_model(tmp_path / "old.npz"), load_model(trained / "model.npz")
    assert old.domain == Domain()
    assert without_preprocessing(new).domain == Domain((8, 8))
    assert old.network.fingerprint == new.network.fingerprint


def test_models_without_preprocessing_are_read(trained: Path, tmp_path: Path) -> None:
    def change(arrays: Arrays) -> None:
        for name in PREPROCESSING:
            del arrays[name]

    whole = (trained / "model.npz").read_bytes()
    path = tmp_path / "model.npz"
    path.write_bytes(changed(whole, change, sign=True))
    with pytest.raises(FewmultError, match="no item named 'gray"):
        load_model(path)

    def age(arrays: Arrays) -> None:
        change(arrays)
        arrays["format"] = np.int32(3)

    path.write_bytes(changed(whole, age, sign=True))
    old, new = load_model(path), load_model(trained / "model.npz")
    assert same(old, without_preprocessing(new))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gray", np.int32(2)),
        ("resize", np.array([8, 9], np.int32)),
        ("resize", np.array([64], np.int32)),
        ("resize", np.array([-8, -8], np.int32)),
        ("scale", np.array("other")),
        ("scale", np.array("range")),
        ("scale_low", np.array([0.0])),
        ("scale_high", np.array([np.nan])),
        ("levels", np.array([1, 2], np.int32)),
        ("levels", np.array([1, 2, 256], np.int32)),
    ],
)
def test_preprocessing_that_cannot_be(name: str, value: Any, trained: Path, tmp_path: Path) -> None:
    whole, path = (trained / "model.npz").read_bytes(), tmp_path / "model.npz"
    path.write_bytes(changed(whole, lambda arrays: arrays.update({name: value}), sign=True))
    with pytest.raises(FewmultError, match="is damaged or not a model of fewmult-hls"):
        load_model(path)
