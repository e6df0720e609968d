# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A training run from its config to its folder.

The folder gets config.toml (which reproduces the run), metrics.jsonl (a line an epoch), model.npz
and summary.json. Every file is whole at any moment; the summary comes last.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import __version__
from .backends import Backend, open_backend
from .config import RunConfig, save_config
from .datasets import Dataset
from .errors import FewmultError, UsageError
from .evaluation import Evaluator, Means, Precision, evaluator
from .files import write_atomic
from .model import Model, save_model
from .networks import Network, NetworkSpec
from .operations import count_step, multiplications
from .training import Epoch, Trainer, train_epochs

CONFIG = "config.toml"
METRICS = "metrics.jsonl"
MODEL = "model.npz"
SUMMARY = "summary.json"


@dataclass(frozen=True)
class Watcher:
    """Who is told how a run goes on.

    Attributes:
        on_step: epoch and step in the epoch, both from 1, and the hinge of the batch.
        on_epoch: the epoch's numbers and its validation error.
    """

    on_step: Callable[[int, int, float], None] = lambda epoch, step, hinge: None
    on_epoch: Callable[[Epoch, float], None] = lambda epoch, error: None


def check_fit(spec: NetworkSpec, dataset: Dataset) -> None:
    """Whether a net and a batch can be trained on the data.

    Raises:
        UsageError: they cannot.
    """
    wanted = (dataset.features, dataset.classes)
    if (spec.widths[0], spec.widths[-1]) != wanted:
        raise UsageError(
            f"net {spec.name} does not fit {dataset.name}: "
            f"it must begin with {wanted[0]} and end with {wanted[1]}"
        )
    if len(dataset.train.labels) < spec.batch:
        raise UsageError(
            f"{dataset.name} has {len(dataset.train.labels)} training images, "
            f"fewer than a batch of {spec.batch}: take a smaller batch"
        )


def prepare_folder(folder: Path, *, overwrite: bool) -> None:
    """Makes a run's folder, empty of an earlier run.

    Raises:
        UsageError: it holds another run or something else, and ``overwrite`` is not set.
        FewmultError: it cannot be written.
    """
    names = (SUMMARY, MODEL, METRICS, CONFIG)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = [name for name in names if (folder / name).exists()]
        if there and not overwrite:
            raise UsageError(f"{folder} holds another run: name another folder or add --overwrite")
        with tempfile.TemporaryFile(dir=folder):
            pass
        for name in there:
            (folder / name).unlink()
    except OSError as error:
        raise FewmultError(f"cannot write to the folder {folder}: {error.strerror}") from error


def run(config: RunConfig, dataset: Dataset, folder: Path, watcher: Watcher) -> dict[str, Any]:
    """Trains and evaluates as the config says, in a prepared folder.

    Returns:
        The summary.
    """
    start = time.perf_counter()
    spec = config.spec
    backend = open_backend(config.backend)
    try:
        save_config(folder / CONFIG, config)
        trainer = Trainer(backend, Network.initial(spec, config.seed), config.seed)
        seconds = _train(config, dataset, folder, watcher, backend, trainer)
        network = trainer.network()
        errors, means = _final_errors(backend, network, dataset)
    finally:
        backend.close()
    save_model(folder / MODEL, Model(network, means))
    samples = trainer.step_number * spec.batch
    operations = count_step(
        Network.initial(spec, config.seed), dataset.train, config.seed, config.rate_exponent
    )
    summary = {
        **asdict(config),
        "fingerprint": network.fingerprint,
        **errors,
        "multiplications_per_step": multiplications(operations),
        "operations_per_step": dict(sorted(operations.items())),
        "samples_per_second": round(samples / seconds, 1),
        "steps": trainer.step_number,
        "seconds": round(time.perf_counter() - start, 2),
        "version": __version__,
    }
    write_atomic(folder / SUMMARY, json.dumps(summary, indent=2) + "\n")
    return summary


def _train(
    config: RunConfig,
    dataset: Dataset,
    folder: Path,
    watcher: Watcher,
    backend: Backend,
    trainer: Trainer,
) -> float:
    """Trains, a line of metrics an epoch; returns the seconds in training steps."""
    lines = ""
    seconds = 0.0
    for epoch in train_epochs(
        trainer, dataset.train, config.epochs, config.rate_exponent, watcher.on_step
    ):
        judge, _ = evaluator(backend, trainer.network(), "ternary", dataset.train.images)
        error = judge.error(dataset.validation)
        lines += json.dumps({**asdict(epoch), "validation_error": error}) + "\n"
        write_atomic(folder / METRICS, lines)
        seconds += epoch.seconds
        watcher.on_epoch(epoch, error)
    return seconds


def _final_errors(
    backend: Backend, network: Network, dataset: Dataset
) -> tuple[dict[str, float], dict[Precision, Means]]:
    """The errors of a summary; the only place where a run meets the test data."""
    ternary, ternary_means = evaluator(backend, network, "ternary", dataset.train.images)
    eight_bit, eight_bit_means = evaluator(backend, network, "8-bit", dataset.train.images)
    errors = {
        "validation_error": ternary.error(dataset.validation),
        "validation_error_8bit": eight_bit.error(dataset.validation),
        **test_errors(eight_bit, ternary, dataset),
    }
    return errors, {"8-bit": eight_bit_means, "ternary": ternary_means}


def test_errors(eight_bit: Evaluator, ternary: Evaluator, dataset: Dataset) -> dict[str, float]:
    """Test error in per cent, with 8-bit and with deterministic ternary weights."""
    return {
        "test_error": eight_bit.error(dataset.test),
        "test_error_ternary": ternary.error(dataset.test),
    }
