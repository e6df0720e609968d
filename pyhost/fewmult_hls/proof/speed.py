# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How fast the kernels are on this machine, level by level (``fewmult-hls bench``).

All levels and kernels take turns, round by round, so that they meet the same disturbances; what
counts is the median. Operands have no zeros, which the vector levels would leave out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..backends.emu import EmuBackend, load_kernels
from ..contract.calls import BinaryMatmul, Call, Layer, Pass, SampleWeights, ShiftGradient
from ..contract.layouts import word_columns
from ..datasets import Split
from ..nets.network import Network, NetworkSpec
from ..nets.trainer import Trainer

NET = "784-1024-1024-1024-10"
WIDTH = 1024
BATCH = 128
_PEAK_LOOPS = 200_000
_SETTLING_SECONDS = 0.1
_PIXELS_SET = 0.19  # of an MNIST image

Action = Callable[[], None]


@dataclass
class KernelTimes:
    """One kernel at one level and thread count.

    Attributes:
        operations: multiply-accumulates (for sampling: weights) of one call.
        peak: name of the register-only loop it is compared with, or nothing.
    """

    name: str
    level: str
    threads: int
    operations: int
    peak: str | None
    seconds: list[float] = field(default_factory=list)

    @property
    def giga_per_second(self) -> float:
        """Operations a second, in thousand millions."""
        return self.operations / statistics.median(self.seconds) / 1e9


@dataclass
class StepTimes:
    """Whole training steps of the paper's net at one level and thread count."""

    level: str
    threads: int
    seconds: list[float] = field(default_factory=list)

    @property
    def samples_per_second(self) -> float:
        """Of the median step."""
        return BATCH / statistics.median(self.seconds)


@dataclass
class Measured:
    """What a benchmark found; see ``as_dict``."""

    kernels: list[KernelTimes]
    steps: list[StepTimes]
    peaks: dict[tuple[str, str], float]

    def share_of_peak(self, kernel: KernelTimes) -> float | None:
        """Of the register-only loop at its level, times its threads."""
        peak = self.peaks.get((kernel.level, kernel.peak or ""))
        return kernel.giga_per_second / (peak * kernel.threads) if peak else None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: medians in milliseconds, rates in thousand millions a second."""
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
                    "ms": round(1e3 * statistics.median(kernel.seconds), 4),
                    "giga_per_second": round(kernel.giga_per_second, 2),
                    "share_of_peak": _rounded(self.share_of_peak(kernel)),
                }
                for kernel in self.kernels
            ],
            "steps": [
                {
                    "level": step.level,
                    "threads": step.threads,
                    "ms": round(1e3 * statistics.median(step.seconds), 4),
                    "samples_per_second": round(step.samples_per_second),
                }
                for step in self.steps
            ],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


class _Operands:
    """One dense layer of 1024 x 1024 and its batch."""

    def __init__(self) -> None:
        generator = np.random.default_rng(1)
        words = word_columns(WIDTH)
        one = 1 << 14
        self.weights = generator.integers(-one, one, (words, WIDTH, 64)).astype(np.int16)
        self.sign = np.zeros((1, words, WIDTH), np.uint64)
        self.mask = np.zeros((1, words, WIDTH), np.uint64)
        self.x = generator.integers(1, 127, (WIDTH, BATCH)).astype(np.int8)
        self.deltas = generator.integers(1, 127, (WIDTH, BATCH)).astype(np.int8)
        self.result = np.zeros((WIDTH, BATCH), np.int8)
        self.z = np.zeros((WIDTH, BATCH), np.int32)
        self.bias = np.zeros(WIDTH, np.int32)
        self.mean = np.zeros(WIDTH, np.int32)

    def calls(self) -> dict[str, tuple[Call, int, str | None]]:
        """By name: a call, its operations, and whose peak it is compared with."""
        macs = WIDTH * WIDTH * BATCH
        packed: dict[str, Any] = {"sign": self.sign, "mask": self.mask}
        sizes: dict[str, Any] = {
            "inputs": WIDTH,
            "outputs": WIDTH,
            "log2_batch": BATCH.bit_length() - 1,
        }
        draws: dict[str, Any] = {"seed": 1, "step": 0}
        masters: dict[str, Any] = {
            "weights": self.weights,
            **packed,
            "master_bits": 16,
            "binary": False,
        }
        product: dict[str, Any] = {**packed, "z": self.z, **sizes}
        behind: dict[str, Any] = {**packed, "bias": self.bias, "result": self.result, **sizes}
        return {
            "sample_weights": (
                SampleWeights(**masters, inputs=WIDTH, outputs=WIDTH, purpose=2, **draws),
                WIDTH * WIDTH,
                None,
            ),
            "binary_matmul": (
                BinaryMatmul(source=self.x, transposed=False, **product),
                macs,
                "product",
            ),
            "binary_matmul^T": (
                BinaryMatmul(source=self.deltas, transposed=True, **product),
                macs,
                "product",
            ),
            "layer forward": (
                Layer(pass_=Pass.HIDDEN, source=self.x, mean=self.mean, shift=4, **behind),
                macs,
                "product",
            ),
            "layer backward": (
                Layer(
                    pass_=Pass.BACKWARD,
                    source=self.deltas,
                    gate=self.x,
                    shift=5,
                    purpose=2,
                    **behind,
                    **draws,
                ),
                macs,
                "product",
            ),
            "shift_gradient": (
                ShiftGradient(
                    **masters,
                    x=self.x,
                    deltas=self.deltas,
                    shift=4,
                    code_purpose=2,
                    weight_purpose=2,
                    **sizes,
                    **draws,
                ),
                macs,
                "gradient",
            ),
        }


def random_split(samples: int, features: int, classes: int) -> Split:
    """Images with as many set pixels as MNIST's, and labels; both random, so never learned."""
    generator = np.random.default_rng(1)
    images = generator.integers(1, 256, (samples, features)).astype(np.uint8)
    images[generator.random(images.shape) >= _PIXELS_SET] = 0
    return Split(images, generator.integers(0, classes, samples).astype(np.uint8))


def _timed(call: Action) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(
    levels: Sequence[str],
    threads: Sequence[int],
    rounds: int,
    steps: bool = True,
    on_round: Callable[[int], None] = lambda done: None,
) -> Measured:
    """Times every kernel and the step at these levels and thread counts.

    Args:
        levels: of ``_kernels.levels()``.
        threads: counts, each measured at each level.
        rounds: how often everything is timed, each time after a call that does not count.
        steps: whether whole training steps are timed too.
        on_round: called after each round with how many are done.
    """
    operands = _Operands()
    settings = [_Setting(level, n, operands, steps) for level in levels for n in threads]
    peaks: dict[tuple[str, str], list[float]] = {}
    for done in range(rounds):
        for level in levels:
            for name in ("product", "gradient"):
                rate = _peak(level, name == "gradient")
                if rate is not None:
                    peaks.setdefault((level, name), []).append(rate)
        for setting in settings:
            setting.time_all()
        on_round(done + 1)
    return Measured(
        [times for setting in settings for times, _ in setting.kernels],
        [times for setting in settings for times, _ in setting.steps],
        {key: statistics.median(rates) for key, rates in peaks.items()},
    )


class _Setting:
    """All that is timed at one level and thread count."""

    def __init__(self, level: str, threads: int, operands: _Operands, steps: bool) -> None:
        backend = EmuBackend(threads, level)
        self._threads = threads
        self.kernels = [
            (KernelTimes(name, level, threads, operations, peak), partial(backend.run, call))
            for name, (call, operations, peak) in operands.calls().items()
        ]
        self.steps = [(StepTimes(level, threads), _stepper(backend))] if steps else []

    def time_all(self) -> None:
        """Times everything once."""
        self._settle()
        timed: list[tuple[KernelTimes | StepTimes, Action]] = [*self.kernels, *self.steps]
        for times, call in timed:
            call()
            times.seconds.append(_timed(call))

    def _settle(self) -> None:
        """Keeps all threads busy until the system has given each a core of its own."""
        if self._threads == 1:
            return
        _, call = self.kernels[1]
        end = time.perf_counter() + _SETTLING_SECONDS
        while time.perf_counter() < end:
            call()


def _stepper(backend: EmuBackend) -> Action:
    spec = NetworkSpec.parse(NET, batch=BATCH)
    split = random_split(BATCH, spec.widths[0], spec.widths[-1])
    chosen = np.arange(BATCH)
    trainer = Trainer(backend, Network.initial(spec, 1), 1)
    return lambda: void(trainer.step(split, chosen, rate=2))


def void(_: object) -> None:
    """Drops a value."""


def _peak(level: str, gradient: bool) -> float | None:
    """Thousand million multiply-accumulates a second, of registers alone."""
    kernels = load_kernels().Kernels(level, 1)
    start = time.perf_counter()
    operations = kernels.peak(gradient, _PEAK_LOOPS)
    if operations is None:
        return None
    return float(operations) / (time.perf_counter() - start) / 1e9
