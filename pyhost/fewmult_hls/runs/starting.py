# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A trained net that a run begins with, in place of weights that its seed draws.

All of its state is kept; where the data have other classes, all but its output layer, which is then
a fresh one (contract, section 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..datasets import Dataset
from ..datasets.places import IN_MEMORY
from ..datasets.preprocessing import Preprocessing
from ..datasets.scale import COLUMNS, RANGE
from ..methods.protocol import State, Tensors
from ..models.classifier import read_model
from ..models.model import Model
from ..models.trained import Trained
from ..system.errors import UsageError
from ..system.files import resolved
from .config import SETTINGS
from .folder import MODEL


@dataclass(frozen=True)
class Start:
    """A trained net that a run begins with.

    Attributes:
        place: where its model lies, as a config says it.
        model: with master weights.

    Raises:
        UsageError: it has none, as a packed one.
    """

    place: str
    model: Trained

    def __post_init__(self) -> None:
        if isinstance(self.model, Model) and self.model.packed_from is not None:
            raise UsageError(
                f"{self.place} is packed, without the weights that learn: begin with the folder of "
                "its run"
            )

    @classmethod
    def read(cls, path: Path) -> Start:
        """The net of a finished run by its folder or model.npz.

        Raises:
            UsageError: there is no such folder or file, or it is packed.
            FewmultError: it is damaged, or the run is not finished.
        """
        file = path / MODEL if path.is_dir() else path
        return cls(str(resolved(file)), read_model(path))

    @classmethod
    def in_memory(cls, model: Trained) -> Start:
        """A net that no file need hold."""
        return cls(IN_MEMORY, model)

    @property
    def settings(self) -> dict[str, Any]:
        """What a run has of it if nobody says anything else."""
        model, spec = self.model, self.model.spec
        found: dict[str, Any] = {"method": spec.method, "batch": spec.batch}
        if isinstance(model, Model):
            found["master_bits"] = model.spec.master_bits
        return found | _asked_of_data(model.domain.preprocessing)

    @property
    def recorded(self) -> dict[str, str]:
        """What a config says of it."""
        return {"start": self.place, "start_fingerprint": self.model.fingerprint}

    def net_for(self, dataset: Dataset) -> str:
        """The net with an output layer for the classes of the data."""
        return self.model.spec.plan.with_classes(dataset.classes).name

    def keeps_output(self, dataset: Dataset) -> bool:
        """Whether the data have the classes that the net knows, in their order."""
        domain, classes = self.model.domain, self.model.spec.classes
        known = [domain.class_name(label) for label in range(classes)]
        return known == (list(dataset.class_names) or [str(k) for k in range(dataset.classes)])

    def check(self, values: Mapping[str, Any], dataset: Dataset) -> None:
        """Whether a run with some settings can begin with it.

        Raises:
            UsageError: it cannot; both sides are named.
        """
        for name in ("method", "master_bits"):
            mine, wanted = self.settings.get(name), values[name]
            if mine is not None and mine != wanted:
                raise UsageError(
                    f"{self.place} has {name} {mine}, and the run {wanted}: "
                    f"leave out {SETTINGS[name].flag}"
                )
        spec, domain = self.model.spec, self.model.domain
        if not domain.fits(dataset.image_shape, dataset.features):
            raise UsageError(
                f"{self.place} takes {domain.image_text(spec.features)}, and {dataset.name} has "
                f"{'x'.join(map(str, dataset.image_shape))}"
            )
        if values["net"] != self.net_for(dataset):
            raise UsageError(
                f"{self.place} has net {spec.name}, and the run {values['net']}: leave out --net"
            )
        if not self.keeps_output(dataset) and sum(kind.has_weights for kind in spec.plan.kinds) < 2:
            raise UsageError(
                f"{self.place} has net {spec.name}, whose one layer knows its own classes alone: "
                f"there is nothing to begin {dataset.name} with"
            )

    def tensors(self, fresh: State, dataset: Dataset) -> Tensors:
        """The state before the first step.

        Args:
            fresh: as it would be without a start.
            dataset: to learn.
        """
        kept = self.model.network.tensors()
        if not self.keeps_output(dataset):
            kept = {name: kept[name] for name in kept if name not in fresh.output_names}
        return {**fresh.tensors(), **kept}

    def text(self, dataset: Dataset) -> str:
        """What a run does with it, for people."""
        mark = self.model.fingerprint[:8]
        begun = f"from {self.place} ({mark}..)"
        if not self.keeps_output(dataset):
            begun += f", a new output layer for {dataset.classes} classes"
        before, now = self.model.domain.preprocessing, dataset.preprocessing
        if before != now:
            begun += f"; its images were made by {before.text}, these by {now.text}"
        return begun


def _asked_of_data(made: Preprocessing) -> dict[str, Any]:
    """The settings with which other images are made as these were, as far as settings can say it.

    Ranges of columns and the transform that whitens are found anew.
    """
    found: dict[str, Any] = {"gray": made.gray, "whiten": made.whitening is not None}
    if made.resize is not None:
        found["resize"] = "x".join(map(str, made.resize))
    if made.scale.kind == COLUMNS:
        found["scale"] = COLUMNS
    elif made.scale.kind == RANGE:
        found["scale"] = f"{made.scale.low[0]}:{made.scale.high[0]}"
    return found


def read_start(place: str, fingerprint: str) -> Start | None:
    """The net that a run begins with, if it does with any.

    Args:
        place: as a config says it.
        fingerprint: likewise; nothing in one that somebody wrote.

    Raises:
        UsageError: another one lies there now, or no file holds it.
        FewmultError: it is damaged, or gone.
    """
    if not place:
        return None
    if place == IN_MEMORY:
        raise UsageError("the run began with a net in memory, which no file holds: begin another")
    start = Start.read(Path(place))
    found = start.model.fingerprint
    if fingerprint and found != fingerprint:
        raise UsageError(f"{place} has fingerprint {found}, and the run began with {fingerprint}")
    return start
