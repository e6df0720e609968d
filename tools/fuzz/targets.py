# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Every kind of file that is read: a good one, how it is spoiled, and who reads it."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import sys
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from PIL import Image, features

from fewmult_hls import __version__
from fewmult_hls.datasets import idx, load
from fewmult_hls.datasets.folder import STEMS
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.build import reports
from fewmult_hls.hardware.build.build_json import load_build
from fewmult_hls.hardware.build.plan import loop_targets
from fewmult_hls.hardware.deploy.payload import read_overlays, read_wheel
from fewmult_hls.hardware.emulated.overlay import write_emulated_overlay
from fewmult_hls.hardware.source.reading import read_sources
from fewmult_hls.report.records import read_records
from fewmult_hls.runs.checkpoints import load_checkpoint
from judging import call, command
from mutations import (
    Draw,
    arrays_of,
    json_bytes,
    npz_bytes,
    spoiled_arrays,
    spoiled_bytes,
    spoiled_tree,
    toml_bytes,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "support"))

from colour_sets import cifar_batches, mat, svhn_arrays, tarball, write_all  # noqa: E402

_NET = ("--net", "64-16-10")
_PARTS = ("train", "test")  # of SVHN
_KINDS = ("JPEG", "BMP", *(["WEBP"] if features.check("webp") else []))
_PIXELS = [f"pixel{k}" for k in range(16)]
_SMALL = (*_NET, "--threads", "1")
_BOARD = load_board("pynq-z2")

Spoil = Callable[[Draw, bytes], bytes]


@dataclass(frozen=True)
class Target:
    """A file in a folder of others that are good.

    Attributes:
        folder: name of the good one.
        file: in it; the first that matches the pattern.
        spoil: makes another content.
        read: is given the copy of the folder, and raises a ``Finding`` or nothing.
        share: how many of the cases it gets, for one that takes long.
    """

    folder: str
    file: str
    spoil: Spoil
    read: Callable[[Path], object]
    share: float = 1.0

    def case(self, draw: Draw, good: Path, scratch: Path) -> None:
        """Reads one spoiled file."""
        place = scratch / "case"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(good / self.folder, place)
        path = next(place.glob(self.file))
        path.write_bytes(self.spoil(draw, path.read_bytes()))
        self.read(place)


def make_good(good: Path) -> None:
    """Writes the good folders."""
    _run("train", *_SMALL, "--epochs", "2", "--out", good / "run")
    _run("train", *_NET, "--epochs", "1", "--method", "float", "--out", good / "float")
    shutil.copytree(good / "run", good / "unfinished")
    (good / "unfinished" / "summary.json").unlink()
    _run("export", good / "run", "--format", "packed", "--out", good / "packed" / "net.npz")
    for suffix in ("", ".gz"):
        _write_set(good / f"idx{suffix}", suffix)
    shutil.copytree(good / "idx", good / "stored")
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in good.glob("stored/*")}
    (good / "stored" / "checksums.json").write_text(json.dumps(digests))
    (good / "stored" / "classes.json").write_text(json.dumps([f"class {k}" for k in range(10)]))
    for suffix, folder in ((".bin", "binary"), ("", "python")):
        write_all(good / folder, cifar_batches(suffix))
    tarball(good / "tar" / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", cifar_batches())
    write_all(good / "mat", {f"{part}_32x32.mat": mat(svhn_arrays(20, 1)) for part in _PARTS})
    for k in range(20):
        path = good / "images" / f"class{k % 2}" / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_png(k))
    for k in range(20):
        for kind in _KINDS:
            path = good / kind / f"class{k % 2}" / f"{k}.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_png(k, kind))
    values = np.random.default_rng(5).integers(0, 256, (40, 16)).astype(np.uint8)
    (good / "table").mkdir()
    lines = [",".join(map(str, [*row, "ab"[k % 2]])) for k, row in enumerate(values.tolist())]
    (good / "table" / "train.csv").write_text("\n".join([",".join([*_PIXELS, "label"]), *lines]))
    (good / "arrays").mkdir()
    np.savez(good / "arrays" / "mine.npz", images=values / 255, labels=np.arange(40) % 2)
    write_emulated_overlay(good / "overlay", _BOARD, "fewmult")
    _write_wheel(good / "wheel" / f"fewmult_hls-{__version__}-py3-none-any.whl")
    _write_reports(good / "plan")


def _run(*arguments: str | Path) -> None:
    Path(arguments[-1]).parent.mkdir(parents=True, exist_ok=True)
    if command(*arguments) != 0:
        raise RuntimeError(f"cannot make what is to be spoiled: {arguments}")


def _write_set(folder: Path, suffix: str) -> None:
    generator = np.random.default_rng(3)
    folder.mkdir()
    for stem, count in zip(STEMS, (140, 140, 20, 20), strict=True):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = generator.integers(0, 256, (count, 4, 4)).astype(np.uint8)
        idx.write(folder / f"{stem}{suffix}", images if "images" in stem else labels)


def _png(seed: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8)).astype(np.uint8)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def _write_wheel(path: Path) -> None:
    path.parent.mkdir()
    head = f"Metadata-Version: 2.1\nName: fewmult-hls\nVersion: {__version__}\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        info = f"fewmult_hls-{__version__}.dist-info"
        archive.writestr("fewmult_hls/__init__.py", "")
        archive.writestr(f"{info}/METADATA", f"{head}Requires-Dist: click>=8\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")


def _write_reports(plan: Path) -> None:
    data = ROOT / "tests" / "hardware" / "reports"
    places = {
        "csynth.xml": f"hls/layer/{reports.SYNTHESIS}",
        "export_impl.xml": f"hls/layer/{reports.IMPLEMENTATION}",
        "timing_summary.rpt": reports.TIMING,
        "utilization.rpt": reports.UTILIZATION,
    }
    for name, place in places.items():
        (plan / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(data / name, plan / place)
    facts: dict[str, object] = {
        "board": "pynq-z2",
        "overlay": "fewmult",
        "build_id": 7,
        "clock_ns": 10.0,
    }
    facts |= {"limits": {"dsp": 0}, "kernels": ["layer"]}
    facts["loops"] = loop_targets(read_sources(data / "kernels"))
    (plan / "plan.json").write_text(json.dumps(facts))
    with contextlib.redirect_stdout(io.StringIO()):
        reports.main(plan, [])  # leaves build.json


# ---- How a kind of file is spoiled: by its bytes, or by what they stand for ----------------------


def _either(structure: Spoil) -> Spoil:
    def spoil(draw: Draw, content: bytes) -> bytes:
        return (spoiled_bytes if draw(st.booleans()) else structure)(draw, content)

    return spoil


@_either
def _json(draw: Draw, content: bytes) -> bytes:
    return json_bytes(spoiled_tree(draw, json.loads(content)))


@_either
def _toml(draw: Draw, content: bytes) -> bytes:
    return toml_bytes(spoiled_tree(draw, tomllib.loads(content.decode())))


@_either
def _lines(draw: Draw, content: bytes) -> bytes:
    trees = spoiled_tree(draw, [json.loads(line) for line in content.splitlines()])
    return b"".join(json_bytes(tree) + b"\n" for tree in trees)


@_either
def _npz(draw: Draw, content: bytes) -> bytes:
    return npz_bytes(draw, spoiled_arrays(draw, arrays_of(content)))


@_either
def _checkpoint(draw: Draw, content: bytes) -> bytes:
    """With the checksum that fits the spoiled content, as another version would leave it."""
    head = content.index(b"\n") + 1
    arrays = arrays_of(content[head + 32 :])
    if draw(st.booleans()):
        facts = spoiled_tree(draw, json.loads(arrays["facts"].tobytes()))
        arrays["facts"] = np.frombuffer(json_bytes(facts), np.uint8)
    else:
        arrays = spoiled_arrays(draw, arrays)
    payload = npz_bytes(draw, arrays)
    return content[:head] + hashlib.sha256(payload).digest() + payload


@_either
def _gzipped(draw: Draw, content: bytes) -> bytes:
    return gzip.compress(spoiled_bytes(draw, gzip.decompress(content)), mtime=0)


@_either
def _wheel(draw: Draw, content: bytes) -> bytes:
    file = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w") as new,
    ):
        warnings.simplefilter("ignore")  # of names that are there twice
        for name in old.namelist():
            odd = draw(st.sampled_from([name, name, name, "../x", "/x", f"x/{name}", ""]))
            new.writestr(odd or "x", spoiled_bytes(draw, old.read(name)))
    return file.getvalue()


# ---- Who reads them ------------------------------------------------------------------------------


def _resume(run: Path) -> None:
    command("train", "--resume", run, "--threads", "1")


def _repeat(run: Path) -> None:
    again = ("--epochs", "1", "--out", run / "again")
    command("train", "--config", run / "config.toml", *_SMALL, *again)


def _compare(run: Path) -> None:
    good = run.parent / "good" / "run"
    command("compare", run, good, finds=True)
    command("compare", good, run, finds=True)


def _use_model(run: Path) -> None:
    command("evaluate", run, "--threads", "1")
    command("export", run, "--format", "packed", "--out", run / "packed.npz")


def _predict(folder: Path) -> None:
    image = next((folder.parent / "good").glob("images/class0/*.png"))
    command("predict", folder / "net.npz", image)


def _train_on(folder: Path, net: str = "16-16-10") -> None:
    least = ("--net", net, "--batch", "16", "--epochs", "1", "--threads", "1")
    command("train", "--dataset", folder, *least, "--out", folder / "out")


def _train_on_images(folder: Path) -> None:
    _train_on(folder, "64-16-2")
    command("predict", folder.parent / "good" / "run", next(folder.glob("class0/*.png")))


def _train_resized(folder: Path) -> None:
    least = ("--net", "16-16-2", "--batch", "16", "--epochs", "1", "--threads", "1")
    own = ("--resize", "4x4", "--gray", *least, "--out", folder / "out")
    command("train", "--dataset", folder, *own)
    command("predict", folder.parent / "good" / "run", next(folder.glob("class0/*")))


def _load_array_file(folder: Path) -> None:
    call(load, folder / "mine.npz")


def _load_table(folder: Path) -> None:
    call(load, folder)
    command("predict", folder.parent / "good" / "run", folder / "train.csv")


def _load(folder: Path) -> None:
    call(load, folder)


def _records(run: Path) -> None:
    call(read_records, [run])


def _reports(plan: Path) -> None:
    """The script in a plan ends in lines and exit code 1, whatever it reads."""
    try:
        reports.read_build(plan)
    except reports.ReportError as error:
        if len(str(error).splitlines()) != 1:
            raise


def _overlay(folder: Path) -> None:
    call(read_overlays, [folder], _BOARD)


TARGETS = {
    "config.toml": Target("unfinished", "config.toml", _toml, _resume),
    "config.toml, repeated": Target(
        "run",
        "config.toml",
        _toml,
        _repeat,
    ),
    "metrics.jsonl": Target("run", "metrics.jsonl", _lines, _compare),
    "metrics.jsonl, reported": Target("run", "metrics.jsonl", _lines, _records),
    "metrics.jsonl, resumed": Target("unfinished", "metrics.jsonl", _lines, _resume, 0.5),
    "summary.json": Target("run", "summary.json", _json, _compare),
    "summary.json, reported": Target("run", "summary.json", _json, _records),
    "config.toml, reported": Target("run", "config.toml", _toml, _records),
    "report": Target(
        "run",
        "summary.json",
        _json,
        lambda run: command("report", run, "--out", run / "report"),
        0.02,
    ),
    "model.npz": Target("run", "model.npz", _npz, _use_model),
    "model.npz, floating": Target("float", "model.npz", _npz, _use_model),
    "packed.npz": Target("packed", "net.npz", _npz, _predict),
    "checkpoint": Target("unfinished", "checkpoints/*", _checkpoint, _resume),
    "checkpoint, read": Target(
        "unfinished",
        "checkpoints/*",
        _checkpoint,
        lambda run: call(load_checkpoint, next(run.glob("checkpoints/*"))),
    ),
    "IDX images": Target("idx", f"{STEMS[0]}", spoiled_bytes, _train_on),
    "IDX labels": Target("idx", f"{STEMS[1]}", spoiled_bytes, _train_on),
    "IDX images.gz": Target("idx.gz", f"{STEMS[0]}.gz", _gzipped, _train_on),
    "CIFAR-10, binary": Target("binary", "data_batch_3.bin", spoiled_bytes, _load),
    "CIFAR-10, Python": Target("python", "data_batch_3", spoiled_bytes, _load),
    "CIFAR-10, archive": Target("tar", "*.tar.gz", _gzipped, _load),
    "SVHN": Target("mat", "train_32x32.mat", spoiled_bytes, _load),
    "checksums.json": Target("stored", "checksums.json", _json, _train_on, 0.5),
    "classes.json": Target("stored", "classes.json", _json, _train_on),
    "PNG image": Target("images", "class0/*.png", spoiled_bytes, _train_on_images),
    **{f"{kind} image": Target(kind, "class0/*", spoiled_bytes, _train_resized) for kind in _KINDS},
    "table": Target("table", "train.csv", spoiled_bytes, _load_table),
    "arrays": Target("arrays", "mine.npz", spoiled_bytes, _load_array_file),
    "arrays, others": Target("arrays", "mine.npz", _npz, _load_array_file),
    "manifest": Target("overlay", "*.json", _json, _overlay),
    "hwh": Target("overlay", "*.hwh", spoiled_bytes, _overlay),
    "wheel": Target(
        "wheel", "*.whl", _wheel, lambda folder: call(read_wheel, next(folder.glob("*.whl")))
    ),
    "plan.json": Target("plan", "plan.json", _json, _reports),
    "csynth.xml": Target("plan", f"hls/layer/{reports.SYNTHESIS}", spoiled_bytes, _reports),
    "export_impl.xml": Target(
        "plan", f"hls/layer/{reports.IMPLEMENTATION}", spoiled_bytes, _reports
    ),
    "timing": Target("plan", reports.TIMING, spoiled_bytes, _reports, 0.5),
    "utilization": Target("plan", reports.UTILIZATION, spoiled_bytes, _reports, 0.5),
    "build.json": Target(
        "plan", "build.json", _json, lambda plan: call(load_build, plan, _BOARD.name)
    ),
}
