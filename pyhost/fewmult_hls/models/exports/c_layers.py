# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a C header has for each layer: constants, and the body of a function.

Bodies make ``y`` from ``x``. Names that belong to the net begin with NET_, for which its own stands
in the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np
import numpy.typing as npt

from ...contract.limits import ACTIVATION_MAX, MAX_TAPS
from ...layers.inference import Inference, PixelInference, PoolInference, WeightedInference
from ...system.errors import UsageError

_NARROW = (1 << 15) - 2 * MAX_TAPS  # rows or columns of places that 16 bits count, with taps


@dataclass(frozen=True)
class Table:
    """A constant array.

    Attributes:
        name: without the net's.
        values: of it, one after the other, of the type that they are stored in.
    """

    name: str
    values: npt.NDArray[np.generic]

    @property
    def ctype(self) -> str:
        """The type of an element in C."""
        return f"{self.values.dtype.name}_t"

    @property
    def bits(self) -> int:
        """How many an element has."""
        return self.values.dtype.itemsize << 3


@dataclass(frozen=True)
class Part:
    """What is printed for a layer.

    Attributes:
        tables: its constants.
        body: of its function, which makes ``y`` from ``x``.
        remark: the comment above it.
    """

    tables: tuple[Table, ...]
    body: str
    remark: str


@singledispatch
def layer_part(layer: Inference, tag: str) -> Part:
    """What is printed for a layer; ``tag`` ends the names of its constants.

    Raises:
        UsageError: a header cannot have such a layer.
    """
    raise UsageError(f"C headers know no {type(layer).__name__}: take --format packed")


@layer_part.register
def _pixels(layer: PixelInference, tag: str) -> Part:
    channels, rows, columns = layer.image
    remark = f"{layer.image.size} grey values"
    if layer.offsets is None:
        return Part((), loop("i", layer.image.size, "y[i] = (int8_t)(x[i] >> 1);"), remark)
    table = Table(f"offset_{tag}", layer.offsets)
    value = f"""\
const int16_t v = (int16_t)(((uint16_t)(x[i] + 256 - {_read(table, "c")}) >> 1) - 128);
y[i] = (int8_t)(v < -{ACTIVATION_MAX} ? -{ACTIVATION_MAX} : v);
++i;"""
    loops = loop("p", rows * columns, loop("c", channels, value))
    return Part((table,), f"NET_index i = 0;\n{loops}", f"{remark}, less their channel's mean")


@layer_part.register
def _weighted(layer: WeightedInference, tag: str) -> Part:
    before, behind = layer.lifted
    tables = weights, first, bias = (
        Table(f"weights_{tag}", packed_weights(layer)),
        Table(f"before_{tag}", _smallest(before, np.uint16, np.uint32)),
        Table(f"behind_{tag}", _smallest(behind, np.int16, np.int32)),
    )
    total = "uint16_t" if layer.largest_lifted < 1 << 16 else "uint32_t"
    begin = [f"{total} sum = {_read(first, 'to')};", "uint8_t bits = 0, sign = 0;"]
    if not layer.is_binary:
        begin.append("uint8_t mask = 0;")
    end = [f"const int32_t v = (int32_t)(sum >> {layer.shift}) + {_read(bias, 'j')};"]
    if layer.is_output:
        end.append("y[to] = v;")
    else:
        end.append(f"y[to] = (int8_t)(v < 0 ? 0 : v > {ACTIVATION_MAX} ? {ACTIVATION_MAX} : v);")
    walk = _whole if layer.is_whole else _window
    return Part(tables, walk(layer, weights, "\n".join(begin), "\n".join([*end, "++to;"])), "")


def packed_weights(layer: WeightedInference) -> npt.NDArray[np.uint8]:
    """Weights of eight values after the other, unit by unit: a byte of signs, then one of masks.

    The first value is in the lowest bit. Of binary weights there are only the signs.
    """
    planes = [layer.weights < 0] if layer.is_binary else [layer.weights < 0, layer.weights != 0]
    packed = [np.packbits(plane, axis=1, bitorder="little") for plane in planes]
    return np.stack(packed, axis=-1).ravel()


def _fetch(weights: Table, binary: bool) -> str:
    """The next eight weights, where the last are used up."""
    lines = [f"sign = {_read(weights, 'w')};", "++w;"]
    if not binary:
        lines += [f"mask = {_read(weights, 'w')};", "++w;"]
    return block("if (bits == 0)", "\n".join([*lines, "bits = 8;"]))


def _add(binary: bool) -> str:
    """The next weight's term: an addition, a subtraction, or nothing."""
    term = "if (sign & 1) sum -= x[at]; else sum += x[at];"
    return term if binary else block("if (mask & 1)", term)


def _next(binary: bool) -> str:
    return "sign >>= 1;\n" + ("" if binary else "mask >>= 1;\n") + "--bits;\n++at;"


def _whole(layer: WeightedInference, weights: Table, begin: str, end: str) -> str:
    binary, inputs = layer.is_binary, layer.window.fan_in
    term = "\n".join((_fetch(weights, binary), _add(binary), _next(binary)))
    unit = f"{begin}\nNET_index at = 0;\n{block(f'while (at < {inputs})', term)}\n{end}"
    return f"NET_index to = 0, w = 0;\n{loop('j', len(layer.weights), unit)}"


def _window(layer: WeightedInference, weights: Table, begin: str, end: str) -> str:
    window, binary = layer.window, layer.is_binary
    line = window.columns * window.channels
    side = "int16_t" if max(window.rows, window.columns) < _NARROW else "int32_t"
    term = "\n".join((_fetch(weights, binary), block("if (inside)", _add(binary)), _next(binary)))
    inside = f"r >= 0 && r < {window.rows} && q >= 0 && q < {window.columns}"
    tap = f"const uint8_t inside = {inside};\n{loop('c', window.channels, term)}"
    next_line = line - window.tap_columns * window.channels
    taps = _taps(side, "q", "column", window.tap_columns, tap)
    taps = _taps(side, "r", "row", window.tap_rows, f"{taps}\nat += (NET_index){next_line};")
    unit = f"{begin}\nNET_index at = corner;\n{taps}\n{end}"
    place = f"NET_index w = 0;\n{loop('j', len(layer.weights), unit)}"
    place += f"\ncolumn += {window.stride};\ncorner += {window.stride * window.channels};"
    top, left = window.row_padding, window.column_padding
    row = (
        f"NET_index corner = edge;\n{side} column = -{left};\n"
        f"{loop('n', window.result_columns, place)}\n"
        f"row += {window.stride};\nedge += {window.stride * line};"
    )
    # An index before the first wraps, and comes back before anything is read there.
    first = f"(NET_index)(0 - {top * line + left * window.channels})"
    return (
        f"NET_index to = 0, edge = {first};\n{side} row = -{top};\n"
        f"{loop('m', window.result_rows, row)}"
    )


@layer_part.register
def _pool(layer: PoolInference, tag: str) -> Part:
    channels, _, columns = layer.image
    line, size, pooled = columns * channels, layer.size, layer.pooled
    look = "if (x[at] > largest) largest = x[at];"
    taps = loop("q", size, f"{look}\nat += {channels};")
    taps = loop("r", size, f"{taps}\nat += {line - size * channels};")
    value = f"NET_index at = corner;\nint8_t largest = -128;\n{taps}\n"
    value += "y[to] = largest;\n++to;\n++corner;"
    place = f"{loop('c', channels, value)}\ncorner += {(size - 1) * channels};"
    row = f"NET_index corner = edge;\n{loop('n', pooled.columns, place)}\nedge += {size * line};"
    body = f"NET_index to = 0, edge = 0;\n{loop('m', pooled.rows, row)}"
    return Part((), body, f"the largest of each {size} x {size}")


def _smallest(values: npt.NDArray[np.int64], *types: type) -> npt.NDArray[np.generic]:
    """The values in the first type that holds all of them."""
    for dtype in types:
        limits = np.iinfo(dtype)
        if limits.min <= values.min() and values.max() <= limits.max:
            break
    return values.astype(dtype).ravel()


# ---- Text ----------------------------------------------------------------------------------------


def block(head: str, body: str) -> str:
    """Braces behind a head, around lines that are moved in."""
    inner = "\n".join(f"  {line}" for line in body.splitlines())
    return f"{head} {{\n{inner}\n}}"


def loop(name: str, count: int | str, body: str) -> str:
    """A loop that counts up from 0."""
    return block(f"for (NET_index {name} = 0; {name} < {count}; ++{name})", body)


def _taps(ctype: str, name: str, first: str, count: int, body: str) -> str:
    """A loop over taps, which may lie before the first place."""
    head = f"for ({ctype} {name} = {first}; {name} < {first} + {count}; ++{name})"
    return block(head, body)


def _read(table: Table, index: str) -> str:
    return f"({table.ctype})NET_READ_{table.bits}(NET_{table.name}, {index})"
