# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A net as one C header for microcontrollers: no multiplication, no allocation, no library.

It is C99 and C++11. It has no ``*``, ``/`` or ``%`` outside of comments: indices are counted
up, and every number that a product would make is a literal. Only numbers of at least 0 are shifted
(``WeightedInference.lifted``), so nothing depends on the compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ... import __version__
from ...layers.inference import Inference, PixelInference
from ...system.errors import UsageError
from ...system.files import write_atomic
from ..model import Model
from .c_layers import Part, Table, block, layer_part, loop
from .formats import begins

WHAT = "C header of ours"
_MARK = "// A trained net, written by fewmult-hls "

_MOST_FLASH, _MOST_MEMORY = 2 << 20, 1 << 20  # bytes that large microcontrollers have
_NEAR = 1 << 16  # bytes that an AVR reads with pgm_read_byte
_OBJECT = (1 << 15) - 1  # bytes that an array may have there
_COLUMNS = 16  # numbers in a line


@dataclass(frozen=True)
class Sizes:
    """What a net takes of a microcontroller, without its code of 1 or 2 KB.

    Attributes:
        flash: bytes of constants.
        memory: bytes of activations.
        largest: bytes of the largest constant.
    """

    flash: int
    memory: int
    largest: int


def is_ours(path: Path) -> bool:
    """Whether such a file is there."""
    return begins(path, _MARK.encode())


def save(path: Path, model: Model) -> str:
    """Writes a model as a header, whole or not at all; its names begin with the file's.

    Raises:
        UsageError: it is too large for any microcontroller.
        FewmultError: the file cannot be written.
    """
    layers = model.inference()
    parts = [layer_part(layer, str(k)) for k, layer in enumerate(layers)]
    sizes = _sizes(layers, parts)
    if sizes.flash > _MOST_FLASH or sizes.memory > _MOST_MEMORY:
        raise UsageError(
            f"net {model.spec.name} takes {sizes.flash:,} bytes of flash and {sizes.memory:,} of "
            f"memory, more than the {_MOST_FLASH:,} and {_MOST_MEMORY:,} of a large "
            "microcontroller: train a smaller one"
        )
    write_atomic(path, _header(path, model, layers, parts, sizes))
    return f"{sizes.flash:,} bytes of flash and {sizes.memory:,} of memory, and code"


def _sizes(layers: Sequence[Inference], parts: Sequence[Part]) -> Sizes:
    tables = [table.values.nbytes for part in parts for table in part.tables]
    return Sizes(sum(tables), sum(_buffers(layers)), max(tables))


def _buffers(layers: Sequence[Inference]) -> tuple[int, int]:
    """Bytes of the two arrays between which layers go to and fro: the even ones' results first."""
    hidden = [layer.values for layer in layers[:-1]]
    return max(hidden[::2]), max(hidden[1::2], default=0)


def prefix_of(path: Path) -> str:
    """What the names in a header begin with: the file's name as far as C can take it."""
    stem = re.sub("[^A-Za-z0-9]+", "_", path.name.split(".")[0]).strip("_").lower()
    return stem if stem[:1].isalpha() else f"net_{stem}".rstrip("_")


def _header(
    path: Path, model: Model, layers: Sequence[Inference], parts: Sequence[Part], sizes: Sizes
) -> str:
    prefix = prefix_of(path)
    text = "\n".join(_lines(model, layers, parts, sizes))

    def named(found: re.Match[str]) -> str:
        capital = found[1].isupper()  # as macros are, and nothing else is
        return f"{prefix.upper() if capital else prefix}_{found[1]}"

    return re.sub(r"\bNET_([A-Za-z])", named, text)


def _lines(
    model: Model, layers: Sequence[Inference], parts: Sequence[Part], sizes: Sizes
) -> Iterator[str]:
    spec = model.spec
    most = max(*(layer.values for layer in layers), spec.features, sizes.largest)
    yield f"""\
{_MARK}{__version__}: additions, shifts, comparisons and choices.
// Net {spec.name}, {spec.weights} weights, {model.fingerprint}
// What happens to an image before, and is not done here: {model.domain.preprocessing.text}
// {sizes.flash} bytes of constants, {sizes.memory} of activations.
#ifndef NET_H
#define NET_H

#include <stdint.h>
"""
    yield from _flash(sizes)
    yield f"""
#define NET_FEATURES {spec.features}
#define NET_CLASSES {spec.classes}

typedef {"uint16_t" if most < 1 << 16 else "uint32_t"} NET_index;
"""
    for part in parts:
        yield from map(_table, part.tables)
    for k, (layer, part) in enumerate(zip(layers, parts, strict=True)):
        yield from _function(k, layer, part, is_last=k == len(layers) - 1)
    yield from _entry_points(layers)
    yield "#endif"
    yield ""


def _flash(sizes: Sizes) -> Iterator[str]:
    reads = {8: "byte", 16: "word", 32: "dword"}
    yield "#if defined(__AVR__)"
    if sizes.flash >= _NEAR or sizes.largest > _OBJECT:
        yield (
            f'#error "{sizes.flash} bytes of constants, {sizes.largest} in one array, '
            f'are more than an AVR reads ({_NEAR}, {_OBJECT})"'
        )
    yield "#include <avr/pgmspace.h>\n#define NET_FLASH PROGMEM"
    for bits, word in reads.items():
        yield f"#define NET_READ_{bits}(array, index) pgm_read_{word}(&(array)[index])"
    yield "#else\n#define NET_FLASH"
    for bits in reads:
        yield f"#define NET_READ_{bits}(array, index) ((array)[index])"
    yield "#endif"


def _table(table: Table) -> str:
    values = table.values.tolist()
    lines = (
        ", ".join(map(str, values[first : first + _COLUMNS]))
        for first in range(0, len(values), _COLUMNS)
    )
    rows = ",\n  ".join(lines)
    return f"static const {table.ctype} NET_{table.name}[] NET_FLASH = {{\n  {rows}\n}};\n"


def _function(k: int, layer: Inference, part: Part, *, is_last: bool) -> Iterator[str]:
    source = "uint8_t" if isinstance(layer, PixelInference) else "int8_t"
    result = "int32_t" if is_last else "int8_t"
    yield f"// {part.remark or f'{layer.values} sums'}"
    head = f"static inline void NET_layer_{k}(const {source} x[], {result} y[])"
    yield f"{block(head, part.body)}\n"


def _entry_points(layers: Sequence[Inference]) -> Iterator[str]:
    names, last = ("NET_even", "NET_odd"), len(layers) - 1
    for name, size in zip(names, _buffers(layers), strict=True):
        if size:
            yield f"static int8_t {name}[{size}];"
    calls = []
    for k in range(last + 1):
        source = names[1 - (k & 1)] if k else "pixels"
        result = "logits" if k == last else names[k & 1]
        calls.append(f"NET_layer_{k}({source}, {result});")
    yield "\n// The NET_CLASSES logits of an image, in units of 1/64; its grey values are 0 to 255."
    head = "static inline void NET_logits(const uint8_t pixels[], int32_t logits[])"
    yield f"{block(head, chr(10).join(calls))}\n"
    yield "// The class of an image: that of the largest logit, of equal ones the lowest."
    body = f"""\
int32_t logits[NET_CLASSES];
uint8_t best = 0;
NET_logits(pixels, logits);
{loop("j", "NET_CLASSES", "if (logits[j] > logits[best]) best = (uint8_t)j;")}
return best;"""
    yield f"{block('static inline uint8_t NET_predict(const uint8_t pixels[])', body)}\n"
