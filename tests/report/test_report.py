# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The report of runs: its numbers are theirs, its pictures are pictures, it needs no network."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import shutil
import subprocess
import warnings
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from command import assert_one_line, content, environment, fewmult, summary
from fewmult_hls import datasets
from fewmult_hls.backends import open_backend
from fewmult_hls.cli.commands import run
from fewmult_hls.models.classifier import read_model
from fewmult_hls.models.model import Model
from fewmult_hls.runs.config import RunConfig, load_config

pytest.importorskip("matplotlib", reason="needs the extra report")
pytest.importorskip("jinja2", reason="needs the extra report")

from matplotlib import rc_context, rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from fewmult_hls.report import fonts
from fewmult_hls.report.answers import Answers, answers
from fewmult_hls.report.codes import codes_of_a_step
from fewmult_hls.report.drawing import LIGHT, Draw, render
from fewmult_hls.report.figures import confusion, curves, filters, mistakes, weights
from fewmult_hls.report.fonts import PLAIN, drawable, families
from fewmult_hls.report.records import read_records
from fewmult_hls.report.text import command_line, printable
from fewmult_hls.report.writing import _file_names, _picture_of_layers

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


@pytest.mark.slow
def test_the_page_is_whole_and_alone(page: Page, report: Path) -> None:
    assert page.open == []
    assert page.links
    assert all(link.startswith("data:") for link in page.links)
    text = (report / "report.html").read_text()
    assert "<script" not in text
    assert "@import" not in text
    assert "url(" not in text


@pytest.mark.slow
def test_the_table_has_the_numbers_of_the_runs(page: Page, runs: list[Path]) -> None:
    head, *rows = page.rows[: 1 + len(runs)]
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


@pytest.mark.slow
def test_several_runs_have_a_table_of_means_and_lines(
    page: Page, report: Path, runs: list[Path], tmp_path: Path
) -> None:
    head, *rows = page.rows[1 + len(runs) :]
    assert head == ["method", "rate", "backend", "runs", "validation, %"]
    assert [(row[0], row[3]) for row in rows] == [
        ("ternary-qbp", "1 of 2"),
        ("binary-qbp", "1"),
        ("float", "1"),
    ]
    lines = (report / "runs.csv").read_bytes()
    (link,) = (link for link in page.links if "text/csv" in link)
    assert base64.b64decode(link.partition(",")[2]) == lines
    found = list(csv.DictReader(lines.decode().splitlines()))
    assert [row["run"] for row in found] == [runs[k].name for k in (0, 3, 1, 2)]
    assert [row["finished"] for row in found] == ["true", "false", "true", "true"]
    # One run needs none, and what was there goes with its report.
    shutil.copytree(report, tmp_path / "out")
    assert run(["report", str(runs[3]), "--out", str(tmp_path / "out"), "--overwrite"]) == 0
    assert not (tmp_path / "out/runs.csv").exists()


@pytest.mark.slow
def test_a_sweep_stands_for_its_runs(runs: list[Path], tmp_path: Path) -> None:
    assert run(["report", str(runs[0].parent), "--out", str(tmp_path / "out")]) == 0
    shown = Page((tmp_path / "out/report.html").read_text())
    named = {row[0] for row in shown.rows[1 : 1 + len(runs)]}
    assert named == {folder.name for folder in runs}


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_same_runs_make_the_same_report(runs: list[Path], report: Path, tmp_path: Path) -> None:
    assert run(["report", *map(str, runs), "--out", str(tmp_path)]) == 0
    assert content(tmp_path) == content(report)


def test_the_commands_repeat_the_runs(page: Page, runs: list[Path], tmp_path: Path) -> None:
    commands = [text for text in page.texts if text.startswith("fewmult-hls train")]
    assert len(commands) == len(runs)
    words = commands[1].split()[1:]
    assert run([*words, "--out", str(tmp_path / "again")]) == 0
    assert summary(tmp_path / "again")["fingerprint"] == summary(runs[1])["fingerprint"]


# --- names that others chose ---

ODD = [
    *("a $x_1$ b", "$", "_hidden", "<b>&amp;'\"", "..a", "-", "curves", "a b", "a-b", "A-B"),
    *("two\nlines\x1b[31m", "\u202eright\u200b", "\u05e9\u05dc\u05d5\u05dd", "e\u0301\u0302"),
    *("\u65e5\u672c\u8a9e", "\U0001f642", "x" * 240, "100 % {{ x }} {% y %}", "$\\frac{$"),
    os.fsdecode(b"caf\xe9"),
]


@pytest.fixture(scope="module")
def odd(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of unfinished runs in odd folders, one of them on an odd data set."""
    folder = tmp_path_factory.mktemp("odd")
    for name in ODD:
        shutil.copytree(runs[3], folder / name)
    config = folder / ODD[0] / "config.toml"
    text = config.read_text().replace('"digits"', json.dumps("a 'set\n$(x)<i>"))
    config.write_text(text)
    done = fewmult("report", *(folder / name for name in ODD), "--out", folder / "out\n<1>")
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "out\n<1>"


@pytest.mark.slow
def test_a_page_shows_every_name(odd: Path) -> None:
    text = (odd / "report.html").read_bytes().decode("utf-8")
    assert text.replace("\n", "").isprintable()
    page = Page(text)
    assert page.open == []
    names = [row[0] for row in page.rows[1 : 1 + len(ODD)]]
    assert names[:13] == [*ODD[:10], r"two\nlines\x1b[31m", r"\u202eright\u200b", ODD[12]]
    assert len(set(names)) == len(ODD)
    assert max(map(len, names)) == 60
    assert names[-1] == r"caf\xe9"
    assert {printable(name) for name in ODD} <= set(page.texts)
    (command,) = (text for text in page.texts if "--dataset $'a" in text)
    said = subprocess.run(["bash", "-c", f"printf %s {command.split('--dataset ')[1]}"], stdout=-1)
    assert said.stdout.startswith(b"a 'set\n$(x)<i>")
    assert names_of_files(odd) == {"report.html", "runs.csv", "curves.png", "curves-dark.png"}


def names_of_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def texts_of(draw: Draw, names: list[str]) -> set[str]:
    """All that a chart writes; matplotlib must have nothing to say of it."""
    with warnings.catch_warnings(), rc_context({"font.family": families(names)}):
        warnings.simplefilter("error")
        rcParams["text.parse_math"] = False
        figure = Figure(figsize=(9, 9), layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure, LIGHT)
        figure.draw_without_rendering()
        return {text.get_text() for text in figure.findobj(Text)}


@pytest.mark.slow
def test_a_legend_names_every_run(runs: list[Path], tmp_path: Path) -> None:
    names = ODD[:16]
    for name in names:
        shutil.copytree(runs[3], tmp_path / name)
    records = read_records([tmp_path / name for name in names])
    shown = texts_of(partial(curves, records), names)
    assert {drawable(name, 40) for name in names} <= shown
    assert {"$", "_hidden", "a $x_1$ b"} <= shown
    more = texts_of(partial(curves, [*records, records[0], records[1]]), names)
    assert more - shown == {"and 2 more"}


@pytest.mark.slow
def test_classes_with_odd_names() -> None:
    size = len(ODD)
    labels = np.arange(2 * size, dtype=np.uint8) % size
    images = np.zeros((len(labels), 16), np.uint8)
    found = Answers(images, labels, (labels.astype(int) + 1) % size, np.ones(len(labels)), ODD)
    assert {drawable(name, 24) for name in ODD} <= texts_of(partial(confusion, found), ODD)
    shown = texts_of(partial(mistakes, found, (4, 4)), ODD)
    assert f"{ODD[0]} \N{RIGHTWARDS ARROW} $" in shown
    assert "curves \N{RIGHTWARDS ARROW} a b" in shown
    assert f"{drawable('x' * 240, 12)} \N{RIGHTWARDS ARROW}\n{drawable(ODD[-3], 12)}" in shown
    for draw in (partial(confusion, found), partial(mistakes, found, (4, 4))):
        assert render(draw, 3, 3, LIGHT, ODD).startswith(b"\x89PNG")


def test_a_script_is_drawn_if_a_font_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = "\U00012000"  # cuneiform
    own = [font for font in fontManager.ttflist if font.name == PLAIN]
    monkeypatch.setattr(fontManager, "ttflist", own)
    for cached in (fonts._family, fonts._installed, fonts._characters):
        cached.cache_clear()
    assert drawable(f"a{sign}", 40) == r"a\U00012000"
    assert families([sign]) == [PLAIN]
    write_font(tmp_path / "signs.ttf", sign)
    fontManager.addfont(tmp_path / "signs.ttf")
    for cached in (fonts._family, fonts._installed, fonts._characters):
        cached.cache_clear()
    assert drawable(f"a{sign}", 40) == f"a{sign}"
    assert families([f"a{sign}"]) == [PLAIN, "Signs"]
    assert f"a{sign}" in texts_of(lambda figure, _: figure.suptitle(f"a{sign}"), [sign])


def write_font(path: Path, character: str) -> None:
    """A font that has a box for one character."""
    builder = pytest.importorskip("fontTools.fontBuilder").FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "sign"])
    builder.setupCharacterMap({ord(character): "sign"})
    pen = pytest.importorskip("fontTools.pens.ttGlyphPen").TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((500, 0), (500, 500), (0, 500)):
        pen.lineTo(corner)
    pen.closePath()
    box = pen.glyph()
    builder.setupGlyf({".notdef": box, "sign": box})
    builder.setupHorizontalMetrics({".notdef": (600, 0), "sign": (600, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Signs", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@given(
    st.lists(st.binary(min_size=1, max_size=20).map(lambda b: os.fsdecode(b.replace(b"\0", b"0"))))
)
@settings(max_examples=30)
def test_a_command_line_is_read_as_it_was_meant(words: list[str]) -> None:
    line = command_line(words)
    assert line.isprintable()
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {line}"], stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.split(b"\0")[: len(words)] == [os.fsencode(word) for word in words]


@given(st.text(), st.integers(2, 50))
@settings(max_examples=40)
def test_what_is_shown_can_be_shown(text: str, length: int) -> None:
    assert printable(text).isprintable()
    shown = drawable(text, length)
    assert shown.isprintable()
    assert len(shown) <= length


def test_names_of_files_are_apart_and_short(runs: list[Path], tmp_path: Path) -> None:
    labels = ["a b", "a/b", "A-b", "x" * 300, ".", "..", "", "ok"]
    (record,) = read_records([runs[3]])
    for some in (labels, labels[:1], labels[3:4], labels[2:4], labels[4:], ["\u65e5", "\u672c"]):
        found = _file_names([replace(record, label=label) for label in some])
        assert len({name.lower() for name in found}) == len(some)
        assert all(re.fullmatch(r"[\w.-]{1,80}", name, re.ASCII) for name in found)
        assert not [name for name in found if name.startswith((".", "-"))]
    assert _file_names([replace(record, label="a b")]) == ["a-b"]


# --- very much of it ---


@pytest.mark.slow
def test_layers_of_a_very_deep_net() -> None:
    layers = [np.arange(16).reshape(4, 4)] * 200
    draw = partial(weights, layers, [1.0] * 200, "real-valued")
    assert {text for text in texts_of(draw, []) if "layer" in text} == {
        f"layer {k}" for k in (*range(8), *range(192, 200))
    }
    picture = _picture_of_layers("x", "y", "All.", lambda figure, _: None, 200)
    assert picture.text == "All. Shown are the first 8 and the last 8 of 200 layers."
    assert Image.open(io.BytesIO(picture.light)).size == (1440, 4 * 384)
    assert _picture_of_layers("x", "y", "All.", lambda figure, _: None, 16).text == "All."


def test_filters_of_very_tall_images() -> None:
    draw = partial(filters, np.arange(1 << 15).reshape(4, -1), (1 << 12, 2))
    assert Image.open(io.BytesIO(render(draw, 9, 1e5, LIGHT))).size == (1440, 9600)


@pytest.mark.slow
def test_a_very_long_run(runs: list[Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(runs[3], tmp_path / "run"))
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("epochs = 6", "epochs = 20000"))
    line = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
    lines = (
        json.dumps({**line, "epoch": k, "step": k * line["step"], "hinge": 1 / k})
        for k in range(1, 20_001)
    )
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    assert render(partial(curves, read_records([folder])), 9, 3.4, LIGHT).startswith(b"\x89PNG")


# --- settings and fonts of a user ---


@pytest.mark.slow
def test_no_setting_of_matplotlib_matters(runs: list[Path], report: Path, tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsavefig.dpi: 20\nnonsense: 1\n")
    changes = {"MPLBACKEND": "module://nowhere", "MPLCONFIGDIR": "/dev/null/nowhere"}
    done = fewmult("report", runs[3], "--out", "out", cwd=tmp_path, env=environment(**changes))
    assert (done.returncode, done.stderr) == (0, "")
    assert run(["report", str(runs[3]), "--out", str(tmp_path / "other")]) == 0
    assert content(tmp_path / "out") == content(tmp_path / "other")
    (tmp_path / "matplotlibrc").write_bytes(b"font.family: \xff\n")
    done = fewmult("report", runs[3], "--out", "again", cwd=tmp_path)
    assert done.returncode == 1
    assert_one_line(done.stderr, "matplotlib does not start", "matplotlibrc")
    assert not (tmp_path / "again").exists()


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_report_is_not_replaced_unasked(runs: list[Path], report: Path, tmp_path: Path) -> None:
    done = fewmult("report", runs[0], "--out", report)
    assert done.returncode == 2
    assert_one_line(done.stderr, "is there already", "--overwrite")
    copy = tmp_path / "copy"
    shutil.copytree(report, copy)
    assert fewmult("report", runs[3], "--out", copy, "--overwrite").returncode == 0
    assert (copy / "report.html").stat().st_size < (report / "report.html").stat().st_size


def test_without_the_extra(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text(
        "raise ModuleNotFoundError('none here', name='matplotlib')\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = fewmult("report", runs[0], env=environment(PYTHONPATH=path))
    assert done.returncode == 1
    assert_one_line(done.stderr, "a report needs matplotlib: pip install 'fewmult-hls[report]'")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize(
    ("name", "scheme"), [("report", "light"), ("report", "dark"), ("odd", "light")]
)
def test_a_browser_shows_it_without_a_request(
    name: str, scheme: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    assert CHROMIUM is not None
    report = request.getfixturevalue(name)
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
