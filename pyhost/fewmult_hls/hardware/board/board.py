# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Boards as data: one TOML file each in ``boards/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...system.errors import UsageError
from ...system.schema import read_toml, typed

_FOLDER = Path(__file__).parents[2] / "boards"


@dataclass(frozen=True)
class Clock:
    """The clock of the fabric; FCLK0 of the processing system drives it."""

    fabric_mhz: int
    crystal_mhz: int
    uncertainty_percent: int


@dataclass(frozen=True)
class Processor:
    """The cores beside the fabric.

    Attributes:
        cores: their number.
        mhz: their clock.
        bank0: signals of the first bank of their pins, as Vivado calls them.
        bank1: of the second.
    """

    cores: int
    mhz: int
    bank0: str
    bank1: str


@dataclass(frozen=True)
class Ddr:
    """The memory of processor and fabric.

    Attributes:
        part: as Vivado calls it.
        mb: its size, in MiB.
        bits: its width.
        mhz: its clock; data moves at both edges.
        efficiency: what the controller reaches of the peak.
    """

    part: str
    mb: int
    bits: int
    mhz: int
    efficiency: float

    @property
    def bytes_per_second(self) -> float:
        """What processor and fabric can read and write together."""
        return self.bits / 8 * 2 * self.mhz * 1e6 * self.efficiency


@dataclass(frozen=True)
class Ports:
    """Ports of the processing system.

    Attributes:
        control: that drives the kernels' registers.
        control_base: address of the first kernel's registers.
        control_step: from one kernel's registers to the next one's, in bytes.
        width: of the memory ports, in bits.
        bundles: the memory port of each bundle of m_axi pointers.
    """

    control: str
    control_base: int
    control_step: int
    width: int
    bundles: Mapping[str, str]


@dataclass(frozen=True)
class Resources:
    """What the fabric has."""

    lut: int
    lutram: int
    ff: int
    bram36: int
    dsp: int


@dataclass(frozen=True)
class Limits:
    """What of it may be used."""

    lut_percent: int
    bram_percent: int
    dsp: int


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes:
        name: for ``--board``.
        title: for people.
        part: of the chip.
        bambu_device: the chip by the name that Bambu has for it.
        machine: what ``platform.machine()`` says there.
        cma_mb: contiguous memory that the fabric can reach, in MiB.
        overlays: the kernels in each bitstream.
    """

    name: str
    title: str
    part: str
    bambu_device: str
    machine: str
    clock: Clock
    processor: Processor
    ddr: Ddr
    cma_mb: int
    ports: Ports
    resources: Resources
    limits: Limits
    overlays: Mapping[str, tuple[str, ...]]


def names() -> list[str]:
    """The names of all boards."""
    return sorted(path.stem.replace("_", "-") for path in _FOLDER.glob("*.toml"))


def load_board(name: str) -> Board:
    """One of ``names()``.

    Raises:
        UsageError: there is no such board.
    """
    if name not in names():
        raise UsageError(f"there is no board '{name}': take {' or '.join(names())}")
    return typed(Board, read_toml(_FOLDER / f"{name.replace('-', '_')}.toml"))
