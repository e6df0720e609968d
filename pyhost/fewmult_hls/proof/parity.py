# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Two backends against each other: every kernel on random layers, then a short training."""

from __future__ import annotations

import numpy as np

from ..contract.backend import Backend, executed, takes
from ..contract.calls import Call
from ..datasets import Dataset
from ..nets.network import Network, NetworkSpec
from ..nets.trainer import Schedule, Trainer, train_epochs
from .cases import random_calls


def first_difference(one: Backend, other: Backend, call: Call) -> str | None:
    """Where two backends part on a call, or None."""
    mine, theirs = executed(one, call), executed(other, call)
    for name, values in mine.items():
        wrong = np.argwhere(values != theirs[name])
        if len(wrong):
            at = tuple(int(k) for k in wrong[0])
            return (
                f"{name}{list(at)} is {values[at]} and {theirs[name][at]} "
                f"in {call.kernel} of {call.numbers()}"
            )
    return None


def difference_on_a_layer(
    kernel: str, one: Backend, other: Backend, random: np.random.Generator, widest: int = 200
) -> str | None:
    """Where two backends part on the calls of a random layer that both take, or None."""
    calls = random_calls(kernel, random, widest)
    both = (call for call in calls if takes(one, call) and takes(other, call))
    found = (first_difference(one, other, call) for call in both)
    return next((difference for difference in found if difference is not None), None)


def train_briefly(backend: Backend, dataset: Dataset, binary: bool, master_bits: int) -> str:
    """The fingerprint of two epochs of a small, odd-sized net."""
    spec = NetworkSpec(
        f"{dataset.features}-65-30-{dataset.classes}",
        "binary" if binary else "ternary",
        master_bits,
        batch=64,
    )
    trainer = Trainer(backend, Network.initial(spec, seed=5), seed=5)
    for _ in train_epochs(trainer, dataset.train, Schedule(epochs=2, first_rate=3)):
        pass
    return trainer.network().fingerprint
