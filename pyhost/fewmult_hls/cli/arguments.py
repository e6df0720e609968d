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
from ..runs.config import OPTIONS, SETTINGS
from ..runs.settings import Setting

_CLICKS = ("required", "multiple", "callback", "is_eager", "expose_value")
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
    for row in reversed(OPTIONS.values()):
        # The config looks at ranges itself, whoever gives the number.
        allowed = row.allowed if isinstance(row.allowed, tuple) else None
        if row.kind is bool:
            names = f"{row.flag}/{row.off_flag}"
            command = click.option(names, row.option, default=None, help=row.full_help)(command)
        else:
            command = _option(replace(row, allowed=allowed), row.option, default=None)(command)
    return command


def setting(name: str, **other: Any) -> Decorator:
    """A setting with its default.

    Args:
        name: of the setting.
        **other: what a command has otherwise than the table; see ``Setting``.
    """
    row = replace(SETTINGS[name], **other)
    return _option(row, default=row.default)


def option(name: str, text: str, *, to: str = "", **row: Any) -> Decorator:
    """An option that is no setting of a run.

    Args:
        name: on the command line.
        text: the help without the default.
        to: the command's argument, if it has another name.
        **row: as of a setting; see ``Setting``. Also click's, those of ``_CLICKS``.
    """
    more = {key: row.pop(key) for key in _CLICKS if key in row}
    kind = int if isinstance(row.get("allowed"), range) else str
    found = Setting(text, option=name, **{"kind": kind, **row})
    return _option(found, to or name.replace("-", "_"), default=found.default, **more)


def path(name: str, metavar: str, text: str, **row: Any) -> Decorator:
    """An option with a path."""
    return option(name, text, kind=Path, metavar=metavar, **row)


def flag(name: str, text: str, **row: Any) -> Decorator:
    """An option that is there or not."""
    return option(name, text, kind=bool, **row)


def _option(row: Setting, *names: str, default: Any, **more: Any) -> Decorator:
    kind: Any = row.kind
    metavar = row.metavar or ("N" if kind is int else None)
    if isinstance(row.allowed, tuple):
        kind = click.Choice([*map(str, row.allowed)])  # earlier clicks know no other choices
        metavar = row.metavar
        more["callback"] = lambda _context, _option, text: text and row.kind(text)
        default = None if default is None else str(default)
    elif isinstance(row.allowed, range):
        kind = click.IntRange(row.allowed[0], row.allowed[-1])
    elif row.kind is Path:
        kind = NamedPath()
    elif row.kind is bool:
        more["is_flag"] = True
    if default is not None:  # a None that is given is a value for click, even where one is required
        more["default"] = default
    return click.option(row.flag, *names, type=kind, metavar=metavar, help=row.full_help, **more)


BACKEND = setting("backend", help="Who computes.")
PAPER_NET = setting(
    "net",
    default="784-1024-1024-1024-10",
    says="the paper's for MNIST, 784-1024-1024-1024-10",
    help="Units of each layer.",
)


def _take_preset(context: click.Context, _option: click.Parameter, name: str | None) -> None:
    """Has a preset's values stand where no option says otherwise."""
    if name is not None:
        from ..presets import load_preset

        values = load_preset(name).values
        context.default_map = {key: str(value) for key, value in values.items()}


PRESET = option(
    "preset",
    "Net, method and sizes of a preset, where no option says otherwise: see `presets`.",
    metavar="NAME",
    callback=_take_preset,
    is_eager=True,
    expose_value=False,
)
JSON = flag("json", "Print one JSON object instead of tables.", to="as_json")
BOARD = option("board", "", default="pynq-z2", metavar="NAME")
THREADS = option(
    "threads",
    "Threads of the emu backend; the result does not depend on them.",
    says="one for each physical core",
    allowed=range(1, 257),
)


def device_options(command: Command) -> Command:
    """``--device`` and ``--rtl``, which reach the command as one argument, ``device``."""

    @option(
        "device",
        "Of the pynq backend: the board that this runs on, one that this machine emulates behind "
        "the same driver, or one with simulated RTL in it.",
        allowed=DEVICES,
        says="board",
    )
    @path(
        "rtl",
        "DIR",
        "For --device rtl: the folder with Verilog of kernels, KERNEL_top.v; kernels without are "
        "emulated.",
    )
    @functools.wraps(command)
    def wrapped(device: str | None, rtl: Path | None, **others: Any) -> None:
        given = device is not None or rtl is not None
        command(device=Device(device or "board", rtl) if given else None, **others)

    return wrapped
