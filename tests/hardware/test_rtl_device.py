# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""RTL behind the unchanged driver: --device rtl."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pynq", reason="needs pynq 3: pip install 'fewmult-hls[board]'")

from command import assert_one_line, environment, fewmult, summary
from fewmult_hls import datasets
from fewmult_hls.backends import open_backend
from fewmult_hls.backends.pynq_backend import UNITS, PynqBackend, emulated_backend
from fewmult_hls.contract.backend import check_kernels
from fewmult_hls.datasets.dataset import Split
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.board.manifest import planned_manifest
from fewmult_hls.hardware.rtl.kernel import RtlKernel
from fewmult_hls.nets.network import NetworkSpec
from fewmult_hls.nets.steps import all_calls
from fewmult_hls.proof.parity import difference_on_a_layer, train_briefly
from fewmult_hls.system.errors import FewmultError, UsageError
from rtl_ip import RTL, needs_verilator, write_rtl

pytestmark = needs_verilator

Z2 = load_board("pynq-z2")
DIGITS = datasets.load("digits")
EMU = open_backend("emu")


@pytest.fixture(scope="module")
def verilog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rtl") / "-a $folder"
    return write_rtl(folder, planned_manifest(Z2, UNITS).build_id)


@pytest.fixture(scope="module")
def backend(verilog: Path) -> Iterator[PynqBackend]:
    with closing(emulated_backend(Z2, rtl=verilog)) as opened:
        yield opened


def _rtl(backend: PynqBackend) -> RtlKernel:
    (kernel,) = (ip for ip in backend._device._ips.values() if isinstance(ip, RtlKernel))
    return kernel


@pytest.mark.parametrize("kernel", ["binary_matmul", "layer"])
def test_kernels_leave_the_bits_of_emu(backend: PynqBackend, kernel: str) -> None:
    generator, before = np.random.default_rng(3), _rtl(backend).cycles
    for _ in range(4):
        assert difference_on_a_layer(kernel, backend, EMU, generator, 70) is None
    assert _rtl(backend).cycles > before + 100_000, "and it was the RTL that worked"


def test_nets_at_places_are_refused(backend: PynqBackend) -> None:
    with pytest.raises(UsageError, match=r"no kernel layer for layers at places, .* --backend emu"):
        check_kernels(backend, all_calls(NetworkSpec("1x8x8-6C3p-10", batch=32).layers, 0))


def test_a_tiny_net_has_the_fingerprint_of_emu(backend: PynqBackend) -> None:
    few = replace(DIGITS, train=Split(DIGITS.train.images[:320], DIGITS.train.labels[:320]))
    assert train_briefly(backend, few, False, 16) == train_briefly(EMU, few, False, 16)


def test_rtl_of_another_build() -> None:
    with pytest.raises(FewmultError, match="kernel binary_matmul in the fabric is of build 0x0000"):
        emulated_backend(Z2, rtl=RTL)


def test_the_command(verilog: Path, tmp_path: Path) -> None:
    options = ["--net", "64-16-10", "--epochs", "1", "--batch", "64"]
    device = ["--backend", "pynq", "--device", "rtl", "--rtl", f"./{verilog.name}"]
    place = tmp_path / "temporary files"
    place.mkdir()
    env = environment(TMPDIR=str(place))
    for name, more in {"emu": [], "rtl": device}.items():
        done = fewmult(
            "train", *options, *more, "--out", tmp_path / name, cwd=verilog.parent, env=env
        )
        assert done.returncode == 0, done.stderr
    mine, other = summary(tmp_path / "rtl"), summary(tmp_path / "emu")
    assert mine["fingerprint"] == other["fingerprint"]
    assert mine["executor"]["overlay"] == UNITS
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "rtl"], "--device rtl needs --rtl DIR"),
        (["--rtl", "."], "--rtl is for --device rtl"),
        (["--device", "emulated", "--rtl", "."], "--rtl is for --device rtl"),
        (["--device", "rtl", "--rtl", "none"], "there is no folder none with Verilog in it"),
    ],
)
def test_what_makes_no_sense(options: list[str], message: str, tmp_path: Path) -> None:
    done = fewmult("verify", "--backend", "pynq", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert_one_line(done.stderr, message)
