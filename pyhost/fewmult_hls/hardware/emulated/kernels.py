# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels behind registers as Vitis HLS makes them, executed by a backend of the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...contract.backend import Backend
from ...contract.calls import CALLS, Call, Pass
from ..board.manifest import KernelIp
from ..source.interfaces import CONTROL, DONE, FIRST_ARGUMENT, IDLE, READY, START
from .bus import Bus, Work
from .ip import FabricMemory, Fault

_WORK = ("units", "inputs", "channels")  # what a call is of, by the kernel's own name of it


@dataclass
class Faults:
    """What a test wants to go wrong.

    Attributes:
        hung: names of kernels that never end.
        build_ids: what kernels answer instead of their own, by name.
    """

    hung: set[str] = field(default_factory=set)
    build_ids: dict[str, int] = field(default_factory=dict)


class KernelModel:
    """A kernel's control protocol (ap_ctrl_hs), and its work done by a backend.

    The work is done while the host asks whether it is: a host that does not ask finds nothing done.
    What the masters read, whole arrays, is computed with when the last of them has it; then each
    writes what it has to write, and the call ends with the last.

    Args:
        name: of the kernel.
        ip: its registers.
        memory: DDR as the fabric sees it.
        backend: computes.
        build_id: of the overlay.
        faults: looked at in every call.
        bus: holds its masters up.
    """

    def __init__(
        self,
        name: str,
        ip: KernelIp,
        memory: FabricMemory,
        backend: Backend,
        build_id: int,
        faults: Faults,
        bus: Bus,
    ) -> None:
        self._name, self._ip, self._memory = name, ip, memory
        self._backend, self._build_id, self._faults = backend, build_id, faults
        self._bus = bus
        self._registers: dict[int, int] = {}
        self._control = IDLE

    def read(self, offset: int) -> int:
        """See ``Ip``: reading the control register clears AP_DONE and AP_READY."""
        if offset == CONTROL:
            self._bus.poll()
            found, self._control = self._control, self._control & ~(DONE | READY)
            return found
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """See ``Ip``: AP_START clears itself."""
        if offset != CONTROL:
            known = {argument.offset for argument in self._ip.arguments.values()}
            if offset not in known and offset >= FIRST_ARGUMENT:
                raise Fault(f"{self._name} has no register at {offset:#x}")
            self._registers[offset] = value & 0xFFFF_FFFF
        elif value & START and self._control & IDLE:
            self._control = 0
            if self._name not in self._faults.hung:
                self._bus.start(self._work())

    def _work(self) -> Work:
        build_id = self._faults.build_ids.get(self._name, self._build_id)
        self._registers[self._ip.arguments["build_id"].offset] = build_id
        scalars = {
            name: self._scalar(name)
            for name, argument in self._ip.arguments.items()
            if argument.kind == "scalar"
        }
        if any(scalars.get(name) for name in _WORK):  # with none of them, it does nothing else
            yield from self._execute(_call_of(self._name, scalars))
        self._control = DONE | IDLE | READY

    def _execute(self, call: Call) -> Work:
        """Fetches what the call reads from DDR, and leaves there what it writes."""
        shapes, access = call.shapes(), call.access
        arrays = {name: np.zeros(shapes[name], call.dtype(name)) for name in access.names}

        def fetch(name: str) -> None:
            array = arrays[name]
            data = self._memory.read(self._address(name), array.nbytes)
            array[...] = np.frombuffer(data, array.dtype).reshape(array.shape)

        def store(name: str) -> None:
            self._memory.write(self._address(_written_to(name)), arrays[name].tobytes())

        yield from self._moved(access.reads, lambda name: name, fetch)
        self._backend.run(call.with_arrays(arrays))
        yield from self._moved(access.writes, _written_to, store)

    def _moved(
        self, names: Iterable[str], argument: Callable[[str], str], move: Callable[[str], None]
    ) -> Work:
        """Moves arrays, each when the master of its argument is no longer held up."""
        bundles = {name: self._ip.arguments[argument(name)].bundle for name in names}
        waits = {b: self._bus.wait_of(self._name, b) for b in dict.fromkeys(bundles.values())}
        passed = 0
        for name in sorted(bundles, key=lambda name: waits[bundles[name]]):
            yield waits[bundles[name]] - passed
            passed = waits[bundles[name]]
            move(name)

    def _scalar(self, name: str) -> int:
        argument = self._ip.arguments[name]
        value = self._registers.get(argument.offset, 0)
        return value - (value >> 31 << 32) if argument.dtype == "int32" else value

    def _address(self, name: str) -> int:
        return self._registers.get(self._ip.arguments[name].offset, 0)


def _call_of(kernel: str, numbers: Mapping[str, int]) -> Call:
    """The call that registers say, without its arrays."""
    values: dict[str, Any] = {name: value for name, value in numbers.items() if name != "pass"}
    if "pass" in numbers:
        values["pass_"] = Pass(numbers["pass"])
    return CALLS[kernel](**values)


def _written_to(name: str) -> str:
    """The argument that says where an array goes: what is updated may lie elsewhere than it was."""
    return "updated" if name == "weights" else name
