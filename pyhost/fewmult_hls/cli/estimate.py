# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls estimate``."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..contract.method_names import SAMPLED
from .arguments import BOARD, JSON, PAPER_NET, PRESET, examples, option, path, setting
from .results import show_rows, show_table

if TYPE_CHECKING:
    from ..hardware.model.area import Area
    from ..hardware.model.estimate import CallCost, Estimate


CAPTION = "A model, not a measurement: neither a vendor's tool nor a board has said any of this."
_LOOPS = 12  # that are shown
_SHAPE = ("inputs", "outputs", "channels", "rows", "columns")  # of a call
_MOST_IMAGES = 1 << 40  # an epoch of them outlasts any board, and its numbers fit a float


@click.command(
    epilog=examples(
        "fewmult-hls estimate",
        "fewmult-hls estimate --net 64-256-10 --samples 1438 --validation 180",
        "fewmult-hls estimate --build plan",
    )
)
@BOARD
@PRESET
@PAPER_NET
@setting(
    "method", allowed=tuple(SAMPLED), help="Ternary or binary samples; they take the same time."
)
@setting("master_bits", help="Bits of the stored weight.")
@setting("batch", says="")
@setting("perturb", help="Learn from every batch once more, as `train` does.")
@option(
    "samples",
    "Images of an epoch.",
    default=50_000,
    says="MNIST's, 50000",
    allowed=range(1, _MOST_IMAGES + 1),
)
@option(
    "validation",
    "Images that validate an epoch.",
    default=10_000,
    says="MNIST's, 10000",
    allowed=range(_MOST_IMAGES + 1),
)
@path("build", "DIR", "A plan of `build`: what its build.json reports stands next to the model.")
@option(
    "tile",
    "Another size of the arrays, as kLog2Inputs=5 in kernels/fabric_product.hpp; many times.",
    metavar="NAME=N",
    multiple=True,
)
@option("mhz", "Another clock of the fabric than the board's file has.", allowed=range(1, 501))
@JSON
def estimate(
    board: str,
    net: str,
    method: str,
    master_bits: int,
    batch: int,
    perturb: int,
    samples: int,
    validation: int,
    build: Path | None,
    tile: tuple[str, ...],
    mhz: int | None,
    as_json: bool,
) -> None:
    """Estimate time, memory traffic and area of training a net on a board.

    For each kernel the cycles of a training step, what it moves through DDR, and what it takes of
    the fabric. The numbers follow from the kernels' sources and the board's file alone; with
    --build, the tools' own stand next to them. docs/hardware/estimate.md shows the arithmetic.
    """
    from ..hardware.board.board import load_board
    from ..hardware.build.build_json import load_build
    from ..hardware.model.estimate import estimate as modelled
    from ..hardware.source.constants import changed
    from ..nets.network import NetworkSpec

    weights = SAMPLED[method]
    spec = NetworkSpec.parse(net, weights=weights, master_bits=master_bits, batch=batch)
    target = load_board(board)
    if mhz is not None:
        target = replace(target, clock=replace(target.clock, fabric_mhz=mhz))
    reported = load_build(build, target.name) if build is not None else {}
    with changed(_sizes(tile)):
        found = modelled(spec, target, samples, validation, perturb > 0)
        if as_json:
            click.echo(json.dumps(_report(found, perturb, reported)))
            return
        click.echo(CAPTION)
        click.echo(
            f"{spec.name}, batch {batch}, {method}, {master_bits}-bit masters, perturb {perturb}; "
            f"{target.title}, {target.clock.fabric_mhz} MHz"
        )
        click.echo(f"sizes other than in the sources: {', '.join(tile)}\n" if tile else "")
        _show_step(found)
        _show_layers(found)
        _show_loops(found)
        _show_times(found, samples, validation)
        _show_area(found, reported)


def _sizes(texts: tuple[str, ...]) -> dict[str, int]:
    from ..system.errors import UsageError

    found: dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if not re.fullmatch("[0-9]{1,4}", number) or not 0 < int(number) <= 4096:
            raise UsageError(f"--tile {text}: give a constant of the kernels and 1 to 4096, NAME=N")
        found[name] = int(number)
    return found


def _show_step(found: Estimate) -> None:
    """A row for each kernel's part of a step."""
    rows: dict[tuple[str, str], list[CallCost]] = {}
    for part, cost in found.step:
        rows.setdefault((cost.call.kernel, part), []).append(cost)
    parts = {f"{kernel}, {part}": costs for (kernel, part), costs in rows.items()}
    parts["all"] = [cost for _, cost in found.step]
    table = [["a step", "calls", "cycles", "share", "in work", "MB read", "MB written"]]
    for name, costs in parts.items():
        cycles = sum(cost.cycles for cost in costs)
        table.append(
            [
                name,
                str(len(costs)),
                f"{cycles:,.0f}",
                _percent(cycles, found.busy_cycles),
                _percent(sum(cost.work for cost in costs), cycles),
                f"{sum(cost.read for cost in costs) / 1e6:.2f}",
                f"{sum(cost.written for cost in costs) / 1e6:.2f}",
            ]
        )
    show_table(table)
    click.echo()


def _show_layers(found: Estimate) -> None:
    """A row for each layer: the cycles of each part of a step."""
    parts = dict.fromkeys(part for part, _ in found.step)
    rows: dict[int, list[tuple[str, CallCost]]] = {}
    for layer, call in zip(found.layers, found.step, strict=True):
        rows.setdefault(layer, []).append(call)
    words = found.spec.name.split("-")[1:]
    table = [["cycles by layer", *parts, "share", "MB moved"]]
    for layer, calls in sorted(rows.items()):
        cycles = {part: sum(cost.cycles for p, cost in calls if p == part) for part in parts}
        table.append(
            [
                words[layer],
                *(f"{number:,.0f}" if number else "" for number in cycles.values()),
                _percent(sum(cycles.values()), found.busy_cycles),
                f"{sum(cost.read + cost.written for _, cost in calls) / 1e6:.2f}",
            ]
        )
    show_table(table)
    click.echo()


def _show_loops(found: Estimate) -> None:
    table = [["most cycles of a step", "in kernel", "cycles", "share", "in work"]]
    for kernel, name, cycles, work in found.ranking()[:_LOOPS]:
        share = _percent(cycles, found.busy_cycles)
        table.append([name, kernel, f"{cycles:,.0f}", share, _percent(work, cycles)])
    show_table(table)
    click.echo()


def _show_times(found: Estimate, samples: int, validation: int) -> None:
    rate = found.moved / found.step_seconds
    is_memory = found.step_cycles == found.memory_cycles
    rows = [
        ("step", f"{_ms(found, found.step_cycles)}; both kernels together {_both(found)}"),
        ("epoch", f"{found.epoch_seconds:.2f} s: {found.steps} steps of {samples:,} images"),
    ]
    if found.evaluation:
        rows.append(
            ("validation", f"{found.evaluation_seconds:.2f} s an epoch, {validation:,} images")
        )
    rows += [
        ("first samples", f"{found.sampling_seconds:.2f} s, once"),
        ("DDR", f"{rate / 1e6:,.0f} MB/s of {found.board.ddr.bytes_per_second / 1e6:,.0f}"),
        (
            "bound by",
            f"{'memory' if is_memory else 'the kernels'}; memory alone would take "
            f"{_ms(found, found.memory_cycles)} a step",
        ),
    ]
    show_rows(rows)
    click.echo()


def _both(found: Estimate) -> str:
    busy, work = _ms(found, found.busy_cycles), _ms(found, found.work_cycles)
    return f"{busy}, of which {work} in work"


def _ms(found: Estimate, cycles: float) -> str:
    return f"{1e3 * found.seconds(cycles):.2f} ms"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def _show_area(found: Estimate, reported: dict[str, Any]) -> None:
    """Each kernel's, the sum, and the lines that nothing may cross."""
    from ..hardware.model.area import overlay_areas, total

    board = found.board
    areas = overlay_areas(board, found.overlay)
    all_of_it = total(areas.values())
    table = [["area", "LUT", "FF", "BRAM", "DSP"]]
    for name, area in {**areas, "all": all_of_it}.items():
        table.append([name, *_cells(area)])
        if name in reported:
            table.append(_reported_row(reported[name]["from"], reported[name]))
        if name == "all" and "routed" in reported:
            table.append(_reported_row("routed", reported["routed"]))
    there, limits = board.resources, board.limits
    table.append(
        ["there are", f"{there.lut:,}", f"{there.ff:,}", str(there.bram36), str(there.dsp)]
    )
    pairs = zip(all_of_it, (there.lut, there.ff, 2 * there.bram36), strict=False)
    table.append(["share", *(f"{100 * part / whole:.0f} %" for part, whole in pairs), "0 %"])
    table.append(
        ["may be used", f"{limits.lut_percent} %", "", f"{limits.bram_percent} %", str(limits.dsp)]
    )
    show_table(table)


def _cells(area: Area) -> list[str]:
    return [f"{area.lut:,.0f}", f"{area.ff:,.0f}", f"{area.bram18 / 2:g}", f"{area.dsp:g}"]


def _reported_row(what: str, found: dict[str, Any]) -> list[str]:
    from ..hardware.model.area import Area

    return [f"  reported: {what}", *_cells(Area(*(found[name] for name in Area._fields)))]


def _report(found: Estimate, perturb: int, reported: dict[str, Any]) -> dict[str, Any]:
    from ..hardware.model.area import INTERCONNECT, overlay_areas, parts_of, total

    areas = overlay_areas(found.board, found.overlay)
    all_of_it = total(areas.values())
    spec = found.spec
    return {
        "model": CAPTION,
        "board": found.board.name,
        "overlay": found.overlay,
        "net": spec.name,
        "weights": spec.weights,
        "master_bits": spec.master_bits,
        "batch": spec.batch,
        "perturb": perturb,
        "steps": found.steps,
        "step": {
            "cycles": round(found.step_cycles),
            "busy_cycles": round(found.busy_cycles),
            "work_cycles": round(found.work_cycles),
            "memory_cycles": round(found.memory_cycles),
            "seconds": found.step_seconds,
            "calls": [
                _call(part, layer, cost)
                for (part, cost), layer in zip(found.step, found.layers, strict=True)
            ],
            "loops": [
                {"kernel": kernel, "name": name, "cycles": round(cycles), "work": round(work)}
                for kernel, name, cycles, work in found.ranking()
            ],
        },
        "epoch_seconds": found.epoch_seconds,
        "validation_seconds": found.evaluation_seconds,
        "sampling_seconds": found.sampling_seconds,
        "area": {name: _area(area) for name, area in {**areas, "all": all_of_it}.items()},
        "parts": {
            kernel: [{"name": name, **_area(area)} for name, area in parts_of(kernel)]
            for kernel in areas
            if kernel != INTERCONNECT
        },
        "reported": reported,
    }


def _call(part: str, layer: int, cost: CallCost) -> dict[str, Any]:
    numbers = cost.call.numbers()
    return {
        "kernel": cost.call.kernel,
        "part": part,
        "layer": layer,
        **{name: numbers[name] for name in _SHAPE if name in numbers},
        "cycles": round(cost.cycles),
        "work": round(cost.work),
        "read": cost.read,
        "written": cost.written,
    }


def _area(area: Area) -> dict[str, float]:
    return {name: round(number) for name, number in area._asdict().items()}
