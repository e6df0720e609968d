# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A training run from its config to its folder.

The folder gets config.toml (which reproduces the run), metrics.jsonl (a line an epoch),
checkpoints/, model.npz (the best epoch's state) and summary.json. Every file is whole at any
moment; the summary comes last.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, datasets
from ..contract.backend import Backend
from ..datasets import Dataset, Split
from ..models.trained import Trained
from ..nets.evaluator import evaluation_bytes
from ..nets.network import Shape
from ..system import memory
from ..system.errors import FewmultError, UsageError
from ..system.files import resolved, write_atomic
from .checkpoints import Checkpoint, newest_checkpoint
from .config import RunConfig, changed_since, load_config
from .course import Course, Watcher
from .folder import CONFIG as CONFIG
from .folder import MODEL as MODEL
from .folder import SUMMARY as SUMMARY
from .folder import RunFolder
from .folder import check_folder as check_folder
from .folder import check_free_run as check_free_run
from .folder import check_no_summary as check_no_summary
from .folder import holds_run as holds_run
from .folder import is_finished as is_finished
from .starting import Start, read_start

_BYTES_TRAINING_IMAGE = 32  # while an epoch's order is drawn, by measurement


def lasting_name(dataset: str) -> str:
    """The name that loads the same data from any working folder.

    Raises:
        UsageError: there is no such data set, or its path is not text.
        FewmultError: the set is known but not on this machine.
    """
    folder = datasets.locate(dataset)
    if folder is None or (datasets.places.is_name(dataset) and folder != Path(dataset)):
        return dataset
    path = str(resolved(folder))
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the path {path!r} is not valid UTF-8: give the folder another") from None
    return path


def check_fit(spec: Shape, dataset: Dataset) -> None:
    """Whether a net and a batch can be trained on the data.

    Raises:
        UsageError: they cannot.
    """
    if not _takes(spec, dataset) or spec.classes != dataset.classes:
        raise UsageError(
            f"net {spec.name} does not fit {dataset.name}: "
            f"it must begin with {_first_word(spec, dataset)} and end with {dataset.classes}"
        )
    if len(dataset.train.labels) < spec.batch:
        raise UsageError(
            f"{dataset.name} has {len(dataset.train.labels)} training images, "
            f"fewer than a batch of {spec.batch}: take a smaller batch"
        )


def _takes(spec: Shape, dataset: Dataset) -> bool:
    """Whether images enter a net: by channels, rows and columns where it names them."""
    return spec.plan.pixels.word == _first_word(spec, dataset)


def _first_word(spec: Shape, dataset: Dataset) -> str:
    """How a net for the images begins, if it begins as this one does."""
    rows, columns, *channels = dataset.image_shape
    if not spec.plan.pixels.signed:
        return str(dataset.features)
    if rows == 1 and spec.features == dataset.features:  # values without a shape
        return spec.plan.pixels.word
    return "x".join(map(str, (*(channels or [1]), rows, columns)))


def split_to_test(model: Trained, dataset: Dataset) -> Split:
    """The test images with the labels that a trained net gives to their classes.

    The data may lack some of the net's classes. Classes with names are matched by name.

    Raises:
        UsageError: the net cannot be tested on the data.
    """
    spec = model.spec
    if not _takes(spec, dataset) or spec.classes < dataset.classes:
        raise UsageError(
            f"net {spec.name} cannot be tested on {dataset.name}, whose images have "
            f"{dataset.features} pixels and {dataset.classes} classes"
        )
    whitening = model.domain.preprocessing.whitening
    images = dataset.test.images if whitening is None else whitening.images(dataset.test.images)
    if not dataset.class_names:
        return Split(images, dataset.test.labels)
    known = {model.domain.class_name(label): label for label in range(spec.classes)}
    unknown = [name for name in dataset.class_names if name not in known]
    if unknown:
        raise UsageError(
            f"net {spec.name} knows no class {unknown[0]!r} of {dataset.name}: "
            f"its classes are {', '.join(known)}"
        )
    numbers = np.array([known[name] for name in dataset.class_names], np.uint8)
    return Split(images, numbers[dataset.test.labels])


def check_memory(spec: Shape, dataset: Dataset) -> None:
    """Refuses a run for which a system that overcommits memory would kill the process.

    Args:
        spec: of the net.
        dataset: already in memory.

    Raises:
        FewmultError: it needs more than is free.
    """
    needed = spec.memory + len(dataset.train.labels) * _BYTES_TRAINING_IMAGE
    judged = max(len(split.labels) for split in (dataset.validation, dataset.test))
    needed += judged * evaluation_bytes(spec.classes)
    memory.check(f"net {spec.name}", needed, "take a smaller net or less data")


def run(
    config: RunConfig,
    dataset: Dataset,
    backend: Backend,
    folder: Path,
    watcher: Watcher,
    *,
    overwrite: bool = False,
    start: Start | None = None,
) -> dict[str, Any]:
    """Trains and evaluates as the config says.

    An earlier run in the folder goes when all that the new one needs is there. An interrupt leaves
    a checkpoint, with which ``resume`` goes on.

    Returns:
        The summary.
    """
    course = Course(config, dataset, backend, RunFolder(folder), start=start)
    with course.folder.opened():
        course.folder.begin(config, overwrite=overwrite)
        return _finish(course, watcher)


def resume(
    config: RunConfig,
    dataset: Dataset,
    backend: Backend,
    folder: Path,
    watcher: Watcher,
    *,
    extends: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Goes on with a run, to the fingerprint of an unbroken one.

    It goes on from the newest checkpoint, or begins again if there was not yet any.

    Args:
        config: as in the folder's config.toml; only its backend may differ, and the place of its
            data. What differs is recorded there.
        dataset: as the config names it.
        backend: executes the kernels.
        folder: of the run.
        watcher: is told how it goes on.
        extends: the run is finished, and its config has more epochs than it has.

    Returns:
        The summary, and what is wrong with checkpoints that are damaged.

    Raises:
        UsageError: the run is finished, another process is at it, or its config or data changed
            since the checkpoint.
        FewmultError: all checkpoints are damaged.
    """
    check_free_run(folder)
    place = RunFolder(folder)
    with place.opened():
        if not extends:
            check_no_summary(folder)
        checkpoint, complaints = newest_checkpoint(folder)
        if extends and checkpoint is None:
            raise UsageError(f"{folder} has lost its checkpoints, without which it cannot go on")
        _check_resumed(config, dataset, folder, checkpoint)
        start = None
        if checkpoint is None:
            start = read_start(config.start, config.start_fingerprint)
        course = Course(config, dataset, backend, place, checkpoint, start)
        if extends:
            place.extend(config)
        place.go_on(config, course.metrics)
        return _finish(course, watcher), complaints


def _check_resumed(
    config: RunConfig, dataset: Dataset, folder: Path, checkpoint: Checkpoint | None
) -> None:
    if checkpoint is not None:
        name = changed_since(config, checkpoint.config, checkpoint.progress.epoch)
        if name is not None:
            now, then = asdict(config), asdict(checkpoint.config)
            raise UsageError(
                f"{folder / CONFIG} has {name} = {now[name]!r}, and the run began with "
                f"{then[name]!r}: set it back, or start another run"
            )
        if checkpoint.data != dataset.digest:
            raise UsageError(
                f"{config.dataset} is not the data that {folder} learned from: its content differs"
            )
    elif config.dataset != load_config(folder / CONFIG).get("dataset"):
        raise UsageError(
            f"{folder} has no checkpoint yet that could tell whether {config.dataset} is its data: "
            "start again with --overwrite"
        )


def _finish(course: Course, watcher: Watcher) -> dict[str, Any]:
    """Trains to the end, evaluates the best state, and writes the model and the summary."""
    start, earlier = time.perf_counter(), course.seconds
    watcher.on_begin()
    best = course.train(watcher)
    config, dataset, method = course.config, course.dataset, course.method
    folder = course.folder.path
    steps = course.trainer.step_number
    fingerprint = course.trainer.network().fingerprint
    state, errors = method.finish(best.tensors, folder / MODEL)
    del course.trainer  # counting needs memory of its own
    multiplications, operations = method.operations()
    images = len(course.metrics) * (len(dataset.train.labels) // config.batch * config.batch)
    summary = {
        **asdict(config),
        "fingerprint": fingerprint,
        "best_epoch": best.epoch,
        "best_fingerprint": state.fingerprint,
        "validation_error": best.error,
        **errors,
        "executor": course.backend.info(),
        "multiplications_per_step": multiplications,
        "operations_per_step": operations,
        "host_multiplications": dataset.host_multiplications,
        "samples_per_second": round(images / max(course.seconds, 1e-9), 1),
        "epochs_trained": len(course.metrics),
        "steps": steps,
        "seconds": round(earlier + time.perf_counter() - start, 2),
        "version": __version__,
    }
    course.folder.keep(course.metrics)
    if not (folder / MODEL).is_file():
        raise FewmultError(f"{folder / MODEL} was removed as the run ended: go on with --resume")
    write_atomic(folder / SUMMARY, json.dumps(summary, indent=2) + "\n")
    return summary
