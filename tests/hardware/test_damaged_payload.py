# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What ``deploy`` reads, damaged: wheels, manifests and .hwh files end in one line."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command import assert_one_line
from fewmult_hls import __version__
from fewmult_hls.cli.commands import run
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.board.hwh import check_hwh, read_hwh
from fewmult_hls.hardware.board.manifest import load_manifest, planned_manifest
from fewmult_hls.hardware.deploy.payload import packed, read_overlays, read_wheel
from fewmult_hls.hardware.emulated.overlay import write_emulated_overlay
from fewmult_hls.system.errors import FewmultError

Z2 = load_board("pynq-z2")
NAME = f"fewmult_hls-{__version__}-py3-none-any.whl"
INFO = f"fewmult_hls-{__version__}.dist-info"
HEAD = (
    f"Metadata-Version: 2.1\nName: fewmult-hls\nVersion: {__version__}\nRequires-Dist: click>=8\n"
    "Requires-Dist: onnx; extra == 'onnx'\n"
)
FILES = {
    "fewmult_hls/__init__.py": b"x = 1\n" * 50,
    f"{INFO}/METADATA": HEAD.encode(),
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
}


def wheel(files: dict[str, bytes], **options: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def entry(content: bytes, offset: int, value: bytes) -> bytes:
    """Other bytes in the first entry of the directory."""
    at = content.index(b"PK\x01\x02") + offset
    return content[:at] + value + content[at + len(value) :]


GOOD = wheel(FILES)
WHEELS: list[tuple[Callable[[], bytes], str]] = [
    (lambda: b"", "File is not a zip file"),
    (lambda: b"text", "File is not a zip file"),
    (lambda: GOOD[:-5], "is no wheel, or a damaged one"),
    (lambda: GOOD[:56] + bytes([GOOD[56] ^ 255]) + GOOD[57:], "is no wheel, or a damaged one"),
    (lambda: entry(GOOD, 16, b"\0\0\0\0"), "fewmult_hls/__init__.py in it is damaged"),  # its CRC
    (lambda: entry(GOOD, 8, b"\x01\0"), "encrypted"),
    (lambda: entry(GOOD, 10, b"\x63\0"), "compression method is not supported"),
    (lambda: wheel({"fewmult_hls/__init__.py": b""}), "METADATA"),
]


@pytest.mark.parametrize(("make", "reason"), WHEELS)
def test_damaged_wheels(make: Callable[[], bytes], reason: str, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(make())
    with pytest.raises(FewmultError) as caught:
        read_wheel(path)
    said = str(caught.value)
    assert said.startswith(f"{path} is no wheel, or a damaged one (")
    assert reason in said
    assert "\n" not in said


def test_what_the_wheel_requires(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(GOOD)
    assert read_wheel(path) == ["click>=8"]


def test_wheels_beside_it_that_are_none(tmp_path: Path) -> None:
    path, other = tmp_path / NAME, tmp_path / "click-9-py3-none-any.whl"
    path.write_bytes(GOOD)
    for make in (other.mkdir, lambda: (other.rmdir(), os.mkfifo(other))):
        make()
        with pytest.raises(FewmultError, match=r"cannot read .*click-9-py3-none-any.whl"):
            packed(path, {}, path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255), cut=st.booleans())
def test_any_byte_of_a_wheel(place: int, value: int, cut: bool, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(GOOD[:place] + (b"" if cut else bytes([value]) + GOOD[place + 1 :]))
    assert "\n" not in said_of(lambda: read_wheel(path))


def said_of(call: Callable[[], Any]) -> str:
    """What is wrong, or nothing."""
    try:
        call()
    except FewmultError as error:
        return str(error)
    return ""


# --- manifests ---


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("overlay")
    write_emulated_overlay(folder, Z2, "fewmult")
    return folder


@pytest.fixture
def copy(overlay: Path, tmp_path: Path) -> Path:
    for path in overlay.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def at(found: Any, *keys: str, value: Any = ...) -> None:
    *way, last = keys
    for key in way:
        found = found[key]
    if value is ...:
        del found[last]
    else:
        found[last] = value


MANIFESTS: list[tuple[tuple[str, ...], Any, str]] = [
    (("board",), ..., "it lacks 'board'"),
    (("board",), 3, "'board' must be of type str"),
    (("fabric_mhz",), "100", "'fabric_mhz' must be of type int"),
    (("build_id",), True, "'build_id' must be of type int"),
    (("build_id",), 10**30, "a number has 31 characters"),
    (("kernels",), [], "'kernels' must be of type table"),
    (("kernels", "layer"), None, "'kernels.layer' must be of type table"),
    (("kernels", "layer", "ip"), ..., "it lacks 'kernels.layer.ip'"),
    (("kernels", "layer", "base"), 1.5, "'kernels.layer.base' must be of type int"),
    (("kernels", "layer", "base"), -1, "layer has 65536 bytes at -1"),
    (("kernels", "layer", "base"), 1 << 32, "layer has 65536 bytes at 4294967296"),
    (("kernels", "layer", "span"), 0, "layer has 0 bytes"),
    (("kernels", "layer", "more"), 0, "unknown key 'kernels.layer.more'"),
    (("kernels", "layer", "arguments", "x"), {}, "it lacks 'kernels.layer.arguments.x.name'"),
    (("kernels", "layer", "arguments", "mask", "kind"), "pipe", "must be memory or scalar or"),
    (("kernels", "layer", "arguments", "mask", "offset"), 1 << 20, "layer has mask at 1048576"),
    (("kernels", "layer", "arguments", "mask", "is_const"), 1, "is_const' must be of type bool"),
    (("format",), ..., ""),
    (("format",), 7, "has format 7"),
    (("format",), [[]], "has format [[]]"),
]


@pytest.mark.parametrize(("keys", "value", "reason"), MANIFESTS)
def test_damaged_manifests(keys: tuple[str, ...], value: Any, reason: str, copy: Path) -> None:
    path = copy / "fewmult.json"
    found = json.loads(path.read_text())
    at(found, *keys, value=value)
    path.write_text(json.dumps(found))
    said = said_of(lambda: read_overlays([copy], Z2))
    assert reason in said
    if reason:
        assert said.startswith(str(path))
        assert "build the overlay again" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[" * 100_000, b'{"a": NaN}', b"{}", b"3", b" " * (2 << 20)]
)
def test_what_is_no_manifest(content: bytes, copy: Path) -> None:
    (copy / "fewmult.json").write_bytes(content)
    assert "fewmult.json" in said_of(lambda: read_overlays([copy], Z2))


def test_deploy_ends_in_a_line(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "fewmult.json").write_bytes(b"[" * 100_000)
    arguments = ["deploy", "nowhere.invalid", "--overlay", str(copy), "--wheel", "none.whl"]
    assert run(arguments) == 1
    assert_one_line(capsys.readouterr().err, "fewmult.json is damaged (it has too many brackets")


# --- .hwh ---

HWH = [
    (lambda t: t.replace('BASEVALUE="0x', 'BASEVALUE="-0x', 1), "is no address"),
    (lambda t: t.replace('BASEVALUE="0x', 'BASEVALUE="' + "9" * 5000, 1), "is no address"),
    (lambda t: t.replace('BASEVALUE="0x', 'BASEVALUE="0x' + "f" * 5000, 1), "is no address"),
    (lambda t: t.replace('HIGHVALUE="0x', 'HIGHVALUE="0xfffffff', 1), "is no address"),
    (lambda t: t.replace("<EDKSYSTEM", '<!DOCTYPE a [<!ENTITY b "c">]><EDKSYSTEM', 1), "document"),
    (lambda t: "<a>" * 100_000 + "</a>" * 100_000, "it has no SYSTEMINFO"),
    (lambda t: t.replace("FREQMHZ", "FREQMHZ_", 1), ""),
    (lambda t: t[: len(t) // 2], "is no .hwh of Vivado"),
    (lambda t: t.replace("INSTANCE=", "INSTANCES=", 1), "is no .hwh of Vivado (it lacks INSTANCE)"),
    (lambda t: "\0" + t, "is no .hwh of Vivado"),
]


@pytest.mark.parametrize(("change", "reason"), HWH)
def test_damaged_hwh(change: Callable[[str], str], reason: str, copy: Path) -> None:
    path = copy / "fewmult.hwh"
    before = path.read_text()
    text = change(before)
    path.write_text(text)
    said = said_of(lambda: read_hwh(path))
    assert reason in said
    assert "\n" not in said


@pytest.mark.parametrize("text", ["nan", "inf", "abc", "", "1e3", "9" * 5000, "-100"])
def test_clocks_that_are_none(text: str, copy: Path) -> None:
    path = copy / "fewmult.hwh"
    good = path.read_text()
    path.write_text(good.replace('CLKFREQUENCY="100000000"', f'CLKFREQUENCY="{text}"'))
    said = [said_of(lambda: check_hwh(planned_manifest(Z2, "fewmult"), path))]
    # Where a pin does not tell it, the processing system does.
    no_pin = good.replace('CLKFREQUENCY="100000000"', "")
    path.write_text(no_pin)
    check_hwh(planned_manifest(Z2, "fewmult"), path)
    path.write_text(no_pin.replace('FREQMHZ" VALUE="100"', f'FREQMHZ" VALUE="{text}"'))
    said.append(said_of(lambda: check_hwh(planned_manifest(Z2, "fewmult"), path)))
    assert "is no address, offset or frequency" in said[0]
    assert "layer_0 has no clock" in said[1]
    assert "\n" not in "".join(said)


def test_what_is_no_file(copy: Path) -> None:
    for path, read in (
        (copy / "fewmult.json", load_manifest),
        (copy / "fewmult.hwh", read_hwh),
        (copy / NAME, read_wheel),
    ):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        assert f"cannot read {path}: it is no regular file" in said_of(lambda r=read, p=path: r(p))
