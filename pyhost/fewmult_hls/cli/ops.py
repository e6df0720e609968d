# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls ops``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ..contract.method_names import METHODS
from .arguments import JSON, PAPER_NET, flag, option, setting
from .results import show_table

if TYPE_CHECKING:
    from ..counting.formulas import Operations, Tally
    from ..nets.network import NetworkSpec

_PAPER_KINDS = ("multiplications", "additions", "shifts")
_KINDS = (*_PAPER_KINDS, "selections", "logic")
_HEADINGS = {"multiplications": "mult.", "selections": "selects"}


@click.command()
@PAPER_NET
@setting(
    "batch",
    default=200,
    allowed=range(1, (1 << 20) + 1),
    says="the paper's, 200",
    help="Samples of the paper's step; ours takes the next of 16, 32, .. 256.",
)
@setting(
    "method",
    help="Of the paper: full precision, BinaryConnect, or sampled weights with quantized back "
    "propagation.",
)
@click.option(
    "--batch-norm/--no-batch-norm",
    default=True,
    help="Whether the paper's layers are normalized.  [default: they are]",
)
@flag("whiten", "Count also what `train --whiten` multiplies on the host, before a run.")
@option(
    "images",
    "Training images that are whitened.",
    default=45_000,
    allowed=range(1, 1 << 32),
)
@JSON
def ops(
    net: str,
    batch: int,
    method: str,
    batch_norm: bool,
    whiten: bool,
    images: int,
    as_json: bool,
) -> None:
    """Count the operations of a training step, the paper's and ours.

    For each stage of a step: its multiplications, additions and shifts, and in ours also the
    comparisons and choices (selects) and the logic. Then the multiplications of all of the
    paper's methods. Products count an addition for every sampled weight, also for one that is
    0. docs/operations.md derives the numbers.
    """
    from ..counting.formulas import our_batch, our_step, paper_step
    from ..nets.network import NetworkSpec
    from ..runs.config import SHORT_RUN, default_rate

    weights = "binary" if method.startswith("binary") else "ternary"
    spec = NetworkSpec.parse(net, weights=weights, batch=our_batch(batch))
    rate = default_rate(spec.recipe, spec.batch, SHORT_RUN + 1)  # that a long run starts with
    paper, ours = paper_step(spec.plan, batch, method, batch_norm), our_step(spec, rate)
    whitening = _whitening(spec, images) if whiten else {}
    if as_json:
        choice = {"net": spec.name, "method": method, "batch_norm": batch_norm}
        report = _report(spec, batch, rate, paper, ours)
        report |= {"whitening": {"images": images, **whitening}} if whiten else {}
        click.echo(json.dumps({**choice, **report}))
        return
    normalized = "with" if batch_norm else "without"
    click.echo(f"{spec.name}, a training step by stage\n")
    click.echo(f"the paper, {method} {normalized} batch norm, batch {batch}")
    show_table(_table(paper, _PAPER_KINDS))
    click.echo()
    reason = "" if spec.batch == batch else " (its means are shifts: 16, 32, .. 256)"
    click.echo(f"fewmult-hls, {weights} weights, batch {spec.batch}{reason}")
    show_table(_table(ours, _KINDS))
    click.echo()
    _show_methods(spec, batch)
    if whiten:
        click.echo(f"whitening, on the host: {images:,} training images, once before a run")
        show_table([["", "multiplications", ""], *([k, *_both(n)] for k, n in whitening.items())])
        click.echo()


def _whitening(spec: NetworkSpec, images: int) -> dict[str, int]:
    """Multiplications of the transform and of as many images, and of one that is answered for."""
    from ..datasets.whitening import check_features, multiplications

    spec.plan.pixels.check_signed("--whiten makes values around 0")
    check_features(spec.features)
    parts = multiplications(spec.features, images, 0)
    one = multiplications(spec.features, 0, 1)
    later = one["contrast"] + one["whitening"]
    return {**parts, "all": sum(parts.values()), "an image in an answer": later}


def _table(operations: Operations, kinds: tuple[str, ...]) -> list[list[str]]:
    """A row for each stage that does anything, and one for all."""
    from ..counting.formulas import NOTHING, total

    rows = {stage.value: tally for stage, tally in operations.items() if tally != NOTHING}
    rows["all"] = total(operations.values())
    return [
        ["", *(_HEADINGS.get(kind, kind) for kind in kinds)],
        *([name, *_cells(tally, kinds)] for name, tally in rows.items()),
    ]


def _cells(tally: Tally, kinds: tuple[str, ...]) -> list[str]:
    return [f"{getattr(tally, kind):,}" for kind in kinds]


def _show_methods(spec: NetworkSpec, batch: int) -> None:
    table = [["multiplications", "batch", "no batch norm", "", "batch norm", ""]]
    for method, (plain, normalized) in _multiplications(spec, batch).items():
        table.append([method, str(batch), *_both(plain), *_both(normalized)])
    table.append(["fewmult-hls", str(spec.batch), *_both(0), *_both(0)])
    show_table(table)
    click.echo()


def _both(count: int) -> tuple[str, str]:
    """The count in full, and as the paper writes it."""
    digits, exponent = f"{count:.4e}".split("e")
    return f"{count:,}", f"{digits}e{int(exponent)}" if count else ""


def _multiplications(spec: NetworkSpec, batch: int) -> dict[str, tuple[int, int]]:
    """Of each of the paper's methods, without and with batch norm."""
    from ..counting.formulas import paper_step, total

    def count(method: str, batch_norm: bool) -> int:
        return total(paper_step(spec.plan, batch, method, batch_norm).values()).multiplications

    return {method: (count(method, False), count(method, True)) for method in METHODS}


def _report(
    spec: NetworkSpec, batch: int, rate: int, paper: Operations, ours: Operations
) -> dict[str, Any]:
    methods = {
        name: {"no_batch_norm": plain, "batch_norm": normalized}
        for name, (plain, normalized) in _multiplications(spec, batch).items()
    }
    return {
        "paper": {"batch": batch, **_stages(paper, _PAPER_KINDS)},
        "ours": {
            "batch": spec.batch,
            "weights": spec.weights,
            "master_bits": spec.master_bits,
            "rate_exponent": rate,
            **_stages(ours, _KINDS),
        },
        "multiplications": methods,
    }


def _stages(operations: Operations, kinds: tuple[str, ...]) -> dict[str, Any]:
    from ..counting.formulas import total

    def counts(tally: Tally) -> dict[str, int]:
        return {kind: getattr(tally, kind) for kind in kinds}

    stages = {stage.value: counts(tally) for stage, tally in operations.items()}
    return {"stages": stages, "all": counts(total(operations.values()))}
