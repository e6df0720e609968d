# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where the milliseconds of a training step go: 784-1024-1024-1024-10, batch 128, MNIST.

Each call of a step is timed as it is, and once more with operands of zeros: these have no products
left, so that time is all the rest (loading, normalization, codes, draws, updates, samples). What no
call accounts for is Python.

    python benchmarks/step_profile.py --threads 1 --rate 3
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from fewmult_hls.backends.emu import EmuBackend
from fewmult_hls.contract.backend import OneByOne
from fewmult_hls.contract.calls import Call, Layer, LoadBatch, ShiftGradient
from fewmult_hls.datasets import load
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Trainer, shuffle
from fewmult_hls.proof.speed import BATCH, NET

Times = dict[str, list[float]]


class TimedBackend(EmuBackend):
    """Times each call by name, and repeats it on zeros if ``idle`` is set."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.real: Times = defaultdict(list)
        self.rest: Times = defaultdict(list)
        self.watching = False

    def _timed(self, name: str, call: Callable[[], Any], idle: Callable[[], Any]) -> None:
        start = time.perf_counter()
        call()
        middle = time.perf_counter()
        self.real[name].append(middle - start)
        if self.watching:
            idle()
            self.rest[name].append(time.perf_counter() - middle)

    def prepare(self, calls):
        return OneByOne(self, calls)

    def run(self, call):
        if not isinstance(call, (Layer, LoadBatch, ShiftGradient)):
            super().run(call)
            return
        spare = call.with_arrays({n: a.copy() for n, a in call.arrays().items()})
        if self.watching and isinstance(call, Layer):
            spare.source[:] = 0
        if self.watching and isinstance(call, ShiftGradient):
            spare.deltas[:] = 0
        run = super().run
        self._timed(_name(call), lambda: run(call), lambda: run(spare))


def _name(call: Call) -> str:
    if isinstance(call, Layer):
        return f"{call.pass_.name.lower()} {call.inputs} x {call.outputs}"
    if isinstance(call, ShiftGradient):
        return f"gradient and update {call.inputs} x {call.outputs}"
    return call.kernel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--rate", type=int, default=3, help="trains an epoch at each rate from 3 on"
    )
    options = parser.parse_args()
    split = load("mnist").train
    backend = TimedBackend(options.threads)
    trainer = Trainer(backend, Network.initial(NetworkSpec.parse(NET, batch=BATCH), 1), 1)
    steps: list[float] = []
    for epoch, rate in enumerate(range(3, options.rate - 1, -1)):
        order = shuffle(1, epoch, len(split.labels))
        for k in range(len(order) // BATCH):
            start = time.perf_counter()
            trainer.step(split, order[k * BATCH : (k + 1) * BATCH], rate)
            steps.append(time.perf_counter() - start)
        if rate > options.rate:
            backend.real.clear()
            steps.clear()
    whole = statistics.median(steps)
    backend.watching = True
    for k in range(60):
        trainer.step(split, order[k * BATCH : (k + 1) * BATCH], options.rate)
    _show(backend, whole, len(steps))


def _show(backend: TimedBackend, whole: float, steps: int) -> None:
    print(f"{'':42}{'ms':>8}{'products':>10}{'rest':>8}")
    totals = [0.0, 0.0]
    for name, times in backend.real.items():
        calls = round(len(times) / (steps + 60))
        real = 1e3 * calls * statistics.median(times)
        rest = min(real, 1e3 * calls * statistics.median(backend.rest[name]))
        totals = [totals[0] + real, totals[1] + rest]
        label = name + (f", {calls} times" if calls > 1 else "")
        print(f"{label:42}{real:8.2f}{real - rest:10.2f}{rest:8.2f}")
    python = 1e3 * whole - totals[0]
    print(f"{'Python':42}{python:8.2f}{0:10.2f}{python:8.2f}")
    products = totals[0] - totals[1]
    print(f"{'a step':42}{1e3 * whole:8.2f}{products:10.2f}{1e3 * whole - products:8.2f}")


if __name__ == "__main__":
    main()
