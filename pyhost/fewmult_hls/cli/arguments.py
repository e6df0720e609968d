# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Kinds of arguments that several commands take."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..backends.names import BACKENDS, DEVICES, Device


class NamedPath(click.Path):
    """A path, but not an empty one: as an unset shell variable, it would mean this folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See ``click.ParamType``."""
        if not str(value):
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


BACKEND = click.option(
    "--backend", type=click.Choice(BACKENDS), default="emu", help="Who computes.  [default: emu]"
)

THREADS = click.option(
    "--threads",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Threads of the emu backend; the result does not depend on them.  "
    "[default: one for each physical core]",
)


def device_options(command: Callable[..., None]) -> Callable[..., None]:
    """``--device`` and ``--rtl``, which reach the command as one argument, ``device``."""

    @click.option(
        "--device",
        type=click.Choice(DEVICES),
        help="Of the pynq backend: the board that this runs on, one that this machine emulates "
        "behind the same driver, or one with simulated RTL in it.  [default: board]",
    )
    @click.option(
        "--rtl",
        type=NamedPath(),
        metavar="DIR",
        help="For --device rtl: the folder with Verilog of kernels, KERNEL_top.v; kernels without "
        "are emulated.",
    )
    @functools.wraps(command)
    def wrapped(device: str | None, rtl: Path | None, **others: Any) -> None:
        given = device is not None or rtl is not None
        command(device=Device(device or "board", rtl) if given else None, **others)

    return wrapped
