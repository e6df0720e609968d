# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels behind registers as Vitis HLS makes them, executed by a backend of the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...backends import Backend, Key, LayerArrays, LayerNumbers, Pass, Update
from ...layouts import word_columns
from ..interfaces import CONTROL
from ..manifest import KernelIp
from .ip import Fault, Memory

START, DONE, IDLE, READY = 1, 2, 4, 8  # bits of the control register

Scalars = Mapping[str, int]


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

    The work is done when the host asks whether it is: a host that does not ask finds nothing done.

    Args:
        name: of the kernel.
        ip: its registers.
        memory: DDR as the fabric sees it.
        backend: computes.
        build_id: of the overlay.
        faults: looked at in every call.
    """

    def __init__(
        self,
        name: str,
        ip: KernelIp,
        memory: Memory,
        backend: Backend,
        build_id: int,
        faults: Faults,
    ) -> None:
        self._name, self._ip, self._memory = name, ip, memory
        self._backend, self._build_id, self._faults = backend, build_id, faults
        self._registers: dict[int, int] = {}
        self._control, self._is_started = IDLE, False

    def read(self, offset: int) -> int:
        """See ``Ip``: reading the control register clears AP_DONE and AP_READY."""
        if offset == CONTROL:
            if self._is_started and self._name not in self._faults.hung:
                self._is_started = False
                self._run()
                self._control = DONE | IDLE | READY
            found, self._control = self._control, self._control & ~(DONE | READY)
            return found
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """See ``Ip``: AP_START clears itself."""
        if offset != CONTROL:
            known = {argument.offset for argument in self._ip.arguments.values()}
            if offset not in known and offset > 0x0C:
                raise Fault(f"{self._name} has no register at {offset:#x}")
            self._registers[offset] = value & 0xFFFF_FFFF
        elif value & START and self._control & IDLE:
            self._control, self._is_started = 0, True

    def _run(self) -> None:
        build_id = self._faults.build_ids.get(self._name, self._build_id)
        self._registers[self._ip.arguments["build_id"].offset] = build_id
        scalars = {
            name: self._scalar(name)
            for name, argument in self._ip.arguments.items()
            if argument.kind == "scalar"
        }
        units = scalars.get("units", scalars.get("inputs", 0))
        if units:  # with none, a kernel does nothing else
            WORK[self._name](Call(scalars, self._address, self._memory), self._backend)

    def _scalar(self, name: str) -> int:
        argument = self._ip.arguments[name]
        value = self._registers.get(argument.offset, 0)
        return value - (value >> 31 << 32) if argument.dtype == "int32" else value

    def _address(self, name: str) -> int:
        return self._registers.get(self._ip.arguments[name].offset, 0)


class Call:
    """One call of a kernel: its numbers, and its arrays in DDR."""

    def __init__(self, scalars: Scalars, address: Callable[[str], int], memory: Memory) -> None:
        self.scalars = scalars
        self._address, self._memory = address, memory
        self._out: dict[str, npt.NDArray[Any]] = {}

    def __getitem__(self, name: str) -> int:
        return self.scalars[name]

    @property
    def batch(self) -> int:
        """Samples."""
        return 1 << self["log2_batch"]

    @property
    def key(self) -> Key:
        """Of a kernel with one purpose."""
        return Key(self["seed"], self["purpose"])

    def array(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """A copy of an argument's array."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        data = self._memory.read(self._address(name), size)
        return np.frombuffer(data, dtype).reshape(shape).copy()

    def result(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """An array that the kernel writes without reading it."""
        self._out[name] = np.zeros(shape, dtype)
        return self._out[name]

    def changed(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
        """An array that the kernel reads and writes."""
        self._out[name] = self.array(name, shape, dtype)
        return self._out[name]

    def store(self) -> None:
        """Writes what the kernel left."""
        for name, array in self._out.items():
            self._memory.write(self._address(name), array.tobytes())


def _sample_weights(call: Call, backend: Backend) -> None:
    words, bits = word_columns(call["inputs"]), call["master_bits"]
    shape = (1, words, call["outputs"])
    backend.sample_weights(
        call.array(f"weights{bits}", (words, call["outputs"], 64), f"int{bits}"),
        call.result("sign", shape, np.uint64),
        call.result("mask", shape, np.uint64),
        inputs=call["inputs"],
        binary=bool(call["binary"]),
        key=call.key,
        step=call["step"],
        sharpness=call["sharpness"],
    )
    call.store()


def _product(call: Call, *, transposed: bool) -> dict[str, Any]:
    shape = (call["planes"], word_columns(call["inputs"]), call["outputs"])
    units = call["outputs"] if transposed else call["inputs"]
    return {
        "source": call.array("source", (units, call.batch), np.int8),
        "sign": call.array("sign", shape, np.uint64),
        "mask": call.array("mask", shape, np.uint64),
        "inputs": call["inputs"],
    }


def _binary_matmul(call: Call, backend: Backend) -> None:
    transposed = bool(call["transposed"])
    units = call["inputs"] if transposed else call["outputs"]
    backend.binary_matmul(
        **_product(call, transposed=transposed),
        z=call.result("z", (units, call.batch), np.int32),
        transposed=transposed,
    )
    call.store()


def _pass_arrays(call: Call, pass_: Pass, units: int) -> LayerArrays:
    """What a pass touches, and nothing else: see ``LayerArrays``."""
    samples, one = (units, call.batch), (units,)
    training = pass_ in (Pass.OUTPUT, Pass.BACKWARD)
    bias = call.changed if training else call.array
    mean = call.result if pass_ == Pass.HIDDEN else call.array
    output = pass_ in (Pass.LOGITS, Pass.OUTPUT)
    return LayerArrays(
        bias=None if pass_ == Pass.PERTURB else bias("bias", one, np.int32),
        result=None if pass_ == Pass.LOGITS else call.result("result", samples, np.int8),
        gate=call.array("gate", samples, np.int8) if pass_.sends_back else None,
        mean=mean("mean", one, np.int32) if pass_ in (Pass.HIDDEN, Pass.HIDDEN_MEAN) else None,
        logits=call.result("logits", samples, np.int32) if output else None,
        labels=call.array("labels", (call.batch,), np.uint8) if pass_ == Pass.OUTPUT else None,
        loss=call.changed("loss", (1,), np.int32) if pass_ == Pass.OUTPUT else None,
    )


def _pass_numbers(call: Call) -> LayerNumbers:
    return LayerNumbers(call["shift"], call["bias_exponent"], call.key, call["step"])


def _normalize(call: Call, backend: Backend) -> None:
    pass_ = Pass(call["pass"])
    z = call.array("z", (call["units"], call.batch), np.int32)
    backend.normalize(pass_, z, _pass_arrays(call, pass_, call["units"]), _pass_numbers(call))
    call.store()


def _layer(call: Call, backend: Backend) -> None:
    pass_ = Pass(call["pass"])
    units = call["inputs"] if pass_.sends_back else call["outputs"]
    backend.layer(
        pass_,
        **_product(call, transposed=pass_.sends_back),
        arrays=_pass_arrays(call, pass_, units),
        numbers=_pass_numbers(call),
    )
    call.store()


def _shift_gradient(call: Call, backend: Backend) -> None:
    words, bits = word_columns(call["inputs"]), call["master_bits"]
    shape, masters = (1, words, call["outputs"]), (words, call["outputs"], 64)
    updated = call.result(f"updated{bits}", masters, f"int{bits}")
    updated[...] = call.array(f"weights{bits}", masters, updated.dtype)
    backend.shift_gradient(
        updated,
        call.result("sign", shape, np.uint64),
        call.result("mask", shape, np.uint64),
        call.array("x", (call["inputs"], call.batch), np.int8),
        call.array("deltas", (call["outputs"], call.batch), np.int8),
        Update(
            call["shift"],
            bool(call["binary"]),
            Key(call["seed"], call["code_purpose"]),
            Key(call["seed"], call["weight_purpose"]),
            call["step"],
            call["sharpness"],
        ),
    )
    call.store()


WORK: dict[str, Callable[[Call, Backend], None]] = {
    "sample_weights": _sample_weights,
    "binary_matmul": _binary_matmul,
    "normalize": _normalize,
    "layer": _layer,
    "shift_gradient": _shift_gradient,
}
