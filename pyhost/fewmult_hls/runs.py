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

import numpy as np

from . import __version__, datasets
from .backends import Backend
from .config import RunConfig, save_config
from .datasets import Dataset, Split
from .errors import FewmultError, UsageError
from .evaluation import Evaluator, Means, Precision, evaluator
from .files import append_line, write_atomic, writing
from .model import Domain, Model, save_model
from .networks import Network, NetworkSpec
from .operations import count_step, multiplications
from .training import Epoch, Trainer, train_epochs

CONFIG = "config.toml"
METRICS = "metrics.jsonl"
MODEL = "model.npz"
SUMMARY = "summary.json"

# What a weight takes at most, by measurement.
_BYTES_LARGEST_LAYER = 9
_BYTES_EVERY_LAYER = 7


@dataclass(frozen=True)
class Watcher:
    """Who is told how a run goes on.

    Attributes:
        on_step: epoch and step in the epoch, both from 1, and the hinge of the batch.
        on_epoch: the epoch's numbers and its validation error.
    """

    on_step: Callable[[int, int, float], None] = lambda epoch, step, hinge: None
    on_epoch: Callable[[Epoch, float], None] = lambda epoch, error: None


def lasting_name(dataset: str) -> str:
    """The name that loads the same data from any working folder.

    Raises:
        UsageError: there is no such data set, or its path is not text.
        FewmultError: the set is known but not on this machine.
    """
    folder = datasets.locate(dataset)
    if folder is None or (datasets.places.is_name(dataset) and folder != Path(dataset)):
        return dataset
    path = str(folder.resolve())
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the path {path!r} is not valid UTF-8: give the folder another") from None
    return path


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


def domain_of(dataset: Dataset) -> Domain:
    """What a net that is trained on the data stands for."""
    # One row of values is no image: any that has so many pixels will do.
    shape = None if dataset.image_shape[0] == 1 else dataset.image_shape
    return Domain(shape, dataset.class_names)


def test_split(model: Model, dataset: Dataset) -> Split:
    """The test images with the labels that a trained net gives to their classes.

    The data may lack some of the net's classes. Classes with names are matched by name.

    Raises:
        UsageError: the net cannot be tested on the data.
    """
    spec = model.network.spec
    if spec.widths[0] != dataset.features or spec.widths[-1] < dataset.classes:
        raise UsageError(
            f"net {spec.name} cannot be tested on {dataset.name}, whose images have "
            f"{dataset.features} pixels and {dataset.classes} classes"
        )
    if not dataset.class_names:
        return dataset.test
    known = {model.domain.class_name(label): label for label in range(spec.widths[-1])}
    unknown = [name for name in dataset.class_names if name not in known]
    if unknown:
        raise UsageError(
            f"net {spec.name} knows no class {unknown[0]!r} of {dataset.name}: "
            f"its classes are {', '.join(known)}"
        )
    numbers = np.array([known[name] for name in dataset.class_names], np.uint8)
    return Split(dataset.test.images, numbers[dataset.test.labels])


def check_memory(spec: NetworkSpec) -> None:
    """Refuses a net for which a system that overcommits memory would kill the process.

    Raises:
        FewmultError: it needs more than is free.
    """
    sizes = [layer.inputs * layer.outputs for layer in spec.layers]
    needed = max(sizes) * _BYTES_LARGEST_LAYER + sum(sizes) * _BYTES_EVERY_LAYER
    free = _free_memory()
    if free is not None and needed > free:
        raise FewmultError(
            f"net {spec.name} needs about {needed / 2**30:.1f} GiB of memory, "
            f"and {free / 2**30:.1f} GiB are free: take a smaller net"
        )


def _free_memory() -> int | None:
    """Bytes, or None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((int(kilobytes) << 10 for kilobytes in found), None)


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Whether a run may go into a folder; changes nothing.

    Raises:
        UsageError: it is a file, or holds another run and ``overwrite`` is not set.
        FewmultError: it cannot be looked into.
    """
    with writing(folder):
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file, and a run needs a folder: name another")
        there = _run_files(folder)
        if there and not overwrite:
            state = "another" if folder / SUMMARY in there else "an unfinished"
            raise UsageError(
                f"{folder} holds {state} run: name another folder with --out or add --overwrite"
            )


def _run_files(folder: Path) -> list[Path]:
    """What is there of a run; the summary, which says that the rest is whole, first."""
    names = (SUMMARY, MODEL, METRICS, CONFIG)
    return [folder / name for name in names if (folder / name).exists()]


def _prepare_folder(folder: Path, *, overwrite: bool) -> None:
    """Makes a run's folder, empty of an earlier run.

    Raises:
        FewmultError: as ``check_folder``, or it cannot be written.
    """
    check_folder(folder, overwrite=overwrite)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # Nothing is removed where nothing can be written.
        with tempfile.TemporaryFile(dir=folder):
            pass
        for path in _run_files(folder):
            path.unlink()


def run(
    config: RunConfig,
    dataset: Dataset,
    backend: Backend,
    folder: Path,
    watcher: Watcher,
    *,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Trains and evaluates as the config says.

    An earlier run in the folder goes when all that the new one needs is there.

    Returns:
        The summary.
    """
    start = time.perf_counter()
    spec = config.spec
    trainer = Trainer(backend, Network.initial(spec, config.seed), config.seed)
    _prepare_folder(folder, overwrite=overwrite)
    save_config(folder / CONFIG, config)
    seconds = _train(config, dataset, folder, watcher, backend, trainer)
    network = trainer.network()
    errors, means = _final_errors(backend, network, dataset)
    save_model(folder / MODEL, Model(network, means, domain_of(dataset)))
    fingerprint, steps = network.fingerprint, trainer.step_number
    del trainer, network  # counting needs memory of its own
    operations = count_step(
        Network.initial(spec, config.seed), dataset.train, config.seed, config.rate_exponent
    )
    summary = {
        **asdict(config),
        "fingerprint": fingerprint,
        **errors,
        "executor": backend.info(),
        "multiplications_per_step": multiplications(operations),
        "operations_per_step": dict(sorted(operations.items())),
        "samples_per_second": round(steps * spec.batch / seconds, 1),
        "steps": steps,
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
    seconds = 0.0
    for epoch in train_epochs(
        trainer, dataset.train, config.epochs, config.rate_exponent, watcher.on_step
    ):
        judge, _ = evaluator(backend, trainer.network(), "ternary", dataset.train.images)
        error = judge.error(dataset.validation)
        line = json.dumps({**asdict(epoch), "validation_error": error})
        append_line(folder / METRICS, line)
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
        **test_errors(eight_bit, ternary, dataset),
    }
    return errors, {"8-bit": eight_bit_means, "ternary": ternary_means}


def test_errors(eight_bit: Evaluator, ternary: Evaluator, dataset: Dataset) -> dict[str, float]:
    """Test error in per cent, with 8-bit and with deterministic ternary weights."""
    return {
        "test_error": eight_bit.error(dataset.test),
        "test_error_ternary": ternary.error(dataset.test),
    }
