# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The predict command: what it answers, and which files it refuses."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from command import SMALL, assert_one_line, fewmult, limited, make_socket, measured
from fewmult_hls import datasets, load
from fewmult_hls.cli.commands import run
from images import (
    coloured,
    grey,
    header,
    pixels,
    png_bytes,
    png_of,
    raw_png,
    translucent,
    write_png,
)

TEST = datasets.load("digits").test
IMAGES = TEST.images.reshape(-1, 8, 8)
Predict = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict") / "run"
    assert run(["train", *SMALL, "--epochs", "3", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def predict(trained: Path, capsys: pytest.CaptureFixture[str]) -> Predict:
    """Exit code, stdout and stderr of a call with the trained net."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = run(["predict", str(trained), *map(str, arguments)])
        return code, *capsys.readouterr()

    return call


def answers(output: str) -> list[tuple[int, float]]:
    return [(found["label"], found["margin"]) for found in json.loads(output)]


@pytest.mark.parametrize("precision", ["ternary", "8-bit"])
def test_png_npy_and_evaluate_agree(
    precision: Any, predict: Predict, trained: Path, tmp_path: Path
) -> None:
    files = [write_png(tmp_path / f"{k}.png", image) for k, image in enumerate(IMAGES)]
    for name, array in {"images": IMAGES, "flat": TEST.images}.items():
        np.save(tmp_path / f"{name}.npy", array)
    np.save(tmp_path / "columns.npy", np.asfortranarray(IMAGES))
    options = ["--precision", precision, "--json"]
    code, out, err = predict(*files, *options)
    assert (code, err) == (0, "")
    from_png = answers(out)
    for name in ("images", "flat", "columns"):
        assert answers(predict(tmp_path / f"{name}.npy", *options)[1]) == from_png
    with load(trained, precision=precision) as net:
        labels, margins = net.answers(IMAGES)
        error = net.evaluate(IMAGES, TEST.labels)
    assert from_png == list(zip(labels.tolist(), margins.tolist(), strict=True))
    # What evaluate printed when the run ended is the share of these that are wrong.
    wrong = sum(label != right for (label, _), right in zip(from_png, TEST.labels, strict=True))
    key = "test_error" if precision == "8-bit" else "test_error_ternary"
    assert (
        100 * wrong / len(IMAGES)
        == error
        == json.loads((trained / "summary.json").read_text())[key]
    )


def test_the_table(predict: Predict, trained: Path, tmp_path: Path) -> None:
    write_png(tmp_path / "one.png", IMAGES[0])
    with load(trained) as net:
        labels, margins = net.answers(IMAGES[:2])
    code, out, _ = predict(tmp_path / "one.png")
    assert code == 0
    head, line = out.splitlines()
    assert head.split() == ["file", "label", "margin"]
    assert line.split() == [str(tmp_path / "one.png"), str(labels[0]), f"{margins[0]:.2f}"]

    np.save(tmp_path / "two.npy", IMAGES[:2])
    head, *lines = predict(tmp_path / "two.npy", tmp_path / "one.png")[1].splitlines()
    assert head.split() == ["file", "index", "label", "margin"]
    assert [line.split()[1:3] for line in lines] == [
        ["0", str(labels[0])],
        ["1", str(labels[1])],
        ["0", str(labels[0])],
    ]


def test_backends_and_threads_agree(predict: Predict, tmp_path: Path) -> None:
    np.save(tmp_path / "some.npy", IMAGES[:20])
    outputs = {
        predict(tmp_path / "some.npy", "--json", *options)[1]
        for options in ([], ["--threads", "1"], ["--threads", "3"], ["--backend", "numpy"])
    }
    assert len(outputs) == 1


def test_class_names_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in {"dark": 0, "light": 128}.items():
        for k in range(10):
            write_png(tmp_path / "set" / name / f"{k}.png", grey(4, value + k))
    net = ["--net", "16-64-2", "--batch", "16", "--epochs", "30"]
    out = tmp_path / "run"
    for k in range(10):
        write_png(tmp_path / "set" / "dark" / f"more{k}.png", grey(4, 20 + k))
    assert run(["train", "--dataset", str(tmp_path / "set"), *net, "--out", str(out)]) == 0
    capsys.readouterr()
    image = write_png(tmp_path / "new.png", grey(4, 133))
    assert run(["predict", str(out), str(image)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[1] == "light"
    assert run(["predict", str(out), str(image), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["class"], found["label"], found["index"]) == ("light", 1, 0)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_grey_values_in_any_mode(mode: str, predict: Predict, tmp_path: Path) -> None:
    write_png(tmp_path / "plain.png", IMAGES[3])
    write_png(tmp_path / "odd", IMAGES[3], mode)  # by content, not by name
    plain = answers(predict(tmp_path / "plain.png", "--json")[1])
    assert answers(predict(tmp_path / "odd", "--json")[1]) == plain


def test_palettes_and_single_bits(predict: Predict, tmp_path: Path) -> None:
    black_and_white = np.where(IMAGES[3] > 100, 255, 0).astype(np.uint8)
    plain = answers(predict(write_png(tmp_path / "plain.png", black_and_white), "--json")[1])
    for mode, bits in (("1", 1), ("P", 8), ("L", 8)):
        path = write_png(tmp_path / "odd.png", black_and_white, mode, bits=bits)
        assert answers(predict(path, "--json")[1]) == plain


def refused(tmp_path: Path, content: bytes, predict: Predict) -> str:
    path = tmp_path / "image"
    path.write_bytes(content)
    good = write_png(tmp_path / "good.png", IMAGES[0])
    code, out, err = predict(good, path, good)
    assert code == 1
    assert out == "", "nothing is answered when a file among many is bad"
    assert_one_line(err, str(path))
    return err


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npy_header(entries: str) -> bytes:
    """A file with a header of one's own, without values."""
    text = f"{{'descr': '|u1', 'fortran_order': False, {entries}}}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(IMAGES[0]).save(file, "JPEG")
    return file.getvalue()


def animation() -> bytes:
    file = io.BytesIO()
    frames = [Image.fromarray(image) for image in IMAGES[:3]]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (png_bytes(grey(9, 5)), ["has 9x9 pixels", "takes 8x8 pixels", "-resize '8x8!'"]),
        (png_bytes(np.zeros((4, 16), np.uint8)), ["has 4x16 pixels", "8x8"]),
        (raw_png(coloured(8)), ["has colours where the model takes grey", "-colorspace gray"]),
        (raw_png(translucent(8)), ["(RGBA) has transparent pixels", "-background"]),
        (png_bytes(grey(8, 7), transparency=7), ["(L) has transparent pixels"]),
        (raw_png(np.full((8, 8), 300, np.uint16)), ["has 16 bits a pixel where 8 are needed"]),
        (animation(), ["is an animation"]),
        (jpeg()[:-30], ["is a damaged JPEG image"]),
        (b"", ["neither a PNG, JPEG, BMP or WebP image nor a .npy file"]),
        (b"GIF89a", ["neither a PNG, JPEG, BMP or WebP image nor a .npy file"]),
        (npy(IMAGES[:2] / 255), ["such as", "are no whole numbers 0 to 255"]),
        (npy(-IMAGES[:2].astype(int)), ["values are from -", "and 0 to 255 are taken"]),
        (npy(np.full((2, 8, 8), np.nan)), ["no finite numbers"]),
        (npy(np.array([["a"]])), ["holds <U1 and the model takes numbers"]),
        (npy(np.zeros((2, 9, 9), np.uint8)), ["shape (2, 9, 9)", "8x8", "(N, 64)"]),
        (npy(np.zeros((16, 4), np.uint8)), ["shape (16, 4)"]),
        (npy(np.zeros(64, np.uint8)), ["shape (64,)"]),
        (npy(np.zeros((1, 1, 8, 8), np.uint8)), ["shape (1, 1, 8, 8)"]),
        (npy(np.zeros((0, 8, 8), np.uint8)), ["holds no images"]),
        (npy(np.array([{}])), ["damaged .npy file, or holds no plain numbers"]),
        (npy(IMAGES)[:-1], ["damaged .npy file"]),
        (npy(IMAGES)[:20], ["damaged .npy file"]),
        (npy(IMAGES) + b"x", ["damaged .npy file"]),
        (npy(IMAGES).replace(b"359", b"999"), ["damaged .npy file"]),
        (npy(IMAGES).replace(b"359, 8", b"-59, 8"), ["damaged .npy file"]),
        (npy_header("'shape': (-3, 8, -8)") + bytes(192), ["damaged .npy file"]),
        (npy_header("'shape': (True, 8, 8)") + bytes(64), ["damaged .npy file"]),
        (npy_header("'shape': (2L, 8L, 8L)") + bytes(128), ["damaged .npy file"]),
        (npy_header("'shape': " + "(" * 9000), ["damaged .npy file"]),
        (npy_header("'shape': " + "-" * 9000 + "1"), ["damaged .npy file"]),
        (npy_header("'shape': (0or 8, 8), 'a': '\\d'"), ["damaged .npy file"]),
        (npy_header("x" * 65_000), ["damaged .npy file"]),
        (npy(IMAGES).replace(b"NUMPY\1", b"NUMPY\7"), ["damaged .npy file"]),
        (png_bytes(IMAGES[0]) + b"\n", ["1 bytes follow its end"]),
    ],
)
def test_files_that_cannot_be_taken(
    content: bytes, parts: list[str], predict: Predict, tmp_path: Path
) -> None:
    err = refused(tmp_path, content, predict)
    for part in parts:
        assert part in err


@pytest.mark.slow
def test_a_png_cut_or_changed_anywhere(predict: Predict, tmp_path: Path) -> None:
    good = png_bytes(IMAGES[5])
    right = answers(predict(write_png(tmp_path / "a.png", IMAGES[5]), "--json")[1])
    path = tmp_path / "image.png"
    for size in range(len(good)):
        path.write_bytes(good[:size])
        code, out, err = predict(path, "--json")
        # The last bytes mark the end and nothing else.
        assert (code == 1 and not out and err.count("\n") == 1) or (
            size > len(good) - 12 and answers(out) == right
        )
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 0x21
        path.write_bytes(damaged)
        code, out, err = predict(path, "--json")
        assert (code == 1 and err.count("\n") == 1) or answers(out) == right, position


def huge_png() -> bytes:
    """A header that promises 40,000 x 40,000 pixels."""
    return png_of(header(40_000, 40_000), pixels(bytes(72)))


def test_a_png_larger_than_memory_is_not_unpacked(predict: Predict, tmp_path: Path) -> None:
    assert "has 40000x40000 pixels" in refused(tmp_path, huge_png(), predict)


@pytest.mark.slow
def test_missing_files(predict: Predict, trained: Path, tmp_path: Path) -> None:
    code, _, err = predict(tmp_path / "none.png")
    assert code == 1
    assert_one_line(err, f"cannot read {tmp_path / 'none.png'}: No such file")
    code, _, err = predict(tmp_path)
    assert code == 1
    assert_one_line(err, f"{tmp_path} has no PNG, JPEG, BMP or WebP images in it: give another")
    assert predict()[0] == 2
    done = fewmult("predict", tmp_path / "nowhere", trained / "model.npz")
    assert done.returncode == 2
    assert_one_line(done.stderr, "there is no folder or file")
    done = fewmult("predict", tmp_path, tmp_path / "none.png")
    assert done.returncode == 1
    assert_one_line(done.stderr, "is this the folder of a finished run?")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (os.mkfifo, "it is no regular file"),
        (make_socket, "No such device or address"),
        (lambda path: path.symlink_to("/dev/zero"), "it is no regular file"),
        (lambda path: path.symlink_to("/dev/stdin"), "it is no regular file"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("nowhere"), "No such file or directory"),
    ],
)
def test_what_is_no_file(
    make: Callable[[Path], Any], fault: str, trained: Path, tmp_path: Path
) -> None:
    make(tmp_path / "image")
    done = fewmult("predict", trained, tmp_path / "image", stdin=subprocess.PIPE)
    assert done.returncode == 1
    assert_one_line(done.stderr, f"cannot read {tmp_path / 'image'}: {fault}")


def sparse(path: Path, begin: bytes, size: int) -> Path:
    """A file that goes on with so many zeros, which the disk does not have."""
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(len(begin) + size)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begin", "size", "fault"),
    [
        (b"", 1 << 33, "neither a PNG, JPEG, BMP or WebP image nor a .npy file"),
        (png_bytes(IMAGES[0]), 1 << 33, "it has more than 67,108,864 bytes"),
        (npy(IMAGES), 1 << 33, "does not have the size that its header says"),
        (npy_header(f"'shape': ({1 << 27}, 8, 9)"), 72 << 27, "the model takes images of"),
        (npy_header(f"'shape': ({1 << 36}, 8, 8)"), 64 << 36, "and .* are free: give its images"),
    ],
)
def test_huge_files_are_not_read(
    begin: bytes, size: int, fault: str, trained: Path, tmp_path: Path
) -> None:
    try:
        path = sparse(tmp_path / "huge", begin, size)
    except OSError:
        pytest.skip("the disk has no files of this size")
    done, peak = measured("predict", trained, path)
    assert done.returncode == 1
    assert_one_line(done.stderr, str(path))
    assert re.search(fault, done.stderr), done.stderr
    assert peak < 150 << 20


def test_more_answers_than_memory_holds(trained: Path, tmp_path: Path) -> None:
    path = sparse(tmp_path / "many.npy", npy_header("'shape': (300000, 64)"), 300_000 * 64)
    done = fewmult("predict", trained, path, before=limited(500 << 20))
    assert done.returncode == 1
    assert_one_line(
        done.stderr, "answering for 300,000 images needs about", "ask for fewer at once"
    )
