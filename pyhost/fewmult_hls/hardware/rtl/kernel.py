# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A verilated kernel behind the emulated board's registers."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from pathlib import Path

from ...system.errors import FewmultError
from ..board.manifest import KernelIp
from ..emulated.ip import FabricMemory, Fault
from ..source.interfaces import ARGUMENT_STEP, CONTROL

_READ = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_uint64, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint8)
)
_WRITE = _READ  # with the bytes to write
# Cycles of the fabric that pass while the host asks once more whether the kernel has ended.
_CYCLES_OF_A_POLL = 500
_SEED = 1  # of waits, and of what registers hold that no reset sets


class RtlKernel:
    """A kernel as its Verilog says, simulated cycle by cycle while the host looks at it.

    Args:
        name: of the kernel.
        ip: its registers.
        library: that ``verilate`` made.
        memory: DDR as the fabric sees it.
        stall_percent: in how many of a hundred cycles each channel of each port waits, at random.

    Raises:
        Fault: the Verilog ends or fails before it is used.
        FewmultError: the library cannot be loaded.
    """

    def __init__(
        self,
        name: str,
        ip: KernelIp,
        library: Path,
        memory: FabricMemory,
        stall_percent: int = 25,
    ) -> None:
        self._name, self._memory = name, memory
        self._end = max(a.offset for a in ip.arguments.values()) + ARGUMENT_STEP
        self._fault: BaseException | None = None
        self._library = _load(library)
        # The callbacks must live as long as the kernel, but must not keep it alive.
        this = weakref.ref(self)
        self._callbacks = (
            _READ(lambda address, size, data: _call(this, _fill, address, size, data)),
            _WRITE(lambda address, size, data: _call(this, _take, address, size, data)),
        )
        self._handle = self._library.rtl_open(_SEED, stall_percent, *self._callbacks)
        self._check(bool(self._handle))
        weakref.finalize(self, self._library.rtl_close, self._handle)

    @property
    def cycles(self) -> int:
        """Cycles of the clock since the reset."""
        return int(self._library.rtl_cycles(self._handle))

    def read(self, offset: int) -> int:
        """See ``Ip``."""
        self._check_offset(offset)
        if offset == CONTROL:
            self._check(self._library.rtl_run(self._handle, _CYCLES_OF_A_POLL))
        value = ctypes.c_uint32()
        self._check(self._library.rtl_read(self._handle, offset, ctypes.byref(value)))
        return value.value

    def write(self, offset: int, value: int) -> None:
        """See ``Ip``."""
        self._check_offset(offset)
        self._check(self._library.rtl_write(self._handle, offset, value & 0xFFFF_FFFF))

    def _check_offset(self, offset: int) -> None:
        if not 0 <= offset < self._end or offset % 4:
            raise Fault(f"{self._name} has no register at {offset:#x}")

    def _check(self, succeeded: bool) -> None:
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        if not succeeded:
            raise Fault(f"RTL of {self._name}: {self._library.rtl_fault().decode()}")


def _call(
    this: weakref.ref[RtlKernel],
    work: Callable[[FabricMemory, int, int, ctypes.Array[ctypes.c_uint8]], None],
    address: int,
    size: int,
    data: ctypes.Array[ctypes.c_uint8],
) -> int:
    """From C++, which no exception may cross."""
    kernel = this()
    assert kernel is not None
    try:
        work(kernel._memory, address, size, data)
    except BaseException as fault:
        kernel._fault = fault
        return 0
    return 1


def _fill(
    memory: FabricMemory, address: int, size: int, data: ctypes.Array[ctypes.c_uint8]
) -> None:
    ctypes.memmove(data, memory.read(address, size), size)


def _take(
    memory: FabricMemory, address: int, size: int, data: ctypes.Array[ctypes.c_uint8]
) -> None:
    memory.write(address, ctypes.string_at(data, size))


def _load(path: Path) -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise FewmultError(
            f"cannot load the simulated kernel ({error}): if temporary files may not be executed "
            "here (noexec), set TMPDIR to a folder where they may"
        ) from error
    handle, number = ctypes.c_void_p, ctypes.c_uint32
    library.rtl_open.argtypes = [number, number, _READ, _WRITE]
    library.rtl_open.restype = handle
    library.rtl_close.argtypes = [handle]
    library.rtl_close.restype = None
    library.rtl_run.argtypes = [handle, number]
    library.rtl_write.argtypes = [handle, number, number]
    library.rtl_read.argtypes = [handle, number, ctypes.POINTER(number)]
    library.rtl_cycles.argtypes = [handle]
    library.rtl_cycles.restype = ctypes.c_uint64
    library.rtl_fault.argtypes = []
    library.rtl_fault.restype = ctypes.c_char_p
    return library
