# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``tools/same``: whatever differs between two commits is said, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import comparing
import finding
from checkout import ROOT
from fewmult_hls.proof import golden

BASE = {"training": {"a": {"fingerprint": "1"}}, "loops": {"top": ["1 times 2 turns", "3"]}}


def test_equal_trees_have_no_differences() -> None:
    again = {"loops": {"top": ["1 times 2 turns", "3"]}, "training": {"a": {"fingerprint": "1"}}}
    assert comparing.differences(BASE, again) == {}


def test_a_value_that_is_another() -> None:
    head = {**BASE, "training": {"a": {"fingerprint": "2"}}}
    found = comparing.differences(BASE, head)
    assert found == {"training": ["training/a/fingerprint: 1 is 2 now"]}


def test_values_that_only_one_side_has() -> None:
    head = {
        "training": {"b": {"fingerprint": "1"}},
        "loops": {"top": ["1 times 2 turns"]},
        "ops": 0,
    }
    assert comparing.differences(BASE, head) == {
        "training": [
            "training/a/fingerprint: in BASE only, 1",
            "training/b/fingerprint: in HEAD only, 1",
        ],
        "loops": ["loops/top/1: in BASE only, 3"],
        "ops": ["ops: in HEAD only, 0"],
    }


def test_a_number_is_no_text_and_nothing_is_not_missing() -> None:
    found = comparing.differences({"ops": {"a": 1, "b": None}}, {"ops": {"a": "1", "b": None}})
    assert list(found) == ["ops"]
    assert len(found["ops"]) == 1


def test_golden_files_are_read_array_by_array(tmp_path: Path) -> None:
    for path in golden.write_golden(tmp_path):
        found = finding.read_golden(path)
        for mine, case in zip(found, golden.golden_cases(path.stem), strict=True):
            arrays = {*case.numbers, *case.given, *(f"expected_{one}" for one in case.expected)}
            assert mine.keys() == arrays


def test_one_element_of_a_golden_file_counts(tmp_path: Path) -> None:
    case = next(iter(golden.golden_cases("layer")))
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(golden.encode([case]))
    array = next(iter(case.expected))
    changed = np.array(case.expected[array])
    changed.flat[-1] ^= 1
    case.expected[array] = changed
    other.write_bytes(golden.encode([case]))
    found = comparing.differences(*({"golden": finding.read_golden(path)} for path in (one, other)))
    assert [line.split(":")[0] for line in found["golden"]] == [f"golden/0/expected_{array}"]


def test_counters_count_entries_and_turns(tmp_path: Path) -> None:
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    (tmp_path / "kernels").mkdir()
    source = tmp_path / "kernels" / "two.cpp"
    source.write_text(
        "int main() {\n"
        "  int sum = 0;\n"
        "outer:\n"
        "  for (int a = 0; a < 3; ++a) {\n"
        "  inner: for (int b = 0; b < a; ++b) {\n"
        "#pragma HLS PIPELINE II=1\n"
        "      sum += b;\n"
        "    }\n"
        "  }\n"
        "  return sum - 1;\n"
        "}\n"
    )
    assert finding.count_loops(tmp_path / "kernels") == 1
    (tmp_path / "counts.hpp").write_text(finding.COUNTS)
    flags = ["-w", "-include", tmp_path / "counts.hpp", "-o", tmp_path / "two"]
    subprocess.run(["g++", *flags, source], check=True)
    counts = tmp_path / "counts"
    subprocess.run([tmp_path / "two"], env={"COUNTS": str(counts)}, check=True)
    assert counts.read_text().split()[:3] == ["3", "3", "0"]


def test_every_pipelined_loop_of_the_kernels_gets_counters(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "kernels", tmp_path / "kernels")
    pragmas = sum(
        len(re.findall("#pragma HLS PIPELINE", path.read_text()))
        for path in (tmp_path / "kernels").iterdir()
    )
    assert finding.count_loops(tmp_path / "kernels") == pragmas > 20


def test_a_commit_that_is_not_there() -> None:
    command = [sys.executable, ROOT / "tools" / "same", "no-such-commit"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.endswith("there is no commit no-such-commit: see `git log`\n")


def test_each_commit_that_changes_a_source_is_compared_with_the_one_before(tmp_path: Path) -> None:
    tool = tmp_path / "tools" / "same"
    shutil.copytree(ROOT / "tools" / "same", tool)

    def git(*words: str) -> None:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True)

    git("init", "--quiet")
    for file in ("pyhost/a.py", "docs/a.md", "kernels/a.hpp", "tests/a.py"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
        git("add", file)
        git("commit", "--quiet", f"--message={file} is there")
    command = [sys.executable, tool, "--each", "HEAD~3"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1  # none of these can be installed
    assert re.findall("[^ ]+ is there", done.stdout) == ["kernels/a.hpp is there"]
    assert "pip install" in done.stdout
