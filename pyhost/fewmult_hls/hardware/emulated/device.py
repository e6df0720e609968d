# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The emulated board as a device of pynq. Importing this module needs pynq."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pynq import ps
from pynq.buffer import PynqBuffer
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynq.pl_server.device import Device
from pynqmetadata.frontends import Metadata

from ..board.board import Board
from ..board.manifest import load_manifest
from .ip import Fault, Ip, IpFactory
from .memory import Ddr

_SLCR = 0xF800_0000  # of the processing system: pynq sets the fabric's clocks there
_SLCR_WORDS = 0x1000 // 4
_ARM_PLL_CONTROL, _IO_PLL_CONTROL, _FCLK0_CONTROL = 0x100, 0x108, 0x170


class EmulatedDevice(Device):  # type: ignore[misc]
    """A Zynq-7000 board: registers of kernels, DDR, clocks.

    Args:
        board: what it has.
        factory: makes the kernels of an overlay.
    """

    def __init__(self, board: Board, factory: IpFactory) -> None:
        super().__init__(f"emulated {board.name}")
        self.name = f"emulated {board.title}"
        self.arch = board.machine
        self.capabilities = {"MEMORY_MAPPED": True}
        self.board = board
        self.memory = Ddr(board.cma_mb << 20)
        self._factory = factory
        self.build_id = 0  # of the overlay in the fabric
        self._ips: dict[range, Ip] = {}
        self._slcr = np.zeros(_SLCR_WORDS, np.uint32)
        # The PLLs as the board's boot loader leaves them: feedback dividers of 26 and 20.
        self._slcr[_ARM_PLL_CONTROL // 4] = 26 << 12
        self._slcr[_IO_PLL_CONTROL // 4] = 20 << 12

    def select(self) -> None:
        """Makes it the device that pynq takes where nothing names one, as its clocks do."""
        Device.active_device = self
        ps.CPU_ARCH = self.arch  # pynq 3.0 asks the machine that it runs on
        if hasattr(ps.Clocks, "_real_instance"):
            del ps.Clocks._real_instance

    def mmap(self, base: int, length: int) -> Any:
        """The registers in an address range, as words."""
        if base == _SLCR:
            return self._slcr
        for where, ip in self._ips.items():
            if base in where and base + length - 1 in where:
                return _Registers(ip, base - where.start)
        raise Fault(f"nothing answers at {base:#x} .. {base + length - 1:#x}")

    def get_bitfile_metadata(self, bitfile_name: str) -> Any:
        """What the .hwh beside a bitstream says."""
        return RuntimeMetadataParser(Metadata(input=str(Path(bitfile_name).with_suffix(".hwh"))))

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Puts the kernels of an overlay into the fabric."""
        path = Path(bitstream.bitfile_name)
        manifest = load_manifest(path.with_suffix(".json"))
        self.build_id = manifest.build_id
        # The addresses of the .hwh are those of the fabric, whatever anybody planned.
        self._ips = {}
        for name, ip in manifest.kernels.items():
            found = parser.ip_dict.get(ip.ip)
            if found is not None:
                where = range(found["phys_addr"], found["phys_addr"] + found["addr_range"])
                self._ips[where] = self._factory(name, ip, self.memory)
        self.post_download(bitstream, parser, self.name)

    def allocate(self, shape: Any, dtype: Any, **_: Any) -> npt.NDArray[Any]:
        """A buffer in DDR.

        Raises:
            RuntimeError: there is no room, said as pynq says it.
        """
        size = max(1, int(np.prod(shape)) * np.dtype(dtype).itemsize)
        try:
            address = self.memory.allocate(size)
        except MemoryError:
            raise RuntimeError("Failed to allocate Memory!") from None
        handle = _Allocation(self.memory, address)
        buffer: npt.NDArray[Any] = PynqBuffer(
            shape,
            dtype,
            buffer=self.memory.host_view(address),
            device=self,
            device_address=address,
            bo=handle,
        )
        return buffer

    def flush(self, bo: Any, offset: int, vaddr: int, nbytes: int) -> None:
        """See ``PynqBuffer.flush``."""
        self.memory.flush(bo.address + offset, nbytes)

    def invalidate(self, bo: Any, offset: int, vaddr: int, nbytes: int) -> None:
        """See ``PynqBuffer.invalidate``."""
        self.memory.invalidate(bo.address + offset, nbytes)

    def shutdown(self) -> None:
        """Nothing needs to be told that the fabric will change."""

    def gen_cache(self, bitstream: Any, parser: Any = None) -> None:
        """Nothing is kept between processes."""

    def close(self) -> None:
        """Nothing is held."""


class _Allocation:
    """A live buffer: all its views hold it, and the memory is free when the last one goes."""

    def __init__(self, memory: Ddr, address: int) -> None:
        self.address = address
        weakref.finalize(self, memory.free, address)


class _Registers:
    """A kernel's registers as pynq's MMIO takes them: an array of words."""

    def __init__(self, ip: Ip, first: int) -> None:
        self._ip, self._first = ip, first

    def __getitem__(self, word: int) -> int:
        return self._ip.read(self._first + 4 * word)

    def __setitem__(self, word: int, value: int) -> None:
        self._ip.write(self._first + 4 * word, int(value))
