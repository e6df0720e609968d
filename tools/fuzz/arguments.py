# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Argument vectors, made from the commands' own parameters: right, odd and hostile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
from hypothesis import strategies as st

from fewmult_hls.cli.commands import cli
from judging import command
from mutations import Draw

_WORDS = [
    *("", "-", "--", "-1", "0", "1", "2", "3", "1e9", "99999999999999999999", "NaN", "0x10", "1_0"),
    *("x", "digits", "mnist", "..", "/", "/dev/null", "a b", "$HOME", "%s", "{}", "\n", "\x1b[2J"),
    *("ü", "\udcff", "0" * 500, "64-16-10", "64--10", "64-0-10", "1-1", "64-16384-10", "-x"),
    *("16", "128", "256", "fewmult", "layer", "pynq-z2", "kRows=4", "kRows=", "=", "1000000"),
]
# What would run for long, or leave this machine, is given a bound that comes last and wins.
_BOUNDS = {
    "train": ["--epochs", "1", "--threads", "1", "--backend", "emu"],
    "sweep": ["--epochs", "1", "--slurm"],
    "verify": ["--cases", "1"],
    "bench": ["--rounds", "1"],
    "build": ["--plan-only"],
}
_LEFT_OUT = {"deploy", "bench", "fetch"}  # ssh, minutes of timing, the network


def _commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, found in group.commands.items():
        if name in _LEFT_OUT:
            continue
        yield (*words, name)
        if isinstance(found, click.Group):
            yield from _commands(found, (*words, name))


COMMANDS = sorted(_commands(cli))


def case(draw: Draw, good: Path, scratch: Path) -> None:
    """Runs one vector, in a folder of its own that holds copies of the good ones: it may write."""
    place = scratch / "case"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(good, place / "good")
    os.chdir(place)
    words = draw(st.sampled_from(COMMANDS))
    found: click.Command = cli
    for word in words:
        assert isinstance(found, click.Group)
        found = found.commands[word]
    chosen = draw(st.lists(st.sampled_from(found.params), max_size=5)) if found.params else []
    arguments = [word for parameter in chosen for word in _given(draw, parameter, place / "good")]
    if draw(st.integers(0, 3)) == 0:
        arguments.insert(draw(st.integers(0, len(arguments))), draw(st.sampled_from(_WORDS)))
    vector = [*words, *arguments]
    if "--help" not in vector:
        vector += _BOUNDS.get(words[0], [])
    command(*vector)


def _given(draw: Draw, parameter: click.Parameter, good: Path) -> list[str]:
    """A parameter with values that it may or may not take."""
    values = [_value(draw, parameter, good) for _ in range(max(parameter.nargs, 1))]
    if not isinstance(parameter, click.Option):
        return values
    name = draw(st.sampled_from(parameter.opts))
    return [name] if parameter.is_flag else [name, *values]


def _value(draw: Draw, parameter: click.Parameter, good: Path) -> str:
    if isinstance(parameter.type, click.Choice) and draw(st.booleans()):
        return str(draw(st.sampled_from(list(parameter.type.choices))))
    if isinstance(parameter.type, click.Path) and draw(st.booleans()):
        there = sorted(good.glob("*")) + sorted(good.glob("*/*"))
        return str(draw(st.sampled_from(there)))
    return draw(st.sampled_from(_WORDS))
