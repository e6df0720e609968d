# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Pages quote the code that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

import quote

SOURCE = """\
struct Two {
  static int one(int a,
                 int b) {
#pragma HLS INLINE
    return a;
  }
  static int two() { return 2; }
};

def three(
    a: int,
) -> int:
    '''Three.'''

    return a


four = 4
"""


@pytest.mark.parametrize("page", quote.pages(), ids=lambda page: page.name)
def test_quotes_are_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert quote.filled(text) == text, "make docs"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(quote, "ROOT", tmp_path)
    (tmp_path / "code.cpp").write_text(SOURCE)
    return tmp_path


def block(mark: str) -> str:
    return quote.filled(f"before\n\n<!-- quote: {mark} -->\n```cpp\nold\n```\n\nafter\n")


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    ("mark", "code"),
    [
        (
            'code.cpp "static int one"',
            "static int one(int a,\n               int b) {\n#pragma HLS INLINE\n  return a;\n}",
        ),
        ('code.cpp "static int two"', "static int two() { return 2; }"),
        (
            'code.cpp "def three"',
            "def three(\n    a: int,\n) -> int:\n    '''Three.'''\n\n    return a",
        ),
        ('code.cpp "return a;" "}"', "return a;\n  }"),
        ("code.cpp", SOURCE.rstrip()),
    ],
)
def test_what_is_quoted(mark: str, code: str) -> None:
    page = block(mark)
    assert page == f"before\n\n<!-- quote: {mark} -->\n```cpp\n{code}\n```\n\nafter\n"
    assert quote.filled(page) == page


@pytest.mark.usefixtures("house")
def test_a_new_quote_needs_no_block() -> None:
    mark = '<!-- quote: code.cpp "four" -->'
    assert quote.filled(f"{mark}\nafter\n") == f"{mark}\n```cpp\nfour = 4\n```\nafter\n"


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    ("mark", "fault"),
    [
        ("none.py", "there is no none.py"),
        ('code.cpp "five"', 'code.cpp has "five" in 0 lines'),
        ('code.cpp "static"', 'code.cpp has "static" in 2 lines'),
        ('code.cpp "four" "one"', 'code.cpp has no "one" behind "four"'),
    ],
)
def test_what_is_not_there(mark: str, fault: str) -> None:
    with pytest.raises(quote.QuoteError, match=fault):
        block(mark)


def test_pages_are_rewritten(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = house / "page.md"
    page.write_text('<!-- quote: code.cpp "four" -->\n')
    assert quote.main() == 0
    assert page.read_text().endswith("```cpp\nfour = 4\n```\n")
    assert capsys.readouterr().out == "page.md: filled\n"
    assert quote.main() == 0
    assert capsys.readouterr().out == ""
    page.write_text('<!-- quote: code.cpp "five" -->\n')
    assert quote.main() == 1
    assert capsys.readouterr().err == 'page.md: code.cpp has "five" in 0 lines\n'
