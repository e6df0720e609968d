# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The report of runs: its numbers are theirs, its pictures are pictures, it needs no network."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from command import assert_one_line, content, environment, fewmult, summary
from fewmult_hls import datasets
from fewmult_hls.backends import open_backend
from fewmult_hls.classifier import read_model
from fewmult_hls.cli.commands import run
from fewmult_hls.config import RunConfig, load_config
from fewmult_hls.model import Model

pytest.importorskip("matplotlib", reason="needs the extra report")
pytest.importorskip("jinja2", reason="needs the extra report")

from fewmult_hls.report.answers import answers
from fewmult_hls.report.codes import codes_of_a_step
from fewmult_hls.report.records import read_records

DIGITS = datasets.load("digits")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# As few connections of the browser's own as it can be talked into.
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars",
    "--window-size=1150,2400",
]  # fmt: skip


class Page(HTMLParser):
    """What the tests ask of a page."""

    VOID = frozenset(["meta", "link", "img", "source", "br"])

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self.rows: list[list[str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes rows, images and everything that a browser might load."""
        if tag not in self.VOID:
            self.open.append(tag)
        found = dict(attrs)
        self.links += [found[name] or "" for name in ("src", "href", "srcset") if name in found]
        if tag == "img":
            assert found["alt"]
            self.images.append(found["src"] or "")
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        """Tags close in the order in which they opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text of cells, of commands, of everything."""
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)
        self.texts.append(data)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A ternary, a binary, a floating-point run, and one that is not finished."""
    folder = tmp_path_factory.mktemp("runs")
    options = ["--net", "64-32-10", "--epochs", "6"]
    folders = []
    for method in ("ternary-qbp", "binary-qbp", "float"):
        folders.append(folder / f"a run of {method}")
        out = ["--out", str(folders[-1])]
        assert run(["train", "--method", method, *options, "--sharpen", "0", *out]) == 0
    folders.append(folder / "unfinished")
    shutil.copytree(folders[0], folders[-1])
    (folders[-1] / "summary.json").unlink()
    lines = (folders[-1] / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folders[-1] / "metrics.jsonl").write_text("".join(lines[:4]))
    return folders


@pytest.fixture(scope="module")
def report(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "out"
    assert run(["report", *map(str, runs), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / "report.html").read_text())


def test_the_page_is_whole_and_alone(page: Page, report: Path) -> None:
    assert page.open == []
    assert page.links
    assert all(link.startswith("data:") for link in page.links)
    text = (report / "report.html").read_text()
    assert "<script" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_the_table_has_the_numbers_of_the_runs(page: Page, runs: list[Path]) -> None:
    head, *rows = page.rows
    assert [row[0] for row in rows] == [folder.name for folder in runs]
    for folder, row in zip(runs[:3], rows, strict=False):
        cells, found = dict(zip(head, row, strict=True)), summary(folder)
        assert cells["method"] == found["method"]
        assert cells["test, %"] == f"{found['test_error']:.2f}"
        assert cells["validation, %"] == f"{found['validation_error']:.2f}"
        assert cells["mult. / step"] == f"{found['multiplications_per_step']:,}"
        assert found["fingerprint"].startswith(cells["fingerprint"])
        assert found["fingerprint"] in "".join(page.texts)
    for kind in ("ternary", "binary"):
        name = f"test_error_{kind}"
        cells = [dict(zip(head, row, strict=True))[f"{kind}, %"] for row in rows]
        expected = [summary(folder).get(name) for folder in runs[:3]]
        shown = [cell if cell != "\N{EN DASH}" else None for cell in cells[:3]]
        assert shown == [None if error is None else f"{error:.2f}" for error in expected]
    assert dict(zip(head, rows[3], strict=True))["epochs"] == "4 of 6"
    assert any("not finished: 4 of 6 epochs" in text for text in page.texts)


def test_every_picture_is_one_and_is_in_the_page(page: Page, report: Path) -> None:
    files = content(report)
    pictures = {name: data for name, data in files.items() if name.endswith(".png")}
    shown = {base64.b64decode(link.partition(",")[2]) for link in page.links if "image/png" in link}
    assert shown == set(pictures.values())
    # Of each finished run: weights, filters, confusions, mistakes, and codes of two; in two themes.
    assert len(pictures) == 2 * (1 + 3 * 4 + 2)
    grounds = {"": (255, 255, 255), "-dark": (13, 17, 23)}
    for name, data in pictures.items():
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        assert min(pixels.shape[:2]) > 150
        assert pixels.std() > 3, f"{name} is blank"
        assert tuple(pixels[0, 0]) == grounds["-dark" if name.endswith("-dark.png") else ""]


def test_the_same_runs_make_the_same_report(runs: list[Path], report: Path, tmp_path: Path) -> None:
    assert run(["report", *map(str, runs), "--out", str(tmp_path)]) == 0
    assert content(tmp_path) == content(report)


def test_the_commands_repeat_the_runs(page: Page, runs: list[Path], tmp_path: Path) -> None:
    commands = [text for text in page.texts if text.startswith("fewmult-hls train")]
    assert len(commands) == len(runs)
    words = commands[1].split()[1:]
    assert run([*words, "--out", str(tmp_path / "again")]) == 0
    assert summary(tmp_path / "again")["fingerprint"] == summary(runs[1])["fingerprint"]


def test_confusions_and_mistakes(runs: list[Path]) -> None:
    for folder, key in zip(runs, ("_ternary", "_binary", ""), strict=False):
        found = answers(read_model(folder), DIGITS, "emu")
        counts, tests = found.confusion, len(DIGITS.test.labels)
        assert counts.sum() == tests
        assert counts.sum(axis=1).tolist() == np.bincount(DIGITS.test.labels).tolist()
        wrong = tests - np.trace(counts)
        assert 100 * wrong / tests == summary(folder)[f"test_error{key}"]
        assert len(found.mistakes) == wrong > 0
        assert (found.labels[found.mistakes] != DIGITS.test.labels[found.mistakes]).all()
        assert (np.diff(found.margins[found.mistakes]) <= 0).all()


def test_the_codes_are_those_of_the_activations(runs: list[Path]) -> None:
    model = read_model(runs[0])
    assert isinstance(model, Model)
    before = model.network.fingerprint
    config = RunConfig(**load_config(runs[0] / "config.toml"))
    step = summary(runs[0])["steps"]
    codes = codes_of_a_step(model.network, config, DIGITS, open_backend("emu"), step)
    assert [part.shape for part in codes] == [(64, 128), (32, 128)]
    pixels = DIGITS.train.images[:128].T.astype(int) >> 1
    chosen = codes[0] > 0
    ratio = pixels[chosen] / 2.0 ** codes[0][chosen]
    assert (pixels[~chosen] <= 1).all()
    assert ratio.min() >= 0.5
    assert ratio.max() < 2
    oracle = codes_of_a_step(model.network, config, DIGITS, open_backend("numpy"), step)
    assert all(map(np.array_equal, codes, oracle))
    assert model.network.fingerprint == before


def test_data_that_is_gone(runs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs[0], folder)
    path = folder / "config.toml"
    path.write_text(path.read_text().replace('"digits"', '"/nowhere/mine"'))
    done = fewmult("report", folder)
    assert (done.returncode, done.stderr) == (0, "")
    found = Page((folder / "report" / "report.html").read_text())
    assert any("Without its data, there are no answers to show" in text for text in found.texts)
    assert len(found.images) == 2  # curves and weights


def test_two_runs_of_one_name(runs: list[Path], tmp_path: Path) -> None:
    for name in "ab":
        shutil.copytree(runs[0], tmp_path / name / "run")
    labels = [record.label for record in read_records([tmp_path / n / "run" for n in "ab"])]
    assert labels == [str(tmp_path / name / "run") for name in "ab"]


def test_wrong_folders(runs: list[Path], tmp_path: Path) -> None:
    done = fewmult("report", tmp_path)
    assert done.returncode == 2
    assert_one_line(done.stderr, f"{tmp_path} holds no run: there is no config.toml")
    done = fewmult("report", tmp_path / "nowhere")
    assert done.returncode == 2
    assert_one_line(done.stderr, "holds no run")
    folder = tmp_path / "damaged"
    shutil.copytree(runs[0], folder)
    for name, text in {"metrics.jsonl": "{}\n{", "summary.json": "[]", "model.npz": "x"}.items():
        good = (folder / name).read_bytes()
        (folder / name).write_text(text)
        done = fewmult("report", folder)
        assert done.returncode == 1, done.stdout
        assert_one_line(done.stderr, f"{folder / name}", "damaged")
        (folder / name).write_bytes(good)
    assert not (folder / "report").exists()


def test_a_report_is_not_replaced_unasked(runs: list[Path], report: Path, tmp_path: Path) -> None:
    done = fewmult("report", runs[0], "--out", report)
    assert done.returncode == 2
    assert_one_line(done.stderr, "is there already", "--overwrite")
    copy = tmp_path / "copy"
    shutil.copytree(report, copy)
    assert fewmult("report", runs[3], "--out", copy, "--overwrite").returncode == 0
    assert (copy / "report.html").stat().st_size < (report / "report.html").stat().st_size


def test_without_the_extra(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError('none here', name='matplotlib')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = fewmult("report", runs[0], env=environment(PYTHONPATH=path))
    assert done.returncode == 1
    assert_one_line(done.stderr, "a report needs matplotlib: pip install 'fewmult-hls[report]'")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_without_a_request(scheme: str, report: Path, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    page, log, shot = report / "report.html", tmp_path / "net.json", tmp_path / "shot.png"
    command = [
        CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr",
        f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
        f"--log-net-log={log}", f"--screenshot={shot}", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr
    hosts = re.findall(r'"url":"\w+://([^/"]*)', log.read_text())
    # The browser itself asks its maker for the time and for updates; nobody else is asked.
    maker = (".google.com", ".googleapis.com", ".gvt1.com")
    assert [host for host in hosts if not host.endswith(maker)] == []
    pixels = np.asarray(Image.open(shot).convert("RGB"))
    assert (pixels[2, 2].mean() > 200) == (scheme == "light")
    assert pixels.std() > 10
