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
from typing import Any

import numpy as np
import numpy.typing as npt

from .archive import Archive
from .errors import FewmultError
from .files import sweep, write_atomic, writing
from .training import Progress

FOLDER = "checkpoints"
_SUFFIX = ".checkpoint"
_MAGIC = b"fewmult-hls checkpoint 1\n"
_KEPT = 2

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
        config: of the run, as in config.toml.
        data: digest of what it learns from.
        progress: where it is.
        step: the number of the next step.
        metrics: lines of metrics.jsonl, one for each epoch that is over.
        tensors: the state.
        best: None before the first epoch is over.
    """

    config: dict[str, Any]
    data: str
    progress: Progress
    step: int
    metrics: list[str]
    tensors: Tensors
    best: Best | None


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
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FewmultError(f"cannot read {path}: {error.strerror}") from error
    head = len(_MAGIC) + hashlib.sha256().digest_size
    payload = content[head:]
    if content[:head] != _MAGIC + hashlib.sha256(payload).digest():
        raise FewmultError(f"{path} is damaged or no checkpoint of this version")
    return _decoded(Archive(payload))


def _encoded(checkpoint: Checkpoint) -> bytes:
    best = checkpoint.best
    facts = {
        "config": checkpoint.config,
        "data": checkpoint.data,
        "progress": asdict(checkpoint.progress),
        "step": checkpoint.step,
        "metrics": checkpoint.metrics,
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
    facts = json.loads(arrays["facts"].tobytes())
    names, best = facts["tensors"], facts["best"]
    return Checkpoint(
        config=facts["config"],
        data=facts["data"],
        progress=Progress(**facts["progress"]),
        step=facts["step"],
        metrics=facts["metrics"],
        tensors={name: arrays[f"state_{name}"] for name in names},
        best=best and Best(**best, tensors={name: arrays[f"best_{name}"] for name in names}),
    )
