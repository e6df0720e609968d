# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a backend is: who executes calls of kernels, and where their arrays are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..system.errors import UsageError
from .calls import Call, Enter, HostCall, Windowed


class PreparedCalls(Protocol):
    """A list of calls that is executed again and again."""

    def run(self, step: int) -> None:
        """Executes all of them, in order, as they are ``Call.at`` this step."""


class Backend(Protocol):
    """Executes calls, in place, on arrays that it allocated (contract, section 9).

    Host and kernels may each have a memory or a cache of their own: ``to_device`` and ``to_host``
    stand where an array passes from one to the other, and cost nothing where there is one memory.

    Attributes:
        name: of the backend.
        kernels: that it has; a ``HostCall`` needs none.
        dense_only: those of them that know no layers at places.
        in_order: whether each call ends before the next one begins, on any part of an array.
    """

    name: str
    in_order: bool
    kernels: frozenset[str]
    dense_only: frozenset[str]

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A zeroed array that the kernels can reach."""

    def to_device(self, *arrays: npt.NDArray[Any]) -> None:
        """The host has written these arrays, in whole: a kernel may read them now."""

    def to_host(self, *arrays: npt.NDArray[Any]) -> None:
        """Kernels have written these arrays: the host will read them now."""

    def run(self, call: Call) -> None:
        """Executes one call.

        Raises:
            ValueError, TypeError: arrays or numbers that the kernel does not take.
        """

    def prepare(self, calls: Sequence[Call]) -> PreparedCalls:
        """Calls that will be executed often."""

    def info(self) -> dict[str, str]:
        """What executes the kernels, for people."""

    def close(self) -> None:
        """Gives back what the backend holds."""


class OneByOne:
    """Prepared calls of a backend that has nothing to prepare."""

    def __init__(self, backend: Backend, calls: Sequence[Call]) -> None:
        self._backend, self._calls = backend, tuple(calls)

    def run(self, step: int) -> None:
        """See ``PreparedCalls``."""
        for call in self._calls:
            self._backend.run(call.at(step))


def run_on_host(backend: Backend, call: HostCall, enter: Enter | None = None) -> None:
    """Runs a call that no kernel of the backend has.

    Args:
        backend: whose arrays it works on.
        call: the call.
        enter: see ``HostCall.execute``.
    """
    arrays = call.arrays()
    there = [array for name, array in arrays.items() if name not in call.host_arrays]
    backend.to_host(*there)
    call.execute(*(() if enter is None else (enter,)))
    backend.to_device(*(arrays[name] for name in call.access.writes))


def takes(backend: Backend, call: Call) -> bool:
    """Whether a backend has the kernel of a call, and for its places."""
    dense = not isinstance(call, Windowed) or call.is_dense
    return call.kernel in backend.kernels and (dense or call.kernel not in backend.dense_only)


def check_kernels(backend: Backend, calls: Iterable[Call]) -> None:
    """Whether a backend has a kernel for each call.

    Raises:
        UsageError: it lacks one.
    """
    needed = (call for call in calls if not isinstance(call, HostCall))
    missing = sorted({call.kernel for call in needed if not takes(backend, call)})
    if missing:
        kernel = missing[0]
        lacks = f"{kernel} for layers at places" if kernel in backend.kernels else kernel
        raise UsageError(
            f"the {backend.name} backend has no kernel {lacks}, which this net needs: "
            f"take --backend {' or '.join(sorted({'emu', 'numpy'} - {backend.name}))}"
        )


def placed(backend: Backend, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy of an array where the kernels can reach it."""
    place = backend.empty(array.shape, array.dtype)
    place[...] = array
    backend.to_device(place)
    return place


def executed(backend: Backend, call: Call) -> dict[str, npt.NDArray[np.generic]]:
    """Runs a call on copies of its arrays, and returns the arrays that it wrote, by name.

    What it only writes is allocated for it.
    """
    shapes, access = call.shapes(), call.access
    arrays = {name: placed(backend, array) for name, array in call.arrays().items()}
    for name in access.writes:
        if name not in arrays:
            arrays[name] = backend.empty(shapes[name], call.dtype(name))
    backend.run(call.with_arrays(arrays))
    written = {name: arrays[name] for name in access.writes}
    backend.to_host(*written.values())
    return written
