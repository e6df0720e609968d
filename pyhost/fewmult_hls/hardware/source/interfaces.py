# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A kernel's interface, as its top says it: arguments, pragmas, registers.

The tops are the only truth. Register offsets are those that Vitis HLS gives to 32-bit arguments in
the order of the signature; what a build really has stands in its own ``fewmult.json``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["memory", "scalar", "status"]

CONTROL = 0x00
START, DONE, IDLE, READY = 1, 2, 4, 8  # its bits AP_..; reading clears AP_DONE and AP_READY
CONTROL_REGISTERS = {"CTRL": CONTROL, "GIER": 0x04, "IP_IER": 0x08, "IP_ISR": 0x0C}
FIRST_ARGUMENT = 0x10
ARGUMENT_STEP = 8  # 32 bits, and 32 that are reserved or say that a status is valid

_TOP = re.compile(r'extern "C" void (\w+)_top\((.*?)\) \{(.*)', re.DOTALL)
_TYPE = re.compile(r"(const )?(?:std::)?(\w+?)(?:_t)?(\*)?")
_PRAGMA = re.compile(r"#pragma HLS INTERFACE (m_axi|s_axilite) port = (\w+)(.*)")
_OPTION = re.compile(r"(\w+) = (\w+)")


@dataclass(frozen=True)
class Argument:
    """One argument of a kernel.

    Attributes:
        name: as in C++.
        dtype: numpy's name of its type, or of what it points to.
        kind: ``memory`` for an address, ``scalar`` for a number that goes in, ``status`` for one
            that comes out.
        is_const: whether the kernel only reads it.
        offset: of its register.
        bundle: of its m_axi port; empty if it has none.
        depth: elements that co-simulation needs; 0 if there is no port.
    """

    name: str
    dtype: str
    kind: Kind
    is_const: bool
    offset: int
    bundle: str
    depth: int


@dataclass(frozen=True)
class Interface:
    """A kernel as the bus sees it.

    Attributes:
        name: without ``_top``.
        arguments: in the order of the signature.
    """

    name: str
    arguments: tuple[Argument, ...]

    @property
    def top(self) -> str:
        """The function that is synthesized."""
        return f"{self.name}_top"

    @property
    def bundles(self) -> tuple[str, ...]:
        """The bundles of its m_axi ports."""
        return tuple(dict.fromkeys(a.bundle for a in self.arguments if a.bundle))

    def __getitem__(self, name: str) -> Argument:
        return next(argument for argument in self.arguments if argument.name == name)


class Parameter(NamedTuple):
    """An argument of a function, or a field of a struct, as C++ writes it."""

    type: str
    name: str


class Top(NamedTuple):
    """The function that is synthesized.

    Attributes:
        name: of the kernel, without ``_top``.
        parameters: its signature.
        body: all behind its head.
    """

    name: str
    parameters: tuple[Parameter, ...]
    body: str


def top_of(text: str) -> Top:
    """The top in a text.

    Raises:
        ValueError: there is none.
    """
    found = _TOP.search(text)
    if not found:
        raise ValueError("there is no top")
    name, signature, body = found.groups()
    words = (text.split() for text in signature.split(","))
    return Top(name, tuple(Parameter(" ".join(most), last) for *most, last in words), body)


def interface_of(top: Top) -> Interface:
    """The interface of a top.

    Raises:
        ValueError: the top is not written like those of this project.
    """
    ports = {
        port: (kind, dict(_OPTION.findall(rest))) for kind, port, rest in _PRAGMA.findall(top.body)
    }
    if ports.pop("return", ("",))[0] != "s_axilite":
        raise ValueError("'return' is not on the control bus")
    arguments = []
    for index, (ctype, name) in enumerate(top.parameters):
        if name not in ports:
            raise ValueError(f"argument '{ctype} {name}' has no interface pragma")
        arguments.append(_argument(index, ctype, name, *ports.pop(name)))
    if ports:
        raise ValueError(f"pragmas of {', '.join(ports)}, which are no arguments")
    return Interface(top.name, tuple(arguments))


def _argument(
    index: int, ctype: str, name: str, protocol: str, options: dict[str, str]
) -> Argument:
    found = _TYPE.fullmatch(ctype)
    if not found:
        raise ValueError(f"argument {name}: no kernel takes a {ctype}")
    const, plain, pointer = found.groups()
    kind: Kind = "memory" if protocol == "m_axi" else "status" if pointer else "scalar"
    if (protocol == "m_axi") != ("depth" in options) or (kind == "memory") > bool(pointer):
        raise ValueError(f"argument {name}: {protocol} does not fit its type")
    return Argument(
        name=name,
        dtype={"int": "int32"}.get(plain, plain),
        kind=kind,
        is_const=bool(const),
        offset=FIRST_ARGUMENT + ARGUMENT_STEP * index,
        bundle=options["bundle"] if kind == "memory" else "",
        depth=int(options.get("depth", 0)),
    )
