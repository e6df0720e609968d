# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""One reading of the kernels' C++, of which everything else about it is taken.

The sources are read as clang-format leaves them, and as this project writes C++; what clang itself
sees in the tops is held against it by tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from ...system.errors import FewmultError
from .interfaces import Interface, Parameter, Top, interface_of, top_of
from .loops import SourceLoop, loops_of

_PACKAGE = Path(__file__).resolve().parents[2]
_INCLUDE = re.compile(r'^#include "kernels/(.+)"', re.MULTILINE)
_CONSTANT = re.compile(
    r"^ *(?:static )?constexpr (?:int|Word|std::int\w+_t) (k\w+) = ([^;]+);", re.MULTILINE
)
_ARRAY = re.compile(
    r"^ *((?:using \w+ = (?:std::)?(\w+)|(?!return )(?:std::)?(\w+) \w+)((?:\[[^\]]+\])+);)",
    re.MULTILINE,
)
_STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*((?:const )?[\w:]+\*?) (\w+);", re.MULTILINE)


class Array(NamedTuple):
    """An array that a source declares, or names the type of.

    Attributes:
        type: of an element, without ``std::``.
        dimensions: as expressions.
    """

    type: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class Sources:
    """The files of a folder.

    Attributes:
        order: their names, each after those that it includes.
        tops: by kernel.
        interfaces: by kernel.
        loops: of each file in turn.
        constants: what each is, as an expression.
        arrays: by file and declaration.
        structs: fields of each that is a plain record.
    """

    order: tuple[str, ...]
    tops: Mapping[str, Top]
    interfaces: Mapping[str, Interface]
    loops: tuple[SourceLoop, ...]
    constants: Mapping[str, str]
    arrays: Mapping[tuple[str, str], Array]
    structs: Mapping[str, tuple[Parameter, ...]]

    @cached_property
    def pipelined(self) -> Mapping[tuple[str, str, int], SourceLoop]:
        """Every pipelined loop, by file, function and its number among that name's, from 0."""
        found: dict[tuple[str, str, int], SourceLoop] = {}
        for loop in self.loops:
            if loop.interval is not None:
                number = sum(key[:2] == (loop.file, loop.function) for key in found)
                found[loop.file, loop.function, number] = loop
        return found

    def instances(self, kernel: str) -> int:
        """How often a top calls its kernel's template, by the types that it calls it with."""
        return len(re.findall(rf"\b{kernel}<\w+>\(", self.tops[kernel].body))


@cache
def source_root() -> Path:
    """The folder that holds ``kernels/`` and ``testbench/``: in the package, or in its checkout.

    Raises:
        FewmultError: this installation has none, as on a board.
    """
    for root in (_PACKAGE / "sources", _PACKAGE.parents[1]):
        if (root / "kernels" / "tops.hpp").is_file():
            return root
    raise FewmultError(
        "the kernels' sources are not in this installation: "
        "use the wheel that is built with them, or a checkout"
    )


@cache
def kernel_sources() -> Sources:
    """The kernels of this installation.

    Raises:
        FewmultError: it has none.
    """
    return read_sources(source_root() / "kernels")


def kernel_names() -> list[str]:
    """The names of all kernels."""
    return sorted(kernel_sources().tops)


def load_interface(name: str) -> Interface:
    """The interface of a kernel, one of ``kernel_names()``."""
    return kernel_sources().interfaces[name]


def read_sources(folder: Path) -> Sources:
    """What stands in the files of a folder.

    Raises:
        ValueError: a top is not written like those of this project.
    """
    texts = {
        path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.[ch]pp"))
    }
    tops: dict[str, Top] = {}
    interfaces: dict[str, Interface] = {}
    for file in filter(lambda name: name.endswith("_top.cpp"), texts):
        try:
            top = top_of(texts[file])
            tops[top.name], interfaces[top.name] = top, interface_of(top)
        except ValueError as error:
            raise ValueError(f"{folder / file}: {error}") from error
    return Sources(
        tuple(dict.fromkeys(name for file in texts for name in _included(file, texts))),
        tops,
        interfaces,
        tuple(loop for file, text in texts.items() for loop in loops_of(file, text)),
        {name: value for text in texts.values() for name, value in _CONSTANT.findall(text)},
        {
            (file, declaration): Array(
                named or kind, tuple(re.findall(r"\[(?:Tile::)?([^\]]+)\]", dimensions))
            )
            for file, text in texts.items()
            for declaration, named, kind, dimensions in _ARRAY.findall(text)
        },
        {
            name: tuple(Parameter(*field) for field in _FIELD.findall(body))
            for text in texts.values()
            for name, body in _STRUCT.findall(text)
        },
    )


def _included(file: str, texts: Mapping[str, str]) -> Iterator[str]:
    """All that a file includes, each after what it includes itself, and the file."""
    for name in filter(texts.__contains__, _INCLUDE.findall(texts[file])):
        yield from _included(name, texts)
    yield file
