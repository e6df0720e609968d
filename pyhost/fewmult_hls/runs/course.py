# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The course of a run: epochs, their evaluation, the best of them, and checkpoints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

import numpy as np

from ..contract.backend import Backend
from ..datasets import Dataset
from ..methods.protocol import method_of
from ..nets.trainer import Epoch, Progress, train_epochs
from .checkpoints import Best, Checkpoint, Tensors, save_checkpoint
from .config import RunConfig
from .folder import METRICS as METRICS
from .folder import RunFolder
from .starting import Start

_DIGEST_CHARACTERS = 16


@dataclass(frozen=True)
class Watcher:
    """Who is told how a run goes on.

    What it raises ends the run, which can be resumed.

    Attributes:
        on_step: epoch and batch in the epoch, both from 1, and the hinge of the batch.
        on_epoch: the epoch's numbers and its validation error.
        on_begin: the folder is the run's: from now on it can be resumed.
    """

    on_step: Callable[[int, int, float], None] = lambda epoch, step, hinge: None
    on_epoch: Callable[[Epoch, float], None] = lambda epoch, error: None
    on_begin: Callable[[], None] = lambda: None


class Course:
    """A run at some moment.

    Args:
        config: of the run.
        dataset: to learn from and to validate on.
        backend: executes the kernels.
        folder: of the run.
        checkpoint: where to go on; by default a run begins.
        start: with what it begins, if not with weights that its seed draws.
    """

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        backend: Backend,
        folder: RunFolder,
        checkpoint: Checkpoint | None = None,
        start: Start | None = None,
    ) -> None:
        self.config, self.dataset, self.backend, self.folder = config, dataset, backend, folder
        self.method = method_of(config, dataset, backend)
        if checkpoint is None:
            first = self.method.initial()
            tensors = first.tensors() if start is None else start.tensors(first, dataset)
            self.trainer = self.method.go_on(tensors, 0)
            self.progress, self.best, self.metrics = Progress(), None, []
        else:
            self.trainer = self.method.go_on(checkpoint.tensors, checkpoint.step)
            self.progress, self.best = checkpoint.progress, checkpoint.best
            self.metrics = checkpoint.metrics
        self._in_a_step = True

    best: Best | None
    metrics: list[str]

    @property
    def seconds(self) -> float:
        """Time in the training steps of all epochs that are over."""
        return sum(float(json.loads(line)["seconds"]) for line in self.metrics)

    def train(self, watcher: Watcher) -> Best:
        """Trains to the end, a line of metrics an epoch, and a checkpoint every few epochs.

        Whatever ends it between two steps leaves a checkpoint of the last whole one.

        Returns:
            The state with the lowest validation error.
        """
        try:
            if not self._is_over():
                self._train(watcher)
        except Exception:
            if not self._in_a_step:
                # On a disk that is full, what was said first counts.
                with suppress(Exception):
                    self.save()
            raise
        except BaseException:  # an interrupt, which no step lets in
            self.save()
            raise
        self.save(epochs_over=len(self.metrics))
        assert self.best is not None
        return self.best

    def _train(self, watcher: Watcher) -> None:
        def on_step(epoch: int, step: int, hinge: float) -> None:
            self._in_a_step = False
            watcher.on_step(epoch, step, hinge)
            self._in_a_step = True

        for epoch in train_epochs(
            self.trainer, self.dataset.train, self.method.schedule, on_step, self.progress
        ):
            self._in_a_step = False
            error = self._judge(epoch)
            watcher.on_epoch(epoch, error)
            every = self.config.checkpoint_every
            if self._is_over():
                return
            if every and epoch.epoch % every == 0:
                self.save(epochs_over=epoch.epoch)
            self._in_a_step = True

    def _is_over(self) -> bool:
        """Whether as many epochs passed without a better one as the config has patience for.

        A run that was extended has all of it again.
        """
        patience, best = self.config.patience, self.best
        if patience == 0 or best is None:
            return False
        return len(self.metrics) - max(best.epoch, self.config.earlier_epochs) >= patience

    def _judge(self, epoch: Epoch) -> float:
        """Validates an epoch's state and notes the result."""
        state = self.trainer.network()
        error = self.method.validation_error(state)
        tensors = state.tensors()
        line = json.dumps({**asdict(epoch), "validation_error": error, "state": _digests(tensors)})
        self.metrics.append(line)
        self.folder.keep(self.metrics)
        if self.best is None or error <= self.best.error:
            self.best = Best(epoch.epoch, error, tensors)
        return error

    def save(self, epochs_over: int | None = None) -> None:
        """Writes a checkpoint: of a run within an epoch, or at the end of one."""
        progress = self.progress if epochs_over is None else Progress(epochs_over)
        checkpoint = Checkpoint(
            config=self.config,
            data=self.dataset.digest,
            progress=progress,
            step=self.trainer.step_number,
            metrics=self.metrics[: progress.epoch],
            tensors=self.trainer.network().tensors(),
            best=self.best,
        )
        self.folder.come_back()
        try:
            self.folder.keep(self.metrics)
        finally:  # what is in the way of the metrics need not cost the state
            save_checkpoint(self.folder.path, checkpoint)


def _digests(tensors: Tensors) -> dict[str, str]:
    """The beginnings of the tensors' SHA-256: enough to say where two runs part."""
    return {
        name: hashlib.sha256(np.ascontiguousarray(tensor).data).hexdigest()[:_DIGEST_CHARACTERS]
        for name, tensor in tensors.items()
    }
