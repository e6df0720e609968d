# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Two backends against each other: every kernel on random nets, then a short training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .backends import Backend, Key, LayerArrays, LayerNumbers, Pass, Update
from .datasets import Dataset
from .layouts import block_weights, pack_ternary, word_columns
from .networks import BATCHES, MASTER_DTYPES, Network, NetworkSpec
from .oracle.gradient import weight_clip
from .oracle.integers import BIAS_MAX
from .training import Trainer, train_epochs

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """One random call: a layer's sizes, and the generator that makes its arrays."""

    inputs: int
    outputs: int
    batch: int
    master_bits: int
    binary: bool
    seed: int

    def generator(self) -> np.random.Generator:
        """The same sequence for every backend."""
        return np.random.default_rng(self.seed)

    def key(self, purpose: int) -> Key:
        """A key of this case."""
        return Key(self.seed, purpose)


def random_case(generator: np.random.Generator, widest: int = 200) -> Case:
    """A case with sizes that seldom divide a tile."""
    return Case(
        inputs=int(generator.integers(1, widest)),
        outputs=int(generator.integers(1, widest)),
        batch=int(generator.choice(BATCHES)),
        master_bits=int(generator.choice(list(MASTER_DTYPES))),
        binary=bool(generator.integers(2)),
        seed=int(generator.integers(1 << 32)),
    )


def _activations(case: Case, generator: np.random.Generator, units: int) -> npt.NDArray[np.int8]:
    x = generator.integers(0, 128, (units, case.batch))
    x[generator.random(x.shape) < 0.4] = 0
    x[generator.random(x.shape) < 0.1] = 127
    return x.astype(np.int8)


def _deltas(case: Case, generator: np.random.Generator) -> npt.NDArray[np.int8]:
    return generator.integers(-127, 128, (case.outputs, case.batch)).astype(np.int8)


def _biases(generator: np.random.Generator, units: int) -> npt.NDArray[np.int32]:
    return generator.integers(-BIAS_MAX, BIAS_MAX + 1, units).astype(np.int32)


def _weights(case: Case, generator: np.random.Generator) -> npt.NDArray[Any]:
    clip = weight_clip(case.master_bits)
    matrix = generator.integers(-clip, clip + 1, (case.outputs, case.inputs))
    return block_weights(matrix.astype(MASTER_DTYPES[case.master_bits]))


def _sample(case: Case, generator: np.random.Generator, planes: int) -> Arrays:
    low = -1 if not case.binary else 0
    packed = []
    for _ in range(planes):
        ternary = generator.integers(low, 2, (case.outputs, case.inputs))
        packed.append(pack_ternary(np.where(ternary == 0, -1, 1) if case.binary else ternary))
    sign, mask = zip(*packed, strict=True)
    return {"sign": np.stack(sign), "mask": np.stack(mask)}


def run_sample_weights(backend: Backend, case: Case) -> Arrays:
    """What the kernel leaves."""
    shape = (1, word_columns(case.inputs), case.outputs)
    out: Arrays = {name: np.zeros(shape, np.uint64) for name in ("sign", "mask")}
    backend.sample_weights(
        _weights(case, case.generator()),
        **out,
        inputs=case.inputs,
        binary=case.binary,
        key=case.key(2),
        step=case.seed >> 3,
    )
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
        out[name] = np.zeros((units, case.batch), np.int32)
        backend.binary_matmul(
            source, **sample, z=out[name], inputs=case.inputs, transposed=transposed
        )
    return out


def pass_arrays(case: Case, pass_: Pass) -> LayerArrays:
    """Random arrays for a pass of ``normalize`` or ``layer``."""
    generator = np.random.default_rng([case.seed, pass_])
    units = case.inputs if pass_ is Pass.BACKWARD else case.outputs
    shape = (units, case.batch)
    return LayerArrays(
        bias=_biases(generator, units),
        result=np.zeros(shape, np.int8),
        gate=_activations(case, generator, units),
        mean=generator.integers(-9999, 9999, units).astype(np.int32),
        logits=np.zeros(shape, np.int32),
        labels=generator.integers(0, min(units, 256), case.batch).astype(np.uint8),
        loss=np.ones(1, np.int32),
    )


def pass_numbers(case: Case) -> LayerNumbers:
    """Random numbers for a pass."""
    generator = np.random.default_rng([case.seed, 99])
    return LayerNumbers(
        shift=int(generator.integers(0, 10)),
        bias_exponent=int(generator.integers(-6, 3)),
        key=case.key(4),
        step=case.seed >> 5,
    )


def _written(pass_: Pass, arrays: LayerArrays) -> Arrays:
    return {f"{pass_.name} {name}": array for name, array in vars(arrays).items()}


def run_normalize(backend: Backend, case: Case) -> Arrays:
    """What the kernel leaves in all passes."""
    out: Arrays = {}
    for pass_ in Pass:
        arrays = pass_arrays(case, pass_)
        z = case.generator().integers(-30000, 30000, arrays.logits.shape)  # type: ignore[union-attr]
        backend.normalize(pass_, z.astype(np.int32), arrays, pass_numbers(case))
        out.update(_written(pass_, arrays))
    return out


def run_layer(backend: Backend, case: Case) -> Arrays:
    """What the fused kernel leaves in all passes."""
    out: Arrays = {}
    for pass_ in Pass:
        generator = case.generator()
        arrays = pass_arrays(case, pass_)
        sample = _sample(case, generator, 1)
        backward = pass_ is Pass.BACKWARD
        source = (
            _deltas(case, generator) if backward else _activations(case, generator, case.inputs)
        )
        backend.layer(
            pass_, source, **sample, arrays=arrays, numbers=pass_numbers(case), inputs=case.inputs
        )
        out.update(_written(pass_, arrays))
    return out


def run_shift_gradient(backend: Backend, case: Case) -> Arrays:
    """What the kernel leaves."""
    generator = case.generator()
    weights = _weights(case, generator)
    out = {"weights": weights, **_sample(case, generator, 1)}
    update = Update(
        shift=int(generator.integers(-8, 20)),
        binary=case.binary,
        code_key=case.key(3),
        weight_key=case.key(2),
        step=case.seed >> 4,
    )
    backend.shift_gradient(
        **out,
        x=_activations(case, generator, case.inputs),
        deltas=_deltas(case, generator),
        update=update,
    )
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
    for _ in train_epochs(trainer, dataset.train, epochs=2, first_rate=3):
        pass
    return trainer.network().fingerprint
