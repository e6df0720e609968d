# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where the time and the memory of a net's training step go (``fewmult-hls bench --net``).

Every call of the step is timed where it stands, after the calls before it have left the caches as
they do. Rounds of all thread counts take turns; what counts is the median. Images and labels are
random, so that hardly anything is learned from them and deltas stay dense.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..backends.emu import EmuBackend, chosen_level
from ..contract.backend import PreparedCalls
from ..contract.calls import Call, Layer, ShiftGradient
from ..datasets import Split
from ..layers.augmentation import Augmentation
from ..layers.memory import Memory
from ..nets.network import Network, NetworkSpec
from ..nets.steps import sharing_arrays, training_arrays
from ..nets.trainer import Trainer
from ..system.memory import peak_memory, resident_memory
from .speed import Timing, peak, random_split, settle

_BATCHES = 8  # of images that steps learn from in turn
_RATE = 1
FORWARD, BACKWARD, GRADIENT, REST = "forward", "backward", "gradient", "rest"


@dataclass
class CallTimes(Timing):
    """A kind of call in a step: one of these layers, or of what stands between them.

    Attributes:
        part: of the step: forward, backward, gradient or rest.
        calls: of the kind, in a step.
    """

    part: str = REST
    calls: int = 0


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of a training.

    Attributes:
        arrays: that the step's calls work on.
        activations: of a batch, all that enter a layer.
        weights: the master weights and biases.
        grown: by which the process's memory grew at its peak, or nothing where no system says so;
            with it the threads' own and a few batches of images.
    """

    arrays: int
    activations: int
    weights: int
    grown: int | None


@dataclass
class StepMeasured:
    """What was found of a net.

    Attributes:
        spec: the net.
        level: of instructions.
        peaks: thousand million products a second of registers alone, by the names of ``Timing``.
        steps: whole steps, by thread count.
        calls: of each step, in the order of their first.
        memory: with the first of the thread counts.
    """

    spec: NetworkSpec
    level: str
    peaks: dict[str, float]
    steps: list[Timing]
    calls: list[CallTimes]
    memory: MemoryUse

    def of_threads(self, threads: int) -> list[CallTimes]:
        """The calls of a step on so many threads."""
        return [call for call in self.calls if call.threads == threads]

    def together(self, threads: int, part: str) -> Timing:
        """All calls of a part."""
        found = [call for call in self.of_threads(threads) if call.part == part]
        operations = sum(call.operations for call in found)
        seconds = [sum(times) for times in zip(*(call.seconds for call in found), strict=True)]
        kind = found[0].peak if found else None
        return Timing(part, self.level, threads, operations, kind, seconds)

    def share_of_peak(self, timing: Timing) -> float | None:
        """The share of what registers alone do, times the threads."""
        rate = self.peaks.get(timing.peak or "")
        return timing.giga_per_second / (rate * timing.threads) if rate else None

    def as_dict(self) -> dict[str, Any]:
        """What JSON gets: medians in milliseconds, rates in thousand millions a second."""
        memory = self.memory
        return {
            "net": self.spec.name,
            "batch": self.spec.batch,
            "level": self.level,
            "peaks": {name: round(rate, 1) for name, rate in self.peaks.items()},
            "steps": [self._step(step) for step in self.steps],
            "memory": {
                "arrays": memory.arrays,
                "activations": memory.activations,
                "weights": memory.weights,
                "activations_and_four_times_weights": memory.activations + 4 * memory.weights,
                "grown": memory.grown,
            },
        }

    def _step(self, step: Timing) -> dict[str, Any]:
        parts = {
            part: self._rates(self.together(step.threads, part))
            for part in (FORWARD, BACKWARD, GRADIENT, REST)
        }
        calls = [
            {"call": call.name, "part": call.part, "calls": call.calls, **self._rates(call)}
            for call in self.of_threads(step.threads)
        ]
        return {
            "threads": step.threads,
            "ms": round(step.milliseconds, 4),
            "samples_per_second": round(step.samples_per_second),
            "parts": parts,
            "calls": calls,
        }

    def _rates(self, timing: Timing) -> dict[str, float | None]:
        if not timing.seconds:
            return {"ms": 0.0, "giga_per_second": None, "share_of_peak": None}
        share, has_rate = self.share_of_peak(timing), timing.operations > 0
        return {
            "ms": round(timing.milliseconds, 4),
            "giga_per_second": round(timing.giga_per_second, 2) if has_rate else None,
            "share_of_peak": None if share is None else round(share, 3),
        }


class _TimedCalls:
    """Prepared calls, each prepared alone and timed."""

    def __init__(self, calls: Sequence[Call], prepared: Sequence[PreparedCalls]) -> None:
        self.calls, self._prepared = calls, prepared
        self.seconds: list[float] = [0.0] * len(calls)

    def run(self, step: int) -> None:
        """See ``PreparedCalls``."""
        for k, prepared in enumerate(self._prepared):
            start = time.perf_counter()
            prepared.run(step)
            self.seconds[k] = time.perf_counter() - start


class _TimedBackend(EmuBackend):
    """Times the calls of what was prepared last."""

    last: _TimedCalls

    def prepare(self, calls: Sequence[Call]) -> PreparedCalls:
        """See ``Backend``."""
        self.last = _TimedCalls(calls, [super(_TimedBackend, self).prepare([c]) for c in calls])
        return self.last


class _Stepper:
    """A training on some threads, step by step."""

    def __init__(
        self, spec: NetworkSpec, level: str, threads: int, split: Split, augmentation: Augmentation
    ) -> None:
        self._backend = _TimedBackend(threads, level)
        network = Network.initial(spec, 1, split.images)
        self._trainer = Trainer(self._backend, network, 1, augmentation=augmentation)
        self._split, self._spec = split, spec
        self.whole = Timing("whole step", level, threads, spec.batch, None)
        self.calls: dict[str, CallTimes] = {}

    def take(self, *, counts: bool = True) -> None:
        """A step."""
        first = self._trainer.step_number % _BATCHES * self._spec.batch
        chosen = np.arange(first, first + self._spec.batch)
        start = time.perf_counter()
        self._trainer.step(self._split, chosen, _RATE, self._spec.recipe.sharpness)
        if counts:
            self.whole.seconds.append(time.perf_counter() - start)
            self._add(self._backend.last)

    def _add(self, timed: _TimedCalls) -> None:
        now: dict[str, CallTimes] = {}
        for call, seconds in zip(timed.calls, timed.seconds, strict=True):
            kind = self._kind(call)
            times = now.setdefault(kind.name + kind.part, kind)
            times.calls += 1
            times.operations += _operations(call)
            times.seconds[0] += seconds
        for key, times in now.items():
            seen = self.calls.setdefault(key, replace(times, seconds=[]))
            seen.seconds += times.seconds

    def _kind(self, call: Call) -> CallTimes:
        part, name = _part_of(call), _name_of(call)
        instructions = {GRADIENT: "gradient", REST: None}.get(part, "product")
        level, threads = self.whole.level, self.whole.threads
        return CallTimes(name, level, threads, 0, instructions, [0.0], part)


def _part_of(call: Call) -> str:
    if isinstance(call, ShiftGradient):
        return GRADIENT
    if isinstance(call, Layer):
        return BACKWARD if call.sends_back else FORWARD
    return REST


def _operations(call: Call) -> int:
    """Products of a call, with those of taps outside of the image; nothing of others."""
    if not isinstance(call, (Layer, ShiftGradient)):
        return 0
    return call.inputs * call.outputs * call.batch * call.window.result_places


def _name_of(call: Call) -> str:
    if isinstance(call, (Layer, ShiftGradient)):
        places = call.window.result_places
        where = f" at {places:,} places" if places > 1 else ""
        return f"{call.inputs} x {call.outputs}{where}"
    return call.kernel.replace("_", " ")


def measure_step(
    spec: NetworkSpec,
    threads: Sequence[int],
    rounds: int,
    augmentation: Augmentation,
) -> StepMeasured:
    """Times the calls of a training step at the level of this machine.

    Args:
        spec: the net.
        threads: counts, each measured.
        rounds: how many steps of each count, after one that does not count.
        augmentation: what happens to the images.

    Raises:
        UsageError: ``FEWMULT_ISA`` names no level of this machine, or images cannot be moved so.
    """
    augmentation.check(spec.plan.pixels)
    level = chosen_level()
    before = resident_memory()
    split = random_split(_BATCHES * spec.batch, spec.features, spec.classes, set_pixels=1.0)
    steppers: list[_Stepper] = []
    for count in threads:
        steppers.append(_Stepper(spec, level, count, split, augmentation))
        steppers[-1].take(counts=False)
        if len(steppers) == 1:
            grown = _grown(before)
    rates: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in ("product", "gradient"):
            rate = peak(level, name == "gradient")
            if rate is not None:
                rates.setdefault(name, []).append(rate)
        for stepper in steppers:
            settle(stepper.whole.threads, lambda taken=stepper: taken.take(counts=False))  # type: ignore[misc]
            stepper.take()
    return StepMeasured(
        spec,
        level,
        {name: float(np.median(found)) for name, found in rates.items()},
        [stepper.whole for stepper in steppers],
        [times for stepper in steppers for times in stepper.calls.values()],
        _memory(spec, grown),
    )


def _grown(before: int | None) -> int | None:
    after = peak_memory()
    return None if before is None or after is None else max(0, after - before)


def _memory(spec: NetworkSpec, grown: int | None) -> MemoryUse:
    arrays: list[int] = []

    def counted(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        array = np.empty(shape, dtype)
        arrays.append(array.nbytes)
        return array

    types = training_arrays(spec, perturbed=False)
    memory = Memory.allocated(types, counted, sharing_arrays(spec))
    activations = sum(memory.array(name).nbytes for name in types if name.startswith("x_"))
    weights = sum(memory.array(tensor.name).nbytes for tensor in spec.tensors)
    return MemoryUse(sum(arrays), activations, weights, grown)
