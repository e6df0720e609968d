# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A layer kind is a file in ``layers/``, its oracle and a line: a copy of the package gets one."""

from __future__ import annotations

import filecmp
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fewmult_hls
from checkout import ROOT, takes_copies
from command import environment

PACKAGE = Path(fewmult_hls.__file__).parent
HERE = Path(__file__).parent
NEW = {"layers/permutation.py": "layer.py", "oracle/permutation.py": "oracle.py"}
KINDS = "layers/kinds.py"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package that knows ``perm7``."""
    folder = tmp_path_factory.mktemp("copy") / PACKAGE.name
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, file in NEW.items():
        shutil.copy(HERE / "new_kind" / file, folder / name)
    kinds = folder / KINDS
    text, count = re.subn(
        r"\n(KINDS: [^=]+= \([^)]+?),?\s*\)",
        r"\nfrom .permutation import PermutationKind\n\1, PermutationKind)",
        kinds.read_text(),
    )
    assert count == 1
    kinds.write_text(text)
    return folder


def test_it_changes_a_file_and_adds_two(copy: Path) -> None:
    def files(folder: Path) -> set[str]:
        found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if "__pycache__" not in path.parts}

    same = files(PACKAGE) & files(copy)
    assert files(copy) - same == NEW.keys()
    _, changed, failed = filecmp.cmpfiles(PACKAGE, copy, same, shallow=False)
    assert (changed, failed) == ([KINDS], [])


@takes_copies
@pytest.mark.slow
@pytest.mark.parametrize(
    "tests", ["layers/new_kind/checks.py", "layers/test_kinds.py", "models/test_exports.py"]
)
def test_it_trains_is_counted_saved_and_exported(copy: Path, tests: str) -> None:
    # Of the others, those that are told of no kind by name: they try all that there are.
    words = [ROOT / "tests" / tests, *([] if "new_kind" in tests else ["-k", "perm7"])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(copy.parent)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout
