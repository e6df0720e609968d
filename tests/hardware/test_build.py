# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""`fewmult-hls build`: the plan is whole, and its script stops where it must."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fewmult_hls
from checkout import DOCS, takes_copies
from command import assert_one_line, content, environment, fewmult, names, start
from fewmult_hls.cli import commands
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.board.manifest import load_manifest, planned_manifest
from fewmult_hls.hardware.build.hls_project import config_text, tcl_text, vlnv
from fewmult_hls.hardware.build.plan import write_plan
from fewmult_hls.hardware.source.reading import kernel_names, load_interface
from fewmult_hls.proof.golden import encode, golden_cases
from hls_config import KNOWN, read_config
from vendor_tools import TCL, UNIFIED, Tools

Z2 = load_board("pynq-z2")
PLAN = {
    *("README.md", "run.sh", "run_bambu.sh", "check_reports.py", "plan.json", "fewmult.json"),
    *("kernels", "testbench", "golden", "hls", "bambu"),
}
PAGE = DOCS / "hardware" / "building.md"


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A plan of each overlay, each moved after it was written."""
    folder = tmp_path_factory.mktemp("plans")
    for overlay in Z2.overlays:
        write_plan(folder / "first" / overlay, Z2, overlay, overwrite=False)
    (folder / "first").rename(folder / "moved")
    return {overlay: folder / "moved" / overlay for overlay in Z2.overlays}


@pytest.fixture
def plan(plans: dict[str, Path], tmp_path: Path) -> Path:
    """A plan that a test may change."""
    return Path(shutil.copytree(plans["fewmult"], tmp_path / "-a $plan's; #1"))


def project(plans: dict[str, Path], kernel: str) -> Path:
    """The kernel's folder in a plan that has it."""
    overlay = next(name for name, kernels in Z2.overlays.items() if kernel in kernels)
    return plans[overlay] / "hls" / kernel


@pytest.mark.parametrize("overlay", Z2.overlays)
def test_plan_is_whole(plans: dict[str, Path], overlay: str) -> None:
    plan = plans[overlay]
    kernels = Z2.overlays[overlay]
    assert names(plan) - {"overlay"} == PLAN
    assert names(plan / "hls") == set(kernels)
    manifest = load_manifest(plan / "fewmult.json")
    assert replace(manifest, git="") == planned_manifest(Z2, overlay)
    for kernel in kernels:
        assert (plan / "golden" / f"{kernel}.bin").read_bytes() == encode(golden_cases(kernel))
        assert names(plan / "hls" / kernel) == {"hls_config.cfg", "hls.tcl"}
    said = f"kBuildId = {manifest.build_id:#010x};"
    assert said in (plan / "kernels" / "build_id.hpp").read_text()
    assert manifest.build_id != 0


@pytest.mark.parametrize("overlay", Z2.overlays)
def test_plan_names_no_place_on_this_machine(plans: dict[str, Path], overlay: str) -> None:
    for name, text in content(plans[overlay]).items():
        for place in (str(plans[overlay].parents[1]), str(Path.home()), str(Path.cwd())):
            assert place.encode() not in text, (name, place)


def test_only_the_build_id_differs_from_the_repository(plans: dict[str, Path]) -> None:
    from fewmult_hls.hardware.source.reading import source_root

    for folder in ("kernels", "testbench"):
        there = content(source_root() / folder)
        copied = content(plans["fewmult"] / folder)
        assert [name for name in there if there[name] != copied.pop(name)] == (
            ["build_id.hpp"] if folder == "kernels" else []
        )
        assert not copied


@pytest.mark.parametrize("kernel", kernel_names())
def test_config(plans: dict[str, Path], kernel: str) -> None:
    folder = project(plans, kernel)
    config = read_config(folder / "hls_config.cfg")
    assert set(config) == {*KNOWN, "part"}
    for key in ("syn.file", "tb.file"):
        for path in config[key]:
            assert (folder / path).is_file(), path
    [top] = config["syn.top"]
    assert f'extern "C" void {top}(' in (folder / config["syn.file"][0]).read_text()
    assert config["part"] == [Z2.part]
    assert config["clock"] == ["10ns"]
    assert config["clock_uncertainty"] == ["27%"]
    assert config["flow_target"] == ["vivado"]
    assert config["syn.interface.m_axi_addr64"] == ["0"]
    assert config["syn.interface.m_axi_max_widen_bitwidth"] == ["64"]
    assert config["syn.op"] == ["op:mul impl:fabric"]
    assert config["package.output.format"] == ["ip_catalog"]
    assert "-max_dsp 0" in config["vivado.synth_design_args"][0]
    assert config["csim.sanitize_address"] == config["csim.sanitize_undefined"] == ["true"]


def test_config_follows_the_board() -> None:
    clock = replace(Z2.clock, fabric_mhz=142, uncertainty_percent=12)
    ports = replace(Z2.ports, width=32)
    board = replace(Z2, part="xc7z010clg400-1", clock=clock, ports=ports)
    interface = load_interface("layer")
    for text in (config_text(board, interface), tcl_text(board, interface)):
        for piece in (board.part, "7.04225ns", "12%", "m_axi_max_widen_bitwidth=32"):
            assert piece in text


def test_name_of_the_ip() -> None:
    config = config_text(Z2, load_interface("layer"))
    keys = ("vendor", "library", "name", "version")
    found = [re.search(rf"^package\.ip\.{key}=(.+)$", config, re.MULTILINE)[1] for key in keys]
    assert ":".join(found) == vlnv("layer")


@pytest.mark.parametrize("kernel", kernel_names())
def test_golden_vectors_fit_the_ports(kernel: str) -> None:
    """Co-simulation copies as many words as a port's depth says, and no more."""
    cases = golden_cases(kernel)
    for argument in load_interface(kernel).arguments:
        name = "weights" if argument.name == "updated" else argument.name
        found = [
            arrays[name]
            for case in cases
            for arrays in (case.given, case.expected)
            if name in arrays
        ]
        assert bool(found) == (argument.kind == "memory")
        assert all(array.nbytes <= 8 * argument.depth for array in found), name


@pytest.mark.slow
@pytest.mark.parametrize("kernel", kernel_names())
def test_testbench_passes_from_the_plan(
    plans: dict[str, Path], kernel: str, tmp_path: Path
) -> None:
    """What csim does, with the config's own flags: compile, link, copy the data, run there."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("needs g++")
    folder = project(plans, kernel)
    config = read_config(folder / "hls_config.cfg")
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    objects = []
    for files, flags in (("syn.file", "syn.cflags"), ("tb.file", "tb.cflags")):
        for file in config[files]:
            if not file.endswith(".cpp"):
                shutil.copy(folder / file, tmp_path)
                continue
            objects.append(tmp_path / f"{len(objects)}.o")
            command = [compiler, *config[flags][0].split(), *sanitize, "-c", file]
            subprocess.run([*command, "-o", objects[-1]], cwd=folder, check=True, timeout=120)
    subprocess.run([compiler, *sanitize, *objects, "-o", tmp_path / "csim.exe"], check=True)
    result = subprocess.run(
        ["./csim.exe"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{kernel}: {len(golden_cases(kernel))} cases, all equal\n"


RECORDER = """
set known {open_project set_top add_files open_solution set_part create_clock
  set_clock_uncertainty config_interface config_compile config_dataflow config_op config_export
  csim_design csynth_design cosim_design export_design}
foreach name $known {
  proc $name args "puts \\[concat $name \\$args\\]"
}
source hls.tcl
"""


@pytest.mark.parametrize("kernel", kernel_names())
def test_tcl_says_what_the_config_says(plans: dict[str, Path], kernel: str) -> None:
    tclsh = shutil.which("tclsh")
    if tclsh is None:
        pytest.skip("needs tclsh")
    folder = project(plans, kernel)
    config = {key: values[-1] for key, values in read_config(folder / "hls_config.cfg").items()}
    said = {}
    for stage in ("csim", "synth", "cosim", "package", "impl"):
        result = subprocess.run(
            [tclsh],
            input=RECORDER,
            cwd=folder,
            env=environment(FEWMULT_STAGE=stage),
            capture_output=True,
            text=True,
        )
        assert (result.returncode, result.stderr) == (0, "")
        *common, said[stage] = result.stdout.splitlines()
        assert f"set_top {config['syn.top']}" in common
        assert f"set_part {config['part']}" in common
        assert f"create_clock -period {config['clock']} -name default" in common
        assert f"set_clock_uncertainty {config['clock_uncertainty']}" in common
        for key, value in config.items():
            name = key.rpartition(".")[2]
            if key.startswith("syn.interface."):
                assert f"config_interface -{name}={value}" in common
            if key.startswith("syn.compile."):
                assert any(line.startswith(f"config_compile -{name}") for line in common)
            if key.startswith("package.ip.") and name != "name":
                assert f"config_export -{name} {value}" in common
        for path in (line.split()[-1] for line in common if line.startswith("add_files -tb")):
            assert path.startswith("-") or not path.endswith(".bin") or (folder / path).is_file()
    assert said == {
        "csim": "csim_design -clean",
        "synth": "csynth_design",
        "cosim": "cosim_design -O -rtl verilog",
        "package": "export_design",
        "impl": "export_design -flow impl",
    }


def test_tcl_refuses_another_stage(plans: dict[str, Path]) -> None:
    tclsh = shutil.which("tclsh")
    if tclsh is None:
        pytest.skip("needs tclsh")
    result = subprocess.run(
        [tclsh],
        input=RECORDER,
        cwd=project(plans, "layer"),
        env=environment(FEWMULT_STAGE="all"),
        capture_output=True,
        text=True,
    )
    assert "FEWMULT_STAGE is csim, synth, cosim, package or impl" in result.stderr


def test_script_is_clean(plans: dict[str, Path]) -> None:
    script = plans["fewmult"] / "run.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed; bash -n has passed")
    subprocess.run([shellcheck, "--severity=style", script], check=True)


def test_every_key_and_command_is_documented(plans: dict[str, Path]) -> None:
    if not PAGE.is_file():
        pytest.skip("needs the docs of a checkout")
    text = PAGE.read_text(encoding="utf-8")
    folder = project(plans, "layer")
    tcl = {line.split()[0] for line in (folder / "hls.tcl").read_text().splitlines()}
    said = {word for word in tcl if "_" in word}
    said |= set(re.findall(r"\{ (\w+_design)", (folder / "hls.tcl").read_text()))
    for word in (*read_config(folder / "hls_config.cfg"), *said):
        assert f"`{word}`" in text, word


def run(plan: Path, tools: Tools, *arguments: str, **changes: str) -> Any:
    """The plan's script, as someone who got the folder calls it."""
    return subprocess.run(
        [plan / "run.sh", *arguments],
        cwd="/",
        env=tools.environment(**changes),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.slow
def test_all_stages(plan: Path, tmp_path: Path) -> None:
    shutil.rmtree(plan / "overlay", ignore_errors=True)
    tools = Tools(tmp_path, *UNIFIED)
    result = run(plan, tools)
    assert (result.returncode, result.stderr) == (0, "")
    tail = "--config hls_config.cfg --work_dir work"
    assert tools.calls() == [
        *2 * [f"vitis-run --mode hls --csim {tail}"],
        *2 * [f"v++ --compile --mode hls {tail}"],
        *2 * [f"vitis-run --mode hls --cosim {tail}"],
        *2 * [f"vitis-run --mode hls --package {tail}"],
        *2 * [f"vitis-run --mode hls --impl {tail}"],
    ]
    build = json.loads((plan / "build.json").read_text())
    assert set(build["kernels"]) == set(Z2.overlays["fewmult"])
    assert {kernel["from"] for kernel in build["kernels"].values()} == {"implementation"}
    assert build["build_id"] == load_manifest(plan / "fewmult.json").build_id

    again = run(plan, tools)
    assert (again.returncode, again.stderr, tools.calls()) == (0, "", [])
    assert "layer: cosim was done before" in again.stdout


def test_stage_brings_what_it_needs(plan: Path, tmp_path: Path) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    assert run(plan, tools, "cosim", "layer").returncode == 0
    assert [call.split()[0] for call in tools.calls()] == ["v++", "vitis-run"]
    assert set(json.loads((plan / "build.json").read_text())["kernels"]) == {"layer"}


def test_tcl_flow(plan: Path, tmp_path: Path) -> None:
    tools = Tools(tmp_path, *TCL)
    assert run(plan, tools, "impl", "layer").returncode == 0
    assert tools.calls() == 2 * ["vitis_hls -f hls.tcl"]


@pytest.mark.slow
def test_overlay_comes_after_packages(plan: Path, tmp_path: Path) -> None:
    script = plan / "overlay" / "fewmult.tcl"
    script.parent.mkdir(exist_ok=True)
    script.touch()
    tools = Tools(tmp_path, *UNIFIED, "vivado")
    result = run(plan, tools, "overlay")
    assert (result.returncode, result.stderr) == (0, "")
    calls = tools.calls()
    assert len(calls) == 2 * len(Z2.overlays["fewmult"]) + 1
    assert calls[-1].startswith("vivado -mode batch")
    assert calls[-1].endswith("-source fewmult.tcl")
    assert json.loads((plan / "build.json").read_text())["routed"]["wns_ns"] == 0.206
    assert (plan / "overlay" / "fewmult.bit").is_file()

    refused = run(plan, tools, "overlay", "layer")
    assert (refused.returncode, tools.calls()) == (1, [])
    assert_one_line(refused.stderr, "an overlay holds all its kernels")


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["csim", "package"])
def test_first_failure_stops_and_is_mended(plan: Path, tmp_path: Path, stage: str) -> None:
    kernels = ("shift_gradient", "layer")
    tools = Tools(tmp_path, *(TCL if stage == "package" else UNIFIED))
    result = run(plan, tools, "all", *kernels, MISCHIEF=f"{stage} layer fail")
    order = ["csim", "synth", "cosim", "package", "impl"]
    before = order.index(stage) * len(kernels) + kernels.index("layer")
    assert len(tools.calls()) == before + 1
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"error: layer: {stage} failed: see logs/layer.{stage}.log"
    )
    assert "expected 5, got 7" in result.stderr
    assert f"ERROR: [SIM 211-100] {stage} failed" in result.stderr
    assert "CPU user time" not in result.stderr

    assert run(plan, tools, "all", *kernels).returncode == 0
    assert len(tools.calls()) == len(order) * len(kernels) - before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("csim", "csim did not say: cases, all equal"),
        ("synth", "synth left no work/hls/syn/report/csynth.xml"),
        ("cosim", "cosim did not say: co-simulation finished: PASS"),
        ("package", "package left no work/hls/impl/ip/component.xml"),
        ("impl", "impl left no work/hls/impl/report/verilog/export_impl.xml"),
    ],
)
def test_silent_failure_is_one(plan: Path, tmp_path: Path, stage: str, message: str) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    result = run(plan, tools, stage, "layer", MISCHIEF=f"{stage} layer silent")
    assert result.returncode == 1
    assert message in result.stderr


@pytest.mark.slow
def test_what_an_earlier_run_left_is_no_success(plan: Path, tmp_path: Path) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    assert run(plan, tools, "package", "layer").returncode == 0
    (plan / "logs" / "layer.package.done").unlink()
    assert run(plan, tools, "package", "layer", MISCHIEF="package layer silent").returncode == 1


@pytest.mark.slow
def test_policy_stops_after_synthesis_every_time(plan: Path, tmp_path: Path) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    for _ in range(2):
        result = run(plan, tools, "cosim", "layer", DSP="3")
        assert result.returncode == 1
        assert_one_line(result.stderr, "layer: 3 DSP")
    assert len(tools.calls()) == 1
    assert json.loads((plan / "build.json").read_text())["kernels"]["layer"]["dsp"] == 3


@pytest.mark.slow
def test_clean_begins_anew(plan: Path, tmp_path: Path) -> None:
    before = content(plan)
    tools = Tools(tmp_path, *UNIFIED)
    assert run(plan, tools, "impl", "layer").returncode == 0
    assert content(plan) != before
    assert run(plan, tools, "clean").returncode == 0
    assert content(plan) == before
    assert run(plan, tools, "synth", "layer").returncode == 0
    assert len(tools.calls()) == 3


@pytest.mark.parametrize(
    ("tools", "stage", "message"),
    [
        ((), "synth", "vitis-run is not on PATH, nor is vitis_hls"),
        (("vitis-run",), "synth", "v++ is not on PATH"),
        (UNIFIED, "overlay", "vivado is not on PATH"),
        (UNIFIED, "place", "there is no stage 'place'"),
    ],
)
def test_script_without_tools(
    plan: Path, tmp_path: Path, tools: tuple[str, ...], stage: str, message: str
) -> None:
    (plan / "overlay").mkdir(exist_ok=True)
    (plan / "overlay" / "fewmult.tcl").touch()
    there = Tools(tmp_path, *tools)
    result = run(plan, there, stage)
    assert (result.returncode, result.stdout, there.calls()) == (1, "", [])
    assert_one_line(result.stderr, message)


def test_script_without_python(plan: Path, tmp_path: Path) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    result = run(plan, tools, "synth", PYTHON="python-nowhere")
    assert (result.returncode, tools.calls()) == (1, [])
    assert_one_line(result.stderr, "python-nowhere is not on PATH")


@pytest.mark.parametrize(
    ("python", "message"),
    [
        (
            "case $2 in *exit*) exit 1 ;; *) echo 3.6 ;; esac",
            "python3 is Python 3.6, and reading the reports needs 3.8",
        ),
        ("echo no libpython here >&2; exit 127", "python3 does not run .no libpython here."),
    ],
)
def test_a_python_that_cannot_read_reports_is_found_first(
    plan: Path, tmp_path: Path, python: str, message: str
) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    tools.put("python3", f"#!/bin/sh\n{python}\n")
    result = run(plan, tools)
    assert (result.returncode, result.stdout, tools.calls()) == (1, "", [])
    assert_one_line(result.stderr, "PYTHON=")
    assert re.search(message, result.stderr)


@pytest.mark.parametrize(
    ("there", "old", "least"),
    [
        (UNIFIED, "v++ v2023.1", "2023.2"),
        (TCL, "vitis_hls v2021.2", "2022.2"),
        ((*UNIFIED, "vivado"), "vivado v2022.1", "2022.2"),
    ],
)
def test_a_tool_that_is_too_old_is_found_first(
    plan: Path, tmp_path: Path, there: tuple[str, ...], old: str, least: str
) -> None:
    tools = Tools(tmp_path, *there)
    name, release = old.split(" v")
    tools.put(name, f"#!/bin/sh\necho '*** {old} (64-bit)'\nexit 1\n")
    (plan / "overlay").mkdir(exist_ok=True)
    (plan / "overlay" / "fewmult.tcl").touch()
    result = run(plan, tools, "overlay" if name == "vivado" else "csim")
    assert (result.returncode, result.stdout, tools.calls()) == (1, "", [])
    assert_one_line(result.stderr, f"{name} is of release {release}, and {least} is the least")


@pytest.mark.slow
@pytest.mark.parametrize("release", ["v2023.2", "v2031.1", "an unknown release"])
def test_later_and_unknown_releases_pass(plan: Path, tmp_path: Path, release: str) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    result = run(plan, tools, "synth", "layer", RELEASE=release, CDPATH="hls:/")
    assert (result.returncode, result.stderr, len(tools.calls())) == (0, "", 1)


def test_script_knows_its_kernels(plan: Path, tmp_path: Path) -> None:
    result = run(plan, Tools(tmp_path, *UNIFIED), "csim", "normalize")
    assert result.returncode == 1
    assert_one_line(result.stderr, "there is no kernel 'normalize' in this plan")


@pytest.mark.slow
def test_command_builds(tmp_path: Path) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    out = tmp_path / "out" / "plan"
    arguments = ("build", "--out", out, "--stage", "synth", "--kernel", "layer")
    result = fewmult(*arguments, env=tools.environment())
    assert (result.returncode, result.stderr) == (0, "")
    assert "layer: 16557 LUT" in result.stdout
    assert names(out / "hls") == {"layer"}
    assert len(tools.calls()) == 1

    refused = fewmult(*arguments, env=tools.environment())
    assert refused.returncode == 2
    assert_one_line(refused.stderr, f"{out} holds a plan: go on with {out / 'run.sh'}")

    before = content(out)
    failed = fewmult(*arguments, "--overwrite", env=tools.environment(MISCHIEF="synth layer fail"))
    assert failed.returncode == 1
    last = failed.stderr.splitlines()[-1]
    assert last == f"error: the build stopped; mend it and go on with {out / 'run.sh'} synth"
    assert content(out) != before
    assert not (out / "build.json").exists()


def test_plan_only_runs_nothing(tmp_path: Path) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    out = tmp_path / "plan"
    result = fewmult("build", "--out", out, "--plan-only", env=tools.environment())
    assert (result.returncode, result.stderr, tools.calls()) == (0, "", [])
    assert names(out) - {"overlay"} == PLAN


def test_without_tools_the_plan_is_there(tmp_path: Path) -> None:
    out = tmp_path / "plan"
    result = fewmult("build", "--out", out, "--kernel", "layer")
    assert result.returncode == 1
    assert_one_line(result.stderr, "vitis-run is not on PATH", str(out / "run.sh"), "--plan-only")
    assert names(out) == PLAN


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--board", "zedboard"], "there is no board 'zedboard': take pynq-z2"),
        (
            ["--overlay", "all"],
            "pynq-z2 has no overlay 'all': take fewmult or fewmult_places or fewmult_units",
        ),
        (["--kernel", "conv"], "no 'conv'"),
        (["--kernel", "normalize"], "no 'normalize', and --overlay fewmult_units has it"),
        (["--stage", "place"], "'place' is not one of"),
        (["--stage", "overlay", "--kernel", "layer"], "an overlay holds all its kernels"),
    ],
)
def test_bad_requests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert command("build", "--out", tmp_path / "plan", "--plan-only", *arguments) == 2
    assert_one_line(capsys.readouterr().err, message)
    assert not names(tmp_path)


def command(*arguments: str | Path) -> int:
    """The command in this process: quicker, for what starts no other."""
    return commands.run([str(argument) for argument in arguments])


def test_other_folders_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious").write_text("mine")
    for more in ([], ["--overwrite"]):
        assert command("build", "--out", tmp_path, "--plan-only", *more) == 2
        assert_one_line(capsys.readouterr().err, "is not empty, and no plan")
        assert command("build", "--out", tmp_path / "precious", "--plan-only", *more) == 2
        assert_one_line(capsys.readouterr().err, "is a file")
    assert content(tmp_path) == {"precious": b"mine"}


@pytest.mark.parametrize("where", ["", "below"])
def test_the_folder_that_one_is_in_is_not_replaced(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell would be left in a folder that is no longer there."""
    (tmp_path / where).mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / where)
    assert command("build", "--out", tmp_path, "--plan-only") == 2
    assert_one_line(capsys.readouterr().err, f"you are in {tmp_path}", "name another")
    assert Path.cwd() == tmp_path / where


def test_sources_that_do_not_fit_end_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    assert command("build", "--out", tmp_path / "plan", "--plan-only") == 1
    wanted = f"error: cannot write {tmp_path}/plan: No space left on device"
    assert_one_line(capsys.readouterr().err, wanted)
    assert list(tmp_path.iterdir()) == []


def test_no_plan_takes_the_place_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("build", "--out", "/", "--plan-only", "--overwrite") == 2
    assert_one_line(capsys.readouterr().err, "a folder of its own")


def test_nothing_is_left_of_half_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An earlier plan stays until the new one is whole."""
    out = tmp_path / "plan"
    write_plan(out, Z2, "fewmult", ["layer"], overwrite=False)
    before = content(tmp_path)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        assert command("build", "--out", out, "--overwrite", "--plan-only") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert_one_line(capsys.readouterr().err, "File too large")
    assert content(tmp_path) == before


@takes_copies
def test_no_sources_in_this_installation(tmp_path: Path) -> None:
    package = Path(fewmult_hls.__file__).parent
    shutil.copytree(
        package, tmp_path / "site" / "fewmult_hls", ignore=shutil.ignore_patterns("sources", "*.so")
    )
    result = fewmult(
        *("build", "--out", tmp_path / "plan", "--plan-only"),
        env=environment(PYTHONPATH=str(tmp_path / "site")),
        cwd=tmp_path,
    )
    assert result.returncode == 1
    assert_one_line(result.stderr, "the kernels' sources are not in this installation")
    assert names(tmp_path) == {"site"}


def is_running(pid: int) -> bool:
    """Not so for one that has ended and that nobody has asked about."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True
    ).stdout.strip()
    return bool(state) and not state.startswith("Z")


@pytest.mark.slow
def test_interrupt_ends_the_tools(tmp_path: Path) -> None:
    tools = Tools(tmp_path, *UNIFIED)
    out = tmp_path / "plan"
    process = start(
        *("build", "--out", out, "--stage", "synth", "--kernel", "layer"),
        env=tools.environment(MISCHIEF="synth layer hang"),
    )
    pid_file = tools.calls_file.with_name("calls.pid")
    deadline = time.monotonic() + 120
    while not (pid_file.exists() and pid_file.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (130, "interrupted\n")
    assert not is_running(int(pid_file.read_text()))
    assert run(out, tools, "synth").returncode == 0
