# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Training from Python (docs/api.md); ``fewmult_hls.train`` is this one."""

from __future__ import annotations

import reprlib
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, get_type_hints

from . import datasets
from .backends import open_backend
from .backends.names import Device, as_device
from .models.classifier import Classifier, read_model
from .nets.trainer import Epoch
from .runs import run as runs
from .runs.course import Watcher
from .runs.plan import plan_run
from .system.errors import UsageError
from .system.given import as_path, check_function, checked

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Options(TypedDict, total=False):
    """What ``fewmult-hls train --help`` describes, with the same defaults.

    Attributes:
        net: units of each layer, from pixels to classes, such as ``784-1024-10``.
        method: ``ternary-qbp``, ``binary-qbp``, or with multiplications ``binary``, ``float``.
        master_bits: 16 or 8.
        batch: 16, 32, 64, 128 or 256 images.
        epochs: how often every image is learned from.
        rate: log2 of the learning rate at the start.
        seed: of all random draws.
        backend: ``emu``, ``numpy`` or ``pynq``.
        perturb: how far adversarial inputs are moved, of 127.
        sharpen: phases at the end, of six, in which samples are sharpened.
        patience: epochs without a better validation error before the run ends.
        checkpoint_every: epochs.
    """

    net: str
    method: str
    master_bits: int
    batch: int
    epochs: int
    rate: int
    seed: int
    backend: str
    perturb: int
    sharpen: int
    patience: int
    checkpoint_every: int


class _Others(TypedDict):
    """What is no setting of the run."""

    preset: str | None
    overwrite: bool
    threads: int | None


def train(
    dataset: str | Path | datasets.Dataset | None = None,
    *,
    preset: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    device: Device | str | None = None,
    on_epoch: Callable[[Epoch, float], None] = lambda epoch, error: None,
    **options: Unpack[Options],
) -> Classifier:
    """Trains a network without multiplications, as ``fewmult-hls train`` does.

    Args:
        dataset: a name, a folder, or data in memory (``fewmult_hls.datasets.from_arrays``);
            by default what the preset names, or else the built-in digits.
        preset: a name from ``fewmult-hls presets``, whose settings the options change.
        out: folder for the run; without one, nothing stays on disk.
        overwrite: another run in that folder may be replaced.
        threads: of the backend emu, by default one for each physical core.
        device: of the backend pynq, ``board``, ``emulated``, or a ``backends.Device``.
        on_epoch: called after every epoch with its numbers and the validation error in per cent.
        **options: settings of the run, see ``Options``.

    Returns:
        The trained network with ternary (or binary) weights; its ``summary`` is that of the run.

    Raises:
        TypeError: an option that there is not.
        UsageError: an option that cannot be meant, or does not fit the data.
        FewmultError: the data, the folder, the memory or the backend is not there.
    """
    given, chosen, data = _checked_options(options), as_device(device), _named(dataset)
    others = checked(_Others, preset=preset, overwrite=overwrite, threads=threads)
    threads = others["threads"]
    check_function("on_epoch", on_epoch)
    in_memory = data if isinstance(data, datasets.Dataset) else None
    if isinstance(data, str):
        given["dataset"] = data
    with _place(out) as folder:
        plan = plan_run(
            given, dataset=in_memory, preset=preset, out=Path(folder), overwrite=overwrite
        )
        with closing(open_backend(plan.config.backend, threads, chosen)) as backend:
            summary = runs.run(
                plan.config,
                plan.dataset,
                backend,
                plan.folder,
                Watcher(on_epoch=on_epoch),
                overwrite=overwrite,
            )
        model = read_model(plan.folder)
    opened = model.open(model.deployed, plan.config.backend, threads, chosen)
    return Classifier(model, opened, summary)


def _place(out: str | Path | None) -> AbstractContextManager[str]:
    return tempfile.TemporaryDirectory() if out is None else nullcontext(str(as_path("out", out)))


def _named(dataset: Any) -> datasets.Dataset | str | None:
    """Data in memory, or the name or folder of some."""
    if dataset is None or isinstance(dataset, datasets.Dataset):
        return dataset
    if not isinstance(dataset, str | Path):
        raise UsageError(
            f"'dataset' must be a name, a folder or what datasets.from_arrays makes, "
            f"not {reprlib.repr(dataset)}"
        )
    return str(dataset)


def _checked_options(options: Options) -> dict[str, Any]:
    """The options that were given, with integers as Python's own."""
    known = get_type_hints(Options)
    for name in options:
        if name not in known:
            raise TypeError(f"train() has no option '{name}'; it has {', '.join(known)}")
    return checked(Options, **{k: value for k, value in options.items() if value is not None})
