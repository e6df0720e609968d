# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""fewmult.json: what lies in an overlay and where, beside its .bit and .hwh.

The driver takes every address from here, and trusts the overlay only if each kernel's build_id
register says the same number.
"""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ... import __version__
from ...system.errors import FewmultError
from ...system.files import read_file, write_atomic
from ...system.schema import damaged, parse_json, typed
from ..source.interfaces import Argument
from ..source.reading import load_interface, source_root
from .board import Board

SUFFIXES = (".bit", ".hwh", ".json")  # of an overlay's files
FORMAT = 3  # of the file, and of how a host talks to the kernels
_MOST_BYTES = 1 << 20
_SPAN = 0x1_0000  # bytes of a kernel's registers, as Vivado assigns them


@dataclass(frozen=True)
class KernelIp:
    """A kernel in an overlay.

    Attributes:
        ip: its instance in the block design.
        base: address of its registers.
        span: their bytes.
        arguments: by name.
    """

    ip: str
    base: int
    span: int
    arguments: Mapping[str, Argument]


@dataclass(frozen=True)
class Manifest:
    """An overlay.

    Attributes:
        overlay: its name, and the stem of its files.
        board: that it is for.
        part: the chip.
        fabric_mhz: its clock.
        build_id: that every kernel must answer with: the first 32 bits of the config hash.
        config_hash: SHA-256 of the board file, the kernels' sources and this format.
        git: revision of the sources, or empty.
        version: of this package.
        kernels: by name.
    """

    overlay: str
    board: str
    part: str
    fabric_mhz: int
    build_id: int
    config_hash: str
    git: str
    version: str
    kernels: Mapping[str, KernelIp]


def planned_manifest(board: Board, overlay: str, git: str = "") -> Manifest:
    """What the build of an overlay must come to."""
    names = board.overlays[overlay]
    digest = config_hash(board, overlay)
    first, step = board.ports.control_base, board.ports.control_step
    kernels = {
        name: KernelIp(
            f"{name}_0",
            first + k * step,
            _SPAN,
            {argument.name: argument for argument in load_interface(name).arguments},
        )
        for k, name in enumerate(names)
    }
    return Manifest(
        overlay,
        board.name,
        board.part,
        board.clock.fabric_mhz,
        build_id_of(digest),
        digest,
        git,
        __version__,
        kernels,
    )


def config_hash(board: Board, overlay: str) -> str:
    """SHA-256 of all that decides what an overlay does."""
    digest = hashlib.sha256(f"fewmult-hls overlay {FORMAT}\n{overlay}\n".encode())
    digest.update(json.dumps(asdict(board), sort_keys=True).encode())
    folder = source_root() / "kernels"
    for path in sorted(folder.iterdir()):
        if path.name != "build_id.hpp" and path.suffix in (".hpp", ".cpp"):
            content = path.read_bytes()
            digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def build_id_of(digest: str) -> int:
    """The number for the kernels' registers; not 0, which is no overlay's."""
    return int(digest[:8], 16) or 1


def save_manifest(path: Path, manifest: Manifest) -> None:
    """Writes fewmult.json, whole or not at all."""
    write_atomic(path, json.dumps({"format": FORMAT, **asdict(manifest)}, indent=2) + "\n")


def load_manifest(path: Path) -> Manifest:
    """Reads fewmult.json.

    Raises:
        FewmultError: it is not there, damaged, or of another format.
    """
    content = read_file(path, _MOST_BYTES)
    try:
        data = parse_json(content)
        found = data.pop("format") if isinstance(data, dict) and "format" in data else FORMAT
        if type(found) is not int or found != FORMAT:  # True and 1.0 equal 1
            raise FewmultError(
                f"{path} has format {reprlib.repr(found)}, and this version of fewmult-hls talks "
                f"{FORMAT}: build the overlay again, or install the version that it came with"
            )
        manifest = typed(Manifest, data)
        _check_addresses(manifest)
    except ValueError as error:
        raise damaged(path, error, "build the overlay again") from error
    return manifest


def load_overlay(path: Path, board: Board) -> Manifest:
    """The manifest of an overlay whose three files are there.

    Args:
        path: of the .bit; .hwh and .json lie beside it.
        board: that it must be for.

    Raises:
        FewmultError: a file is missing, the .json is damaged, or of another board.
    """
    for suffix in SUFFIXES:
        if not path.with_suffix(suffix).is_file():
            raise FewmultError(
                f"there is no {path.with_suffix(suffix)}: an overlay is .bit, .hwh and .json of "
                "one build; make one with `fewmult-hls build`"
            )
    manifest = load_manifest(path.with_suffix(".json"))
    if manifest.board != board.name:
        raise FewmultError(
            f"{path} is for the board {manifest.board}, not for {board.name}: "
            "take the overlay of this board"
        )
    return manifest


def _check_addresses(manifest: Manifest) -> None:
    """Whether all registers are within reach.

    Raises:
        ValueError: they are not.
    """
    for name, ip in manifest.kernels.items():
        if not 0 <= ip.base < ip.base + ip.span <= 1 << 32:
            raise ValueError(f"{name} has {ip.span} bytes at {ip.base}")
        for argument in ip.arguments.values():
            if not 0 <= argument.offset < ip.span:
                raise ValueError(f"{name} has {argument.name} at {argument.offset}")
