# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How fast the kernels are on this machine, level by level (``fewmult-hls bench``).

All levels and kernels take turns, round by round, so that they meet the same disturbances; what
counts is the median. Operands have hardly any zeros, which the vector levels would leave out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..backends.emu import EmuBackend, load_kernels
from ..contract.calls import Call, Pass
from ..datasets import Split
from ..nets.network import Network, NetworkSpec
from ..nets.trainer import Trainer
from .cases import CallMaker

NET = "784-1024-1024-1024-10"
WIDTH = 1024
BATCH = 128
_PEAKS = {"sample_weights": None, "shift_gradient": "gradient"}  # of others "product"
_PEAK_LOOPS = 200_000
_SETTLING_SECONDS = 0.1
_PIXELS_SET = 0.19  # of an MNIST image

Action = Callable[[], object]


@dataclass
class Timing:
    """Times of something that is done at one level and thread count.

    Attributes:
        operations: multiply-accumulates (for sampling: weights) of one call; examples of a step.
        peak: name of the register-only loop it is compared with, or nothing.
        seconds: of each time that it was done.
    """

    name: str
    level: str
    threads: int
    operations: int
    peak: str | None
    seconds: list[float] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """The time of the median call."""
        return 1e3 * statistics.median(self.seconds)

    @property
    def giga_per_second(self) -> float:
        """Operations a second, in thousand millions."""
        return self.operations / self.milliseconds / 1e6

    @property
    def samples_per_second(self) -> float:
        """The speed of a step."""
        return 1e3 * self.operations / self.milliseconds


@dataclass(kw_only=True)
class Times(Timing):
    """A kernel, or the whole step.

    Attributes:
        action: what is timed.
    """

    action: Action

    def take(self) -> None:
        """Times it once, after a call that does not count."""
        self.action()
        start = time.perf_counter()
        self.action()
        self.seconds.append(time.perf_counter() - start)


@dataclass
class Measured:
    """What a benchmark found; see ``as_dict``."""

    kernels: list[Times]
    steps: list[Times]
    peaks: dict[tuple[str, str], float]

    def share_of_peak(self, kernel: Times) -> float | None:
        """The share of what the register-only loop at its level does, times its threads."""
        peak = self.peaks.get((kernel.level, kernel.peak or ""))
        return kernel.giga_per_second / (peak * kernel.threads) if peak else None

    def as_dict(self) -> dict[str, Any]:
        """What JSON gets: medians in milliseconds, rates in thousand millions a second."""
        return {
            "net": NET,
            "batch": BATCH,
            "peaks": [
                {"level": level, "instructions": name, "gmac_per_second": round(rate, 1)}
                for (level, name), rate in self.peaks.items()
            ],
            "kernels": [
                {
                    "kernel": kernel.name,
                    "level": kernel.level,
                    "threads": kernel.threads,
                    "ms": round(kernel.milliseconds, 4),
                    "giga_per_second": round(kernel.giga_per_second, 2),
                    "share_of_peak": None if share is None else round(share, 3),
                }
                for kernel in self.kernels
                for share in [self.share_of_peak(kernel)]
            ],
            "steps": [
                {
                    "level": step.level,
                    "threads": step.threads,
                    "ms": round(step.milliseconds, 4),
                    "samples_per_second": round(step.samples_per_second),
                }
                for step in self.steps
            ],
        }


def _calls() -> dict[str, Call]:
    """Of every kernel, on one dense layer of 1024 x 1024 and its batch."""
    make, sizes = CallMaker(np.random.default_rng(1)), (WIDTH, WIDTH, BATCH)
    calls: dict[str, Call] = {
        "sample_weights": make.sample_weights(WIDTH, WIDTH, 16, False),
        "binary_matmul": make.binary_matmul(*sizes),
        "binary_matmul^T": make.binary_matmul(*sizes, transposed=True),
        "layer forward": make.layer(Pass.HIDDEN, *sizes, 4),
        "layer backward": make.layer(Pass.BACKWARD, *sizes, 5),
        "shift_gradient": make.shift_gradient(*sizes, 4, 16, False),
    }
    return {name: _with_results(call) for name, call in calls.items()}


def _with_results(call: Call) -> Call:
    """With arrays for what it only writes."""
    shapes, missing = call.shapes(), set(call.access.writes) - call.arrays().keys()
    return call.with_arrays({name: np.zeros(shapes[name], call.dtype(name)) for name in missing})


def random_split(
    examples: int, features: int, classes: int, set_pixels: float = _PIXELS_SET
) -> Split:
    """Random images and labels, which can only be learned by heart.

    Args:
        examples: how many.
        features: pixels of each.
        classes: of the labels.
        set_pixels: the share of them that is not 0; by default MNIST's.
    """
    generator = np.random.default_rng(1)
    images = generator.integers(1, 256, (examples, features)).astype(np.uint8)
    images[generator.random(images.shape) >= set_pixels] = 0
    return Split(images, generator.integers(0, classes, examples).astype(np.uint8))


def measure(
    levels: Sequence[str], threads: Sequence[int], rounds: int, steps: bool = True
) -> Measured:
    """Times every kernel and the step at these levels and thread counts.

    Args:
        levels: of ``_kernels.levels()``.
        threads: counts, each measured at each level.
        rounds: how often everything is timed, each time after a call that does not count.
        steps: whether whole training steps are timed too.
    """
    calls = _calls()
    settings = [_setting(level, n, calls, steps) for level in levels for n in threads]
    peaks: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for level in levels:
            for name in ("product", "gradient"):
                rate = peak(level, name == "gradient")
                if rate is not None:
                    peaks.setdefault((level, name), []).append(rate)
        for setting in settings:
            settle(setting[1].threads, setting[1].action)  # a product
            for times in setting:
                times.take()
    timed = [times for setting in settings for times in setting]
    return Measured(
        [times for times in timed if times.name in calls],
        [times for times in timed if times.name not in calls],
        {key: statistics.median(rates) for key, rates in peaks.items()},
    )


def _setting(level: str, threads: int, calls: Mapping[str, Call], steps: bool) -> list[Times]:
    """All that is timed at one level and thread count."""
    backend = EmuBackend(threads, level)
    timed = []
    for name, call in calls.items():
        operations = WIDTH * WIDTH * (1 if name == "sample_weights" else BATCH)
        kind, action = _PEAKS.get(name, "product"), partial(backend.run, call)
        timed.append(Times(name, level, threads, operations, kind, action=action))
    if steps:
        timed.append(Times("whole step", level, threads, BATCH, None, action=_stepper(backend)))
    return timed


def settle(threads: int, action: Action) -> None:
    """Keeps all threads busy until the system has given each a core of its own."""
    end = time.perf_counter() + _SETTLING_SECONDS
    while threads > 1 and time.perf_counter() < end:
        action()


def _stepper(backend: EmuBackend) -> Action:
    spec = NetworkSpec.parse(NET, batch=BATCH)
    split = random_split(BATCH, spec.features, spec.classes)
    trainer = Trainer(backend, Network.initial(spec, 1), 1)
    return partial(trainer.step, split, np.arange(BATCH), rate=2)


def peak(level: str, gradient: bool) -> float | None:
    """Thousand million multiply-accumulates a second, of registers alone."""
    kernels = load_kernels().Kernels(level, 1)
    start = time.perf_counter()
    operations = kernels.peak(gradient, _PEAK_LOOPS)
    if operations is None:
        return None
    return float(operations) / (time.perf_counter() - start) / 1e9
