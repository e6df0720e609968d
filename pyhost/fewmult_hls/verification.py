# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Two backends against each other: every kernel on random nets, then a short training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from .backends import Backend, Key, LayerArrays, LayerNumbers, Pass, Update, placed
from .datasets import Dataset
from .layouts import block_weights, pack_ternary, word_columns
from .networks import BATCHES, MASTER_DTYPES, MAX_CLASSES, MAX_WIDTH, Network, NetworkSpec
from .oracle.gradient import weight_clip
from .oracle.integers import ACTIVATION_MAX, BIAS_MAX, DELTA_MAX
from .oracle.weights import MAX_SHARPNESS
from .training import Schedule, Trainer, train_epochs

Arrays = dict[str, npt.NDArray[Any]]

# What fills the arrays of a case: anything, zeros, the largest values alone, or both ends mixed.
Fill = Literal["any", "zero", "largest", "extreme"]


@dataclass(frozen=True)
class Case:
    """One random call: a layer's sizes, and the generator that makes its arrays."""

    inputs: int
    outputs: int
    batch: int
    master_bits: int
    binary: bool
    seed: int
    step: int = 0
    fill: Fill = "any"
    sharpness: int = 0

    def generator(self) -> np.random.Generator:
        """The same sequence for every backend."""
        return np.random.default_rng(self.seed)

    def key(self, purpose: int) -> Key:
        """A key of this case."""
        return Key(self.seed, purpose)

    def fills(
        self, generator: np.random.Generator, low: int, high: int, shape: tuple[int, ...]
    ) -> npt.NDArray[np.int64]:
        """Values from low to high, as ``fill`` says."""
        if self.fill == "any":
            return generator.integers(low, high + 1, shape)
        if self.fill == "extreme":
            return np.where(generator.integers(0, 2, shape) == 0, low, high)
        return np.full(shape, high if self.fill == "largest" else 0)

    @property
    def passes(self) -> list[Pass]:
        """The passes that a layer of this size can make: logits have at most 256 units."""
        output = (Pass.LOGITS, Pass.OUTPUT)
        return [pass_ for pass_ in Pass if self.outputs <= MAX_CLASSES or pass_ not in output]


def random_case(generator: np.random.Generator, widest: int = 200) -> Case:
    """A case with sizes that seldom divide a tile."""
    return Case(
        inputs=int(generator.integers(1, widest)),
        outputs=int(generator.integers(1, widest)),
        batch=int(generator.choice(BATCHES)),
        master_bits=int(generator.choice(list(MASTER_DTYPES))),
        binary=bool(generator.integers(2)),
        seed=int(generator.integers(1 << 32)),
        step=int(generator.integers((1 << 32) - 1)),
        fill=generator.choice(get_args(Fill), p=(0.7, 0.1, 0.1, 0.1)),
        sharpness=int(generator.choice(MAX_SHARPNESS + 1)),
    )


def _activations(case: Case, generator: np.random.Generator, units: int) -> npt.NDArray[np.int8]:
    x = case.fills(generator, 0, ACTIVATION_MAX, (units, case.batch))
    if case.fill == "any":
        x[generator.random(x.shape) < 0.4] = 0
        x[generator.random(x.shape) < 0.1] = ACTIVATION_MAX
    return x.astype(np.int8)


def _gates(case: Case, generator: np.random.Generator, units: int) -> npt.NDArray[np.int8]:
    """Activations around the gate's edges, unless anything goes."""
    if case.fill == "any":
        return _activations(case, generator, units)
    edges = np.array([0, 1, ACTIVATION_MAX - 1, ACTIVATION_MAX], np.int8)
    return generator.choice(edges, (units, case.batch))


def _deltas(case: Case, generator: np.random.Generator) -> npt.NDArray[np.int8]:
    shape = (case.outputs, case.batch)
    return case.fills(generator, -DELTA_MAX, DELTA_MAX, shape).astype(np.int8)


def _biases(case: Case, generator: np.random.Generator, units: int) -> npt.NDArray[np.int32]:
    return case.fills(generator, -BIAS_MAX, BIAS_MAX, (units,)).astype(np.int32)


def _weights(case: Case, generator: np.random.Generator) -> npt.NDArray[Any]:
    clip = weight_clip(case.master_bits)
    matrix = case.fills(generator, -clip, clip, (case.outputs, case.inputs))
    return block_weights(matrix.astype(MASTER_DTYPES[case.master_bits]))


def _sums(case: Case, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
    bound = 30000 if case.fill == "any" else ACTIVATION_MAX * MAX_WIDTH
    return case.fills(generator, -bound, bound, shape).astype(np.int32)


def _sample(case: Case, generator: np.random.Generator, planes: int) -> Arrays:
    packed = []
    for _ in range(planes):
        ternary = case.fills(generator, -1, 1, (case.outputs, case.inputs))
        packed.append(pack_ternary(np.where(ternary < 0, -1, 1) if case.binary else ternary))
    sign, mask = zip(*packed, strict=True)
    return {"sign": np.stack(sign), "mask": np.stack(mask)}


def run_sample_weights(backend: Backend, case: Case) -> Arrays:
    """What the kernel leaves."""
    shape = (1, word_columns(case.inputs), case.outputs)
    out: Arrays = {name: backend.empty(shape, np.uint64) for name in ("sign", "mask")}
    backend.sample_weights(
        placed(backend, _weights(case, case.generator())),
        **out,
        inputs=case.inputs,
        binary=case.binary,
        key=case.key(2),
        step=case.step,
        sharpness=case.sharpness,
    )
    backend.to_host(*out.values())
    return out


def run_binary_matmul(backend: Backend, case: Case) -> Arrays:
    """What the kernel leaves, forward, with seven planes, and transposed."""
    generator = case.generator()
    out: Arrays = {}
    for name, planes, transposed in (("z", 1, False), ("z7", 7, False), ("g", 1, True)):
        sample = _sample(case, generator, planes)
        if transposed:
            source = _deltas(case, generator)
        else:
            source = _activations(case, generator, case.inputs)
        units = case.inputs if transposed else case.outputs
        out[name] = backend.empty((units, case.batch), np.int32)
        backend.binary_matmul(
            placed(backend, source),
            **_placed(backend, sample),
            z=out[name],
            inputs=case.inputs,
            transposed=transposed,
        )
        backend.to_host(out[name])
    return out


def pass_arrays(case: Case, pass_: Pass) -> LayerArrays:
    """Random arrays for a pass of ``normalize`` or ``layer``."""
    generator = np.random.default_rng([case.seed, pass_])
    units = case.inputs if pass_.sends_back else case.outputs
    shape = (units, case.batch)
    return LayerArrays(
        bias=_biases(case, generator, units),
        result=np.zeros(shape, np.int8),
        gate=_gates(case, generator, units),
        mean=_sums(case, generator, (units,)),
        logits=np.zeros(shape, np.int32),
        labels=generator.integers(0, min(units, 256), case.batch).astype(np.uint8),
        loss=np.ones(1, np.int32),
    )


def pass_numbers(case: Case) -> LayerNumbers:
    """Random numbers for a pass, whose sums then fit."""
    generator = np.random.default_rng([case.seed, 99])
    return LayerNumbers(
        shift=int(generator.choice([*range(11), 16, 24])),
        bias_exponent=int(generator.integers(-24, 7 if case.fill == "any" else 1)),
        key=case.key(4),
        step=case.step,
    )


def _placed(backend: Backend, arrays: Arrays) -> Arrays:
    return {name: placed(backend, array) for name, array in arrays.items()}


def _written(backend: Backend, pass_: Pass, arrays: LayerArrays) -> Arrays:
    backend.to_host(*vars(arrays).values())
    return {f"{pass_.name} {name}": array for name, array in vars(arrays).items()}


def run_normalize(backend: Backend, case: Case) -> Arrays:
    """What the kernel leaves in all passes."""
    out: Arrays = {}
    for pass_ in case.passes:
        arrays = LayerArrays(**_placed(backend, vars(pass_arrays(case, pass_))))
        units = case.inputs if pass_.sends_back else case.outputs
        z = placed(backend, _sums(case, case.generator(), (units, case.batch)))
        backend.normalize(pass_, z, arrays, pass_numbers(case))
        out.update(_written(backend, pass_, arrays))
    return out


def run_layer(backend: Backend, case: Case) -> Arrays:
    """What the fused kernel leaves in all passes."""
    out: Arrays = {}
    for pass_ in case.passes:
        generator = case.generator()
        arrays = LayerArrays(**_placed(backend, vars(pass_arrays(case, pass_))))
        backward = pass_.sends_back
        sample = _sample(case, generator, 1 if backward else 1 + case.seed % 7)
        source = (
            _deltas(case, generator) if backward else _activations(case, generator, case.inputs)
        )
        backend.layer(
            pass_,
            placed(backend, source),
            **_placed(backend, sample),
            arrays=arrays,
            numbers=pass_numbers(case),
            inputs=case.inputs,
        )
        out.update(_written(backend, pass_, arrays))
    return out


def run_shift_gradient(backend: Backend, case: Case) -> Arrays:
    """What the kernel leaves."""
    generator = case.generator()
    weights = _weights(case, generator)
    out = _placed(backend, {"weights": weights, **_sample(case, generator, 1)})
    update = Update(
        shift=int(generator.integers(-8, 25)),
        binary=case.binary,
        code_key=case.key(3),
        weight_key=case.key(2),
        step=case.step,
        sharpness=case.sharpness,
    )
    backend.shift_gradient(
        **out,
        x=placed(backend, _activations(case, generator, case.inputs)),
        deltas=placed(backend, _deltas(case, generator)),
        update=update,
    )
    backend.to_host(*out.values())
    return out


KERNELS: dict[str, Callable[[Backend, Case], Arrays]] = {
    "sample_weights": run_sample_weights,
    "binary_matmul": run_binary_matmul,
    "normalize": run_normalize,
    "layer": run_layer,
    "shift_gradient": run_shift_gradient,
}


def first_difference(name: str, one: Backend, other: Backend, case: Case) -> str | None:
    """Where two backends part on a kernel, or None."""
    mine, theirs = KERNELS[name](one, case), KERNELS[name](other, case)
    for array, values in mine.items():
        wrong = np.argwhere(values != theirs[array])
        if len(wrong):
            at = tuple(int(k) for k in wrong[0])
            return f"{array}{list(at)} is {values[at]} and {theirs[array][at]} in {case}"
    return None


def train_briefly(backend: Backend, dataset: Dataset, binary: bool, master_bits: int) -> str:
    """The fingerprint of two epochs of a small, odd-sized net."""
    spec = NetworkSpec(
        (dataset.features, 65, 30, dataset.classes),
        "binary" if binary else "ternary",
        master_bits,
        batch=64,
    )
    trainer = Trainer(backend, Network.initial(spec, seed=5), seed=5)
    for _ in train_epochs(trainer, dataset.train, Schedule(epochs=2, first_rate=3)):
        pass
    return trainer.network().fingerprint
