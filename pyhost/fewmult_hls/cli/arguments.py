# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Options: those of the table of settings, and what several commands take beside it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..backends.names import DEVICES, Device
from ..runs.config import SETTINGS
from ..runs.settings import Setting

Command = Callable[..., None]
Decorator = Callable[[Command], Command]


class NamedPath(click.Path):
    """A path, but not an empty one: as an unset shell variable, it would mean this folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See ``click.ParamType``."""
        if not str(value):
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


def examples(*lines: str) -> str:
    """What follows a command's options in its help."""
    # click keeps the lines of a paragraph that a backspace opens.
    return "\n  ".join(["\b\nExample:" if len(lines) == 1 else "\b\nExamples:", *lines])


def settings(command: Command) -> Command:
    """All settings of a run, each None unless it is given: a config or a preset may have it."""
    for row in reversed(SETTINGS.values()):
        command = _option(row, row.kind)(command)
    return command


def setting(name: str, **other: Any) -> Decorator:
    """A setting with its default.

    Args:
        name: of the setting.
        **other: what a command has otherwise than the table; see ``Setting``.
    """
    row = replace(SETTINGS[name], **other)
    kind: Any = row.kind
    if isinstance(row.allowed, range):
        kind = click.IntRange(row.allowed[0], row.allowed[-1])
    return _option(row, kind, default=str(row.default))


def _option(row: Setting, kind: Any, default: str | None = None) -> Decorator:
    if isinstance(row.allowed, tuple):
        kind = click.Choice([*map(str, row.allowed)])  # earlier clicks know no other choices
    return click.option(
        row.flag,
        type=kind,
        metavar=row.metavar,
        default=default,
        callback=lambda _context, _option, value: None if value is None else row.kind(value),
        help=row.full_help,
    )


BACKEND = setting("backend", help="Who computes.")

PAPER_NET = setting(
    "net",
    default="784-1024-1024-1024-10",
    says="the paper's for MNIST, 784-1024-1024-1024-10",
    help="Units of each layer.",
)

JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of tables."
)

BOARD = click.option("--board", metavar="NAME", default="pynq-z2", help="[default: pynq-z2]")

THREADS = click.option(
    "--threads",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Threads of the emu backend; the result does not depend on them.  "
    "[default: one for each physical core]",
)


def device_options(command: Command) -> Command:
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
