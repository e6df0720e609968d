# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The seam between the emulated board and what stands behind a kernel's registers."""

from __future__ import annotations

from typing import Protocol

from ...system.errors import FewmultError
from ..board.manifest import KernelIp


class Fault(FewmultError):  # noqa: N818
    """Something that a board would do wrong without a word."""


class FabricMemory(Protocol):
    """DDR as the fabric sees it."""

    def read(self, address: int, size: int) -> bytes:
        """Bytes from an address.

        Raises:
            Fault: they are not all in one live buffer, or older than what the host wrote.
        """

    def write(self, address: int, data: bytes) -> None:
        """Bytes to an address.

        Raises:
            Fault: they are not all in one live buffer.
        """


class Ip(Protocol):
    """A kernel behind its registers; offsets are those within its own address range."""

    def read(self, offset: int) -> int:
        """A register's 32 bits, with what reading does to it."""

    def write(self, offset: int, value: int) -> None:
        """Sets a register, with what that starts."""


class IpFactory(Protocol):
    """Makes what stands behind a kernel's registers."""

    def __call__(self, name: str, ip: KernelIp, memory: FabricMemory) -> Ip:
        """The kernel of that name, idle."""
