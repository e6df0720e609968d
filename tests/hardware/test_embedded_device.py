# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The driver on pynq's own device for a Zynq, as on a board: FPGA manager, XRT memory, mappings."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pynq", reason="needs pynq 3.1: pip install 'fewmult-hls[board]'")
if not version("pynq").startswith("3.1."):
    pytest.skip("needs pynq 3.1: earlier ones have another XRT", allow_module_level=True)

from pynq.pl_server import xrt_device

import embedded_board
from command import assert_one_line, environment, fewmult, summary
from embedded_board import FIRMWARE, MANAGER, SYNC, EmbeddedBoard, bit_file, on_board
from fewmult_hls import datasets
from fewmult_hls.backends.names import Device
from fewmult_hls.backends.pynq_backend import PynqBackend, open_pynq
from fewmult_hls.contract.calls import CALLS
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.emulated.ip import Fault
from fewmult_hls.hardware.emulated.kernels import Faults
from fewmult_hls.proof.parity import difference_on_a_layer, train_briefly
from fewmult_hls.system.errors import FewmultError
from reference import reference

Z2 = load_board("pynq-z2")
DIGITS = datasets.load("digits")
HOST = reference()

# pynq's own: it writes its state by methods that pydantic replaced, and leaves files to be closed.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The `(json|parse_obj)` method is deprecated"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[EmbeddedBoard]:
    with on_board(tmp_path, Z2) as found:
        yield found


@pytest.fixture
def backend(board: EmbeddedBoard) -> Iterator[PynqBackend]:
    with closing(open_pynq(Device(), board.overlays)) as opened:
        yield opened


# --- bits ---


@pytest.mark.parametrize("kernel", CALLS)
def test_every_kernel_leaves_the_bits_of_the_host(kernel: str, backend: PynqBackend) -> None:
    generator = np.random.default_rng(8)
    for _ in range(4):
        assert difference_on_a_layer(kernel, backend, HOST, generator, 90) is None


@pytest.mark.parametrize(("binary", "bits"), [(False, 16), (True, 8)])
def test_a_short_training(binary: bool, bits: int, backend: PynqBackend) -> None:
    expected = train_briefly(HOST, DIGITS, binary, bits)
    assert train_briefly(backend, DIGITS, binary, bits) == expected


def test_the_command_of_a_board_leaves_the_fingerprint_of_the_host(tmp_path: Path) -> None:
    options = ["train", "--epochs", "2", "--net", "64-32-10", "--backend"]
    done = fewmult(*options, HOST.name, "--out", tmp_path / "host")
    assert done.returncode == 0, done.stderr
    (tmp_path / "board").mkdir()
    script = [sys.executable, embedded_board.__file__, tmp_path / "board"]
    done = subprocess.run(
        [*map(str, script), *options, "pynq", "--out", str(tmp_path / "pynq")],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    mine, other = summary(tmp_path / "pynq"), summary(tmp_path / "host")
    assert mine["fingerprint"] == other["fingerprint"]
    assert mine["executor"]["device"] == "edge", "as XRT calls it"


# --- what reaches the board ---


def test_the_configuration(board: EmbeddedBoard) -> None:
    bit = (board.overlays / "fewmult.bit").read_bytes()
    words = bit[bit.index(b"\xff" * 32) :]
    with closing(open_pynq(Device(), board.overlays)):
        swapped = np.frombuffer(words, ">u4").astype("<u4").tobytes()
        assert board.inside(FIRMWARE / "fewmult.bin").read_bytes() == swapped
        assert board.inside(MANAGER / "flags").read_text() == "0", "all of the fabric"
        assert board.inside(MANAGER / "state").read_text() == "operating\n"
        clock = int(board.machine.mmap(0xF800_0000, 0x200)[0x170 // 4])
        assert (clock >> 8 & 63, clock >> 20 & 63) == (10, 1), "of 1000 MHz: 100"


def test_another_run_takes_what_pynq_kept(board: EmbeddedBoard) -> None:
    kept = board.inside("/state/_current_metadata.pkl")
    times = set()
    for _ in range(2):
        with closing(open_pynq(Device(), board.overlays)) as backend:
            random = np.random.default_rng(1)
            assert difference_on_a_layer("layer", backend, HOST, random) is None
            times.add(kept.stat().st_mtime_ns)
    assert len(times) == 1


def test_buffers_are_unmapped(board: EmbeddedBoard, backend: PynqBackend) -> None:
    def mapped() -> int:
        return Path("/proc/self/maps").read_text().count("memfd:ddr")

    gc.collect()  # and nothing is left of other tests
    before, used = mapped(), board.memory.used
    array = backend.empty((1000, 64), np.int8)
    part = array[:1]
    assert (mapped(), board.memory.used) == (before + 1, used + 65536)
    del array
    gc.collect()
    part[...] = 5  # and it is still there
    assert mapped() == before + 1
    del part
    gc.collect()
    assert (mapped(), board.memory.used) == (before, used)


# --- what goes wrong ---


def test_a_missing_flush(backend: PynqBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PynqBackend, "to_device", lambda self, *arrays: None)
    with pytest.raises(Fault, match="that the host wrote and did not flush"):
        train_briefly(backend, DIGITS, False, 16)


def test_a_missing_invalidation(backend: PynqBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PynqBackend, "to_host", lambda self, *arrays: self._main.wait())
    with pytest.raises(RuntimeError, match=r"Buffer Flush Failed: .* invalidate before writing"):
        train_briefly(backend, DIGITS, False, 16)


def test_memory_that_is_full(tmp_path: Path) -> None:
    with (
        on_board(tmp_path, replace(Z2, cma_mb=1)) as small,
        closing(open_pynq(Device(), small.overlays)) as backend,
    ):
        kept = [backend.empty((100_000,), np.int8) for _ in range(9)]
        with pytest.raises(
            FewmultError, match=r"no contiguous memory for 200,000 bytes more: 0\.9 of"
        ) as caught:
            backend.empty((200_000,), np.int8)
        assert str(caught.value.__cause__).startswith("BO allocation failed"), "pynq's own"
        del kept, caught
        gc.collect()
        assert backend.empty((800_000,), np.int8).shape == (800_000,)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda bit: bit.replace(SYNC, bytes(4)), r"\[Errno 22\] Invalid argument"),
        (lambda bit: bit[:-4], "Invalid length found"),
        (lambda bit: bit[:100], "unpack requires"),
        (lambda bit: bit_file("fewmult", Z2, SYNC + b"half"[:2]), "buffer size"),
        (lambda bit: b"", "unpack requires"),
    ],
)
def test_a_bitstream_that_is_refused(
    change: Callable[[bytes], bytes], cause: str, board: EmbeddedBoard
) -> None:
    path = board.overlays / "fewmult.bit"
    path.write_bytes(change(path.read_bytes()))
    message = rf"^fewmult\.bit cannot be loaded into the fabric \({cause}.*one build again"
    with pytest.raises(FewmultError, match=message) as caught:
        open_pynq(Device(), board.overlays)
    assert_one_line(f"error: {caught.value}\n")


def test_a_second_overlay_that_is_refused(board: EmbeddedBoard, backend: PynqBackend) -> None:
    path = board.overlays / "fewmult_units.bit"
    path.write_bytes(path.read_bytes().replace(SYNC, bytes(4)))
    with pytest.raises(FewmultError, match=r"fewmult_units\.bit cannot be loaded"):
        difference_on_a_layer("normalize", backend, HOST, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("script", "cause"), [(None, "No such file"), ("echo full; exit 1", "xclbinutil failed: full")]
)
def test_xrt_without_its_program(script: str | None, cause: str, board: EmbeddedBoard) -> None:
    program = board.inside("/bin/xclbinutil")
    program.write_text(f"#!/bin/sh\n{script}\n") if script else program.unlink()
    with pytest.raises(FewmultError, match=f"cannot be loaded into the fabric .*{cause}") as caught:
        open_pynq(Device(), board.overlays)
    assert_one_line(f"error: {caught.value}\n")


def test_no_board(board: EmbeddedBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(xrt_device, "pyxrt", SimpleNamespace(device=_refuse))
        with pytest.raises(FewmultError, match=r"^pynq finds no board \(Could not open device\)"):
            open_pynq(Device(), board.overlays)
    board.inside(MANAGER / "firmware").unlink()
    with pytest.raises(FewmultError, match=r"^pynq finds no board \(No Devices Found\)"):
        open_pynq(Device(), board.overlays)


def _refuse(index: int) -> None:
    raise RuntimeError("Could not open device")


def test_a_kernel_of_another_build(tmp_path: Path) -> None:
    message = "kernel layer in the fabric is of build 0x00000007"
    with (
        on_board(tmp_path, Z2, Faults(build_ids={"layer": 7})) as board,
        pytest.raises(FewmultError, match=message),
    ):
        open_pynq(Device(), board.overlays)
