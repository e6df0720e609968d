# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""config.toml: everything that a run depends on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..backends.names import BACKENDS
from ..contract.method_names import FLOATING, METHODS, SAMPLED
from ..nets.network import NetworkSpec, Shape
from ..nets.trainer import PHASES
from ..system.errors import FewmultError, UsageError
from ..system.files import read_file, write_atomic
from ..system.schema import parse_toml, typed, typed_keys

SHORT_RUN = 1 << 19  # samples; up to here a run starts at twice the learning rate
BATCH_RATES = {16: -2, 32: -1, 64: 0, 128: 0, 256: 1}
MAX_EPOCHS = 100_000
PERTURBATIONS = (0, 1, 2, 4, 8, 16, 32, 64)
RATE_RANGE = (-8, 8)
# Settings that change no bit: who computes, where the data lie (their content is what counts), what
# is kept on the way.
WITHOUT_EFFECT = ("backend", "dataset", "checkpoint_every")
_MAX_BYTES = 1 << 16  # of a config file


def default_rate(batch: int, samples: int) -> int:
    """log2 of the learning rate at the start of a run (contract, section 10).

    Args:
        batch: samples a step; for one that is not possible, any rate will do.
        samples: that the run trains on in all its epochs together.
    """
    return (3 if samples <= SHORT_RUN else 2) + BATCH_RATES.get(batch, 0)


@dataclass(frozen=True)
class RunConfig:
    """One training run; two runs of one config leave one fingerprint.

    Attributes:
        dataset: name or folder.
        net: widths joined by dashes.
        method: one of ``methods.names.METHODS``.
        master_bits: of a stored weight.
        batch: images a step.
        epochs: of the schedule.
        rate_exponent: log2 of the learning rate at the start; in floating point, of 0.3.
        seed: of every random draw.
        backend: who computes; it does not change the fingerprint.
        perturb: how far adversarial inputs are moved, of 127; 0 for none.
        sharpen: phases at the end, of six, in which samples are sharpened.
        patience: epochs without a better validation error before the run ends; 0 for no end.
        checkpoint_every: epochs; 0 for checkpoints at interrupts alone.

    Raises:
        UsageError: a value that no run can have.
    """

    dataset: str
    net: str
    method: str
    master_bits: int
    batch: int
    epochs: int
    rate_exponent: int
    seed: int
    backend: str
    perturb: int = 0
    sharpen: int = 0
    patience: int = 0
    checkpoint_every: int = 10

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(f"there is no method '{self.method}': take {' or '.join(METHODS)}")
        if self.method in FLOATING:
            self._check_floating()
        if self.backend not in BACKENDS:
            raise UsageError(f"there is no backend '{self.backend}': take {' or '.join(BACKENDS)}")
        if not 1 <= self.epochs <= MAX_EPOCHS:
            raise UsageError(f"epochs must be 1 to {MAX_EPOCHS}, not {self.epochs}")
        if not 0 <= self.seed < 1 << 32:
            raise UsageError(f"the seed must be 0 to {(1 << 32) - 1}, not {self.seed}")
        if self.perturb not in PERTURBATIONS:
            choices = ", ".join(map(str, PERTURBATIONS))
            raise UsageError(f"perturb must be one of {choices}, not {self.perturb}")
        if not 0 <= self.sharpen < PHASES:
            raise UsageError(f"sharpen must be 0 to {PHASES - 1}, not {self.sharpen}")
        for name in ("patience", "checkpoint_every"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} must be 0 or more, not {getattr(self, name)}")
        low, high = RATE_RANGE
        if not low <= self.rate_exponent <= high:
            raise UsageError(f"the rate exponent must be {low} to {high}, not {self.rate_exponent}")

    def _check_floating(self) -> None:
        """What only the methods without multiplications have."""
        if self.backend != "numpy":
            raise UsageError(
                f"method {self.method} multiplies, in numpy alone: leave --backend out"
            )
        for name, only in (("master_bits", 16), ("perturb", 0), ("sharpen", 0)):
            if getattr(self, name) != only:
                raise UsageError(
                    f"method {self.method} knows no {name}: it is for {' and '.join(SAMPLED)}"
                )

    @property
    def spec(self) -> Shape:
        """The network's shape."""
        if self.method in FLOATING:
            from ..methods.floating.spec import FloatSpec

            return FloatSpec.parse(self.net, method=self.method, batch=self.batch)
        return NetworkSpec.parse(
            self.net,
            weights=SAMPLED[self.method],
            master_bits=self.master_bits,
            batch=self.batch,
        )


def save_config(path: Path, config: RunConfig) -> None:
    """Writes a config, whole or not at all."""
    import tomli_w

    write_atomic(path, tomli_w.dumps(asdict(config)))


def read_config(path: Path) -> RunConfig:
    """The config of a run, which has all its settings.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    values = load_config(path)
    try:
        return typed(RunConfig, values)
    except (ValueError, UsageError) as error:
        raise UsageError(f"{path}: {error}") from error


def load_config(path: Path) -> dict[str, Any]:
    """The settings in a config file, all or some of them.

    Raises:
        UsageError: it cannot be read, or has unknown or badly typed keys.
    """
    values = load_toml(path)
    try:
        return typed_keys(RunConfig, values)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def load_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        return parse_toml(read_file(path, _MAX_BYTES))
    except FewmultError as error:
        raise UsageError(str(error)) from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
