# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Checks the rule that derives shifts and rates (docs/arithmetic.md, section 10) by training.

Nets of different width and depth train on MNIST with the rule's shifts and with some of them one
larger or smaller, and at other rates and batches; the validation errors show the rule's worth.

    python benchmarks/shift_rule.py
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fewmult_hls import datasets
from fewmult_hls.backends import open_backend
from fewmult_hls.layers.base import Position
from fewmult_hls.layers.dense import DenseKind
from fewmult_hls.layers.kinds import Plan
from fewmult_hls.layers.weighted import Weighted
from fewmult_hls.nets.evaluator import evaluator
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Schedule, Trainer, train_epochs
from fewmult_hls.runs.config import BATCH_RATES

NETS = ("784-512-10", "784-256-256-10", "784-128-128-128-128-10")
BATCH_NET = "784-128-128-128-10"


@dataclass(frozen=True)
class Shifted(Weighted):
    """A dense layer whose shifts are off the rule by so much."""

    forward_off: int = 0
    delta_off: int = 0

    @cached_property
    def forward_shift(self) -> int:
        return max(0, super().forward_shift + self.forward_off)

    @cached_property
    def delta_shift(self) -> int:
        return max(0, super().delta_shift + self.delta_off)


@dataclass(frozen=True)
class ShiftedKind(DenseKind):
    """Names a layer whose shifts are off the rule."""

    hidden_off: int = 0
    output_off: int = 0
    delta_off: int = 0

    def layer(self, position: Position) -> Shifted:
        rule = super().layer(position)
        forward_off = self.output_off if position.is_output else self.hidden_off
        return Shifted(rule.outputs, rule.window, position, forward_off, self.delta_off)


@dataclass(frozen=True)
class ShiftedSpec(NetworkSpec):
    """A spec whose shifts are off the rule by so much."""

    hidden_off: int = 0  # forward shifts of the hidden layers
    output_off: int = 0  # forward shift of the output layer
    delta_off: int = 0  # delta shifts

    @cached_property
    def plan(self) -> Plan:
        plan, offs = Plan.read(self.net), (self.hidden_off, self.output_off, self.delta_off)
        return Plan(plan.pixels, tuple(ShiftedKind(int(kind.word), *offs) for kind in plan.kinds))


def validation_error(
    data: datasets.Dataset, spec: NetworkSpec, seed: int, rate: int, epochs: int
) -> float:
    """Per cent, deterministic ternary weights, after the last epoch."""
    backend = open_backend("emu")
    trainer = Trainer(backend, Network.initial(spec, seed), seed)
    for _ in train_epochs(trainer, data.train, Schedule(epochs, rate)):
        pass
    network = trainer.network()
    return evaluator(backend, network, "ternary", data.train.images)[0].error(data.validation)


def cases(rate: int) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Net, options of the spec, and the rate's exponent of every row."""
    for net in NETS:
        yield net, {}, rate
        for off in (-1, 1):
            yield net, {}, rate + off
            for name in ("hidden_off", "output_off", "delta_off"):
                yield net, {name: off}, rate
        yield net, {"weights": "binary"}, rate
        yield net, {"master_bits": 8}, rate
    for batch, offset in BATCH_RATES.items():
        for more in (-1, 0, 1):
            yield BATCH_NET, {"batch": batch}, rate + offset + more


def main() -> None:
    """Prints a line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    data = datasets.load("mnist")
    for net, options, rate in cases(arguments.rate):
        spec = ShiftedSpec.parse(net, **options)
        errors = [
            validation_error(data, spec, seed, rate, arguments.epochs)
            for seed in range(1, arguments.seeds + 1)
        ]
        what = " ".join(f"{name}={value}" for name, value in options.items())
        shown = " ".join(f"{error:5.2f}" for error in errors)
        mean = statistics.mean(errors)
        print(f"{net:24} rate {rate:2}  {what:16} {mean:6.2f}  ({shown})", flush=True)


if __name__ == "__main__":
    main()
