# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What goes to a board, checked before it goes: the wheel, those that it needs, overlays."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from email import message_from_string
from io import BytesIO
from pathlib import Path

from ... import __version__
from ...system.errors import FewmultError, UsageError, library_faults
from ...system.files import open_regular, reading
from ..board.board import Board
from ..board.hwh import check_hwh
from ..board.manifest import SUFFIXES, Manifest, load_overlay
from ..source.reading import load_interface

_PROJECT = "fewmult_hls-"
_NAME = f"{_PROJECT}{__version__}"
_PURE = "-none-any.whl"
_WHEEL = f"{_NAME}-py3{_PURE}"
_PLACES = (Path(".venv/dist/board"), Path("dist"), Path())
_MAKE = "`make board-wheel` makes it"


def find_wheel() -> Path:
    """The board's wheel of this version, where ``make board-wheel`` leaves it, or right here.

    Raises:
        UsageError: there is none.
    """
    for place in _PLACES:
        if (place / _WHEEL).is_file():
            return place / _WHEEL
    raise UsageError(f"there is no {_WHEEL} in {_PLACES[0]}: {_MAKE}, --wheel FILE names another")


def read_wheel(path: Path) -> list[str]:
    """What the board's wheel of this version requires, a line for pip each.

    Raises:
        UsageError: there is no such file, or its name says that it is another wheel.
        FewmultError: it is damaged, or cannot be read.
    """
    with reading(path):
        if not path.exists():
            raise UsageError(f"there is no wheel {path}: {_MAKE}")
    if path.name != _WHEEL:
        raise UsageError(f"{path} is not {_WHEEL}, the pure wheel of this version: {_MAKE}")

    def fault(reason: str) -> FewmultError:
        return FewmultError(f"{path} is no wheel, or a damaged one ({reason}): {_MAKE}")

    with open_regular(path) as file, library_faults(fault), zipfile.ZipFile(file) as archive:
        damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"{damaged} in it is damaged")
        head = message_from_string(archive.read(f"{_NAME}.dist-info/METADATA").decode())
    return [text for text in head.get_all("Requires-Dist") or [] if "extra ==" not in text]


def packed(wheel: Path, overlays: Mapping[str, Path], script: Path) -> bytes:
    """All that is copied, as a tar archive: wheels/, requirements.txt, overlays/, the script.

    Args:
        wheel: the board's; of the pure wheels beside it pip there takes what the board lacks.
        overlays: the .bit of each by name.
        script: that installs them.

    Raises:
        UsageError: see ``read_wheel``.
        FewmultError: a file is damaged, or cannot be read.
    """
    required = "\n".join([*read_wheel(wheel), ""]).encode()
    others = [one for one in wheel.parent.glob(f"*{_PURE}") if not one.name.startswith(_PROJECT)]
    files = {script: ".", wheel: "wheels", **dict.fromkeys(others, "wheels")}
    for bit in overlays.values():
        files |= {bit.with_suffix(suffix): "overlays" for suffix in SUFFIXES}
    result = BytesIO()
    with tarfile.open(fileobj=result, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, folder in files.items():
            with open_regular(path) as file:
                info = tarfile.TarInfo(f"{folder}/{path.name}")
                info.size = os.fstat(file.fileno()).st_size
                archive.addfile(info, file)
        info = tarfile.TarInfo("requirements.txt")
        info.size = len(required)
        archive.addfile(info, BytesIO(required))
    return result.getvalue()


def read_overlays(folders: Sequence[Path], board: Board) -> dict[str, Path]:
    """The .bit of the overlays in some folders, each of this board and this version's kernels.

    Args:
        folders: with the files, or plans of ``fewmult-hls build`` that were run.
        board: that they are for.

    Raises:
        UsageError: a folder has none, or two have the same.
        FewmultError: a file is missing or damaged, or an overlay does not fit.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        with reading(folder):
            place = folder / "overlay" if (folder / "overlay").is_dir() else folder
            names = [
                name
                for name in board.overlays
                if any((place / f"{name}{suffix}").is_file() for suffix in SUFFIXES)
            ]
        if not names:
            wanted = " or ".join(f"{name}.bit" for name in board.overlays)
            raise UsageError(f"{place} has no {wanted}: build an overlay, see `fewmult-hls build`")
        for name in names:
            bit = place / f"{name}.bit"
            if name in found:
                raise UsageError(f"{found[name]} and {bit}: name one of them")
            _check_overlay(bit, board)
            found[name] = bit
    return found


def _check_overlay(bit: Path, board: Board) -> None:
    manifest, json = load_overlay(bit, board), bit.with_suffix(".json")
    if not bit.stat().st_size:
        raise FewmultError(f"{bit} is empty: build the overlay again")
    if manifest.overlay != bit.stem:
        raise FewmultError(f"{json} is of the overlay {manifest.overlay}: files were renamed")
    _check_kernels(manifest, board, json)
    check_hwh(manifest, bit.with_suffix(".hwh"))


def _check_kernels(manifest: Manifest, board: Board, path: Path) -> None:
    """Whether this version can call the kernels: names, arguments and their types."""
    again = f"it is of fewmult-hls {manifest.version}, this is {__version__}: build it again"
    if set(manifest.kernels) != set(board.overlays[manifest.overlay]):
        raise FewmultError(f"{path} has other kernels, {', '.join(manifest.kernels)}: {again}")
    for name, ip in manifest.kernels.items():
        here = {a.name: (a.dtype, a.kind) for a in load_interface(name).arguments}
        there = {a.name: (a.dtype, a.kind) for a in ip.arguments.values()}
        if here != there:
            odd = sorted(dict(here.items() ^ there.items()))[0]
            raise FewmultError(f"{path} has kernel {name} with another '{odd}': {again}")
