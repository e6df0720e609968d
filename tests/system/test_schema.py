# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The one reader of what comes from outside: every value is checked, every fault is one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewmult_hls.system.errors import FewmultError
from fewmult_hls.system.schema import parse_json, parse_toml, read_json, typed


@dataclass(frozen=True)
class Part:
    name: str
    share: float = 0.5


class Needed(TypedDict):
    count: int


class Row(Needed, total=False):
    title: str


@dataclass(frozen=True)
class Whole:
    size: int
    is_open: bool
    kind: Literal["one", 2]
    parts: Mapping[str, Part]
    names: tuple[str, ...]
    rows: list[Row]
    note: str | None = None


GOOD: dict[str, Any] = {
    "size": -3,
    "is_open": True,
    "kind": 2,
    "parts": {"a": {"name": "A"}, "b": {"name": "B", "share": 1}},
    "names": ["x", "y"],
    "rows": [{"count": 1}, {"count": 2, "title": "two"}],
}


def test_what_fits() -> None:
    found = typed(Whole, GOOD)
    assert found == Whole(
        size=-3,
        is_open=True,
        kind=2,
        parts={"a": Part("A"), "b": Part("B", 1)},
        names=("x", "y"),
        rows=[{"count": 1}, {"count": 2, "title": "two"}],
    )
    assert typed(Whole, {**GOOD, "note": "n"}).note == "n"
    assert typed(Whole, {**GOOD, "note": None}).note is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": True}, "'size' must be of type int, not True"),
        ({"size": 1.0}, "'size' must be of type int, not 1.0"),
        ({"size": "1"}, "'size' must be of type int, not '1'"),
        ({"size": None}, "'size' must be of type int, not None"),
        ({"size": 1 << 64}, "'size' is beyond 64 bits"),
        ({"is_open": 1}, "'is_open' must be of type bool, not 1"),
        ({"kind": "two"}, "'kind' must be one or 2, not 'two'"),
        ({"kind": 2.0}, "'kind' must be one or 2, not 2.0"),
        ({"kind": []}, "'kind' must be one or 2, not []"),
        ({"parts": []}, "'parts' must be of type table, not []"),
        ({"parts": {"a": {}}}, "it lacks 'parts.a.name'"),
        ({"parts": {"a": {"name": "A", "x": 1}}}, "unknown key 'parts.a.x'; known are name, share"),
        ({"parts": {"a": {"name": "A", "share": "1"}}}, "'parts.a.share' must be of type float"),
        ({"parts": {"a": {"name": "A", "share": 1e999}}}, "'parts.a.share' must be a finite"),
        ({"parts": {"a": {"name": "A", "share": False}}}, "'parts.a.share' must be of type float"),
        ({"names": "xy"}, "'names' must be of type list, not 'xy'"),
        ({"names": ["x", 3]}, "'names[1]' must be of type str, not 3"),
        ({"rows": [{}]}, "it lacks 'rows[0].count'"),
        ({"note": 3}, "'note' must be of type str, not 3"),
        ({"size": "9" * 5000}, "'size' must be of type int, not '99999"),
    ],
)
def test_what_does_not_fit(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        typed(Whole, {**GOOD, **change})
    assert str(caught.value).startswith(reason)
    assert len(str(caught.value)) < 120


def test_keys_that_are_not_known() -> None:
    more = {**GOOD, "new": 1, "rows": [{"count": 1, "new": [2]}]}
    with pytest.raises(ValueError, match="unknown key 'new'"):
        typed(Whole, more)
    found = typed(Whole, more, extra=True)
    assert asdict(found).keys() == {*GOOD, "note"}
    assert found.rows == [{"count": 1, "new": [2]}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b'{"a": 1', "Expecting"),
        (b"[" * 100_000, "too many brackets within brackets"),
        (b'{"a":' * 100_000, "too many brackets within brackets"),
        (b"[" * 65 + b"]" * 65, "too many brackets within brackets"),
        (b"1" * 5000, "a number has 5,000 characters"),
        (b"-" + b"1" * 5000, "a number has 5,001 characters"),
        (b"1e999", "'1e999' is no finite number"),
        (b"NaN", "'NaN' is no finite number"),
        (b"[-Infinity]", "'-Infinity' is no finite number"),
        (b'"\\ud800"', "surrogates not allowed"),
        (b'{"a\\udfff": 1}', "surrogates not allowed"),
        (b'{"a": 1, "a": 2}', "it has 'a' twice"),
        (b'"\xff"', "can't decode byte 0xff in position 1"),
        (b'\x00{"a": 1}', "Expecting value"),
        ('{"a": 1}'.encode("utf-16"), "can't decode byte"),
    ],
)
def test_what_is_no_json(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse_json(content)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_brackets_in_texts_are_no_brackets() -> None:
    texts = ["[" * 500, '"[' * 500, '\\"[' * 500, "\\", "]" * 500]
    assert parse_json(json.dumps(texts).encode()) == texts
    nested = [[json.dumps(texts)]] * 100
    assert parse_json(json.dumps(nested).encode()) == nested


@pytest.mark.parametrize("parse", [parse_json, parse_toml])
def test_marks_and_line_ends(parse: Callable[[bytes], Any]) -> None:
    lines = ["{", '"a": 1', "}"] if parse is parse_json else ['a = 1 # "', "[b]"]
    plain = "\n".join(lines).encode()
    assert parse(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n")) == parse(plain)


@pytest.mark.parametrize(
    "content",
    [
        b"a = " + b"[" * 60_000,
        b"a = " + b"{x=" * 20_000,
        b"[" + b"a." * 30_000 + b"a]",
        b"a." * 30_000 + b"a = 1",
        (b"a." * 490 + b"a = 1\n") * 60,
        b"a = " + b"9" * 5000,
        b"a = inf",
        b"a = nan",
        b"a = 1e999",
        b'a = "\\ud800"',
        b"a = 1\na = 2",
        b"a = '\xff'",
        b"a = 1\r",
        b"\x00",
    ],
)
def test_what_is_no_toml(content: bytes) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        typed(Row, parse_toml(content))
    assert "\n" not in str(caught.value)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    path.write_text('{"count": 3}')
    assert read_json(path, Row, 100) == {"count": 3}
    with pytest.raises(FewmultError, match=r"row.json: it has more than 10 bytes"):
        read_json(path, Row, 10)
    path.write_text('{"count": "3"}')
    with pytest.raises(FewmultError, match=r"row.json is damaged \('count' must .*\): mend it"):
        read_json(path, Row, 100, "mend it")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FewmultError, match=r"row.json: it is no regular file"):
        read_json(path, Row, 100)


def outcome(call: Callable[[], Any]) -> tuple[Any, str]:
    """What a call returns, or what its ``ValueError`` says."""
    try:
        return call(), ""
    except ValueError as error:
        return None, str(error)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.sampled_from(sorted(GOOD)), VALUES, st.booleans())
def test_any_value_fits_or_is_refused(name: str, value: Any, extra: bool) -> None:
    found, said = outcome(lambda: typed(Whole, {**GOOD, name: value}, extra=extra))
    assert "\n" not in said
    if said:
        assert name in said
    else:
        assert typed(Whole, json.loads(json.dumps(asdict(found)))) == found


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:\\u d8e+-.0129ntf', max_size=60))
def test_any_bytes_are_parsed_or_refused(content: bytes | str) -> None:
    given = content if isinstance(content, bytes) else content.encode()
    for parse in (parse_json, parse_toml):
        assert "\n" not in outcome(lambda parse=parse: parse(given))[1]


def test_a_small_stack() -> None:
    """The C parser's own guard may come after the end of a thread's stack."""
    code = """
import threading
from fewmult_hls.system.schema import parse_json, parse_toml
def parse():
    for parser, content in ((parse_json, b"[" * 9999), (parse_toml, b"a = " + b"[" * 9999)):
        try:
            parser(content)
        except ValueError:
            print("refused")
threading.stack_size(256 << 10)
thread = threading.Thread(target=parse)
thread.start()
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("refused\nrefused\n", 0)
