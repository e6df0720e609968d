# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The data command, run as a user runs it but for the one line an error ends as."""

import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from fewmult_hls.cli.data import data
from fewmult_hls.datasets import checksums, idx
from fewmult_hls.datasets.folder import STEMS
from fewmult_hls.datasets.published import PUBLISHED
from fewmult_hls.system.errors import FewmultError, UsageError

# Read before the fixture below gives each test folders of its own.
REAL_DATA = os.environ.get("FEWMULT_DATA", "")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    given, cache = tmp_path / "given", tmp_path / "cache"
    monkeypatch.setenv("FEWMULT_DATA", str(given))
    monkeypatch.setenv("FEWMULT_CACHE", str(cache))
    return given, cache


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a set of 12 training and 3 test images of 2x3 pixels in 4 classes."""
    return write_set(tmp_path / "source")


def write_set(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for stem, count in zip(STEMS, (12, 12, 3, 3), strict=True):
        values = np.arange(count, dtype=np.uint8)
        pixels = np.repeat(values + 5, 6).reshape(count, 2, 3)
        idx.write(folder / stem, pixels if "images" in stem else values % 4)
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(data, arguments, catch_exceptions=False)


def lines(*arguments: str) -> list[list[str]]:
    result = run(*arguments)
    assert result.exit_code == 0
    return [line.split() for line in result.output.splitlines()]


def test_list_on_a_new_machine() -> None:
    head, *sets = lines("list")
    assert [line[0] for line in sets] == sorted([*PUBLISHED, "digits"])
    assert head == ["name", "classes", "image", "train", "validation", "test", "where"]
    for line in sets:
        if line[0] == "digits":
            assert line == ["digits", "10", "8x8", "1199", "239", "359", "built", "in"]
        else:
            said = f"{line[0]} - - - - - not here: fewmult-hls data fetch {line[0]}"
            assert " ".join(line) == said


def test_list_with_sets_good_and_bad(source: Path, places: tuple[Path, Path]) -> None:
    run("import", "mine", "--from", str(source))
    (write_set(places[0] / "mnist") / STEMS[0]).write_bytes(b"")
    found = {line[0]: line for line in lines("list")}
    mine, mnist = found["mine"], found["mnist"]
    assert mine == ["mine", "4", "2x3", "10", "2", "3", str(places[1] / "mine")]
    assert " ".join(mnist).startswith(f"mnist - - - - - unusable: {places[0]}")


def test_info_of_digits() -> None:
    output = run("info", "digits").output
    for part in ("built in", "8x8, 64 values 0..255, uint8", "Alpaydin", "CC BY 4.0", "1199"):
        assert part in output
    assert ["0", "126", "25", "27"] in lines("info", "digits")
    assert "digits.npz" in output


def test_info_of_imported_set(source: Path, places: tuple[Path, Path]) -> None:
    run("import", "mine", "--from", str(source))
    table = lines("info", "mine")
    assert ["mine"] in table
    assert ["where", str(places[1] / "mine")] in table
    assert ["images", "2x3,", "6", "values", "5..16,", "uint8"] in table
    assert ["2", "2", "1", "1"] in table
    assert [checksums.sha256(source / STEMS[1]), STEMS[1]] in table
    assert ["licence", "not", "known"] in table


def test_info_of_folder(source: Path) -> None:
    assert ["where", str(source)] in lines("info", str(source))


def test_info_tells_another_set_under_mnists_name(places: tuple[Path, Path]) -> None:
    write_set(places[0] / "mnist")
    assert "not the published files of MNIST" in run("info", "mnist").output


def test_info_errors(source: Path) -> None:
    with pytest.raises(UsageError, match="did you mean digits"):
        run("info", "digit")
    with pytest.raises(FewmultError, match="data fetch mnist"):
        run("info", "mnist")


def test_import(source: Path, places: tuple[Path, Path]) -> None:
    result = run("import", "mine", "--from", str(source))
    assert result.output == f"imported mine into {places[1] / 'mine'}\n"
    with pytest.raises(FewmultError, match="--overwrite"):
        run("import", "mine", "--from", str(source))
    assert run("import", "mine", "--from", str(source), "--overwrite").exit_code == 0


def test_import_notes_a_set_that_comes_first(source: Path, places: tuple[Path, Path]) -> None:
    first = write_set(places[0] / "mine")
    result = run("import", "mine", "--from", str(source))
    assert f"note: mine is still read from {first}" in result.output


def test_import_without_source_is_a_usage_error() -> None:
    result = run("import", "mine")
    assert result.exit_code == 2
    assert "--from" in result.output


def test_fetch_of_unknown_set() -> None:
    with pytest.raises(UsageError, match="only mnist, fashion-mnist, kmnist, cifar10, svhn can"):
        run("fetch", "cifar")


def test_fetch_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEWMULT_MIRRORS", "gopher://127.0.0.1/")
    with pytest.raises(FewmultError, match="cannot fetch mnist from gopher"):
        run("fetch", "mnist")


@pytest.mark.mnist
def test_info_of_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEWMULT_DATA", REAL_DATA)
    output = run("info", "mnist").output
    for part in ("28x28", "784 values 0..255", "50000", "LeCun", "CC BY-SA 3.0"):
        assert part in output
