# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A training step as a picture: which call reads and writes which arrays, in the order of time.

The calls are those that training runs, made on a memory whose arrays are their own names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawing import LINE, PAD, Drawing
from fewmult_hls.contract.calls import Call, LoadBatch
from fewmult_hls.layers.base import Layer
from fewmult_hls.layers.memory import Memory
from fewmult_hls.nets.network import NetworkSpec
from fewmult_hls.nets.steps import Moment, layered_step, training_arrays

_LANE, _ROW, _LABEL, _HEAD, _FOOT, _GAP = 42, 52, 190, 150, 96, 12


@dataclass(frozen=True)
class Row:
    """A call.

    Attributes:
        name: its kernel, and its pass if it has one.
        text: whose weights it takes.
        reads: names of arrays in the net's memory.
        writes: names of arrays in the net's memory.
    """

    name: str
    text: str
    reads: frozenset[str]
    writes: frozenset[str]


@dataclass(frozen=True)
class Lane:
    """Arrays that the same calls read and write.

    Attributes:
        names: of the arrays.
        reads: numbers of rows.
        writes: numbers of rows.
    """

    names: tuple[str, ...]
    reads: tuple[int, ...]
    writes: tuple[int, ...]

    @property
    def is_state(self) -> bool:
        """Whether the step finds a value and leaves another for the next one."""
        return bool(self.writes and self.reads) and min(self.reads) <= min(self.writes)


def rows_of(spec: NetworkSpec) -> list[Row]:
    """The calls of a training step, the host's part first."""
    layers = spec.layers
    arrays = training_arrays(spec, perturbed=False)
    names: Mapping[str, Any] = {name: name for name in arrays}
    memory = Memory(names)
    load = LoadBatch(
        images="images",
        answers="answers",
        chosen="chosen",
        x=memory["x_0"],
        labels=memory["labels"],
        loss=memory["loss"],
    )
    step = layered_step(layers, Moment(rate=0), seed=0, memory=memory)
    return [_row(None, load), *(_row(layer, call) for layer, call in step)]


def _row(layer: Layer | None, call: Call) -> Row:
    pass_ = getattr(call, "pass_", None)
    return Row(
        call.kernel + (f", {pass_.name}" if pass_ is not None else ""),
        "the host" if layer is None else f"weights of layer {layer.index}",
        *(frozenset(getattr(call, name) for name in names) for names in call.access),
    )


def lanes_of(rows: Sequence[Row]) -> list[Lane]:
    """The arrays of a step, those of a layer side by side."""
    found: dict[tuple[Any, ...], list[str]] = {}
    for name in sorted({name for row in rows for name in row.reads | row.writes}, key=_by_layer):
        reads = tuple(at for at, row in enumerate(rows) if name in row.reads)
        writes = tuple(at for at, row in enumerate(rows) if name in row.writes)
        found.setdefault((_by_layer(name)[0], reads, writes), []).append(name)
    return [Lane(tuple(names), reads, writes) for (_, reads, writes), names in found.items()]


def _by_layer(name: str) -> tuple[int, int, str]:
    kind, _, number = name.partition("_")
    order = ("weights", "sign", "mask", "bias", "x", "mean", "deltas")
    if not number.isdecimal():
        return (99 if name in ("labels", "logits", "loss") else -1, 0, name)
    return (int(number), order.index(kind), name)


def draw_step() -> Drawing:
    """A step of a net with one hidden layer."""
    spec = NetworkSpec("64-128-10", batch=128)
    rows = rows_of(spec)
    lanes = lanes_of(rows)
    width = _LABEL + 3 * _GAP + len(lanes) * _LANE + 40
    drawing = Drawing(
        "The calls of a training step, and the arrays that each reads and writes",
        width,
        _HEAD + len(rows) * _ROW + _FOOT,
    )
    for at, lane in enumerate(lanes):
        _draw_lane(drawing, _x(at), lane, len(rows))
    for at, row in enumerate(rows):
        _draw_row(drawing, at, row, lanes)
    _legend(drawing, _HEAD + len(rows) * _ROW + 2 * _GAP)
    return drawing


def _x(lane: int) -> int:
    return _LABEL + 3 * _GAP + lane * _LANE + _LANE // 2


def _y(row: int) -> int:
    return _HEAD + row * _ROW + _ROW // 2


def _draw_lane(drawing: Drawing, x: int, lane: Lane, rows: int) -> None:
    role = "state" if lane.is_state else "value"
    top, bottom = _HEAD, _HEAD + rows * _ROW
    drawing.text(x + 4, _HEAD - _GAP, ", ".join(lane.names), role, turn=-50)
    drawing.line(x, top, x, bottom, "faint")
    for start, end in lives(lane):
        first = top if start is None else _y(start)
        drawing.line(x, first, x, bottom if end is None else _y(end), role)


def lives(lane: Lane) -> list[tuple[int | None, int | None]]:
    """Rows from which to which a value is needed; None is the step before, or the next one."""
    starts: list[int | None] = [*lane.writes]
    if lane.is_state or not lane.writes:
        starts.insert(0, None)
    lives: list[tuple[int | None, int | None]] = []
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        reads = [row for row in lane.reads if _between(row, start, end)]
        if end is None and lane.writes and (lane.is_state or not reads):
            lives.append((start, None))
        elif reads:
            lives.append((start, max(reads)))
    return lives


def _between(row: int, start: int | None, end: int | None) -> bool:
    """Whether a row reads what was written in ``start``; in ``end``, it is read before it goes."""
    return (start is None or row > start) and (end is None or row <= end)


def _draw_row(drawing: Drawing, at: int, row: Row, lanes: Sequence[Lane]) -> None:
    y = _y(at)
    touched = [k for k, lane in enumerate(lanes) if at in lane.reads + lane.writes]
    drawing.line(_GAP + _LABEL, y, _x(max(touched)), y, "edge")
    drawing.box(_GAP, y - _ROW / 2 + 4, _LABEL, _ROW - 8)
    drawing.text(_GAP + PAD, y - 3, row.name, "name")
    drawing.text(_GAP + PAD, y - 3 + LINE, row.text)
    for k in touched:
        if at in lanes[k].writes:
            drawing.dot(_x(k), y, "writes", 6)
        if at in lanes[k].reads:
            drawing.dot(_x(k), y, "reads", 3.5 if at in lanes[k].writes else 6)


def _legend(drawing: Drawing, y: int) -> None:
    x = _GAP + PAD
    for reads, writes, text in (
        (True, False, "reads"),
        (False, True, "writes"),
        (True, True, "reads, then writes"),
    ):
        if writes:
            drawing.dot(x, y, "writes", 6)
        if reads:
            drawing.dot(x, y, "reads", 3.5 if writes else 6)
        drawing.text(x + PAD + 4, y + 4, text)
        x += 40 + len(text) * 7
    y += LINE + PAD
    x = _GAP + PAD
    for role, text in (
        ("state", "kept from step to step"),
        (
            "value",
            "of this step alone: until it is last read, or, where no call reads it, to the end",
        ),
    ):
        drawing.line(x - 6, y, x + 8, y, role)
        drawing.text(x + PAD + 6, y + 4, text, role)
        x += 40 + len(text) * 7
    drawing.text(_GAP, y + LINE + PAD, "Time goes down; the next step follows below.")
