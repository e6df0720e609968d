# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fewmult_hls.contract.calls import EPILOGUES, Pass
from fewmult_hls.proof import golden


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fewmult_hls.proof.golden", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_command_writes_a_file_for_every_kernel(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "golden"
    result = generate(folder)
    assert (result.returncode, result.stderr) == (0, "")
    assert sorted(path.stem for path in folder.iterdir()) == sorted(golden.KERNELS)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000


def test_files_are_the_same_every_time(tmp_path: Path) -> None:
    generate(tmp_path)
    for path in golden.write_golden(tmp_path / "again"):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_no_folder_is_a_usage_error() -> None:
    assert generate().returncode == 2


def test_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = generate(tmp_path / "file" / "golden")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "cannot make" in result.stderr


def test_names_tell_cases_apart() -> None:
    for kernel in golden.KERNELS:
        names = [case.name for case in golden.golden_cases(kernel)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("kernel", ["normalize", "layer"])
def test_every_pass_is_there(kernel: str) -> None:
    passes = {case.numbers["pass"] for case in golden.golden_cases(kernel)}
    assert passes == {int(pass_) for pass_ in Pass}


@pytest.mark.parametrize("kernel", ["normalize", "layer"])
def test_a_case_has_the_arrays_of_its_epilogue(kernel: str) -> None:
    """The testbenches have no table of their own: what a case lacks, a top must not touch."""
    behind = {name for access in EPILOGUES.values() for name in access.names}
    for case in golden.golden_cases(kernel):
        reads, writes = EPILOGUES[Pass(case.numbers["pass"])]
        assert case.given.keys() & behind == {*reads}, case.name
        assert {*case.expected} >= {*writes}, case.name
        left = {*case.expected} - {*writes}
        assert left <= {*reads}, case.name
        assert all(np.array_equal(case.expected[name], case.given[name]) for name in left)


@pytest.mark.parametrize("kernel", ["sample_weights", "shift_gradient"])
def test_every_master_width_and_weight_kind_is_there(kernel: str) -> None:
    cases = golden.golden_cases(kernel)
    kinds = {(case.numbers["master_bits"], case.numbers["binary"]) for case in cases}
    assert kinds == {(8, 0), (8, 1), (16, 0), (16, 1)}


def test_deltas_and_activations_do_not_all_saturate() -> None:
    for case in golden.golden_cases("layer"):
        if "fill" not in case.name and case.numbers["inputs"] > 1 and "result" in case.expected:
            assert len(np.unique(case.expected["result"])) > 10, case.name
