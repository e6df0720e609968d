# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures in files of every kind: how they lie, what colours they have, and which are refused."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from command import assert_one_line, fewmult, summary
from fewmult_hls import datasets, load, train
from fewmult_hls.cli.commands import run
from fewmult_hls.datasets import areas, pictures
from fewmult_hls.datasets.preprocessing import Preprocessing
from fewmult_hls.system.errors import FewmultError
from images import coloured, grey, header, png_bytes, png_of, write_png

AS_IT_IS = Preprocessing()
KINDS = ["PNG", "BMP", "JPEG", *(["WEBP"] if features.check("webp") else [])]


def encoded(image: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    made = image if isinstance(image, Image.Image) else Image.fromarray(image)
    if kind == "WEBP":
        options.setdefault("lossless", True)
    made.save(file, kind, **options)
    return file.getvalue()


def blocks(colours: bool) -> np.ndarray:
    """(16, 24) or (16, 24, 3): four corners of their own, in blocks that JPEG keeps."""
    corners = np.array([[[200, 0, 0], [0, 200, 0]], [[0, 0, 200], [90, 90, 90]]], np.uint8)
    image = corners.repeat(8, axis=0).repeat(12, axis=1)
    return image if colours else image[..., 0].copy()


def read(content: bytes, made: Preprocessing = AS_IT_IS) -> np.ndarray:
    return pictures.picture_of(Path("x"), content, made)


# --- what is read ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colours", [False, True])
def test_every_kind(kind: str, colours: bool) -> None:
    image = blocks(colours)
    content = encoded(image, kind)
    assert pictures.kind_of(content) is not None
    found = read(content)
    assert found.shape == image.shape
    if kind == "JPEG":
        assert np.array_equal(found, np.asarray(Image.open(io.BytesIO(content))))
    else:
        assert np.array_equal(found, image)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(10))
def test_pictures_are_upright(kind: str, orientation: int) -> None:
    if kind not in KINDS:
        pytest.skip("Pillow without WebP")
    exif = Image.Exif()
    exif[274] = orientation
    content = encoded(blocks(colours=True), kind, exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    assert np.array_equal(read(content), np.asarray(wanted))


def test_palettes_bits_and_inks() -> None:
    image = Image.fromarray(blocks(colours=True))
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE)
    assert np.array_equal(read(encoded(palette, "BMP")), np.asarray(palette.convert("RGB")))
    bits = Image.fromarray(np.where(blocks(colours=False) > 50, 255, 0).astype(np.uint8))
    assert np.array_equal(read(encoded(bits.convert("1"), "BMP")), np.asarray(bits))
    inks = image.convert("CMYK")
    content = encoded(inks, "JPEG")
    wanted = Image.open(io.BytesIO(content)).convert("RGB")
    assert np.array_equal(read(content), np.asarray(wanted))


def test_grey_pictures_in_three_channels_are_grey() -> None:
    for kind in KINDS:
        content = encoded(Image.fromarray(blocks(colours=False)).convert("RGB"), kind)
        if kind != "JPEG":
            assert read(content).shape == (16, 24)


def test_opaque_pixels_and_transparent_ones() -> None:
    image = Image.fromarray(blocks(colours=True)).convert("RGBA")
    kinds = [kind for kind in KINDS if kind != "JPEG"]
    for kind in kinds:
        assert np.array_equal(read(encoded(image, kind)), blocks(colours=True))
    image.putpixel((0, 0), (1, 2, 3, 254))
    for kind in set(kinds) - {"BMP"}:  # of which Pillow writes no header that names transparency
        with pytest.raises(FewmultError, match="transparent pixels, and a background is not known"):
            read(encoded(image, kind))


def test_photographs_of_several_pictures_are_the_first(tmp_path: Path) -> None:
    first, second = (Image.fromarray(blocks(colours=True)[:, ::step]) for step in (1, -1))
    try:
        content = encoded(first, "MPO", save_all=True, append_images=[second])
    except KeyError:
        pytest.skip("Pillow cannot write MPO")
    wanted = np.asarray(Image.open(io.BytesIO(content)))
    assert np.array_equal(read(content), wanted)


def test_grey_and_size() -> None:
    photograph = np.random.default_rng(3).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    made = Preprocessing(gray=True, resize=(8, 8))
    wanted = areas.covered(areas.gray(photograph)[None], (8, 8))[0]
    for kind in KINDS:
        if kind != "JPEG":
            assert np.array_equal(read(encoded(photograph, kind), made), wanted)


# --- what is refused ---


def jpeg_of_size(rows: int, columns: int) -> bytes:
    """A small picture whose header says another size."""
    content = bytearray(encoded(blocks(colours=False), "JPEG"))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", rows, columns)
    return bytes(content)


def bmp_of_size(rows: int, columns: int) -> bytes:
    content = bytearray(encoded(blocks(colours=False), "BMP"))
    content[18:26] = struct.pack("<ii", columns, rows)
    return bytes(content)


def webp_of_size(form: bytes, rows: int, columns: int) -> bytes:
    if form == b"VP8X":
        sides = (columns - 1).to_bytes(3, "little") + (rows - 1).to_bytes(3, "little")
        body = bytes(4) + sides
    elif form == b"VP8L":
        body = b"\x2f" + ((columns - 1) | (rows - 1) << 14).to_bytes(4, "little")
    else:
        body = b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", columns, rows)
    chunk = form + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


RESIZED = Preprocessing(resize=(8, 8))
REFUSED: list[tuple[bytes, Preprocessing, str]] = [
    (b"", AS_IT_IS, "is no PNG, JPEG, BMP or WebP image: convert it, or remove it"),
    (b"GIF89a", AS_IT_IS, "is no PNG, JPEG, BMP or WebP image"),
    (b"\xff\xd8\xff", AS_IT_IS, "is a damaged JPEG image"),
    (encoded(blocks(colours=True), "JPEG")[:-40], AS_IT_IS, "is a damaged JPEG image"),
    (encoded(blocks(colours=True), "BMP")[:-40], AS_IT_IS, "is a damaged BMP image"),
    (b"BM" + bytes(60), AS_IT_IS, "is a damaged BMP image"),
    (jpeg_of_size(60_000, 60_000), RESIZED, "pixels"),
    (jpeg_of_size(9_000, 9_000), RESIZED, "has 9000x9000 pixels, and at most 67,108,864 are read"),
    (jpeg_of_size(2_000, 2_000), RESIZED, "it has fewer pixels than its header says"),
    (bmp_of_size(60_000, 60_000), RESIZED, "pixels"),
    (bmp_of_size(1000, 1000), RESIZED, "is a damaged BMP image"),
    (webp_of_size(b"VP8X", 16_000, 16_000), RESIZED, "has 16000x16000 pixels, and at most"),
    (webp_of_size(b"VP8L", 16_000, 16_000), RESIZED, "has 16000x16000 pixels, and at most"),
    (webp_of_size(b"VP8 ", 16_000, 16_000), RESIZED, "has 16000x16000 pixels, and at most"),
    (webp_of_size(b"VP8 ", 8, 8), RESIZED, "is a damaged WebP image"),
    (webp_of_size(b"VP8X", 8, 8)[:20], RESIZED, "is a damaged WebP image"),
    (png_of(header(40_000, 40_000)), RESIZED, "has 40000x40000 pixels, and at most 67,108,864"),
    (
        encoded(np.zeros((1, 65_000), np.uint8), "JPEG"),
        RESIZED,
        "x has 1x65000 pixels (rows x columns), of which 8x8 would keep a tenth or less",
    ),
    (
        png_bytes(np.zeros((1, 100_000), np.uint8)),
        AS_IT_IS,
        "has 1x100000 pixels, and a net takes at most 65,536: train with --resize, such as",
    ),
    (png_bytes(np.zeros((1, 100_000), np.uint8)), RESIZED, "would keep a tenth or less: cut it"),
]


@pytest.mark.parametrize(("content", "made", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(content: bytes, made: Preprocessing, message: str) -> None:
    if content[8:12] == b"WEBP" and "WEBP" not in KINDS:
        pytest.skip("Pillow without WebP")
    with pytest.raises(FewmultError) as error:
        read(content, made)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.skipif("WEBP" not in KINDS, reason="Pillow without WebP")
def test_animations_are_refused() -> None:
    frames = [Image.fromarray(blocks(colours=True)[:, ::step]) for step in (1, -1)]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(FewmultError, match="is an animation: give its images as files"):
        read(content)


# --- folders of photographs ---


def photograph(label: int, seed: int) -> np.ndarray:
    """Of its own size; class 0 is dark above, class 1 dark below."""
    random = np.random.default_rng(seed)
    rows, columns = (int(side) for side in random.integers(30, 60, 2))
    image = random.integers(150, 256, (rows, columns, 3)).astype(np.uint8)
    half = rows // 2
    image[:half] //= 1 if label else 4
    image[half:] //= 4 if label else 1
    return image


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """40 photographs of two classes, of every kind and size, and other files among them."""
    root = tmp_path / "photographs"
    for label, name in enumerate(("above", "below")):
        (root / name).mkdir(parents=True)
        for k in range(20):
            kind = KINDS[k % len(KINDS)]
            ending = {"JPEG": ("jpg", "JPG", "jpeg")[k % 3]}.get(kind, kind.lower())
            content = encoded(photograph(label, 100 * label + k), kind)
            (root / name / f"{k:02}.{ending}").write_bytes(content)
        (root / name / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    (root / "README.txt").write_text("mine")
    return root


def test_a_folder_of_photographs(photographs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = datasets.load(photographs, gray=True, resize=(12, 10))
    assert (data.image_shape, data.classes) == ((12, 10), 2)
    assert [len(split.labels) for split in data.splits] == [28, 4, 8]
    colours = datasets.load(photographs, resize="12x10")
    assert colours.image_shape == (12, 10, 3)
    (note,) = data.notes
    assert note == (
        "3 file(s) that are no PNG, JPEG, BMP or WebP images were skipped, such as "
        f"{photographs / 'README.txt'}"
    )
    assert run(["train", "--dataset", str(photographs), "--out", str(photographs / "x")]) == 1
    assert_one_line(capsys.readouterr().err, "add --resize, such as --resize 32x32, or scale")


def test_info_and_import(photographs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "info", str(photographs), "--resize", "8x9", "--gray"]) == 0
    said = capsys.readouterr()
    assert "images      8x9, 72 values" in said.out
    assert "            colours to grey, " in said.out
    assert said.err.startswith("note: 3 file(s) that are no")
    for path in photographs.glob("*/*"):
        path.write_bytes(encoded(coloured(4), "PNG") if path.suffix != ".db" else b"")
    assert run(["data", "import", "mine", "--from", str(photographs)]) == 1
    assert_one_line(capsys.readouterr().err, "has images in colour, and a copy is kept as IDX")


def test_one_picture_with_colours_gives_all_of_them_three_channels(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for k in range(8):
            write_png(tmp_path / "set" / name / f"{k}.png", grey(4, 10 * k))
    assert datasets.load(tmp_path / "set").image_shape == (4, 4)
    (tmp_path / "set" / "b" / "7.bmp").write_bytes(encoded(coloured(4), "BMP"))
    data = datasets.load(tmp_path / "set")
    assert data.image_shape == (4, 4, 3)
    images = np.concatenate([split.images for split in data.splits]).reshape(-1, 16, 3)
    is_coloured = (images != images[..., :1]).any(axis=(1, 2))
    assert is_coloured.sum() == 1
    assert datasets.load(tmp_path / "set", gray=True).image_shape == (4, 4)


def test_parts_have_equal_channels(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name in ("a", "b"):
            for k in range(7):
                write_png(tmp_path / "set" / part / name / f"{k}.png", grey(4, 10 * k))
    (tmp_path / "set/test/b/7.bmp").write_bytes(encoded(coloured(4), "BMP"))
    assert datasets.load(tmp_path / "set").image_shape == (4, 4, 3)


def test_predict_does_what_training_did(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = ["--gray", "--resize", "6x6", "--net", "36-32-2", "--epochs", "12"]
    assert run(["train", "--dataset", str(photographs), *options, "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "scaled to 6x6 (rows x columns), a pixel the mean of its area" in said.out
    assert "batch 16, seed 1" in said.out
    assert "note: batch 16, since there are 28 images to learn from" in said.err
    assert "note: 3 file(s)" in said.err
    found = summary(out)
    assert (found["gray"], found["resize"], found["batch"]) == (True, "6x6", 16)
    new = {label: encoded(photograph(label, 900 + label), "JPEG") for label in (0, 1)}
    for label, content in new.items():
        (tmp_path / f"{label}.jpg").write_bytes(content)
        assert run(["predict", str(out), str(tmp_path / f"{label}.jpg")]) == 0
        assert capsys.readouterr().out.split()[-2] == ("above", "below")[label]
        # The same bits from standard input, and from Python on the decoded pixels.
        with (tmp_path / f"{label}.jpg").open("rb") as file:
            done = fewmult("predict", out, "-", "--json", stdin=file)
        (answer,) = json.loads(done.stdout)
        assert (answer["label"], answer["file"]) == (label, "-")
        with load(out) as net:
            pixels = np.asarray(Image.open(io.BytesIO(content)))
            labels, margins = net.answers(pixels[None])
        assert (labels.tolist(), margins.tolist()) == ([label], [answer["margin"]])
    # A folder, with its folders, and what is none among them.
    assert run(["predict", str(out), str(photographs), "--json"]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)) == 40
    assert "note: 3 file(s) that are no" in said.err
    # Evaluating does it as well.
    assert run(["evaluate", str(out)]) == 0
    assert f"fingerprint  {found['fingerprint']}" in capsys.readouterr().out


def test_python_and_the_command_agree(photographs: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"gray": True, "resize": "6x6", "net": "36-16-2", "epochs": 2}
    with train(photographs, out=tmp_path / "a", **options) as one:
        pass
    data = datasets.load(photographs, gray=True, resize="6x6")
    with train(data, net="36-16-2", epochs=2, out=tmp_path / "b") as other:
        assert one.fingerprint == other.fingerprint
        assert one.domain == other.domain
        assert other.domain.preprocessing == Preprocessing(gray=True, resize=(6, 6))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("above/x.jpg", b"no picture", "is no PNG, JPEG, BMP or WebP image"),
        ("above/x.jpg", b"\xff\xd8\xff\xe0", "is a damaged JPEG image"),
        ("x.jpg", b"\xff\xd8\xff\xe0", "is a file among class folders: move it into one"),
    ],
)
def test_pictures_that_cannot_be_read(
    name: str,
    content: bytes,
    message: str,
    photographs: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (photographs / name).write_bytes(content)
    assert run(["train", "--dataset", str(photographs), "--resize", "6x6"]) == 1
    assert_one_line(capsys.readouterr().err, f"{photographs / name} {message}")


def test_class_folders_without_pictures(
    photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photographs / "middle").mkdir()
    (photographs / "middle" / "notes.txt").write_text("later")
    assert run(["data", "info", str(photographs)]) == 1
    assert_one_line(capsys.readouterr().err, "/middle holds no PNG, JPEG, BMP or WebP images: add")


# --- what is noticed and not changed ---


def test_negatives_and_other_scales_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, test = tmp_path / "run", datasets.load("digits").test.images.reshape(-1, 8, 8)
    assert run(["train", "--net", "64-16-10", "--epochs", "2", "--out", str(out)]) == 0
    capsys.readouterr()
    for name, images, part in (
        ("right", test, ""),
        ("inverted", 255 - test, "354 of 359 image(s) look inverted: their mean is"),
        ("dim", test // 16, "359 of 359 image(s) seem to have another scale: their values"),
    ):
        np.save(tmp_path / "images.npy", images)
        assert run(["predict", str(out), str(tmp_path / "images.npy")]) == 0
        err = capsys.readouterr().err
        assert part in err if part else err == "", (name, err)
    with load(out) as net:
        net.predict(test)
        with pytest.warns(UserWarning, match="look inverted"):
            net.predict(255 - test)
