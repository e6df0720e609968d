# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Controls for nets of the package: the same net, data, batches and moves of images, in PyTorch.

``--method float`` is plain floating point; ``ternary-qbp`` (binary-qbp, binary) is the paper's
algorithm in floating point: ``torch_nets.py`` says what they are. The epoch is chosen on validation
data, with deterministic weights. Test data is met once, at the end, and not at all with --examples,
which is for looking for rates. A line an epoch; a run that was stopped, by --minutes or otherwise,
goes on with the same command.

    pip install torch==2.13.0
    python benchmarks/controls.py --preset cifar10-small --method float --out runs/control-float
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_nets import LOSSES, Inputs, Learner, Recipe, Style, build, tested

from fewmult_hls.contract.limits import BATCHES
from fewmult_hls.contract.method_names import METHODS
from fewmult_hls.datasets import Dataset, Split, load
from fewmult_hls.layers.augmentation import Augmentation
from fewmult_hls.layers.kinds import Plan
from fewmult_hls.nets.evaluator import STATISTICS_IMAGES, error_per_cent
from fewmult_hls.nets.network import NetworkSpec
from fewmult_hls.nets.trainer import whole_batches
from fewmult_hls.oracle.draws import shuffle
from fewmult_hls.presets import load_preset, names
from fewmult_hls.runs.run import check_fit
from fewmult_hls.system.archive import reading_archive, save_checked
from fewmult_hls.system.errors import FewmultError, UsageError

CHECKPOINT = "control.npz"
_EVALUATED = 512  # images at a time
_SAVE_SECONDS = 600


@dataclass(frozen=True)
class Setup:
    """What a control depends on; one that goes on has the same."""

    method: str
    net: str
    dataset: str
    epochs: int
    batch: int = 128
    seed: int = 1
    flip: bool = False
    crop: int = 0
    whiten: bool = False
    examples: int = 0
    rate: float = 0.3
    last_rate: float = 0.001
    course: str = "exponential"
    recipe: Recipe = field(default_factory=Recipe)

    def rate_at(self, share: float) -> float:
        """The learning rate after this share of the steps."""
        if self.course == "exponential":
            return self.rate * (self.last_rate / self.rate) ** share
        return self.rate * (1 + math.cos(math.pi * share)) / 2


# What each kind begins with: the paper's numbers for its own, the usual ones for the other.
PAPER = {"rate": 0.3, "last_rate": 0.001, "course": "exponential", **asdict(Recipe())}
PLAIN = {"rate": 0.1, "last_rate": 0.0, "course": "cosine"}
PLAIN |= asdict(Recipe("cross-entropy", "sgd", momentum=0.9, decay=5e-4))


class Control:
    """A run: the net, where it is, and the best epoch so far.

    Args:
        setup: of the run.
        dataset: to learn from.
        folder: where its checkpoint lies; the run goes on from it if there is one.
    """

    def __init__(self, setup: Setup, dataset: Dataset, folder: Path) -> None:
        torch.manual_seed(setup.seed)
        plan, self.style = Plan.read(setup.net), Style.of_method(setup.method)
        check_fit(NetworkSpec.parse(setup.net, batch=BATCHES[0]), dataset)
        count = setup.examples or len(dataset.train.labels)
        self.train = Split(dataset.train.images[:count], dataset.train.labels[:count])
        self.setup, self.dataset, self.path = setup, dataset, folder / CHECKPOINT
        self.inputs = Inputs(plan, self.train, setup.seed, Augmentation(setup.flip, setup.crop))
        self.learner = Learner(build(plan, self.style), setup.recipe)
        self.epoch = self.batch = 0
        self.loss, self.seconds = 0.0, 0.0
        self.lines: list[str] = []
        self.best: dict[str, Any] = {"epoch": 0, "error": math.inf}
        self.best_state: dict[str, Any] = {}
        if self.path.exists():
            self._go_on()

    @property
    def batches(self) -> int:
        """Of an epoch; a last, incomplete one is left out."""
        return whole_batches(len(self.train.labels), self.setup.batch)

    def run(self, seconds: float) -> bool:
        """Trains for so long at most; whether all epochs are over."""
        start = saved = time.monotonic()
        while self.epoch < self.setup.epochs:
            order = shuffle(self.setup.seed, self.epoch, len(self.train.labels))
            while self.batch < self.batches:
                now = time.monotonic()
                if now - start > seconds:
                    self.save()
                    return False
                if now - saved > _SAVE_SECONDS:
                    self.save()
                    saved = now
                self._step(order)
            self._judge()
            self.epoch, self.batch, self.loss, self.seconds = self.epoch + 1, 0, 0.0, 0.0
            self.save()
        return True

    def _step(self, order: np.ndarray) -> None:
        begin, size = time.monotonic(), self.setup.batch
        chosen = order[self.batch * size : (self.batch + 1) * size]
        step = self.epoch * self.batches + self.batch
        x = self.inputs.batch(self.train, chosen, step)
        rate = self.setup.rate_at(step / (self.setup.epochs * self.batches))
        loss = self.learner.step(x, _labels(self.train, chosen), rate)
        if not math.isfinite(loss):
            raise FewmultError(f"training overflowed in step {step + 1}: take a smaller --rate")
        self.loss += loss
        self.batch += 1
        self.seconds += time.monotonic() - begin

    def _judge(self) -> None:
        errors = self.errors(self.dataset.validation)
        deployed = errors[self.style.precisions[0]]
        if deployed <= self.best["error"]:
            self.best = {"epoch": self.epoch + 1, "error": deployed}
            state = self.learner.net.state_dict()
            self.best_state = {name: tensor.clone() for name, tensor in state.items()}
        shown = ", ".join(f"{error:.2f} {name}" for name, error in errors.items())
        rate = self.setup.rate_at((self.epoch + 1) / self.setup.epochs)
        self.lines.append(
            f"epoch {self.epoch + 1}/{self.setup.epochs}  loss {self.loss / self.batches:.4f}  "
            f"validation {shown}  next rate {rate:.3g}  {self.seconds:.0f} s"
        )
        print(self.lines[-1], flush=True)

    def errors(self, split: Split) -> dict[str, float]:
        """Per cent of wrong answers by precision of the weights, that of deployment first."""
        found = {}
        for precision in self.style.precisions:
            with tested(self.learner.net, precision, self._statistics()):
                parts = np.array_split(
                    np.arange(len(split.labels)), -(-len(split.labels) // _EVALUATED)
                )
                logits = [self.learner.net(self.inputs.batch(split, part)) for part in parts]
            found[precision] = error_per_cent(torch.cat(logits).numpy(), split.labels)
        return found

    def _statistics(self) -> Iterator[Tensor]:
        size = self.setup.batch
        for k in range(min(len(self.train.labels), STATISTICS_IMAGES) // size):
            yield self.inputs.batch(self.train, np.arange(k * size, (k + 1) * size))

    def finish(self) -> None:
        """Tests the best epoch, unless that was done or the run looks for rates."""
        if self.lines[-1].startswith("epoch") and not self.setup.examples:
            self.learner.net.load_state_dict(self.best_state)
            errors = self.errors(self.dataset.test)
            shown = ", ".join(f"{error:.2f} {name}" for name, error in errors.items())
            best = f"best epoch {self.best['epoch']}: validation {self.best['error']:.2f}"
            self.lines.append(f"{best}, test {shown}")
            print(self.lines[-1], flush=True)
            self.save()

    def save(self) -> None:
        """Writes the checkpoint, whole or not at all."""
        arrays = {f"net.{name}": t.numpy() for name, t in self.learner.net.state_dict().items()}
        arrays |= {f"best.{name}": t.numpy() for name, t in self.best_state.items()}
        for number, parameter in enumerate(self._parameters()):
            for name, t in self.learner.optimizer.state[parameter].items():
                arrays[f"optimizer.{number}.{name}"] = t.numpy()
        arrays["random"] = torch.get_rng_state().numpy()
        place = [self.epoch, self.batch, self.loss, self.seconds, self.best, self.lines]
        arrays["place"] = np.array(json.dumps([asdict(self.setup), *place]))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save_checked(self.path, arrays)

    def _go_on(self) -> None:
        with reading_archive(self.path, "begin again in another folder") as archive:
            archive.verify()
            setup, *place = json.loads(archive.text("place"))
            arrays = {name: torch.from_numpy(archive[name]) for name in archive if "." in name}
            random = archive["random"]
        now = asdict(self.setup)
        other = [name for name in now if now[name] != setup[name]]
        if other:
            raise UsageError(
                f"{self.path} began with another {other[0]}, {setup[other[0]]}: "
                "give it again, or another folder with --out"
            )
        self.epoch, self.batch, self.loss, self.seconds, self.best, self.lines = place
        self.learner.net.load_state_dict(_named("net.", arrays))
        self.best_state = _named("best.", arrays)
        for number, parameter in enumerate(self._parameters()):
            found = _named(f"optimizer.{number}.", arrays)
            if found:
                self.learner.optimizer.state[parameter] = found
        torch.set_rng_state(torch.from_numpy(random))
        for line in self.lines:
            print(line)

    def _parameters(self) -> list[torch.nn.Parameter]:
        return [p for group in self.learner.optimizer.param_groups for p in group["params"]]


def _named(prefix: str, arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: t for name, t in arrays.items() if name.startswith(prefix)}


def _labels(split: Split, chosen: np.ndarray) -> Tensor:
    return torch.from_numpy(split.labels[chosen].astype(np.int64))


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", choices=names(), help="net, data, epochs and moves of one")
    parser.add_argument("--net")
    parser.add_argument("--dataset")
    parser.add_argument("--method", choices=METHODS, default="ternary-qbp")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--flip", action=argparse.BooleanOptionalAction)
    parser.add_argument("--crop", type=int)
    parser.add_argument("--whiten", action=argparse.BooleanOptionalAction, help="as train does")
    parser.add_argument("--examples", type=int, help="of the training images; no test")
    parser.add_argument("--rate", type=float, help="at the start")
    parser.add_argument("--last-rate", type=float, help="of an exponential course")
    parser.add_argument("--course", choices=("exponential", "cosine"))
    parser.add_argument("--loss", choices=LOSSES)
    parser.add_argument("--optimizer", choices=("sgd", "adam"))
    parser.add_argument("--momentum", type=float)
    parser.add_argument("--decay", type=float, help="of weights that are not sampled")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--minutes", type=float, default=math.inf, help="then stop, to go on later")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    return parser.parse_args(words)


def setup_of(options: argparse.Namespace) -> Setup:
    """The options, else what the preset says, else what the method begins with."""
    values = {**(PLAIN if options.method == "float" else PAPER), "dataset": "cifar10"}
    values |= load_preset(options.preset).values if options.preset else {}
    values |= {name: value for name, value in vars(options).items() if value is not None}
    missing = [name for name in ("net", "epochs") if name not in values]
    if missing:
        raise UsageError(f"give --{missing[0]}, or a --preset that has it")
    recipe = Recipe(**{name: values[name] for name in asdict(Recipe())})
    known = asdict(Setup("", "", "", 1)).keys() - {"recipe"}
    return Setup(**{name: values[name] for name in known & values.keys()}, recipe=recipe)


def main(words: list[str]) -> int:
    options = _arguments(words)
    torch.set_num_threads(options.threads)
    try:
        setup = setup_of(options)
        data = load(setup.dataset)
        control = Control(setup, data.whitened() if setup.whiten else data, options.out)
        if not control.run(60 * options.minutes):
            done = f"{control.batch} of {control.batches} batches of epoch {control.epoch + 1}"
            print(f"stopped after {done}: the same command goes on")
            return 0
        control.finish()
    except FewmultError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
