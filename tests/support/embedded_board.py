# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What pynq's own ``EmbeddedDevice`` finds on a PYNQ-Z2, for a machine that is none.

Real are pynq's bitstream conversion, its use of the FPGA manager, its state and cached metadata,
its memory bank, and buffers that are mapped and unmapped. Ours is what lies below: the files that
the kernel and XRT offer, the registers behind /dev/mem, the memory behind a buffer.
"""

from __future__ import annotations

import ctypes
import errno
import io
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
import pytest
from pynq import buffer, ps
from pynq.pl_server import device, embedded_device, global_state, xrt_device

from fewmult_hls.backends import pynq_backend
from fewmult_hls.cli import main
from fewmult_hls.hardware.board.board import Board, load_board
from fewmult_hls.hardware.board.manifest import KernelIp
from fewmult_hls.hardware.emulated.bus import Bus
from fewmult_hls.hardware.emulated.device import EmulatedDevice
from fewmult_hls.hardware.emulated.ip import FabricMemory, Ip
from fewmult_hls.hardware.emulated.kernels import Faults, KernelModel
from fewmult_hls.hardware.emulated.memory import BASE, Ddr
from fewmult_hls.hardware.emulated.overlay import write_emulated_overlay
from reference import reference

MANAGER = Path("/sys/class/fpga_manager/fpga0")
FIRMWARE = Path("/lib/firmware")
SYNC = bytes.fromhex("aa995566")  # starts the words that the fabric listens to

_LIBC = ctypes.CDLL("libc.so.6", use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

# XRT's own is asked here for a container with the processor's memory and no other: pynq brings one.
_XCLBINUTIL = f"""#!/bin/sh
grep -q '"m_count": 1' mem.json || {{ echo 'more than one memory'; exit 1; }}
while [ "$1" != --output ]; do shift; done
cp '{Path(embedded_device.__file__).parent}/default.xclbin' "$2"
"""

# What pynq asks a device of XRT.
_INFO = {
    **{"bdf": "", "dynamic_regions": "", "electrical": "", "host": "", "m2m": ""},
    **{"max_clock_frequency_mhz": "0", "mechanical": "", "memory": "", "name": "edge"},
    **{"pcie_info": "", "thermal": "", "vmr": ""},
}


def bit_file(overlay: str, board: Board, words: bytes) -> bytes:
    """A .bit of Vivado: fields in front of the configuration's big-endian words."""

    def field(key: str, text: str) -> bytes:
        return key.encode() + len(text + "\0").to_bytes(2, "big") + text.encode() + b"\0"

    return b"".join(
        [
            (9).to_bytes(2, "big") + bytes.fromhex("0ff00ff00ff00ff000") + (1).to_bytes(2, "big"),
            field("a", f"{overlay}_wrapper;UserID=0XFFFFFFFF;Version=2024.1"),
            field("b", board.part.removeprefix("xc").rpartition("-")[0]),
            field("c", "2026/11/23"),
            field("d", "12:00:00"),
            b"e" + len(words).to_bytes(4, "big") + words,
        ]
    )


def write_overlay(folder: Path, board: Board, overlay: str) -> None:
    """Writes OVERLAY.bit, .hwh and .json as an emulated one, with a .bit of Vivado's format."""
    write_emulated_overlay(folder, board, overlay)
    path = folder / f"{overlay}.bit"
    text = path.read_bytes()
    words = b"\xff" * 32 + SYNC + text + bytes(-len(text) % 4)
    path.write_bytes(bit_file(overlay, board, words))


class SharedDdr(Ddr):
    """Memory that a buffer maps once more, so that pynq may really unmap it."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.file = os.memfd_create("ddr")
        os.ftruncate(self.file, size)
        self._host = np.frombuffer(mmap.mmap(self.file, size), np.uint8)

    def map(self, address: int, size: int) -> memoryview:
        """A buffer's bytes, mapped until somebody calls munmap."""
        given = (size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, self.file, address - BASE)
        place = _LIBC.mmap(None, *given)
        assert place != ctypes.c_void_p(-1).value, os.strerror(ctypes.get_errno())
        return memoryview((ctypes.c_ubyte * size).from_address(place)).cast("B")


class EmbeddedBoard:
    """A board's files, registers and memory.

    Args:
        folder: for its files.
        board: what it is.
        faults: of its kernels.
    """

    def __init__(self, folder: Path, board: Board, faults: Faults) -> None:
        self.folder, self.overlays = folder, folder / "overlays"
        backend, bus = reference(), Bus()

        def factory(name: str, ip: KernelIp, memory: FabricMemory) -> Ip:
            return KernelModel(name, ip, memory, backend, self.machine.build_id, faults, bus)

        self.machine = EmulatedDevice(board, factory)
        self.memory = self.machine.memory = SharedDdr(board.cma_mb << 20)
        for overlay in board.overlays:
            write_overlay(self.overlays, board, overlay)
        for path in (MANAGER, FIRMWARE, Path("/state"), Path("/bin")):
            self.inside(path).mkdir(parents=True)
        self.inside(MANAGER / "firmware").touch()
        self.inside(MANAGER / "flags").write_text("0\n")
        self.inside(MANAGER / "state").write_text("unknown\n")
        self.inside("/bin/xclbinutil").write_text(_XCLBINUTIL)
        self.inside("/bin/xclbinutil").chmod(0o755)

    def inside(self, path: str | Path) -> Path:
        """Where a path of the board lies here."""
        return self.folder / str(path).lstrip("/")

    def redirected(self, path: str | Path) -> Path:
        """The same, if it is the FPGA manager's or a firmware's."""
        ours = any(Path(path).is_relative_to(each) for each in (MANAGER, FIRMWARE))
        return self.inside(path) if ours else Path(path)

    def open(self, path: str, mode: str = "r") -> IO[Any]:
        """As the builtin; what is written to the FPGA manager reaches the fabric."""
        if Path(path) == MANAGER / "firmware":
            return _Firmware(self)
        return self.redirected(path).open(mode)

    def configure(self, name: str) -> None:
        """What Linux does with the name of a firmware: Zynq's driver wants swapped words."""
        data = self.inside(FIRMWARE / name).read_bytes()
        start = data.find(SYNC[::-1])
        if start < 0 or start % 4:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        text = np.frombuffer(data[start + 4 :], ">u4").astype("<u4").tobytes().rstrip(b"\0")
        _, overlay, _ = text.decode().split()  # see write_emulated_overlay
        path = str(self.overlays / f"{overlay}.bit")
        bitstream = SimpleNamespace(bitfile_name=path, partial=False)
        self.machine.download(bitstream, self.machine.get_bitfile_metadata(path))
        self.inside(MANAGER / "state").write_text("operating\n")


class _Firmware(io.StringIO):
    """The FPGA manager's file: as with a real one, the name arrives when it is closed."""

    def __init__(self, board: EmbeddedBoard) -> None:
        super().__init__()
        self._board = board

    def close(self) -> None:
        if not self.closed:
            name = self.getvalue()
            super().close()
            self._board.configure(name)


class _XrtDevice:
    """``pyxrt.device``."""

    def __init__(self, index: int) -> None:
        if index:
            raise RuntimeError(f"Could not open device with index '{index}'")

    def get_info(self, what: str) -> str:
        return _INFO[what]

    def load_xclbin(self, path: str) -> str:
        if not Path(path).read_bytes().startswith(b"xclbin2\0"):
            raise RuntimeError(f"{path} is no xclbin")
        return "uuid"


def fake_pyxrt(memory: SharedDdr) -> SimpleNamespace:
    """XRT's Python module, as far as pynq calls it."""

    class Bo:
        """A buffer object: free when nothing holds it."""

        flags = SimpleNamespace(normal=0, cacheable=1 << 24)

        def __init__(self, handle: _XrtDevice, size: int, flags: int, bank: int) -> None:
            assert bank == 0
            try:
                self._address = memory.allocate(size)
            except MemoryError:
                raise RuntimeError("failed to allocate: Cannot allocate memory") from None
            self._size = size

        def map(self) -> memoryview:
            return memory.map(self._address, self._size)

        def size(self) -> int:
            return self._size

        def address(self) -> int:
            return self._address

        def sync(self, direction: str) -> None:
            {"to": memory.flush, "from": memory.invalidate}[direction](self._address, self._size)

        def __del__(self) -> None:
            if hasattr(self, "_address"):
                memory.free(self._address)

    return SimpleNamespace(
        device=_XrtDevice,
        bo=Bo,
        xrt_info_device=SimpleNamespace(**{name: name for name in _INFO}),
        xclBOSyncDirection=SimpleNamespace(
            XCL_BO_SYNC_BO_TO_DEVICE="to", XCL_BO_SYNC_BO_FROM_DEVICE="from"
        ),
    )


@contextmanager
def on_board(folder: Path, board: Board, faults: Faults | None = None) -> Iterator[EmbeddedBoard]:
    """This machine is that board as far as pynq sees, with XRT's environment and as root."""
    found = EmbeddedBoard(folder, board, faults or Faults())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XILINX_XRT", "/usr")
        patch.setenv("PATH", f"{found.inside('/bin')}{os.pathsep}{os.environ['PATH']}")
        patch.setattr(os, "geteuid", lambda: 0)
        patch.chdir(folder)  # pynq leaves a file there
        # pynq knows that it is on a board when it is imported; here it was not.
        for module, name, value in [
            (xrt_device, "pyxrt", fake_pyxrt(found.memory)),
            (xrt_device, "libc", _LIBC),
            (buffer, "libc", _LIBC),
            (buffer, "ctypes", ctypes),
            (embedded_device, "open", found.open),
            (embedded_device, "Path", lambda path: found.redirected(path)),
            (embedded_device, "platform", SimpleNamespace(machine=lambda: board.machine)),
            (embedded_device, "__file__", str(found.inside("/state/embedded_device.py"))),
            (global_state, "open", found.open),
            (global_state, "STATE_DIR", str(found.inside("/state"))),
        ]:
            patch.setattr(module, name, value, raising=False)
        patch.setattr(
            embedded_device.EmbeddedDevice, "mmap", lambda _, *where: found.machine.mmap(*where)
        )
        # What pynq keeps of a device, it keeps in its classes: nothing of another one, or of this.
        kept = [
            (device.Device, "_devices"),
            (device.Device, "_active_device"),
            (ps.Clocks, "_real_instance"),
        ]
        for holder, name in kept:
            patch.delattr(holder, name, raising=False)
        yield found
        for holder, name in kept:
            if name in vars(holder):
                delattr(holder, name)


if __name__ == "__main__":
    # A command as on the board: FOLDER, and what follows fewmult-hls.
    with on_board(Path(sys.argv[1]), load_board("pynq-z2")) as here:
        pynq_backend._OVERLAYS = here.overlays
        sys.argv = ["fewmult-hls", *sys.argv[2:]]
        main()
