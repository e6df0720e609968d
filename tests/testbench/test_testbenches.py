# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import random
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from checkout import ROOT
from fewmult_hls.proof import golden

KERNEL = "sample_weights"

# Tops that are wrong in one way each, around the real one.
WRAPPER = """
#include "kernels/sample_weights.hpp"
#define sample_weights_top real_top
#include "kernels/sample_weights_top.cpp"
#undef sample_weights_top
extern "C" void sample_weights_top(const std::uint64_t* weights, std::uint64_t* sign,
                                   std::uint64_t* mask, int master_bits, int inputs, int outputs,
                                   int binary, int sharpness, std::uint32_t seed,
                                   std::uint32_t purpose, std::uint32_t step,
                                   std::uint32_t* build_id) {
  real_top(weights, sign, mask, master_bits, inputs, outputs, binary, sharpness, seed,
           purpose, step, build_id);
  const int words = fewmult::word_columns(inputs) * outputs;
  (void)words;
  FAULT;
}
"""


def compile_cpp(output: Path, *arguments: str | Path) -> Path:
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler")
    if not (ROOT / "testbench").is_dir():
        pytest.skip("needs the testbenches of a checkout")
    command = [compiler, "-std=c++14", "-O1", "-w", f"-I{ROOT}", "-o", output, *arguments]
    subprocess.run(command, check=True, timeout=300)
    return output


@pytest.fixture(scope="session")
def bench_object(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = ROOT / "testbench" / f"{KERNEL}_tb.cpp"
    return compile_cpp(tmp_path_factory.mktemp("testbench") / "testbench.o", "-c", source)


@pytest.fixture(scope="session")
def bench(bench_object: Path) -> Path:
    top = ROOT / "kernels" / f"{KERNEL}_top.cpp"
    return compile_cpp(bench_object.with_name(f"{KERNEL}_tb"), bench_object, top)


@pytest.fixture(scope="session")
def content() -> bytes:
    return golden.encode(golden.golden_cases(KERNEL))


@pytest.fixture(scope="session")
def small_content() -> bytes:
    return golden.encode(golden.golden_cases(KERNEL)[:2])


def seal(content: bytes) -> bytes:
    """The file with the checksum that its bytes deserve."""
    return content[:-4] + struct.pack("<I", zlib.crc32(content[:-4]))


def flip(content: bytes, position: int, bits: int = 0xFF) -> bytes:
    changed = bytearray(content)
    changed[position] ^= bits
    return bytes(changed)


def run(bench: Path, folder: Path, content: bytes) -> subprocess.CompletedProcess[str]:
    (folder / f"{KERNEL}.bin").write_bytes(content)
    return run_in(bench, folder)


def run_in(bench: Path, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([bench, *arguments], capture_output=True, text=True, timeout=60)


def assert_refused(result: subprocess.CompletedProcess[str], message: str) -> None:
    assert result.returncode == 1
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith(f"{KERNEL}: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_equal_vectors_pass(bench: Path, tmp_path: Path) -> None:
    golden.write_golden(tmp_path)
    result = run_in(bench, tmp_path)
    cases = len(golden.golden_cases(KERNEL))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{KERNEL}: {cases} cases, all equal\n"


def test_default_folder_is_the_current_one(bench: Path, tmp_path: Path) -> None:
    golden.write_golden(tmp_path)
    assert subprocess.run([bench], cwd=tmp_path, capture_output=True).returncode == 0


def test_two_arguments_are_a_usage_error(bench: Path, tmp_path: Path) -> None:
    result = run_in(bench, tmp_path, tmp_path)
    assert result.returncode == 2
    assert "usage" in result.stderr


def positions(content: bytes) -> dict[str, int]:
    weights = content.index(b"weights")
    return {
        "magic": 0,
        "version": 8,
        "number of cases": 12,
        "length of a name": 16,
        "name": 20,
        "integer": content.index(b"outputs") + len("outputs") + 6,
        "length of an array": weights + len("weights") + 2,
        "input": weights + len("weights") + 6,
        "expected output": content.index(b"expected_mask") + len("expected_mask") + 6,
        "last byte of the last case": len(content) - 5,
        "checksum": len(content) - 1,
    }


@pytest.mark.parametrize(
    "place",
    [
        "magic",
        "version",
        "number of cases",
        "length of a name",
        "name",
        "integer",
        "length of an array",
        "input",
        "expected output",
        "last byte of the last case",
        "checksum",
    ],
)
def test_flipped_byte_is_refused(bench: Path, content: bytes, tmp_path: Path, place: str) -> None:
    result = run(bench, tmp_path, flip(content, positions(content)[place], bits=1))
    assert_refused(result, "checksum is wrong")


def test_flips_anywhere_are_refused(bench: Path, content: bytes, tmp_path: Path) -> None:
    dice = random.Random(1)
    for _ in range(40):
        changed = flip(content, dice.randrange(len(content)), 1 << dice.randrange(8))
        assert_refused(run(bench, tmp_path, changed), "checksum is wrong")


@pytest.mark.parametrize("length", [0, 1, 19, 20, 21, 1000, -4, -1])
def test_truncated_file_is_refused(
    bench: Path, content: bytes, tmp_path: Path, length: int
) -> None:
    assert_refused(run(bench, tmp_path, content[:length]), f"{KERNEL}.bin: ")


def test_missing_file_is_refused(bench: Path, tmp_path: Path) -> None:
    assert_refused(run_in(bench, tmp_path), "cannot be opened")


def test_folder_in_place_of_the_file_is_refused(bench: Path, tmp_path: Path) -> None:
    (tmp_path / f"{KERNEL}.bin").mkdir()
    assert_refused(run_in(bench, tmp_path), f"{KERNEL}.bin: ")


def test_file_without_cases_is_refused(bench: Path, tmp_path: Path) -> None:
    assert_refused(run(bench, tmp_path, golden.encode([])), "no cases")


def test_file_of_another_kernel_is_refused(bench: Path, tmp_path: Path) -> None:
    other = golden.encode(golden.golden_cases("binary_matmul"))
    assert_refused(run(bench, tmp_path, other), "is missing")


@pytest.mark.parametrize(
    ("position", "message"), [(0, "not a golden file"), (8, "another version of the format")]
)
def test_sealed_file_of_another_format_is_refused(
    bench: Path, content: bytes, tmp_path: Path, position: int, message: str
) -> None:
    assert_refused(run(bench, tmp_path, seal(flip(content, position))), message)


def test_no_sealed_bytes_crash(bench: Path, small_content: bytes, tmp_path: Path) -> None:
    dice = random.Random(2)
    structure = [k for k in range(len(small_content) - 4) if k < 400 or dice.random() < 0.02]
    for position in dice.sample(structure, 100):
        changed = seal(flip(small_content, position, dice.randrange(1, 256)))
        result = run(bench, tmp_path, changed)
        assert result.returncode in (0, 1), position
        assert bool(result.stderr) == (result.returncode == 1)


@pytest.mark.parametrize("number", [0, -1, 66, 2**31, 2**40])
def test_wrong_size_never_reaches_the_kernel(bench: Path, tmp_path: Path, number: int) -> None:
    case = golden.golden_cases(KERNEL)[0]
    wrong = dataclasses.replace(case, numbers={**case.numbers, "inputs": number})
    assert_refused(run(bench, tmp_path, golden.encode([wrong])), case.name)


def test_first_difference_is_named(bench: Path, tmp_path: Path) -> None:
    cases = golden.golden_cases(KERNEL)
    case = next(case for case in cases if case.expected["mask"].size > 9)
    mask = case.expected["mask"].copy()
    right = mask.flat[9]
    mask.flat[9] ^= np.uint64(1 << 63)
    mask.flat[-1] ^= np.uint64(1)
    wrong = dataclasses.replace(case, expected={**case.expected, "mask": mask})
    result = run(bench, tmp_path, golden.encode([cases[0], wrong]))
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"{KERNEL}: case {case.name}: mask[9]: expected {mask.flat[9]}, got {right}",
        f"{KERNEL}: 1 of 2 cases differ",
    ]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("mask[words - 1] ^= 1", "mask["),
        ("mask[words] = 1", "mask: memory before or after the array was written"),
        ("sign[-1] = 1", "sign: memory before or after the array was written"),
        ("*build_id = 7", "build_id: got 7"),
    ],
)
def test_wrong_top_fails(
    bench_object: Path, content: bytes, tmp_path: Path, fault: str, message: str
) -> None:
    source = tmp_path / "top.cpp"
    source.write_text(WRAPPER.replace("FAULT", fault))
    wrong = compile_cpp(tmp_path / "wrong_tb", bench_object, source)
    result = run(wrong, tmp_path, content)
    assert result.returncode == 1
    assert message in result.stderr
