# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The table of settings, a row each, and config.toml, which holds everything a run depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backends.names import BACKENDS
from ..contract.limits import BATCHES, CROPS, MASTER_BITS, PERTURBATIONS, PHASES, RATES
from ..contract.method_names import FLOATING, METHODS, SAMPLED
from ..nets.cycles import Cycle, go_on_from, read_cycles
from ..system.errors import UsageError
from ..system.files import write_atomic
from ..system.schema import read_toml, typed, typed_keys
from .settings import ENDLESS, setting, settings_of

if TYPE_CHECKING:
    from ..datasets.wanted import Wanted
    from ..layers.augmentation import Augmentation
    from ..layers.base import Recipe
    from ..nets.network import Shape

SHORT_RUN = 1 << 19  # examples; up to here a run starts at twice the learning rate
BATCH_RATES = {16: -2, 32: -1, 64: 0, 128: 0, 256: 1}
MAX_EPOCHS = 100_000


def default_rate(recipe: Recipe, batch: int, examples: int) -> int:
    """log2 of the learning rate at the start of a run (contract, sections 10 and 14).

    Args:
        recipe: of the net.
        batch: examples a step; for one that is not possible, any rate will do.
        examples: that the run trains on in all its epochs together.
    """
    short, long = recipe.first_rates
    return (short if examples <= SHORT_RUN else long) + BATCH_RATES.get(batch, 0)


def default_batch(images: int) -> int:
    """The batch of a run that learns from so many images: 128, or the largest that they fill."""
    most = min(images, SETTINGS["batch"].default)
    return max((batch for batch in BATCHES if batch <= most), default=BATCHES[0])


@dataclass(frozen=True)
class RunConfig:
    """One training run; two runs of one config leave one fingerprint.

    Each field is a row of the table of settings, of which all else is made: config.toml, presets,
    options of commands, keywords of ``fewmult_hls.train``, checks. See ``Setting``.

    Raises:
        UsageError: a value that no run can have.
    """

    dataset: str = setting(
        "What to learn: a name from `fewmult-hls data list`, a folder with a folder of images for "
        "each class or with files of a published set, a table (.csv) or arrays (.npz).",
        default="digits",
        metavar="NAME|PATH",
        changes_bits=False,  # what lies there does
    )
    _: KW_ONLY
    net: str = setting(
        "Units of each layer, from pixels to classes, such as 784-1024-10; or an image and layers, "
        "such as 3x32x32-32C3p-P2-256-10 (docs/arithmetic.md, section 14).",
        says="two hidden layers of 256",
        metavar="WIDTHS",
    )
    method: str = setting(
        "Column of the paper's table. Without multiplications: weights are sampled as -1, 0 or 1 "
        "(ternary-qbp), or as -1 or 1. To compare, in numpy, with multiplications: float, and "
        "binary (BinaryConnect).",
        default="ternary-qbp",
        allowed=METHODS,
    )
    master_bits: int = setting(
        "Bits of the stored weight that the samples are drawn from.",
        default=16,
        allowed=MASTER_BITS,
        methods=tuple(SAMPLED),
        heading="{}-bit masters",
    )
    batch: int = setting(
        f"{', '.join(map(str, BATCHES[:-1]))} or {BATCHES[-1]} images.",
        default=128,
        says="128, or fewer where there are fewer to learn from",
        heading="batch {}",
    )
    epochs: int = setting(
        "How often every image is learned from.",
        default=100,
        allowed=range(1, MAX_EPOCHS + 1),
    )
    cycles: str = setting(
        "Begin the learning rate, and what else follows from the epoch, anew after some epochs: "
        "100+50 is a run of 100 that was extended to 150.",
        default="",
        says="one",
        metavar="N+N",
        since="0.1.0",
    )
    rate_exponent: int = setting(
        f"The learning rate begins at 2^E, E from {RATES[0]} to {RATES[-1]}.",
        option="rate",
        floating=0,  # of 0.3
        says="3, in long runs 2; less for batches below 64, more for 256",
        allowed=RATES,
        metavar="E",
    )
    seed: int = setting(
        "Of all random draws, below 2^32.",
        default=1,
        allowed=range(1 << 32),
        metavar="S",
        heading="seed {}",
    )
    start: str = setting(
        "Begin with the net of a finished run, by its folder or model.npz; where the data have "
        "other classes, with a new output layer. Net, method, masters and batch are that net's.",
        default="",
        word="from",
        says="weights that the seed draws",
        metavar="MODEL",
        changes_bits=False,  # what lies there does
        since="0.1.0",
    )
    start_fingerprint: str = setting(
        "Of the net that the run begins with.", default="", recorded=True, since="0.1.0"
    )
    backend: str = setting(
        "Who computes: the compiled kernels; numpy, slow; or a board through pynq. All leave the "
        "same bits.",
        default="emu",
        floating="numpy",
        allowed=BACKENDS,
        changes_bits=False,
    )
    perturb: int = setting(
        "Learn from every batch once more, each pixel moved by N of 127 against the net: 16 makes "
        "a net much better.",
        default=0,
        says="0, not at all",
        allowed=PERTURBATIONS,
        metavar="N",
        methods=tuple(SAMPLED),
        since="0.1.0",
    )
    flip: bool = setting(
        "Mirror half of the images, left for right, each time by chance.",
        default=False,
        methods=tuple(SAMPLED),
        since="0.1.0",
    )
    crop: int = setting(
        "Move each image by up to N places up or down and to a side, each time by chance.",
        default=0,
        says="0, not at all",
        allowed=CROPS,
        methods=tuple(SAMPLED),
        since="0.1.0",
    )
    whiten: bool = setting(
        "Whiten images as the paper does (GCN, ZCA): by multiplications, on the host, once before "
        "the run, and in every answer.",
        default=False,
        methods=tuple(SAMPLED),
        since="0.1.0",
    )
    sharpen: int = setting(
        f"In the last N of six phases, 0 to {PHASES - 1}, samples come nearer to the weights that "
        "are deployed.",
        default=0,
        allowed=range(PHASES),
        methods=tuple(SAMPLED),
        since="0.1.0",
    )
    patience: int = setting(
        "End after N epochs without a lower validation error.",
        default=0,
        says="0, never",
        allowed=range(ENDLESS),
        since="0.1.0",
    )
    gray: bool = setting(
        "Make colours grey.",
        default=False,
        since="0.1.0",
    )
    resize: str = setting(
        "Cut the largest middle part with the proportions of H rows and W columns out of each "
        "image, and scale it to them; images may then have any size.",
        default="",
        says="images stay as they are, and all have one size",
        metavar="HxW",
        since="0.1.0",
    )
    scale: str = setting(
        "How numbers of arrays and tables become grey values 0 to 255: bytes, which are such; "
        "unit, from 0 to 1; LOW:HIGH, two numbers for black and white; or columns, each value by "
        "its own range in training.",
        default="",
        says="bytes or unit, as type and values say",
        metavar="SCALE",
        since="0.1.0",
    )
    label: str = setting(
        "Column of a table that has the labels: its name, or its number from 1.",
        default="",
        says="one that is named label, class or target, or else the only one of texts",
        metavar="COLUMN",
        since="0.1.0",
    )
    checkpoint_every: int = setting(
        "Epochs between checkpoints; an interrupt leaves one too.",
        default=10,
        allowed=range(ENDLESS),
        changes_bits=False,
        since="0.1.0",
    )

    def __post_init__(self) -> None:
        for name, row in SETTINGS.items():
            row.check(getattr(self, name))
        if self.method in FLOATING and self.backend != "numpy":
            raise UsageError(
                f"method {self.method} multiplies, in numpy alone: leave --backend out"
            )
        for name, row in SETTINGS.items():
            row.check_method(getattr(self, name), self.method)
        self.cycle_list  # noqa: B018  # has as many epochs as the run

    @property
    def wanted(self) -> Wanted:
        """What is asked of the data when they are read."""
        return wanted_of(asdict(self))

    @property
    def spec(self) -> Shape:
        """The network's shape."""
        if self.method in FLOATING:
            from ..methods.floating.spec import FloatSpec

            return FloatSpec.parse(self.net, method=self.method, batch=self.batch)
        from ..nets.network import NetworkSpec

        weights, bits = SAMPLED[self.method], self.master_bits
        return NetworkSpec.parse(self.net, weights=weights, master_bits=bits, batch=self.batch)

    @property
    def cycle_list(self) -> tuple[Cycle, ...]:
        """The cycles of the learning rate, first to last."""
        return read_cycles(self.cycles, self.epochs)

    @property
    def earlier_epochs(self) -> int:
        """The epochs of all cycles but the last."""
        return self.epochs - self.cycle_list[-1].epochs

    @property
    def augmentation(self) -> Augmentation:
        """What happens to an image before it is learned from."""
        from ..layers.augmentation import Augmentation

        return Augmentation(self.flip, self.crop)

    @property
    def heading(self) -> str:
        """What distinguishes its training, in a line."""
        rows = SETTINGS.values()
        shown = [row for row in rows if row.heading and self.method in row.methods]
        numbers = ["in floating point, with multiplications"] if self.method in FLOATING else []
        numbers += [row.heading.format(getattr(self, row.name)) for row in shown]
        return ", ".join([self.method, *numbers])


SETTINGS = settings_of(RunConfig)
OPTIONS = {row.option: row for row in SETTINGS.values() if not row.recorded}
"""The rows that somebody can give, by their names in Python."""


def wanted_of(values: Mapping[str, Any]) -> Wanted:
    """What settings by their names ask of the data.

    Raises:
        UsageError: a text of theirs means nothing.
    """
    from ..datasets.preprocessing import parse_size
    from ..datasets.wanted import Wanted

    return Wanted(values["gray"], parse_size(values["resize"]), values["scale"], values["label"])


def changed(now: Mapping[str, Any], then: Mapping[str, Any]) -> str | None:
    """The first setting that changes bits and is another in two configs, as dictionaries."""
    rows = (row for row in SETTINGS.values() if row.changes_bits)
    return next((row.name for row in rows if now.get(row.name) != then.get(row.name)), None)


def changed_since(now: RunConfig, then: RunConfig, done: int) -> str | None:
    """The first setting that changes bits of a run's first epochs; see ``changed``.

    Args:
        now: its config.
        then: that with which it began; it may have been extended since.
        done: the epochs.
    """
    before = asdict(then)
    if go_on_from(then.cycle_list, now.cycle_list, done):
        before.update(epochs=now.epochs, cycles=now.cycles)
    return changed(asdict(now), before)


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
    values = read_toml(path)
    try:
        return typed_keys(RunConfig, values)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error
