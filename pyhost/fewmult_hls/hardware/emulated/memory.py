# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""DDR behind a cache that nobody keeps coherent: the host and the fabric each see their own bytes.

A flush carries the host's bytes to the fabric, an invalidation the fabric's to the host. Whatever
one side would read old, or overwrite unseen, is a fault.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

from .ip import Fault

BASE = 0x1000_0000
PAGE = 4096


class Ddr:
    """Contiguous memory for buffers.

    Args:
        size: bytes.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._host = np.zeros(size, np.uint8)
        self._fabric = np.zeros(size, np.uint8)
        self._fabric_is_newer = np.zeros(size, np.bool_)
        self._starts: list[int] = []  # of live buffers, from 0, ascending
        self._sizes: dict[int, int] = {}

    @property
    def used(self) -> int:
        """Bytes in live buffers, with what rounding to pages adds."""
        return sum(-(-size // PAGE) * PAGE for size in self._sizes.values())

    def allocate(self, size: int) -> int:
        """The address of a new buffer of so many bytes, zeroed on neither side.

        Raises:
            MemoryError: there is no gap that is large enough.
        """
        end = 0
        for start in [*self._starts, self.size]:
            if start - end >= size:
                break
            if start == self.size:
                raise MemoryError
            end = start + -(-self._sizes[start] // PAGE) * PAGE
        self._starts.insert(bisect_right(self._starts, end), end)
        self._sizes[end] = size
        self._fabric_is_newer[end : end + size] = False
        return BASE + end

    def free(self, address: int) -> None:
        """Ends the life of a buffer."""
        self._starts.remove(address - BASE)
        del self._sizes[address - BASE]

    def host_view(self, address: int) -> npt.NDArray[np.uint8]:
        """A live buffer as the host sees it."""
        start = address - BASE
        return self._host[start : start + self._sizes[start]]

    def flush(self, address: int, size: int) -> None:
        """Carries what the host wrote to the fabric.

        Raises:
            Fault: a kernel wrote there, which would be lost.
        """
        part = self._part(address, size, "the host flushed")
        if self._fabric_is_newer[part].any():
            raise Fault(
                f"the host flushed {size} bytes at {address:#x} over what a kernel wrote there: "
                "invalidate before writing"
            )
        self._fabric[part] = self._host[part]

    def invalidate(self, address: int, size: int) -> None:
        """Carries what kernels wrote to the host.

        Raises:
            Fault: the host wrote there and did not flush, which would be lost.
        """
        part = self._part(address, size, "the host invalidated")
        if self._unflushed(part):
            raise Fault(
                f"the host invalidated {size} bytes at {address:#x} that it wrote and did not flush"
            )
        self._host[part] = self._fabric[part]
        self._fabric_is_newer[part] = False

    def read(self, address: int, size: int) -> bytes:
        """See ``FabricMemory``."""
        part = self._part(address, size, "a kernel read")
        if self._unflushed(part):
            raise Fault(
                f"a kernel read {size} bytes at {address:#x} that the host wrote and did not flush"
            )
        return self._fabric[part].tobytes()

    def write(self, address: int, data: bytes) -> None:
        """See ``FabricMemory``."""
        part = self._part(address, len(data), "a kernel wrote")
        self._fabric[part] = np.frombuffer(data, np.uint8)
        self._fabric_is_newer[part] = True

    def _unflushed(self, part: slice) -> bool:
        different = self._host[part] != self._fabric[part]
        return bool((different & ~self._fabric_is_newer[part]).any())

    def _part(self, address: int, size: int, what: str) -> slice:
        start = address - BASE
        before = bisect_right(self._starts, start) - 1
        first = self._starts[before] if before >= 0 else 0
        if before < 0 or start + size > first + self._sizes[first]:
            raise Fault(f"{what} {size} bytes at {address:#x}, which are in no live buffer")
        return slice(start, start + size)
