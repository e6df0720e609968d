# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: all that a run needs to go on, in one file with a checksum.

A file is a line that names the format, the SHA-256 of what follows, and an uncompressed .npz
archive. The last two of a run are kept, so that one is left if the other is damaged.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..nets.trainer import Progress
from ..system.archive import Archive
from ..system.errors import FewmultError, reason_of
from ..system.files import open_regular, sweep, write_atomic, writing
from ..system.schema import parse_json, typed
from .config import RunConfig
from .metrics import parse_lines

FOLDER = "checkpoints"
_SUFFIX = ".checkpoint"
_MAGIC = b"fewmult-hls checkpoint 1\n"
_KEPT = 2
_CHUNK = 1 << 20

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Best:
    """The state with the lowest validation error so far, the last of several.

    Attributes:
        epoch: after which it was, counted from 1.
        error: on the validation data, in per cent.
        tensors: the state.
    """

    epoch: int
    error: float
    tensors: Tensors


@dataclass(frozen=True)
class Checkpoint:
    """A run between two batches.

    Attributes:
        config: of the run.
        data: digest of what it learns from.
        progress: where it is.
        step: the number of the next step.
        metrics: lines of metrics.jsonl, one for each epoch that is over.
        tensors: the state.
        best: None before the first epoch is over.
    """

    config: RunConfig
    data: str
    progress: Progress
    step: int
    metrics: list[str]
    tensors: Tensors
    best: Best | None


@dataclass(frozen=True)
class _BestFacts:
    epoch: int
    error: float


@dataclass(frozen=True)
class _Facts:
    """What a checkpoint says beside its arrays; see ``Checkpoint``."""

    config: RunConfig
    data: str
    progress: Progress
    step: int
    metrics: list[str]
    tensors: list[str]
    best: _BestFacts | None


def save_checkpoint(run: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint into a run's folder, whole or not at all; then drops older ones.

    Raises:
        FewmultError: it cannot be written; what was there before is still there.
    """
    folder = run / FOLDER
    with writing(folder):
        folder.mkdir(exist_ok=True)
    write_atomic(folder / f"step-{checkpoint.step:010}{_SUFFIX}", _encoded(checkpoint))
    for path in checkpoint_files(run)[:-_KEPT]:
        with writing(path):
            path.unlink(missing_ok=True)


def checkpoint_files(run: Path) -> list[Path]:
    """The checkpoints of a run, the oldest first."""
    return sorted((run / FOLDER).glob(f"step-{'[0-9]' * 10}{_SUFFIX}"))


def sweep_checkpoints(run: Path) -> None:
    """Removes what processes that were killed while they wrote a checkpoint left."""
    sweep(run / FOLDER)


def has_checkpoint(run: Path) -> bool:
    """Whether there is any, good or damaged."""
    return bool(checkpoint_files(run))


def newest_checkpoint(run: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint of a run that is not damaged, and what is wrong with newer ones.

    None if there never was one.

    Raises:
        FewmultError: all are damaged.
    """
    complaints: list[str] = []
    for path in reversed(checkpoint_files(run)):
        try:
            return load_checkpoint(path), complaints
        except FewmultError as error:
            complaints.append(str(error))
    if complaints:
        raise FewmultError(f"{complaints[0]}, and there is no other: start again with --overwrite")
    return None, []


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint and checks all of it.

    Raises:
        FewmultError: it cannot be read, or is damaged.
    """
    with open_regular(path) as file:
        try:
            # The archive first: its size is checked, before a checksum takes its time.
            arrays = Archive(file)
            _check_head(file)
        except MemoryError:
            raise
        except Exception as error:
            raise FewmultError(f"{path} is damaged or no checkpoint of this version") from error
        try:
            return _decoded(arrays)
        except MemoryError:
            raise
        # Whole, and yet not what this version writes: anything may be wrong.
        except Exception as error:
            raise FewmultError(f"{path} is of another version ({reason_of(error)})") from error


def _check_head(file: BinaryIO) -> None:
    """The format and the checksum.

    Raises:
        ValueError: they do not fit.
    """
    digest = hashlib.sha256()
    file.seek(0)
    head = file.read(len(_MAGIC) + digest.digest_size)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    if head != _MAGIC + digest.digest():
        raise ValueError("its content does not have its checksum")


def _encoded(checkpoint: Checkpoint) -> bytes:
    best = checkpoint.best
    facts = {
        **vars(checkpoint),
        "config": asdict(checkpoint.config),
        "progress": asdict(checkpoint.progress),
        "tensors": list(checkpoint.tensors),
        "best": None if best is None else {"epoch": best.epoch, "error": best.error},
    }
    arrays = {f"state_{name}": tensor for name, tensor in checkpoint.tensors.items()}
    if best is not None:
        arrays.update({f"best_{name}": tensor for name, tensor in best.tensors.items()})
    file = io.BytesIO()
    np.savez(file, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    payload = file.getvalue()
    return _MAGIC + hashlib.sha256(payload).digest() + payload


def _decoded(arrays: Archive) -> Checkpoint:
    facts = typed(_Facts, parse_json(arrays["facts"].tobytes()))
    _check_progress(facts)
    best = None
    if facts.best is not None:
        best = Best(facts.best.epoch, facts.best.error, _tensors(facts, arrays, "best"))
    return Checkpoint(**{**vars(facts), "tensors": _tensors(facts, arrays, "state"), "best": best})


def _tensors(facts: _Facts, arrays: Archive, prefix: str) -> Tensors:
    """The tensors of a state, which are what the config's training can leave."""
    # Here, since most commands read no checkpoint and need no backend.
    from ..methods.protocol import checked_state

    found = {name: arrays[f"{prefix}_{name}"] for name in facts.tensors}
    return checked_state(facts.config, found).tensors()


def _check_progress(facts: _Facts) -> None:
    """Whether a run of this config can be there.

    Raises:
        ValueError: it cannot.
    """
    config, at, best = facts.config, facts.progress, facts.best
    epochs = parse_lines(facts.metrics)
    if not (0 <= at.epoch <= config.epochs and at.batch >= 0 and facts.step >= 0):
        raise ValueError(f"no run of {config.epochs} epochs is in epoch {at.epoch}")
    if len(epochs) != at.epoch:
        raise ValueError(f"it has metrics of {len(epochs)} epochs, and is in epoch {at.epoch}")
    # An epoch is judged before the next one begins.
    if (best is None and epochs) or (best and not 1 <= best.epoch <= at.epoch + 1):
        raise ValueError(f"epoch {best and best.epoch} is not the best of {at.epoch}")
    passes = 2 if config.perturb else 1
    before = epochs[-1].step if epochs else 0
    if facts.step != before + passes * at.batch or (epochs and at.batch * passes > epochs[0].step):
        raise ValueError(f"step {facts.step} is not in batch {at.batch} of epoch {at.epoch}")
