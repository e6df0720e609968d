# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What goes to a board, checked before it goes: the wheel, those that it needs, overlays."""

from __future__ import annotations

import os
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from io import BytesIO
from pathlib import Path

from ... import __version__
from ...system.errors import FewmultError, UsageError, reason_of
from ...system.files import open_regular, reading
from ..board.board import Board
from ..board.hwh import check_hwh
from ..board.manifest import SUFFIXES, Manifest, load_overlay
from ..source.reading import load_interface

COMPLETE = "complete"  # the archive's last file: without it, a part is missing
_PROJECT = "fewmult_hls"
_PURE = "-none-any.whl"
_PLACES = (Path(".venv/dist/board"), Path("dist"), Path())
_MOST_UNPACKED = 256 << 20  # ours unpack to some MB
_MOST_HEAD = 1 << 20
_MAKE = "`make board-wheel` makes it"


@dataclass(frozen=True)
class Wheel:
    """The wheel for boards.

    Attributes:
        path: of the file.
        requirements: of the package, as pip reads them.
        others: pure wheels beside it that it needs; a board that lacks one of them takes it.
    """

    path: Path
    requirements: tuple[str, ...]
    others: tuple[Path, ...]


@dataclass(frozen=True)
class Payload:
    """All that is copied.

    Attributes:
        wheel: of this version.
        overlays: the .bit of each by name; those that are on the board stay if there are none.
    """

    wheel: Wheel
    overlays: Mapping[str, Path]

    def packed(self, script: Path) -> bytes:
        """A tar archive: wheels/, requirements.txt, overlays/, the script."""
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
            _add(archive, script, ".")
            for path in (self.wheel.path, *self.wheel.others):
                _add(archive, path, "wheels")
            _add_text(archive, "requirements.txt", "\n".join(self.wheel.requirements) + "\n")
            for bit in self.overlays.values():
                for suffix in SUFFIXES:
                    _add(archive, bit.with_suffix(suffix), "overlays")
            _add_text(archive, COMPLETE, "")
        return packed.getvalue()


def _add(archive: tarfile.TarFile, path: Path, folder: str) -> None:
    with open_regular(path) as file:
        info = tarfile.TarInfo(f"{folder}/{path.name}")
        info.size = os.fstat(file.fileno()).st_size
        archive.addfile(info, file)


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(text.encode())
    archive.addfile(info, BytesIO(text.encode()))


# ---- The wheel -----------------------------------------------------------------------------------


def find_wheel() -> Path:
    """The board's wheel of this version, where ``make board-wheel`` leaves it, or right here.

    Raises:
        UsageError: there is none.
    """
    name = f"{_PROJECT}-{__version__}-py3{_PURE}"
    for place in _PLACES:
        if (place / name).is_file():
            return place / name
    raise UsageError(f"there is no {name} in {_PLACES[0]}: {_MAKE}, --wheel FILE names another")


def read_wheel(path: Path) -> Wheel:
    """Whether a file is the board's wheel, and what it needs.

    Raises:
        UsageError: it is no such wheel.
        FewmultError: it is damaged, or cannot be read.
    """
    head, tags = _wheel_head(path)
    name, version = _line(head["Name"]), _line(head["Version"])
    if _project(name) != _project(_PROJECT):
        raise UsageError(f"{path} is a wheel of {name}, not of fewmult-hls: {_MAKE}")
    if version != __version__:
        raise UsageError(f"{path} is of version {version}, and this is {__version__}: {_MAKE}")
    if not path.name.endswith(f"-py3{_PURE}") or tags != [f"py3{_PURE}"[: -len(".whl")]]:
        raise UsageError(
            f"{path} is compiled for {', '.join(tags)}, and a board takes pure Python: {_MAKE}"
        )
    required = _requirements(head)
    return Wheel(path, required, tuple(_needed(required, path.parent)))


def _requirements(head: Message) -> tuple[str, ...]:
    texts = map(_line, head.get_all("Requires-Dist") or [])
    return tuple(text for text in texts if "extra ==" not in text)


def _line(field: object) -> str:
    """A field on one line, for messages and for the file of requirements that pip reads."""
    return " ".join(str(field).split())


def _needed(requirements: Sequence[str], folder: Path) -> list[Path]:
    """The pure wheels of a folder that some requirements ask for, and what those ask for."""
    there: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"*{_PURE}")):
        there.setdefault(_project(path.name.split("-")[0]), []).append(path)
    found: list[Path] = []
    wanted = list(map(_project, requirements))
    while wanted:
        for path in there.pop(wanted.pop(), []):
            found.append(path)
            wanted += map(_project, _requirements(_wheel_head(path)[0]))
    return sorted(found)


def _project(requirement: str) -> str:
    """The name that a requirement begins with, as it is compared."""
    name = re.match(r"[\w.-]*", requirement)
    return re.sub(r"[-_.]+", "-", name[0] if name else "").lower()


def _wheel_head(path: Path) -> tuple[Message, list[str]]:
    """METADATA and the tags of WHEEL."""
    with reading(path):
        if not path.exists():
            raise UsageError(f"there is no wheel {path}: {_MAKE}")
    with open_regular(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                metadata, wheel = _heads(archive)
            return metadata, [_line(tag) for tag in wheel.get_all("Tag") or []]
        except MemoryError:
            raise
        # What zipfile, zlib and email raise on damaged bytes has no common base.
        except Exception as error:
            raise FewmultError(
                f"{path} is no wheel, or a damaged one ({reason_of(error)}): {_MAKE}"
            ) from error


def _heads(archive: zipfile.ZipFile) -> list[Message]:
    """METADATA and WHEEL of a wheel in which every file is whole.

    Raises:
        ValueError, or what zipfile raises: it is damaged, or no wheel.
    """
    members = archive.infolist()
    names = [member.filename for member in members]
    if sum(member.file_size for member in members) > _MOST_UNPACKED:
        raise ValueError(f"its files have more than {_MOST_UNPACKED:,} bytes")
    if len(set(names)) != len(names) or any(map(_leads_out, names)):
        raise ValueError("it has a file twice, or one that would lie elsewhere")
    odd = archive.testzip()
    if odd is not None:
        raise ValueError(f"{odd} in it is damaged")
    heads = []
    for part in ("METADATA", "WHEEL"):
        found = [name for name in names if re.fullmatch(rf"[^/]+\.dist-info/{part}", name)]
        if len(found) != 1 or archive.getinfo(found[0]).file_size > _MOST_HEAD:
            raise ValueError(f"it has no {part}, or several or a huge one")
        heads.append(message_from_bytes(archive.read(found[0])))
    return heads


def _leads_out(name: str) -> bool:
    """Whether a file in an archive would be unpacked elsewhere."""
    return name.startswith("/") or "\\" in name or ".." in name.split("/")


# ---- Overlays ------------------------------------------------------------------------------------


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
