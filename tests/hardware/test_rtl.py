# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""RTL in the loop, without pynq: the harness, and a hand-written kernel inside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fewmult_hls.backends import open_backend
from fewmult_hls.contract.layouts import pack_ternary
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.board.manifest import planned_manifest
from fewmult_hls.hardware.emulated.ip import Fault
from fewmult_hls.hardware.emulated.memory import Ddr
from fewmult_hls.hardware.rtl import library as rtl
from fewmult_hls.hardware.rtl.kernel import RtlKernel
from fewmult_hls.hardware.source.reading import load_interface
from fewmult_hls.system.errors import FewmultError, UsageError
from kernel_calls import product
from rtl_ip import RTL, VERILOG, needs_verilator, write_rtl

# Whoever is first waits for Verilator.
pytestmark = pytest.mark.slow
TOP = "binary_matmul_top"
UNITS = planned_manifest(load_board("pynq-z2"), "fewmult_units")
IP = UNITS.kernels["binary_matmul"]
HARNESS = Path(rtl.__file__).parent / "harness"
EMU = open_backend("emu")
# A space, what shells and Makefiles take for their own, a dash and a byte that is no text.
ODD = os.fsdecode(b"-a $b 'c\"; #d%: \xc3\xa9\xff")


# --- the Verilog ---


@needs_verilator
@pytest.mark.parametrize("top", [TOP, "binary_matmul_four_top"])
def test_verilator_finds_nothing_to_complain_about(top: str) -> None:
    done = subprocess.run(
        ["verilator", "--lint-only", "-Wall", f"-I{RTL}", "--top-module", top, *map(str, VERILOG)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("yosys") is None, reason="needs Yosys: the package yosys")
def test_no_multiplier_comes_out_of_synthesis(tmp_path: Path) -> None:
    files = " ".join(map(str, VERILOG))
    script = f"read_verilog {files}; synth_xilinx -flatten -top {TOP}; tee -o stat.txt stat"
    done = subprocess.run(["yosys", "-q", "-p", script], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    cells = dict(re.findall(r"^ +(\w+) +(\d+)$", (tmp_path / "stat.txt").read_text(), re.MULTILINE))
    assert int(cells["CARRY4"]) > 100, "it does add"
    assert not [cell for cell in cells if "DSP" in cell]


def test_it_has_the_registers_of_the_top() -> None:
    control = (RTL / "binary_matmul_control.v").read_text()
    wires = re.findall(r"assign (\w+) = arguments\[(\d)\]", control)
    places = {name: 0x10 + 8 * int(index) for name, index in wires}
    places["build_id"] = int(re.search(r"BUILD = 7'h(\w+)", control)[1], 16)  # type: ignore[index]
    assert places == {name: argument.offset for name, argument in IP.arguments.items()}


# --- the memory port ---


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("ports") / "ports_test"
    warnings = ["-Wall", "-Wextra", "-Wshadow", "-Werror", "-fsanitize=address,undefined"]
    source = [f"-I{HARNESS}", str(RTL / "ports_test.cpp"), "-o", str(program)]
    subprocess.run(["g++", "-std=c++17", *warnings, *source], check=True)
    return program


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        ("bursts", "no fault"),
        ("strobes", "no fault"),
        ("4k", "fault: AR of 2 beats at 0xff8: it crosses 4 KiB"),
        ("aligned", "fault: AR of 1 beats at 0x4: the address is not a whole beat's"),
        ("size", "fault: AR of 1 beats at 0x0: a beat is not as wide as the port"),
        ("kind", "fault: AW of 1 beats at 0x0: addresses do not ascend"),
        ("outside", "fault: "),
        ("last", "fault: WLAST is wrong in beat 0 of 2 at 0x0"),
        ("withdrawn", "fault: AR took back what it offered before it was accepted"),
        ("changed", "fault: AR took back what it offered before it was accepted"),
    ],
)
def test_the_port_refuses_what_axi_forbids(ports: Path, case: str, answer: str) -> None:
    done = subprocess.run([ports, case], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == (answer + "\n", "")


# --- the kernel ---


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("verilator") is None:
        pytest.skip("needs Verilator: the package verilator")
    folder = tmp_path_factory.mktemp("rtl") / ODD
    folder.mkdir()
    top = write_rtl(folder / "-verilog", UNITS.build_id) / f"{TOP}.v"
    control = top.with_name("binary_matmul_control.v")
    control.rename(control.with_name("-o $(shell false) binary matmul.v"))
    harness = shutil.copytree(HARNESS, folder / "harness")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr("tempfile.tempdir", None)
        patch.setattr(rtl, "_HARNESS", harness)
        patch.chdir(top.parent)
        return rtl.verilate(load_interface("binary_matmul"), Path(top.name), folder)


def test_no_path_is_too_odd_and_nothing_else_is_left(library: Path) -> None:
    assert library.parent.name == ODD
    assert {path.name for path in library.parent.iterdir()} == {
        *("harness", "-verilog"),
        library.name,
    }


class Call:
    """A kernel called as the driver calls it: arrays in DDR, registers, AP_IDLE."""

    def __init__(self, library: Path, stall_percent: int) -> None:
        self.ddr = Ddr(1 << 20)
        self.kernel = RtlKernel("binary_matmul", IP, library, self.ddr, stall_percent)

    def place(self, array: np.ndarray) -> int:
        address = self.ddr.allocate(array.nbytes)
        self.ddr.host_view(address)[:] = np.frombuffer(array.tobytes(), np.uint8)
        self.ddr.flush(address, array.nbytes)
        return address

    def run(self, **values: int) -> None:
        for name, argument in IP.arguments.items():
            if argument.kind != "status":
                self.kernel.write(argument.offset, values.get(name, 0))
        self.kernel.write(0, 1)
        while not self.kernel.read(0) & 4:
            pass


def _product(
    library: Path, stall_percent: int, transposed: bool, planes: int, sizes: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray, int]:
    """What the RTL leaves, what emu leaves, and the cycles."""
    inputs, outputs, batch = sizes
    generator = np.random.default_rng([inputs, outputs, batch])
    packed = [pack_ternary(generator.integers(-1, 2, (outputs, inputs))) for _ in range(planes)]
    sign, mask = (np.stack(words) for words in zip(*packed, strict=True))
    source = generator.integers(-127, 128, (outputs if transposed else inputs, batch), np.int8)
    expected = np.zeros((inputs if transposed else outputs, batch), np.int32)
    EMU.run(product(source, sign, mask, expected, inputs=inputs, transposed=transposed))
    call = Call(library, stall_percent)
    z = call.place(np.full_like(expected, -1))
    call.run(
        source=call.place(source),
        sign=call.place(sign),
        mask=call.place(mask),
        z=z,
        transposed=int(transposed),
        inputs=inputs,
        outputs=outputs,
        log2_batch=batch.bit_length() - 1,
        planes=planes,
    )
    call.ddr.invalidate(z, expected.nbytes)
    found = call.ddr.host_view(z).view(np.int32).reshape(expected.shape)
    return found, expected, call.kernel.cycles


@pytest.mark.parametrize("sizes", [(1, 1, 16), (64, 10, 32), (70, 65, 64), (130, 3, 256)])
@pytest.mark.parametrize(("transposed", "planes"), [(False, 1), (False, 7), (True, 1)])
def test_the_bits_of_emu_whatever_the_bus_does(
    library: Path, transposed: bool, planes: int, sizes: tuple[int, int, int]
) -> None:
    cycles = []
    for stall_percent in (0, 25, 80):
        found, expected, passed = _product(library, stall_percent, transposed, planes, sizes)
        assert np.array_equal(found, expected)
        cycles.append(passed)
    assert cycles[0] <= cycles[1] < cycles[2]


# Where each array goes in RTL with as many masters as the processor has ports for them.
FOUR = {"source": "gmem0", "sign": "gmem1", "mask": "gmem2", "z": "gmem3"}


@pytest.fixture(scope="module")
def four_masters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("four")
    two = load_interface("binary_matmul")
    arguments = tuple(replace(a, bundle=FOUR.get(a.name, "")) for a in two.arguments)
    four = replace(two, name="binary_matmul_four", arguments=arguments)
    assert four.bundles == ("gmem0", "gmem1", "gmem2", "gmem3")
    return rtl.verilate(
        four, write_rtl(folder / "verilog", UNITS.build_id) / f"{four.top}.v", folder
    )


@needs_verilator
@pytest.mark.parametrize(("transposed", "planes"), [(False, 2), (True, 1)])
def test_four_masters_each_with_a_bus_that_waits(
    four_masters: Path, transposed: bool, planes: int
) -> None:
    cycles = []
    for stall_percent in (0, 25, 80):
        found, expected, passed = _product(
            four_masters, stall_percent, transposed, planes, (70, 65, 64)
        )
        assert np.array_equal(found, expected)
        cycles.append(passed)
    assert cycles[0] <= cycles[1] < cycles[2]


def test_the_control_registers_are_those_of_vitis(library: Path) -> None:
    kernel = Call(library, 25).kernel
    build_id = IP.arguments["build_id"].offset
    assert kernel.read(0) == 4, "idle"
    kernel.write(0x04, 1)
    kernel.write(0x08, 3)
    kernel.write(0, 1)
    assert kernel.read(0) == 4 | 2 | 8, "a call of no units is done at once"
    assert kernel.read(0) == 4, "reading clears done and ready"
    assert kernel.read(build_id) == UNITS.build_id
    assert [kernel.read(build_id + 4) for _ in range(2)] == [1, 0], "valid, until it is read"
    assert kernel.read(0x0C) == 3
    kernel.write(0x0C, 3)
    assert kernel.read(0x0C) == 0, "writing ones toggles"
    kernel.write(0x10, 0x1234_5678)
    assert kernel.read(0x10) == 0x1234_5678
    for offset in (0x60, 0x1000, 0x12):
        with pytest.raises(Fault, match=f"binary_matmul has no register at {offset:#x}"):
            kernel.write(offset, 1)


def test_an_address_outside_all_buffers(library: Path) -> None:
    call = Call(library, 25)
    with pytest.raises(Fault, match=r"a kernel read 8 bytes at 0x40, which are in no live buffer"):
        call.run(mask=0x40, inputs=64, outputs=1, log2_batch=4, planes=1)


def test_a_bus_that_never_answers(library: Path) -> None:
    with pytest.raises(Fault, match="RTL of binary_matmul: s_axi_control does not answer a read"):
        Call(library, 100).kernel.read(0)


# --- folders of Verilog ---


def test_tops_are_found_at_any_depth(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        rtl.find_tops(tmp_path / "none", ["layer"])
    with pytest.raises(UsageError, match=r"has no Verilog of a kernel: none of layer_top\.v"):
        rtl.find_tops(tmp_path, ["layer"])
    for folder in ("work/hls/syn/verilog", "work/hls/impl/verilog"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "layer_top.v").write_text("module layer_top; endmodule\n")
    found = rtl.find_tops(tmp_path, ["layer", "normalize"])
    assert list(found) == ["layer"]
    found["layer"].write_text("something else")
    with pytest.raises(UsageError, match="are not the same"):
        rtl.find_tops(tmp_path, ["layer"])


@needs_verilator
def test_verilog_that_is_none(tmp_path: Path) -> None:
    top = tmp_path / f"{TOP}.v"
    top.write_text("module binary_matmul_top(;\nendmodule\n")
    with pytest.raises(FewmultError, match=r"Verilator makes nothing of .* syntax error"):
        rtl.verilate(load_interface("binary_matmul"), top, tmp_path)


@needs_verilator
def test_a_fault_of_the_verilog_is_named_whatever_the_path(tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    (folder / f"{TOP}.v").write_text("module binary_matmul_top(;\nendmodule\n")
    with pytest.raises(FewmultError, match=rf"Verilator makes nothing of .* {TOP}\.v:1.*syntax"):
        rtl.verilate(load_interface("binary_matmul"), folder / f"{TOP}.v", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [ODD]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"{TOP}.v")
    with pytest.raises(FewmultError, match="is no regular file"):
        rtl.find_tops(tmp_path, ["binary_matmul"])


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Another program of that name in front of PATH."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@needs_verilator
@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("a.cpp:1:1: error: so it goes", r"the C\+\+ compiler fails .*: a.cpp:1:1: error: so it"),
        ("x.s: fatal error: No space left on device", "there is no space left in .*TMPDIR"),
    ],
)
def test_faults_of_the_compiler_are_not_the_verilog_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, message: str
) -> None:
    stand_in(tmp_path, monkeypatch, "g++", f"echo '{said}' >&2; exit 1")
    with pytest.raises(FewmultError, match=message):
        rtl.verilate(load_interface("binary_matmul"), RTL / f"{TOP}.v", tmp_path)


@needs_verilator
def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all other programs of the system."""
    for folder in ("/bin", "/usr/bin"):
        for path in Path(folder).iterdir():
            link = tmp_path / path.name
            if "++" not in path.name and not link.is_symlink():
                link.symlink_to(path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FewmultError, match=r"Verilator needs \S*\+\+, which is not on PATH"):
        rtl.verilate(load_interface("binary_matmul"), RTL / f"{TOP}.v", tmp_path)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("echo Verilator 4.038 2020-07-11", "verilator on PATH is 4.038, and .* 5.006 or later"),
        ("echo cannot find its libraries >&2; exit 1", "does not run: .* 'cannot find its libr"),
    ],
)
def test_a_verilator_that_cannot_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, message: str
) -> None:
    stand_in(tmp_path, monkeypatch, "verilator", answer)
    with pytest.raises(FewmultError, match=message):
        rtl.verilate(load_interface("binary_matmul"), RTL / f"{TOP}.v", tmp_path)


def test_without_verilator_or_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FewmultError, match="--device rtl needs verilator"):
        rtl.verilate(load_interface("binary_matmul"), RTL / f"{TOP}.v", tmp_path)
    (tmp_path / "verilator").write_text("#!/bin/sh\n")
    (tmp_path / "verilator").chmod(0o755)
    with pytest.raises(FewmultError, match="--device rtl needs make"):
        rtl.verilate(load_interface("binary_matmul"), RTL / f"{TOP}.v", tmp_path)


def test_a_library_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "kernel.so").write_text("text")
    with pytest.raises(FewmultError, match=r"cannot load the simulated kernel .*noexec"):
        RtlKernel("binary_matmul", IP, tmp_path / "kernel.so", Ddr(1 << 20))
