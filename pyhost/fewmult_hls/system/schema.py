# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Values from outside, held against a schema: JSON, TOML, and what a caller gives.

A schema is a type: ``int``, ``float``, ``bool``, ``str``, a ``Literal``, lists, tuples, dicts and
optional ones of these, a dataclass or a ``TypedDict``. Whatever does not fit is a ``ValueError``
of one line that names the place.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import (
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from .errors import FewmultError, UsageError
from .files import read_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

_MOST_TOML = 1 << 16  # bytes
_DEEPEST = 64  # brackets within brackets
_LONGEST_KEY = 500  # parts of a key in TOML, whose parser takes the square of their number
_LONGEST_INTEGER = 20  # characters: 64 bits and a sign
_INTEGERS = range(-(1 << 63), 1 << 64)
# A text, or a bracket outside of texts.
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{\]}]', re.DOTALL)
_PLAIN = (bool, int, float, str)


def read_json(
    path: Path, schema: type[T], limit: int, advice: str = "", *, extra: bool = False
) -> T:
    """The content of a JSON file of at most ``limit`` bytes, as a schema has it; see ``typed``.

    Raises:
        FewmultError: it cannot be read or is damaged: then ``advice`` says what to do.
    """
    content = read_file(path, limit)
    try:
        return typed(schema, parse_json(content), extra=extra)
    except ValueError as error:
        raise damaged(path, error, advice) from error


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file that a user writes.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    try:
        return parse_toml(read_file(path, _MOST_TOML))
    except FewmultError as error:
        raise UsageError(str(error)) from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error


def damaged(path: Path, reason: object, advice: str = "") -> FewmultError:
    """What is said of a file that is not as we write it."""
    return FewmultError(f"{path} is damaged ({reason})" + (f": {advice}" if advice else ""))


# ---- Text to values ------------------------------------------------------------------------------


def parse_json(content: bytes) -> Any:
    """The value in UTF-8, with or without a mark at its beginning.

    Raises:
        ValueError: it is no JSON, has a key twice, or values that nothing of ours has: numbers
            that are not finite or beyond 64 bits, half characters, brackets 64 deep.
    """
    text = content.decode("utf-8-sig")
    _check_depth(text)
    found = json.loads(
        text,
        parse_int=_integer,
        parse_float=_finite,
        parse_constant=_finite,
        object_pairs_hook=_unique,
    )
    if "\\u" in text:
        json.dumps(found, ensure_ascii=False).encode()  # refuses halves of characters
    return found


def parse_toml(content: bytes) -> dict[str, Any]:
    """The tables in UTF-8, with or without a mark at its beginning.

    Raises:
        ValueError: it is no TOML, or has numbers or brackets as ``parse_json`` refuses them.
    """
    text = content.decode("utf-8-sig")
    # Texts have many forms in TOML: any bracket counts.
    if text.count("[") + text.count("{") > _DEEPEST:
        raise ValueError("it has too many brackets")
    if any(line.count(".") > _LONGEST_KEY for line in text.splitlines()):
        raise ValueError("it has too many dots in a line")
    return tomllib.loads(text, parse_float=_finite)


def _check_depth(text: str) -> None:
    """Before parsing: a small stack may end before Python's own limit."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > _DEEPEST:
            raise ValueError("it has too many brackets within brackets")


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(f"a number has {len(text):,} characters")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{reprlib.repr(text)} is no finite number")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"it has {reprlib.repr(name)} twice")
        found[name] = value
    return found


# ---- Values to types -----------------------------------------------------------------------------


def typed(schema: type[T], value: Any, *, extra: bool = False) -> T:
    """The value as a schema has it.

    Args:
        schema: a type; of a ``float``, integers are taken too; no ``bool`` is a number.
        value: as JSON or TOML has it.
        extra: keys that the schema does not have are left out of dataclasses, and kept in a
            ``TypedDict``; by default they are refused.

    Raises:
        ValueError: it does not fit.
    """
    return cast(T, _Reader(extra).read(schema, value, ""))


def typed_keys(schema: type, value: Any) -> dict[str, Any]:
    """The fields of a dataclass or ``TypedDict`` that are there, each as the schema has it.

    Raises:
        ValueError: one does not fit, or is not known.
    """
    return _Reader(extra=False).read_keys(schema, _table(value, ""), "")


class _Reader:
    """One pass over a value; ``place`` is where in it we are, as ``kernels.layer.base``."""

    def __init__(self, extra: bool) -> None:
        self._extra = extra

    def read(self, schema: Any, value: Any, place: str) -> Any:
        if schema is Any:
            return value
        if schema in _PLAIN:
            return _plain(schema, value, place)
        origin, arguments = get_origin(schema), get_args(schema)
        if origin in (Union, types.UnionType):
            (known,) = (choice for choice in arguments if choice is not type(None))
            return None if value is None else self.read(known, value, place)
        if origin is Literal:
            if (type(value), value) not in [(type(choice), choice) for choice in arguments]:
                wanted = " or ".join(map(str, arguments))
                raise ValueError(f"{_named(place)} must be {wanted}, not {reprlib.repr(value)}")
            return value
        if origin in (list, tuple):
            return self._read_list(origin, arguments, value, place)
        if origin in (dict, Mapping):
            return self._read_dict(arguments[1], value, place)
        return self._read_fields(schema, value, place)

    def _read_list(
        self, origin: Callable[[Any], Any], arguments: tuple[Any, ...], value: Any, place: str
    ) -> Any:
        if not isinstance(value, list):
            raise _mismatch("list", value, place)
        return origin(
            self.read(arguments[0], entry, f"{place}[{k}]") for k, entry in enumerate(value)
        )

    def _read_dict(self, schema: Any, value: Any, place: str) -> dict[str, Any]:
        table = _table(value, place)
        return {
            name: self.read(schema, entry, _joined(place, name)) for name, entry in table.items()
        }

    def _read_fields(self, schema: Any, value: Any, place: str) -> Any:
        table = _table(value, place)
        found = self.read_keys(schema, table, place)
        for name in _fields(schema)[1]:
            if name not in table:
                raise ValueError(f"it lacks '{_joined(place, name)}'")
        return {**table, **found} if is_typeddict(schema) else schema(**found)

    def read_keys(self, schema: Any, table: dict[str, Any], place: str) -> dict[str, Any]:
        known, _ = _fields(schema)
        for name in table:
            if name not in known and not self._extra:
                raise ValueError(
                    f"unknown key '{_joined(place, name)}'; known are {', '.join(known)}"
                )
        return {
            name: self.read(kind, table[name], _joined(place, name))
            for name, kind in known.items()
            if name in table
        }


@cache
def _fields(schema: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The types of all fields, and the names of those that must be there."""
    hints = get_type_hints(schema)
    if is_typeddict(schema):
        return hints, tuple(name for name in hints if name in schema.__required_keys__)
    there = [field for field in fields(schema) if field.init]
    needed = [
        field.name
        for field in there
        if field.default is MISSING and field.default_factory is MISSING
    ]
    return {field.name: hints[field.name] for field in there}, tuple(needed)


def _plain(schema: type, value: Any, place: str) -> Any:
    if type(value) is not schema and not (schema is float and type(value) is int):
        raise _mismatch(schema.__name__, value, place)
    if type(value) is int and value not in _INTEGERS:
        raise ValueError(f"{_named(place)} is beyond 64 bits")
    if type(value) is float and not math.isfinite(value):
        raise ValueError(f"{_named(place)} must be a finite number, not {value}")
    return value


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mismatch("table" if place else "object", value, place)
    return value


def _mismatch(wanted: str, value: Any, place: str) -> ValueError:
    return ValueError(f"{_named(place)} must be of type {wanted}, not {reprlib.repr(value)}")


def _named(place: str) -> str:
    return f"'{place}'" if place else "its content"


def _joined(place: str, name: str) -> str:
    shown = name if len(name) <= 40 else f"{name[:40]}.."
    return f"{place}.{shown}" if place else shown
