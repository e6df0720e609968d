# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The pickles that CIFAR-10 came in, read without executing anything.

A pickle is a program for a stack machine, which may call any function there is. Here is one of the
instructions alone that Python 2 wrote for a dict of texts, integers and arrays of bytes; arrays are
recognized by the three names that numpy gave them, and no name is ever looked up.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

_MOST_STEPS = 1 << 17
"""Four times what a batch of 10,000 images has: stack, memo and lists stay as small."""

_RECONSTRUCT = "numpy.core.multiarray _reconstruct"
_NDARRAY, _DTYPE = "numpy ndarray", "numpy dtype"
_MARK = object()


@dataclass(frozen=True)
class _Name:
    """One of the names of numpy that a pickle may have."""

    text: str


@dataclass(frozen=True)
class _Bytes:
    """numpy's type uint8."""


@dataclass
class ByteArray:
    """An array of unsigned bytes, as it lies in a pickle.

    Attributes:
        shape: of it.
        order: ``C`` where it lies by rows, ``F`` by columns.
        content: its bytes.
    """

    shape: tuple[int, ...] = ()
    order: Literal["C", "F"] = "C"
    content: bytes = b""


def read_pickle(content: bytes) -> object:
    """What a pickle of such a dict holds: dicts, lists, tuples, bytes, integers, ``ByteArray``.

    It takes memory in proportion to ``content``.

    Raises:
        ValueError: it has other instructions, or is damaged; says what was found.
    """
    return _Machine(content).run()


class _Machine:
    """Executes instructions one by one, on a stack of values."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> object:
        for _ in range(_MOST_STEPS):
            code = self._take(1)
            if code == b".":
                return self._pop()
            if code not in _INSTRUCTIONS:
                self._refuse_code(code)
            _INSTRUCTIONS[code](self)
        raise ValueError(f"it has more than {_MOST_STEPS:,} instructions")

    def _refuse_code(self, code: bytes) -> NoReturn:
        known = {opcode.code: opcode.name for opcode in pickletools.opcodes}
        name = known.get(code.decode("latin-1"))
        what = f"the instruction {name}" if name else f"the byte 0x{code.hex()} for an instruction"
        raise ValueError(f"it has {what}, as no batch does")

    def _take(self, size: int) -> bytes:
        taken = self._content[self._at : self._at + size]
        if len(taken) < size:
            raise ValueError("it is cut short")
        self._at += size
        return taken

    def _number(self, form: str) -> int:
        (number,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return int(number)

    def _pop(self) -> Any:
        if not self._stack:
            raise ValueError("it takes values that it did not make")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        for k in range(len(self._stack) - 1, -1, -1):
            if self._stack[k] is _MARK:
                values = self._stack[k + 1 :]
                del self._stack[k:]
                return values
        raise ValueError("it takes values that it did not make")

    def _top(self, kind: type) -> Any:
        if not self._stack or not isinstance(self._stack[-1], kind):
            raise ValueError(f"it fills a {kind.__name__} that it did not make")
        return self._stack[-1]

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _check_protocol(self) -> None:
        if (protocol := self._number("<B")) > 2:
            raise ValueError(f"it is a pickle of protocol {protocol}, where batches have 2")

    def _push_bytes(self, form: str) -> None:
        size = self._number(form)
        if size < 0:
            raise ValueError("it has a text of negative length")
        self._push(self._take(size))

    def _push_long(self) -> None:
        self._push(int.from_bytes(self._take(self._number("<B")), "little", signed=True))

    def _push_tuple(self, size: int) -> None:
        self._push(tuple(reversed([self._pop() for _ in range(size)])))

    def _push_name(self) -> None:
        parts = []
        for _ in range(2):
            end = self._content.find(b"\n", self._at, self._at + 80)
            if end < 0:
                raise ValueError("it names something without an end")
            parts.append(self._take(end + 1 - self._at)[:-1].decode("latin-1"))
        text = " ".join(parts)
        if text not in (_RECONSTRUCT, _NDARRAY, _DTYPE):
            raise ValueError(f"it calls for {'.'.join(parts)!r}, which was not executed")
        self._push(_Name(text))

    def _put(self, form: str) -> None:
        number = self._number(form)
        if not self._stack:
            raise ValueError("it keeps a value that it did not make")
        self._memo[number] = self._stack[-1]

    def _get(self, form: str) -> None:
        number = self._number(form)
        if number not in self._memo:
            raise ValueError("it recalls a value that it did not keep")
        self._push(self._memo[number])

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set(self, values: list[Any]) -> None:
        target = self._top(dict)
        if len(values) % 2 or not all(isinstance(key, bytes) for key in values[::2]):
            raise ValueError("it has a dict with keys that are no texts")
        target.update(zip(values[::2], values[1::2], strict=True))

    def _reduce(self) -> None:
        """A call: that of an empty array, or of the type of bytes."""
        arguments, name = self._pop(), self._pop()
        if name == _Name(_RECONSTRUCT) and arguments == (_Name(_NDARRAY), (0,), b"b"):
            self._push(ByteArray())
        elif name == _Name(_DTYPE) and arguments == (b"u1", 0, 1):
            self._push(_Bytes())
        else:
            raise ValueError("it calls something with other arguments than a batch does")

    def _build(self) -> None:
        """The state of an array, or that of the type, which says nothing of bytes."""
        state = self._pop()
        if self._stack and isinstance(self._stack[-1], _Bytes):
            return
        array = self._top(ByteArray)
        match state:
            case (1, tuple(shape), _Bytes(), bool(by_columns), bytes(content)) if all(
                type(size) is int and size >= 0 for size in shape
            ):
                array.shape, array.content = shape, content
                array.order = "F" if by_columns else "C"
            case _:
                raise ValueError("it has an array of something else than bytes")


_INSTRUCTIONS: dict[bytes, Callable[[_Machine], None]] = {
    b"\x80": _Machine._check_protocol,
    b"(": lambda machine: machine._push(_MARK),
    b"}": lambda machine: machine._push({}),
    b"]": lambda machine: machine._push([]),
    b")": lambda machine: machine._push(()),
    b"N": lambda machine: machine._push(None),
    b"\x88": lambda machine: machine._push(True),
    b"\x89": lambda machine: machine._push(False),
    b"K": lambda machine: machine._push(machine._number("<B")),
    b"M": lambda machine: machine._push(machine._number("<H")),
    b"J": lambda machine: machine._push(machine._number("<i")),
    b"\x8a": _Machine._push_long,
    b"U": lambda machine: machine._push_bytes("<B"),
    b"T": lambda machine: machine._push_bytes("<i"),
    b"t": lambda machine: machine._push(tuple(machine._pop_to_mark())),
    b"\x85": lambda machine: machine._push_tuple(1),
    b"\x86": lambda machine: machine._push_tuple(2),
    b"\x87": lambda machine: machine._push_tuple(3),
    b"a": lambda machine: machine._append([machine._pop()]),
    b"e": lambda machine: machine._append(machine._pop_to_mark()),
    b"s": lambda machine: machine._set([machine._pop(), machine._pop()][::-1]),
    b"u": lambda machine: machine._set(machine._pop_to_mark()),
    b"q": lambda machine: machine._put("<B"),
    b"r": lambda machine: machine._put("<I"),
    b"h": lambda machine: machine._get("<B"),
    b"j": lambda machine: machine._get("<I"),
    b"c": _Machine._push_name,
    b"R": _Machine._reduce,
    b"b": _Machine._build,
}
