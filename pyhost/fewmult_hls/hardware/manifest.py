# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""fewmult.json: what lies in an overlay and where, beside its .bit and .hwh.

The driver takes every address from here, and trusts the overlay only if each kernel's build_id
register says the same number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import FewmultError
from ..files import write_atomic
from .board import Board
from .interfaces import Argument, load_interface
from .sources import source_root

FORMAT = 1  # of the file, and of how a host talks to the kernels
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
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FewmultError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise FewmultError(f"{path} is damaged ({error}): build the overlay again") from error
    try:
        found = data.pop("format")
        if found != FORMAT:
            raise FewmultError(
                f"{path} has format {found}, and this version of fewmult-hls talks {FORMAT}: "
                "build the overlay again, or install the version that it came with"
            )
        return _manifest(data)
    except (AttributeError, KeyError, TypeError) as error:
        raise FewmultError(f"{path} is damaged ({error}): build the overlay again") from error


def _manifest(data: dict[str, Any]) -> Manifest:
    kernels = {
        name: KernelIp(
            ip["ip"],
            ip["base"],
            ip["span"],
            {key: Argument(**value) for key, value in ip["arguments"].items()},
        )
        for name, ip in data.pop("kernels").items()
    }
    return Manifest(**data, kernels=kernels)
