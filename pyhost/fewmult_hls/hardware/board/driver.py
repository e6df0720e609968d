# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""An overlay through pynq: buffers in the board's DDR, kernels started by their registers.

Every address comes from the overlay's own fewmult.json, checked against its .hwh and against what
each kernel answers. Ports are not coherent: the caller says when an array passes between host and
fabric, by the array's own ``flush`` and ``invalidate``. Importing this module needs pynq.
"""

from __future__ import annotations

import struct
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pynq import Overlay

from ...system.errors import FewmultError
from ..source.interfaces import CONTROL, IDLE, START
from .board import Board
from .hwh import check_hwh
from .manifest import load_overlay

_LEAST_BYTES = 8192  # of a buffer: pynq's allocator is not made for smaller ones
_WORD_BYTES = 8  # kernels read and write whole words, to the end of the last one
_WORD = 0xFFFF_FFFF
# What pynq raises for an overlay that it, XRT or the kernel's FPGA manager does not take.
_REFUSALS = (OSError, RuntimeError, ValueError, LookupError, struct.error)

Value = int | npt.NDArray[Any] | None


class _Run(NamedTuple):
    """A kernel that runs.

    Attributes:
        start: when it was started.
        memory: whether it only reads what it was given, by address.
        held: its arrays, which must not go before it has ended.
    """

    start: float
    memory: Mapping[int, bool]
    held: tuple[Value, ...]


class Buffers:
    """Arrays in the board's DDR.

    Args:
        device: of pynq.
        board: that it is.
    """

    def __init__(self, device: Any, board: Board) -> None:
        self._device, self._board = device, board
        # Address and bytes of live buffers, by where the host sees them: a copy of an array has a
        # device address too, in pynq, but a wrong one.
        self._live: dict[int, tuple[int, int]] = {}

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A zeroed array, contiguous for the fabric.

        Raises:
            FewmultError: there is no room for it.
        """
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        room = max(-(-size // _WORD_BYTES) * _WORD_BYTES, _LEAST_BYTES)
        try:
            buffer = self._device.allocate((room,), np.uint8)
        except (RuntimeError, MemoryError) as error:
            used = sum(held for _, held in self._live.values())
            raise FewmultError(
                f"the board has no contiguous memory for {size:,} bytes more: "
                f"{used / 2**20:.1f} of {self._board.cma_mb} MiB are in use here: "
                "take a smaller net or batch, or end what else holds buffers"
            ) from error
        buffer[...] = 0
        buffer.flush()
        array: npt.NDArray[Any] = buffer[:size].view(dtype).reshape(shape)
        self._live[_place(array)] = (buffer.device_address, room)
        # Views hold the buffer: it goes with the last of them.
        weakref.finalize(buffer, self._live.pop, _place(array), None)
        return array

    def address(self, array: npt.NDArray[Any]) -> int:
        """Where the fabric finds an array that ``empty`` returned.

        Raises:
            ValueError: it did not, or the array is a part of one.
        """
        if _place(array) not in self._live:
            raise ValueError("the array is not in the board's memory: make it with empty()")
        return self._live[_place(array)][0]


class OverlayDriver:
    """An overlay on a device.

    Args:
        path: of the .bit; .hwh and .json lie beside it.
        board: that the device is.
        device: of pynq.
        buffers: that kernels are called with.
        timeout: seconds until a kernel that does not end counts as hung.

    Raises:
        FewmultError: the overlay is not for this board, is not what its files say, or cannot be
            loaded.
    """

    def __init__(
        self, path: Path, board: Board, device: Any, buffers: Buffers, timeout: float
    ) -> None:
        self.manifest = load_overlay(path, board)
        check_hwh(self.manifest, path.with_suffix(".hwh"))
        self._path, self._buffers, self._timeout = path, buffers, timeout
        self._running: dict[str, _Run] = {}
        with _loading(path):
            self._overlay = Overlay(str(path.resolve()), device=device)
            self._ips = {name: getattr(self._overlay, ip.ip) for name, ip in self._kernels.items()}
        self._check_build_ids()

    @property
    def _kernels(self) -> Mapping[str, Any]:
        return self.manifest.kernels

    def load(self) -> None:
        """Puts the overlay into the fabric again, after another one was there.

        Raises:
            FewmultError: the board does not take it.
        """
        if not self._overlay.is_loaded():
            with _loading(self._path):
                self._overlay.download()

    def has(self, kernel: str) -> bool:
        """Whether the overlay has a kernel."""
        return kernel in self._kernels

    def call(self, kernel: str, **values: Value) -> None:
        """Runs a kernel to its end; arguments and errors are those of ``start``."""
        self.start(kernel, **values)
        self.wait_for(kernel)

    def start(self, kernel: str, **values: Value) -> None:
        """Starts a kernel, and returns while it runs.

        What runs already is waited for if it is the same kernel, or if one of both writes what the
        other reads or writes.

        Args:
            kernel: one of the overlay.
            values: its arguments by name; what is left out, or None, is 0.

        Raises:
            FewmultError: a kernel did not end in time.
        """
        ip, arguments = self._ips[kernel], self._kernels[kernel].arguments
        held = tuple(values.values())
        words = {
            name: self._word(values.pop(name, None))
            for name, argument in arguments.items()
            if argument.kind != "status"
        }
        assert not values, f"{kernel} has no {', '.join(values)}"
        memory: dict[int, bool] = {}
        for name, argument in arguments.items():
            if argument.kind == "memory":
                memory[words[name]] = memory.get(words[name], True) and argument.is_const
        self._settle(kernel, memory)
        for name, word in words.items():
            ip.write(arguments[name].offset, word)
        ip.write(CONTROL, START)
        self._running[kernel] = _Run(time.monotonic(), memory, held)

    def wait(self) -> None:
        """Waits for all that runs.

        Raises:
            FewmultError: a kernel did not end in time.
        """
        for kernel in list(self._running):
            self.wait_for(kernel)

    def _settle(self, kernel: str, memory: Mapping[int, bool]) -> None:
        for other, run in list(self._running.items()):
            shared = (memory.keys() & run.memory.keys()) - {0}
            if other == kernel or any(not (memory[k] and run.memory[k]) for k in shared):
                self.wait_for(other)

    def wait_for(self, kernel: str) -> None:
        """Waits for one kernel.

        Raises:
            FewmultError: it did not end in time.
        """
        ip, start = self._ips[kernel], self._running[kernel].start
        # Reading clears AP_DONE, so what is waited for is APIDLE.
        while not ip.read(CONTROL) & IDLE:
            passed = time.monotonic() - start
            if passed > self._timeout:
                del self._running[kernel]
                raise FewmultError(
                    f"kernel {kernel} hangs: not idle after {passed:.1f} s, called with "
                    f"{self._registers(kernel)}: load the overlay again, or power the board off"
                )
        del self._running[kernel]

    def _registers(self, kernel: str) -> str:
        ip, arguments = self._ips[kernel], self._kernels[kernel].arguments
        words = {name: ip.read(a.offset) for name, a in arguments.items() if a.kind != "status"}
        return ", ".join(f"{name} {word:#x}" for name, word in words.items())

    def _word(self, value: Value) -> int:
        if value is None:
            return 0
        if isinstance(value, int):
            return int(value) & _WORD
        return self._buffers.address(value)

    def _check_build_ids(self) -> None:
        """A call of no units has a kernel say which build it is of, and proves that it ends."""
        for kernel, ip in self._kernels.items():
            self.call(kernel)
            found = self._ips[kernel].read(ip.arguments["build_id"].offset)
            if found != self.manifest.build_id:
                raise FewmultError(
                    f"kernel {kernel} in the fabric is of build {found:#010x}, and "
                    f"{self.manifest.overlay}.json of build {self.manifest.build_id:#010x}: "
                    "copy .bit, .hwh and .json of one build"
                )


def _place(array: npt.NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


@contextmanager
def _loading(path: Path) -> Iterator[None]:
    try:
        yield
    except _REFUSALS as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        raise FewmultError(
            f"{path.name} cannot be loaded into the fabric ({cause}): copy .bit, .hwh and .json "
            "of one build again; dmesg has what the kernel says"
        ) from error
