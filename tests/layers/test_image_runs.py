# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Runs of nets with convolution and pooling, from images with channels to answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from command import assert_one_line, summary
from fewmult_hls import datasets, train
from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.backends.oracle_backend import OracleBackend
from fewmult_hls.cli.commands import run
from fewmult_hls.contract.calls import CALLS
from fewmult_hls.datasets import Dataset
from fewmult_hls.models.classifier import Classifier, load, read_model
from fewmult_hls.models.images import read_images
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.runs.course import Watcher
from fewmult_hls.runs.plan import plan_run, plan_to_go_on
from fewmult_hls.system.errors import FewmultError, UsageError
from model_files import changed

DIGITS = datasets.load("digits")
NET = "3x8x8-6C3p-P2-8C3-12-10"
GREY = "1x8x8-4C3ps2-P2-10"


def coloured(split: Any) -> tuple[Any, Any]:
    """Digits of which each channel shows another side."""
    grey = split.images.reshape(-1, 8, 8)
    return np.stack([grey, 255 - grey, grey // 3], axis=3), split.labels


@pytest.fixture(scope="module")
def colours() -> Dataset:
    """A data set with three channels."""
    return datasets.from_arrays(*map(coloured, (DIGITS.train, DIGITS.test, DIGITS.validation)))


@pytest.fixture(scope="module")
def folder(colours: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on it."""
    path = tmp_path_factory.mktemp("runs") / "colours"
    options = {"batch": 32, "epochs": 3, "backend": "numpy", "master_bits": 16}
    train(colours, net=NET, out=path, **options)  # type: ignore[arg-type]
    return path


def test_it_learns(folder: Path) -> None:
    with load(folder, backend="numpy") as net:
        assert net.net == NET
        images, labels = coloured(DIGITS.test)
        assert net.evaluate(images, labels) < 20  # chance is 90


def test_what_is_zero_is_the_mean_of_each_channel(colours: Dataset, folder: Path) -> None:
    model: Any = read_model(folder)
    images = colours.train.images.reshape(-1, 3)
    means = np.floor(images.mean(axis=0) + 0.5).astype(np.uint8)
    assert np.array_equal(model.network.state["offsets_0"], means)
    assert Network.initial(model.spec, 1).fingerprint != model.network.fingerprint


@pytest.fixture(scope="module")
def good(folder: Path) -> bytes:
    """The model's file."""
    return (folder / "model.npz").read_bytes()


def test_the_fingerprint_is_the_documented_sha_256(folder: Path) -> None:
    with np.load(folder / "model.npz") as file:
        arrays = dict(file)
    data = b"fewmult-hls state 2\n"
    for number in (16, len(NET)):
        data += number.to_bytes(4, "little")
    data += NET.encode() + bytes(arrays["offsets_0"].tolist())
    for layer in (0, 2, 3, 4):  # layer 1 is the pool
        for numbers, size in ((arrays[f"weights_{layer}"], 2), (arrays[f"bias_{layer}"], 4)):
            for number in numbers.ravel().tolist():
                data += number.to_bytes(size, "little", signed=True)
    assert hashlib.sha256(data).hexdigest() == str(arrays["fingerprint"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda a: a.update(net=np.array("3x8x8-6C9-10")), "does not fit into 8x8 places"),
        (lambda a: a.update(net=np.array("3x8x8-6C3-P2-8C3-12-10")), "weights_3 is int16 (12, 32)"),
        (lambda a: a.update(net=np.array("3x9x8-6C3p-P2-8C3-12-10")), "its fingerprint"),
        (lambda a: a.update(net=np.array("192-10")), "weights_0 is int16 (6, 27)"),
        (lambda a: a.update(offsets_0=a["offsets_0"][:2]), "offsets_0 is uint8 (2,)"),
        (lambda a: a.update(offsets_0=a["offsets_0"].astype(np.int8)), "offsets_0 is int8"),
        (lambda a: a["offsets_0"].__setitem__(0, 0), "fingerprint"),
        (lambda a: a.pop("offsets_0"), "offsets_0"),
        (lambda a: a.update(image_shape=np.array([8, 8])), "do not have 192 pixels"),
        (lambda a: a.update(image_shape=np.array([8, 8, 3, 1])), "images of (8, 8, 3, 1)"),
        (
            lambda a: a.update({"mean_ternary_0": a["mean_ternary_0"][:6]}),
            "mean_ternary_0 is int32",
        ),
    ],
)
def test_damaged_models(
    change: Callable[[Any], None], reason: str, good: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(changed(good, change))
    with pytest.raises(FewmultError, match=re.escape(reason)) as error:
        read_model(path)
    assert "\n" not in str(error.value)


def test_a_packed_model_answers_alike(folder: Path, tmp_path: Path) -> None:
    packed, images = tmp_path / "packed", coloured(DIGITS.test)[0][:40]
    assert run(["export", str(folder), "--format", "packed", "--out", str(packed)]) == 0
    answers = [net.logits(images) for net in nets(folder, packed)]
    assert np.array_equal(*answers)
    assert np.unique(answers[0]).size > 50


def nets(*paths: Path) -> list[Classifier]:
    return [load(path, backend="numpy") for path in paths]


def test_images_from_a_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, _ = coloured(DIGITS.test)
    for name, array in (("one", images[0]), ("some", images[:3])):
        np.save(tmp_path / name, array)
        path = str(tmp_path / f"{name}.npy")
        assert run(["predict", str(folder), path, "--backend", "numpy"]) == 0
    np.save(tmp_path / "planes", images[:3].transpose(0, 3, 1, 2))
    capsys.readouterr()
    path = str(tmp_path / "planes.npy")
    assert run(["predict", str(folder), path, "--backend", "numpy"]) == 1
    assert_one_line(capsys.readouterr().err, "(3, 3, 8, 8)", "8x8x3 pixels")
    with pytest.raises(UsageError, match=r"channels in front: give images.transpose\(0, 2, 3, 1\)"):
        nets(folder)[0].predict(images[:3].transpose(0, 3, 1, 2))


def test_a_png_image_in_colour_answers_like_its_array(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, path = coloured(DIGITS.test)[0][5], tmp_path / "image.png"
    Image.fromarray(image).save(path)
    domain = read_model(folder).domain
    np.testing.assert_array_equal(read_images(path, domain, 192), image.reshape(1, -1))
    Image.fromarray(image[..., 0]).save(path)
    grey = np.repeat(image[..., :1], 3, axis=2)
    np.testing.assert_array_equal(read_images(path, domain, 192), grey.reshape(1, -1))
    Image.fromarray(np.dstack([image, image[..., 0]])).save(path)
    assert run(["predict", str(folder), str(path), "--backend", "numpy"]) == 1
    assert_one_line(capsys.readouterr().err, "transparent pixels, and a background is not known")
    Image.fromarray(image[:7]).save(path)
    assert run(["predict", str(folder), str(path), "--backend", "numpy"]) == 1
    assert_one_line(capsys.readouterr().err, "has 7x8 pixels", "8x8x3 pixels")


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    options = {"net": GREY, "batch": 64, "epochs": 3, "backend": "numpy", "sharpen": 2}
    prints = []
    for name, stops in (("whole", 0), ("stopped", 2)):
        seen = 0

        def stop(epoch: int, batch: int, hinge: float, stops: int = stops) -> None:
            nonlocal seen
            seen += 1
            if stops and epoch == stops and batch == 5:
                raise KeyboardInterrupt

        plan = plan_run(options, out=tmp_path / name)
        if stops:
            with pytest.raises(KeyboardInterrupt):
                plan.execute(OracleBackend(), Watcher(on_step=stop))
            plan = plan_to_go_on(tmp_path / name, {})
        summary, complaints = plan.execute(OracleBackend(), Watcher())
        assert not complaints
        prints.append(summary["fingerprint"])
    assert prints[0] == prints[1]
    assert seen > 5


def test_moved_inputs_go_either_way(tmp_path: Path) -> None:
    one, other = (
        train(net=GREY, batch=64, epochs=1, backend="numpy", perturb=perturb) for perturb in (0, 8)
    )
    assert one.fingerprint != other.fingerprint


def test_a_backend_without_the_kernels_says_so_and_writes_nothing(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EmuBackend, "kernels", frozenset(CALLS) - {"pool"})
    out = tmp_path / "run"
    assert run(["train", "--net", GREY, "--out", str(out)]) == 2
    line = "the emu backend has no kernel pool"
    assert_one_line(capsys.readouterr().err, line, "take --backend numpy")
    assert not out.exists()
    np.save(tmp_path / "image", coloured(DIGITS.test)[0][0])
    assert run(["predict", str(folder), str(tmp_path / "image.npy")]) == 2
    assert_one_line(capsys.readouterr().err, line)


def test_compiled_kernels_leave_the_same_bits(colours: Dataset, folder: Path) -> None:
    net = train(colours, net=NET, batch=32, epochs=3, backend="emu", threads=2)
    assert net.fingerprint == read_model(folder).fingerprint
    images = coloured(DIGITS.test)[0][:40]
    assert np.array_equal(net.logits(images), nets(folder)[0].logits(images))


@pytest.mark.parametrize(
    ("net", "message"),
    [
        ("3x8x8-4C3-10", "it must begin with 1x8x8 and end with 10"),
        ("1x16x4-4C3-10", "it must begin with 1x8x8 and end with 10"),
        ("64x1x1-4C1-10", "it must begin with 1x8x8"),
        ("1x8x8-4C3-11", "and end with 10"),
        ("1x8x8-4C9-10", "layer 1, 4C9: a window of 9x9 does not fit into 8x8 places"),
    ],
)
def test_nets_that_do_not_fit_the_data(
    net: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    assert run(["train", "--net", net, "--backend", "numpy", "--out", out]) == 2
    assert_one_line(capsys.readouterr().err, message)
    assert not Path(out).exists()


def test_methods_that_multiply_know_dense_layers_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    assert run(["train", "--net", GREY, "--method", "float", "--out", out]) == 2
    assert_one_line(capsys.readouterr().err, "method float knows dense layers only")


@pytest.mark.parametrize("method", ["ternary-qbp", "binary-qbp"])
def test_nets_with_convolutions_are_headed_by_the_weights_that_validation_chose_by(
    method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And are so in all that shows errors: training, evaluation, Python."""
    out = tmp_path / "run"
    words = ["train", "--net", "1x8x8-4C3p-P2-10", "--epochs", "3", "--method", method]
    assert run([*words, "--out", str(out)]) == 0
    shown, found = capsys.readouterr().out, summary(out)
    kind = method.removesuffix("-qbp")
    errors = {kind: found["test_error"], "8-bit": found["test_error_8_bit"]}
    assert [name for name in found if name.startswith("test_error")] == [
        "test_error",
        "test_error_8_bit",
    ]
    assert errors[kind] != errors["8-bit"]
    assert run(["evaluate", str(out)]) == 0
    for text in (shown, capsys.readouterr().out):
        rows = " ".join(
            f"{error:.2f} % ({round(error * 3.59)} of 359), {name} weights"
            for name, error in errors.items()
        )
        assert f"test error {rows}" in re.sub(r"\s+", " ", text)
    digits = DIGITS.test
    for precision, error in errors.items():
        with load(out, precision=precision) as net:
            assert net.evaluate(digits.images, digits.labels) == error


def test_images_without_convolutions_are_headed_as_rows_of_values_are() -> None:
    for net in ("64-10", "1x8x8-10", "1x8x8-P2-10"):
        assert NetworkSpec(net).precisions == ("8-bit", "ternary")
