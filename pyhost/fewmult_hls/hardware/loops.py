# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How often the kernels' loops run: one table, from the sizes of a call and of the tile.

A row says how often a pipelined loop is entered and how often its body runs in one call of a
kernel. What it does not say is read from the sources: the interval, the unrolling, the tile's
sizes. Tests count every loop of the compiled kernels and hold the table against it, equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..contract.calls import Call, Layer, Normalize, Pass, Product
from ..contract.layouts import WORD_BITS, word_columns
from .reports import targets
from .sources import constants, source_root

# Cycles from the first iteration of a loop into its pipeline to its result, less one: what a loop
# takes beyond its iterations. Only a report of the tools knows them; these are assumed.
SHALLOW = 4  # an address, two cycles of a block RAM, a few gates
TREE = 8  # with a tree of additions behind it
GENERATOR = 12  # 13 rounds, two a cycle, and what is done with their bits


class Sizes:
    """What the counts of a call's loops are made of.

    Args:
        call: the call.
        tile: constants of the sources by name.
    """

    def __init__(self, call: Call, tile: Mapping[str, int]) -> None:
        self.call, self.tile = call, tile
        numbers = call.numbers()
        self.inputs, self.outputs = numbers.get("inputs", 0), numbers.get("outputs", 0)
        self.batch = 1 << numbers.get("log2_batch", 0)
        self.master_bytes = numbers.get("master_bits", 0) >> 3
        self.words = word_columns(self.inputs)
        self.packed = self.words * self.outputs  # words of the layer's weights

    # Of a product.

    @cached_property
    def sends_back(self) -> bool:
        """Whether it is transposed: its units are inputs."""
        assert isinstance(self.call, Product)
        return self.call.sends_back

    @cached_property
    def units(self) -> int:
        """Whose sums are computed."""
        assert isinstance(self.call, Product | Normalize)
        return self.call.units

    @cached_property
    def terms(self) -> int:
        """Of each sum."""
        assert isinstance(self.call, Product)
        return self.call.terms

    @cached_property
    def tiles(self) -> list[int]:
        """Rows of each tile of units."""
        return _parts(self.units, self.tile["kRows"])

    @cached_property
    def planes(self) -> int:
        """Of the weights; a transposed product has one."""
        assert isinstance(self.call, Product)
        return 1 if self.sends_back else self.call.planes

    @cached_property
    def columns(self) -> list[int]:
        """Terms in each word column of a product."""
        return _parts(self.terms, WORD_BITS)

    @cached_property
    def blocks(self) -> int:
        """Steps of one plane of a tile."""
        return -(-len(self.columns) // self.tile["kPanelWords"])

    @cached_property
    def sweeps(self) -> int:
        """How often the terms are swept: for every tile and plane."""
        return len(self.tiles) * self.planes

    @cached_property
    def beats(self) -> int:
        """Groups of samples that the array takes at once."""
        return -(-self.batch // self.tile["kLanes"])

    @cached_property
    def passes(self) -> int:
        """Of the array over a block."""
        return self.beats * (WORD_BITS // self.tile["kInputs"])

    @cached_property
    def short_columns(self) -> int:
        """Word columns whose panel is cleared before it is loaded."""
        if self.batch < self.tile["kLanes"]:
            return len(self.columns)
        return sum(column < WORD_BITS for column in self.columns)

    @cached_property
    def array_rows(self) -> int:
        """Cycles of a pass of the array, over all tiles."""
        return sum(_power_of_two(rows, self.tile["kInputs"]) for rows in self.tiles)

    @cached_property
    def turned(self) -> int:
        """Blocks of 64 rows in a word column of a transposed product, of all tiles."""
        return sum(-(-rows // WORD_BITS) for rows in self.tiles)

    @property
    def layer(self) -> Layer:
        """The call, of a fused kernel."""
        assert isinstance(self.call, Layer)
        return self.call

    # Of a gradient.

    @cached_property
    def gradient_tiles(self) -> list[int]:
        """Rows of each tile of outputs."""
        return _parts(self.outputs, self.tile["kGradientRows"])

    @cached_property
    def gradient_columns(self) -> int:
        """Word columns that are swept, over all tiles."""
        return len(self.gradient_tiles) * self.words

    @cached_property
    def short_codes(self) -> int:
        """Of these, those whose codes are cleared before they are drawn."""
        if self.batch < self.tile["kGradientLanes"]:
            return self.gradient_columns
        return len(self.gradient_tiles) * (self.inputs % WORD_BITS > 0)

    @cached_property
    def gradient_cycles(self) -> int:
        """Of the array, for one word column, over all tiles."""
        lanes, inputs = self.tile["kGradientLanes"], self.tile["kGradientInputs"]
        passes = -(-self.batch // lanes) * (WORD_BITS // inputs)
        return passes * sum(_power_of_two(rows, inputs) for rows in self.gradient_tiles)

    @cached_property
    def sweep(self) -> int:
        """Turns of the loop that is a DATAFLOW region, each time it is entered."""
        return self.words if self.call.kernel == "shift_gradient" else self.blocks


def _parts(count: int, most: int) -> list[int]:
    """How many are in each part, of which only the last may be smaller."""
    return [min(most, count - first) for first in range(0, count, most)]


def _power_of_two(rows: int, least: int) -> int:
    """The next one, so that a flat loop tells row and pass apart by shifts."""
    return max(least, 1 << (rows - 1).bit_length())


Count = Callable[[Sizes], int]
When = Callable[[Call], bool]


def constant(number: int) -> Count:
    """The same in every call."""
    return lambda sizes: number


BYTE, INT, WORD = constant(1), constant(4), constant(8)


def _four(sizes: Sizes) -> int:
    """Bytes of four master weights."""
    return 4 * sizes.master_bytes


@dataclass(frozen=True)
class Loop:
    """A pipelined loop.

    Attributes:
        file: of the sources.
        function: that it stands in.
        number: of the function's pipelined loops, from 0; of all functions of that name.
        when: whether a call reaches it.
        entries: how often a call enters it.
        trips: how often a call runs its body, over all entries, before unrolling.
        depth: of its pipeline.
        reads: bytes that a run of the body takes from each array in memory.
        writes: bytes that it leaves there.
        process: if set, that it is in a DATAFLOW region: what has another name runs meanwhile.
    """

    file: str
    function: str
    number: int
    when: When
    entries: Count
    trips: Count
    depth: int = SHALLOW
    reads: Mapping[str, Count] = field(default_factory=dict)
    writes: Mapping[str, Count] = field(default_factory=dict)
    process: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """Where it is."""
        return self.file, self.function, self.number

    @property
    def name(self) -> str:
        """For people."""
        where = f"{self.file.rpartition('.')[0]}: {self.function}"
        return f"{where}, loop {self.number + 1}" if self.number else where


@dataclass(frozen=True)
class Access:
    """An access to memory outside pipelined loops: alone, and waited for.

    Attributes:
        file: of the sources.
        text: of the expression.
        number: of its occurrences in the file, from 0.
        when: whether a call reaches it.
        count: how often a call does.
        array: that is accessed.
        bytes: that move.
        writes: whether to memory.
    """

    file: str
    text: str
    number: int
    when: When
    count: Count
    array: str
    bytes: int
    writes: bool = False


def _product(call: Call) -> bool:
    return call.kernel in ("layer", "binary_matmul")


def _kernel(*names: str) -> When:
    return lambda call: call.kernel in names


def _tile(*passes: Pass) -> When:
    """What stands behind a product on chip, in some passes."""
    return lambda call: isinstance(call, Layer) and call.pass_ in passes


def _alone(*passes: Pass) -> When:
    """What stands behind a product, in the kernel that has nothing else."""
    return lambda call: isinstance(call, Normalize) and call.pass_ in passes


_ACTIVATES = (Pass.HIDDEN, Pass.HIDDEN_MEAN)
_LOGITS = (Pass.LOGITS, Pass.OUTPUT)
_STEPS = (Pass.OUTPUT, Pass.BACKWARD)  # that change biases
_BIASED = tuple(pass_ for pass_ in Pass if pass_ != Pass.PERTURB)
_gradient = _kernel("shift_gradient")
_samples = _kernel("sample_weights")


def _numbers_read(call: Layer) -> int:
    """How many numbers of a unit a pass reads: its bias, its mean."""
    return len({"bias", "mean"} & {*call.access.reads})


def _numbers_written(call: Layer) -> int:
    """How many numbers of a unit a pass writes."""
    return len({"bias", "mean"} & {*call.access.writes})


def _units(sizes: Sizes) -> int:
    return sizes.units


def _elements(sizes: Sizes) -> int:
    return sizes.units * sizes.batch


def _tiles(sizes: Sizes) -> int:
    return len(sizes.tiles)


def _port_words(sizes: Sizes) -> int:
    return sizes.units * sizes.batch // sizes.tile["kPortBytes"]


def _finish(
    function: str, passes: tuple[Pass, ...], trips: Count = _port_words, **more: Any
) -> Loop:
    """A loop over all sums of a tile."""
    return Loop("fabric_finish.hpp", function, 0, _tile(*passes), _tiles, trips, **more)


def _unit(file: str, function: str, number: int, passes: tuple[Pass, ...], **more: Any) -> Loop:
    """A loop over the batch, once for each unit."""
    return Loop(file, function, number, _alone(*passes), _units, _elements, **more)


def _numbers(
    name: str, copies: Callable[[Layer], int], reads: bool, arrays: dict[str, Count]
) -> Loop:
    """A loop over a tile's units, for one or two arrays of numbers."""
    return Loop(
        "fabric_finish.hpp",
        name,
        0,
        lambda call: isinstance(call, Layer) and copies(call) > 0,
        entries=lambda s: copies(s.layer) * len(s.tiles),
        trips=lambda s: copies(s.layer) * s.units,
        reads=arrays if reads else {},
        writes={} if reads else arrays,
    )


def _weights(verb: str, **moved: Any) -> Loop:
    """A loop that brings the masters of a gradient, or takes them back."""
    return Loop(
        "fabric_gradient.hpp",
        f"{verb}_weights",
        0,
        _gradient,
        entries=lambda s: s.gradient_columns,
        trips=lambda s: s.packed * s.tile["kQuads"],
        process=verb,
        **moved,
    )


# In the order in which the kernels run them.
LOOPS = (
    Loop(
        "packed_words.hpp",
        "find_columns",
        0,
        lambda call: _product(call) or _gradient(call),
        entries=lambda s: 1 if _gradient(s.call) else len(s.tiles),
        trips=lambda s: s.words * (1 if _gradient(s.call) else len(s.tiles)),
    ),
    Loop(
        "fabric_product.hpp",
        "clear",
        0,
        _product,
        entries=lambda s: len(s.tiles),
        trips=lambda s: s.units * s.beats,
    ),
    Loop(
        "fabric_product.hpp",
        "twice",
        0,
        _product,
        entries=lambda s: len(s.tiles) * (s.planes - 1),
        trips=lambda s: s.units * (s.planes - 1) * s.beats,
    ),
    Loop(
        "fabric_product.hpp",
        "clear_panel",
        0,
        _product,
        entries=lambda s: s.sweeps * s.short_columns,
        trips=lambda s: s.sweeps * s.short_columns * WORD_BITS * s.beats * s.tile["kLanes"] // 8,
        process="load",
    ),
    Loop(
        "fabric_product.hpp",
        "load",
        0,
        _product,
        entries=lambda s: s.sweeps * len(s.columns),
        trips=lambda s: s.sweeps * s.terms * s.batch // s.tile["kPortBytes"],
        reads={"source": WORD},
        process="load",
    ),
    *(
        Loop(
            "packed_words.hpp",
            "load_rows",
            number,
            _product,
            entries=lambda s: (s.turned if s.sends_back else s.sweeps) * len(s.columns),
            trips=lambda s: (
                s.turned * s.terms if s.sends_back else s.planes * len(s.columns) * s.units
            ),
            reads={array: WORD},
            process="load",
        )
        for number, array in enumerate(("sign", "mask"))
    ),
    Loop(
        "fabric_product.hpp",
        "accumulate",
        0,
        _product,
        entries=lambda s: s.sweeps * s.blocks,
        trips=lambda s: s.sweeps * s.blocks * s.tile["kInputs"],
        process="accumulate",
    ),
    Loop(
        "fabric_product.hpp",
        "accumulate",
        1,
        _product,
        entries=lambda s: s.sweeps * s.blocks,
        trips=lambda s: s.planes * s.blocks * s.passes * s.array_rows,
        depth=TREE,
        process="accumulate",
    ),
    Loop(
        "binary_matmul_top.cpp",
        "write_sums",
        0,
        _kernel("binary_matmul"),
        _units,
        _elements,
        writes={"z": INT},
    ),
    Loop(
        "normalize_top.cpp",
        "normalize_top",
        0,
        _kernel("normalize"),
        _units,
        _elements,
        reads={"z": INT},
    ),
    # Of `layer`, tile by tile.
    _numbers(
        "load_numbers",
        _numbers_read,
        True,
        {"bias": INT},
    ),
    _finish("find_means", (Pass.HIDDEN,), depth=TREE),
    _finish("open_gates", (Pass.BACKWARD,), depth=TREE, reads={"gate": WORD}),
    _finish(
        "write_hidden",
        (*_ACTIVATES, Pass.BACKWARD),
        depth=GENERATOR,
        writes={"result": WORD},
    ),
    _finish("write_logits", _LOGITS, _elements, depth=TREE, writes={"logits": INT}),
    Loop(
        "fabric_finish.hpp",
        "write_hinge",
        0,
        _tile(Pass.OUTPUT),
        _tiles,
        lambda s: len(s.tiles) * s.batch,
        reads={"labels": BYTE},
    ),
    Loop(
        "fabric_finish.hpp",
        "write_hinge",
        1,
        _tile(Pass.OUTPUT),
        _tiles,
        _elements,
        depth=TREE,
        writes={"result": BYTE},
    ),
    _finish("write_moved", (Pass.PERTURB,), reads={"gate": WORD}, writes={"result": WORD}),
    Loop("fabric_finish.hpp", "step_biases", 0, _tile(*_STEPS), _tiles, _units),
    _numbers(
        "store_numbers",
        _numbers_written,
        False,
        {"bias": INT},
    ),
    # Of `normalize`, unit by unit.
    _unit("normalize.hpp", "batch_mean", 0, (Pass.HIDDEN,), depth=TREE),
    _unit("normalize.hpp", "normalize_forward", 0, _ACTIVATES, writes={"result": BYTE}),
    _unit("normalize.hpp", "normalize_output", 0, _LOGITS, writes={"logits": INT}),
    _unit(
        "hinge.hpp",
        "hinge",
        0,
        (Pass.OUTPUT,),
        reads={"logits": INT, "labels": BYTE},
        writes={"result": BYTE},
    ),
    _unit(
        "normalize.hpp", "normalize_backward", 0, (Pass.BACKWARD,), depth=TREE, reads={"gate": BYTE}
    ),
    _unit("normalize.hpp", "normalize_backward", 1, (Pass.BACKWARD,), writes={"result": BYTE}),
    _unit(
        "perturb.hpp", "perturb", 0, (Pass.PERTURB,), reads={"gate": BYTE}, writes={"result": BYTE}
    ),
    Loop(
        "threefry.hpp",
        "draw_bytes",
        0,
        _alone(Pass.BACKWARD),
        _units,
        trips=lambda s: s.units * s.batch // 8,
        depth=GENERATOR,
    ),
    Loop(
        "fabric_gradient.hpp",
        "load_deltas",
        0,
        _gradient,
        entries=lambda s: len(s.gradient_tiles),
        trips=lambda s: s.outputs * s.batch // s.tile["kPortBytes"],
        reads={"deltas": WORD},
    ),
    Loop(
        "fabric_gradient.hpp",
        "clear_codes",
        0,
        _gradient,
        entries=lambda s: s.short_codes,
        trips=lambda s: s.short_codes * WORD_BITS * max(s.batch, s.tile["kGradientLanes"]) // 8,
        process="encode",
    ),
    Loop(
        "fabric_gradient.hpp",
        "encode",
        0,
        _gradient,
        entries=lambda s: s.gradient_columns,
        trips=lambda s: len(s.gradient_tiles) * s.inputs * s.batch // s.tile["kPortBytes"],
        depth=GENERATOR,
        reads={"x": WORD},
        process="encode",
    ),
    Loop(
        "fabric_gradient.hpp",
        "shift_accumulate",
        0,
        _gradient,
        entries=lambda s: s.gradient_columns,
        trips=lambda s: s.gradient_columns * s.tile["kGradientInputs"],
        process="gradient",
    ),
    Loop(
        "fabric_gradient.hpp",
        "shift_accumulate",
        1,
        _gradient,
        entries=lambda s: s.gradient_columns,
        trips=lambda s: s.words * s.gradient_cycles,
        depth=TREE,
        process="gradient",
    ),
    Loop(
        "fabric_gradient.hpp",
        "update",
        0,
        _gradient,
        entries=lambda s: s.gradient_columns,
        trips=lambda s: s.packed * s.tile["kQuads"],
        depth=GENERATOR,
        process="update",
    ),
    _weights("load", reads={"weights": _four}),
    _weights("store", writes={"updated": _four}),
    *(
        Loop(
            "packed_words.hpp",
            "store_rows",
            number,
            _gradient,
            entries=lambda s: s.gradient_columns,
            trips=lambda s: s.packed,
            writes={array: WORD},
            process="samples",
        )
        for number, array in enumerate(("sign", "mask"))
    ),
    Loop(
        "sample_weights.hpp",
        "draw_word",
        0,
        _samples,
        entries=lambda s: s.packed,
        trips=lambda s: s.packed * s.tile["kQuads"],
        depth=GENERATOR,
        reads={"weights": _four},
    ),
)

ACCESSES = (
    Access("finish_unit.hpp", "call.bias[unit]", 0, _alone(*_BIASED), _units, "bias", 4),
    Access("finish_unit.hpp", "call.mean[unit]", 0, _alone(Pass.HIDDEN), _units, "mean", 4, True),
    Access("finish_unit.hpp", "call.mean[unit]", 1, _alone(*_ACTIVATES), _units, "mean", 4),
    Access("finish_unit.hpp", "call.bias[unit]", 1, _alone(Pass.BACKWARD), _units, "bias", 4, True),
    Access("finish_unit.hpp", "*call.loss", 0, _alone(Pass.OUTPUT), _units, "loss", 4),
    Access("finish_unit.hpp", "*call.loss", 0, _alone(Pass.OUTPUT), _units, "loss", 4, True),
    Access("finish_unit.hpp", "call.bias[unit]", 2, _alone(Pass.OUTPUT), _units, "bias", 4, True),
    Access("fabric_finish.hpp", "*call.loss", 0, _tile(Pass.OUTPUT), _tiles, "loss", 4),
    Access("fabric_finish.hpp", "*call.loss", 0, _tile(Pass.OUTPUT), _tiles, "loss", 4, True),
    *(
        Access("sample_weights.hpp", text, 0, _samples, lambda s: s.packed, array, 8, writes=True)
        for text, array in (("*sign++", "sign"), ("*mask++", "mask"))
    ),
)


class Pragmas(NamedTuple):
    """What the sources say of a pipelined loop.

    Attributes:
        line: of its ``for``, from 1.
        interval: cycles from one iteration to the next.
        unroll: iterations that are one.
    """

    line: int
    interval: int
    unroll: int


# The head of a function, as clang-format leaves it: a type, a name and a bracket, indented by two
# at most; what is declared only, returned or assigned has other marks.
_HEAD = re.compile(r"^ {0,2}(?!return|else)[\w:<>&*\" ]*[\w>&*\"] [&*]?(\w+)\((?!.*;$)")
_UNROLL = re.compile(r"#pragma HLS UNROLL factor = (\d+)")


@cache
def pipelined_loops(folder: Path) -> dict[tuple[str, str, int], Pragmas]:
    """Every pipelined loop of the sources in a folder, by file, function and number."""
    found: dict[tuple[str, str, int], Pragmas] = {}
    for target in targets(folder):
        if target.interval is None:
            continue
        file, line = target.place.split(":")
        lines = (folder / file).read_text(encoding="utf-8").splitlines()
        function = _function_of(lines, int(line))
        number = sum(key[:2] == (file, function) for key in found)
        pragmas = Pragmas(int(line), target.interval, _unroll_of(lines, int(line)))
        found[file, function, number] = pragmas
    return found


def _function_of(lines: list[str], line: int) -> str:
    """The name of the function around a line."""
    for text in reversed(lines[:line]):
        head = _HEAD.match(text)
        if head:
            return head[1]
    raise ValueError(f"line {line} is in no function")


def _unroll_of(lines: list[str], line: int) -> int:
    """Of the loop whose ``for`` is in a line: its pragmas follow."""
    body = next(k for k in range(line, len(lines)) if lines[k].startswith("#pragma"))
    for text in lines[body:]:
        if not text.strip().startswith(("#pragma", "//")):
            break
        unroll = _UNROLL.search(text)
        if unroll:
            return int(unroll[1])
    return 1


def sizes_of(call: Call) -> Sizes:
    """The sizes of a call, with the constants of the sources."""
    return Sizes(call, constants())


def pragmas_of(loop: Loop) -> Pragmas:
    """What the sources say of a loop.

    Raises:
        KeyError: there is no such loop.
    """
    return pipelined_loops(source_root() / "kernels")[loop.key]
