# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The page of what newcomers try is run from top to bottom, and prints what it shows."""

from __future__ import annotations

import doctest
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout import DOCS
from command import PATIENCE

PAGE = (DOCS / "newcomers.md").read_text(encoding="utf-8")
PROGRAMS = ("gcc", "avr-gcc")
PACKAGES = ("onnx", "onnxruntime", "sklearn")


def blocks() -> Iterator[tuple[str, str]]:
    """What the page has to run: language and text."""
    yield from re.findall(r"^```(console|python)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def missing(text: str) -> list[str]:
    """What a block needs that is not here."""
    programs = [name for name in PROGRAMS if re.search(rf"^\$ {name} ", text, re.MULTILINE)]
    named = re.findall(r"(?:import|from|--format) (\w+)", text)
    packages = [name for name in PACKAGES if name in named]
    return [name for name in programs if not shutil.which(name)] + [
        name for name in packages if importlib.util.find_spec(name) is None
    ]


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether a command printed what the page shows; ``..`` stands for anything."""
    parts = map(re.escape, re.split(r"\.\.(?=\s|;|$)", " ".join(shown.split())))
    return re.fullmatch(".*".join(parts), " ".join(printed.split())) is not None


def check_commands(text: str) -> None:
    first, *commands = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not first
    ours = f"{sys.executable} -m fewmult_hls "
    for command in commands:
        line, shown = command.split("\n", 1)
        done = subprocess.run(
            re.sub("^fewmult-hls ", ours, line),
            shell=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout
        assert is_as_shown(shown, done.stdout), f"{line}\n{done.stdout}"


def check_examples(text: str, names: dict[str, object], number: int) -> None:
    example = doctest.DocTestParser().get_doctest(
        text.replace("..)\n", "...)\n"), names, f"block {number}", None, 0
    )
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    assert runner.run(example, clear_globs=False).failed == 0
    names.update(example.globs)


@pytest.mark.slow
def test_the_page_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FEWMULT_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    names: dict[str, object] = {}
    for number, (language, text) in enumerate(blocks()):
        if lacking := missing(text):
            print(f"block {number} needs {', '.join(lacking)}")
        elif language == "console":
            check_commands(text)
        elif ">>>" in text:
            check_examples(text, names, number)
        else:
            exec(compile(text, f"block {number}", "exec"), {})


def test_the_page_has_twenty() -> None:
    numbers = re.findall(r"^\*\*(\d+)\. ", PAGE, re.MULTILINE)
    assert list(map(int, numbers)) == list(range(1, 21))
    assert len(list(blocks())) > 15


def test_what_is_shown_is_compared() -> None:
    assert is_as_shown("a ..\nc\n", "a b\n\nc")
    assert not is_as_shown("a\nc\n", "a b c")
    assert not is_as_shown("..\n7fb1\n", "x 7fb2")
