# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Other packages' threads, where the system starts no more: a user's or a container's limit."""

from __future__ import annotations

import os
import threading

_BLAS_THREADS = "OPENBLAS_NUM_THREADS"
_MOST = 64  # of those that numpy's wheels start


def can_start(number: int) -> bool:
    """Whether so many more threads can be there at once."""
    done = threading.Event()
    started = []
    try:
        for _ in range(number):
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


def spare_blas() -> None:
    """Leaves numpy, if it is not imported yet, one thread where the system starts no more.

    Its OpenBLAS, which only the methods in floating point use, starts one for each CPU when numpy
    is imported. Where one does not start, it prints four lines and interrupts the process.
    """
    cpus = min(os.cpu_count() or 1, _MOST)
    if _BLAS_THREADS not in os.environ and not can_start(cpus - 1):
        os.environ[_BLAS_THREADS] = "1"
