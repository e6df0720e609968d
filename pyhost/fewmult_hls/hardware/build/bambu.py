# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a plan holds for Bambu, an open-source HLS compiler: the kernels as it takes them.

It stops at pragmas that it does not know, so all of ours go, and its own of the memory ports stand
in front of each top. A kernel without pragmas is the same kernel, only slower.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...system.errors import FewmultError
from ...system.files import read_file, write_atomic
from ..board.board import Board
from ..source.interfaces import Interface

FOLDER = "bambu"
SCRIPT = "run_bambu.sh"
OPTIONS = "options.txt"
_PRAGMA = re.compile(r"^[ \t]*#pragma HLS.*\n", re.MULTILINE)
_TOP = 'extern "C" void '
_MOST_BYTES = 1 << 20


def stripped(text: str) -> str:
    """A source without the pragmas of Vitis HLS."""
    return _PRAGMA.sub("", text)


def with_ports(text: str, interface: Interface) -> str:
    """A top with Bambu's pragmas of its memory ports in front.

    Raises:
        FewmultError: the text has no top.
    """
    if text.count(_TOP) != 1:
        raise FewmultError(
            f"{interface.name}_top.cpp has no top: are these sources of this version?"
        )
    pragmas = "".join(
        f"#pragma HLS interface port = {argument.name} mode = m_axi offset = direct "
        f"bundle = {argument.bundle}\n"
        for argument in interface.arguments
        if argument.bundle
    )
    return text.replace(_TOP, pragmas + _TOP)


def options(board: Board, period_ns: float) -> tuple[str, ...]:
    """What Bambu 2024.10 is told of every kernel."""
    return (
        f"--device={board.bambu_device}",
        f"--clock-period={period_ns:g}",
        "-O2",
        "-std=c++14",
        "--compiler=I386_CLANG16",
        "--generate-interface=INFER",
    )


def write_sources(
    plan: Path, board: Board, period_ns: float, interfaces: Sequence[Interface]
) -> None:
    """Writes ``bambu/`` of a plan, from the plan's own ``kernels/``.

    Args:
        plan: the folder.
        board: to build for.
        period_ns: of the fabric's clock.
        interfaces: of the kernels to build.

    Raises:
        FewmultError: the folder cannot be read or written.
    """
    target = plan / FOLDER / "kernels"
    target.mkdir(parents=True)
    write_atomic(plan / FOLDER / OPTIONS, "\n".join(options(board, period_ns)) + "\n")
    tops = {f"{interface.name}_top.cpp": interface for interface in interfaces}
    for path in sorted((plan / "kernels").iterdir()):
        text = stripped(read_file(path, _MOST_BYTES).decode("utf-8"))
        if path.name in tops:
            text = with_ports(text, tops[path.name])
        elif path.suffix == ".cpp":
            continue
        write_atomic(target / path.name, text)
