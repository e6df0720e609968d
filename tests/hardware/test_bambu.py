# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A plan for Bambu: what it is given, what it leaves, and what becomes of that."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from command import assert_one_line, fewmult
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.build.bambu import stripped, with_ports
from fewmult_hls.hardware.build.plan import write_plan
from fewmult_hls.hardware.build.reports import ReportError, read_bambu
from fewmult_hls.hardware.source.reading import kernel_names, load_interface, source_root
from fewmult_hls.proof.golden import golden_cases
from vendor_tools import BAMBU, Tools

pytestmark = pytest.mark.slow
Z2 = load_board("pynq-z2")
KERNEL = "sample_weights"
needs_tools = pytest.mark.skipif(
    shutil.which("g++") is None or shutil.which("verilator") is None,
    reason="needs g++ and verilator",
)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    tools = Tools(tmp_path / "tools")
    tools.put("bambu", BAMBU)
    return tools


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    folder = tmp_path / "a plan's"
    write_plan(folder, Z2, "fewmult_units", (KERNEL,), overwrite=False)
    return folder


def run(plan: Path, tools: Tools, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(plan / "run_bambu.sh"), *words]
    environment = tools.environment(**changes)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def test_only_pragmas_are_stripped() -> None:
    for path in (source_root() / "kernels").glob("*.[ch]pp"):
        text = path.read_text(encoding="utf-8")
        kept = [line for line in text.splitlines() if not line.strip().startswith("#pragma HLS")]
        assert stripped(text).splitlines() == kept, path.name


@pytest.mark.parametrize("kernel", kernel_names())
def test_every_memory_port_has_a_pragma_of_its_own(kernel: str) -> None:
    interface = load_interface(kernel)
    top = source_root() / "kernels" / f"{kernel}_top.cpp"
    text = with_ports(stripped(top.read_text(encoding="utf-8")), interface)
    found = re.findall(r"#pragma HLS interface port = (\w+) mode = m_axi .* bundle = (\w+)\n", text)
    assert found == [(a.name, a.bundle) for a in interface.arguments if a.kind == "memory"]
    last = text.index(f"bundle = {found[-1][1]}\nextern")
    assert text.index("#pragma HLS interface") < last < text.index(f'extern "C" void {kernel}_top(')


@needs_tools
def test_it_synthesizes_and_compares(plan: Path, tools: Tools) -> None:
    done = run(plan, tools)
    assert (done.returncode, done.stderr) == (0, "")
    [call] = tools.calls()
    assert "--simulate --simulator=VERILATOR" in call
    cases = len(golden_cases(KERNEL))
    build = json.loads((plan / "build.json").read_text())
    found = build["bambu"][KERNEL]
    assert (found["cases"], found["cycles"]) == (cases, 1234)
    assert found["tool"] == "Version: PandA 2024.10 - stand-in"
    assert build["kernels"] == {}
    if shutil.which("yosys"):
        assert [found[name] for name in ("lut", "ff", "bram18", "dsp")] == [8, 8, 0, 0]
    assert f"bambu:{KERNEL}: {cases} cases equal, 1234 cycles" in done.stdout
    again = run(plan, tools)
    assert "cosim was done before" in again.stdout
    assert tools.calls() == []


@needs_tools
def test_synthesis_alone(plan: Path, tools: Tools) -> None:
    assert run(plan, tools, "synth", KERNEL).returncode == 0
    [call] = tools.calls()
    assert "--simulate" not in call
    found = json.loads((plan / "build.json").read_text())["bambu"][KERNEL]
    assert (found["cases"], found["cycles"]) == (None, None)
    assert run(plan, tools, "clean").returncode == 0
    assert not (plan / "bambu" / "verilog" / KERNEL).exists()


@needs_tools
@pytest.mark.parametrize(
    ("mischief", "message"),
    [
        ("fail", "Internal error"),
        ("silent", f"cosim left no {KERNEL}_top.v"),
        ("differ", "cases differ"),
    ],
)
def test_what_fails_stops_it(mischief: str, message: str, plan: Path, tools: Tools) -> None:
    done = run(plan, tools, "cosim", MISCHIEF=mischief)
    assert done.returncode == 1
    assert message in done.stderr
    assert f"error: {KERNEL}: cosim failed: see logs/{KERNEL}.bambu_cosim.log" in done.stderr
    assert not (plan / "build.json").exists()


def test_what_it_has_not(plan: Path, tools: Tools) -> None:
    assert "Bambu has no stage 'impl'" in run(plan, tools, "impl").stderr
    assert "there is no kernel 'layer'" in run(plan, tools, "all", "layer").stderr
    bare = tools.environment()
    bare["PATH"] = "/usr/bin:/bin"
    done = subprocess.run(
        ["bash", plan / "run_bambu.sh", "synth"], env=bare, capture_output=True, text=True
    )
    assert "bambu is not on PATH" in done.stderr


@needs_tools
def test_the_command(tmp_path: Path, tools: Tools) -> None:
    words = ["build", "--hls", "bambu", "--overlay", "fewmult_units", "--kernel", KERNEL]
    out = tmp_path / "plan"
    refused = fewmult(*words, "--out", str(out), "--stage", "impl", env=tools.environment())
    assert refused.returncode == 2
    assert_one_line(refused.stderr, "Bambu has no stage impl: take synth, cosim, all")
    done = fewmult(*words, "--out", str(out), "--stage", "synth", env=tools.environment())
    assert done.returncode == 0, done.stderr
    assert KERNEL in json.loads((out / "build.json").read_text())["bambu"]


def test_a_count_that_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "bambu" / "verilog" / KERNEL
    folder.mkdir(parents=True)
    (folder / "area.json").write_text('{"design": []}')
    with pytest.raises(ReportError, match="is no count of Yosys"):
        read_bambu(tmp_path, KERNEL)


def test_the_script_is_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck")
    script = Path(write_plan.__code__.co_filename).with_name("templates") / "run_bambu.sh"
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
