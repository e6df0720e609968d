# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels themselves, compiled for this machine's CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.backend import OneByOne, PreparedCalls, run_on_host
from ..contract.calls import CALLS, Call, HostCall
from ..system.cpu import physical_cores
from ..system.errors import FewmultError, UsageError


def load_kernels() -> Any:
    """The compiled module.

    Raises:
        FewmultError: this installation has none.
    """
    try:
        from .. import _kernels
    except ImportError as error:
        raise FewmultError(
            f"this installation has no compiled kernels ({error}): "
            "install fewmult-hls where a C++ compiler is, or take --backend numpy"
        ) from error
    return _kernels


def has_kernels() -> bool:
    """Whether this installation has the compiled module."""
    try:
        load_kernels()
    except FewmultError:
        return False
    return True


ISA_VARIABLE = "FEWMULT_ISA"
MAX_THREADS = 256


def chosen_level() -> str:
    """The instruction set level that runs here: the fastest, or what ``FEWMULT_ISA`` says.

    Raises:
        UsageError: the variable names a level that this machine does not have.
        FewmultError: this installation has no compiled kernels.
    """
    levels: list[str] = load_kernels().levels()
    forced = os.environ.get(ISA_VARIABLE)
    if not forced:
        return levels[-1]
    if forced not in levels:
        raise UsageError(
            f"{ISA_VARIABLE}={forced} cannot run here: set it to {' or '.join(levels)}, or unset it"
        )
    return forced


_OF_THE_HOST = ("load_batch", "augment_batch")  # which compiled code has, too


def _is_native(call: Call) -> bool:
    """Whether compiled code runs a call: all but what only the host has."""
    return not isinstance(call, HostCall) or call.kernel in _OF_THE_HOST


class _InTurn:
    """Prepared lists, one after the other."""

    def __init__(self, parts: Sequence[PreparedCalls]) -> None:
        self._parts = parts

    def run(self, step: int) -> None:
        """See ``PreparedCalls``."""
        for part in self._parts:
            part.run(step)


class EmuBackend:
    """Runs the kernel source; bit for bit what the fabric computes, at any level and thread count.

    Args:
        threads: that share the rows of a layer; by default one for each physical core. Fewer
            where the system starts no more.
        level: of instructions, one of ``_kernels.levels()``; by default ``chosen_level()``.

    Raises:
        UsageError: there cannot be so many threads, or no such level is here.
        FewmultError: this installation has no compiled kernels.
    """

    name = "emu"
    in_order = True
    kernels = frozenset(CALLS)
    dense_only = frozenset[str]()

    def __init__(self, threads: int | None = None, level: str | None = None) -> None:
        module = load_kernels()
        if threads is not None and not 1 <= threads <= MAX_THREADS:
            raise UsageError(f"threads must be 1 to {MAX_THREADS}, not {threads}")
        self._compiler = module.compiler
        self._wanted = threads or physical_cores()
        self._kernels = module.Kernels(level or chosen_level(), self._wanted)

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A zeroed array."""
        return np.zeros(shape, dtype)

    def to_device(self, *arrays: npt.NDArray[Any]) -> None:
        """Nothing to do: there is one memory."""

    def to_host(self, *arrays: npt.NDArray[Any]) -> None:
        """Nothing to do: there is one memory."""

    def run(self, call: Call) -> None:
        """See ``Backend``."""
        if isinstance(call, HostCall) and not _is_native(call):
            call.check()
            run_on_host(self, call)
        else:
            self._kernels.run(call)

    def prepare(self, calls: Sequence[Call]) -> PreparedCalls:
        """See ``Backend``: calls between those of the host are one call into native code."""
        parts = [self._prepared(native, list(part)) for native, part in groupby(calls, _is_native)]
        return parts[0] if len(parts) == 1 else _InTurn(parts)

    def _prepared(self, native: bool, calls: list[Call]) -> PreparedCalls:
        prepared: PreparedCalls = self._kernels.prepare(calls) if native else OneByOne(self, calls)
        return prepared

    def info(self) -> dict[str, str]:
        """Instruction set level, threads, compiler; threads_wanted where there are fewer."""
        threads = self._kernels.threads
        fewer = {"threads_wanted": str(self._wanted)} if threads < self._wanted else {}
        return {
            "isa": self._kernels.level,
            "threads": str(threads),
            **fewer,
            "compiler": self._compiler,
        }

    def close(self) -> None:
        """Nothing is held."""
