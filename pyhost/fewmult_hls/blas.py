# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The threads of numpy's linear algebra, which only the methods in floating point use.

OpenBLAS starts one for each CPU when numpy is imported. Where one does not start, it prints four
lines and interrupts the process.
"""

from __future__ import annotations

import os
import threading

_VARIABLE = "OPENBLAS_NUM_THREADS"
_MOST = 64  # of those that numpy's wheels start


def spare_threads() -> None:
    """Leaves numpy, if it is not imported yet, one thread where the system starts no more."""
    wanted = min(os.cpu_count() or 1, _MOST)
    if _VARIABLE not in os.environ and not _can_start(wanted - 1):
        os.environ[_VARIABLE] = "1"


def _can_start(threads: int) -> bool:
    done = threading.Event()
    started = []
    try:
        for _ in range(threads):
            thread = threading.Thread(target=done.wait, daemon=True)
            thread.start()
            started.append(thread)
    except (RuntimeError, MemoryError):
        return False
    finally:
        done.set()
        for thread in started:
            thread.join()
    return True
