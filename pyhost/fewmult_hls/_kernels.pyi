# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The compiled kernels; calls are those of ``contract.calls``.

Every dtype, shape, layout and number is checked before anything is written, and every value that
could overflow (docs/arithmetic.md, section 9): TypeError or ValueError, MemoryError where a caller
cannot have its scratch memory. ``threads`` may be fewer than were asked for: as many as start.
"""

from fewmult_hls.contract.calls import Call

_Pair = tuple[int, int]

class PreparedCalls:
    def run(self, step: int) -> None: ...

class Kernels:
    level: str
    threads: int

    def __init__(self, level: str, threads: int) -> None: ...
    def run(self, call: Call) -> None: ...
    def prepare(self, calls: list[Call]) -> PreparedCalls: ...
    def peak(self, gradient: bool, loops: int) -> int | None: ...

def levels() -> list[str]: ...
def threefry(key: _Pair, counter: _Pair, rounds: int) -> _Pair: ...

compiler: str
