# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The driver through the real pynq package, on an emulated board that forgives nothing."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pynq", reason="needs pynq 3: pip install 'fewmult-hls[board]'")

from command import assert_one_line, fewmult, summary
from fewmult_hls import datasets
from fewmult_hls.backends.pynq_backend import PynqBackend, _values, emulated_backend
from fewmult_hls.contract.backend import placed, run_on_host
from fewmult_hls.contract.calls import CALLS, Call, HostCall
from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.board.driver import OverlayDriver
from fewmult_hls.hardware.board.hwh import check_hwh
from fewmult_hls.hardware.board.manifest import load_manifest, planned_manifest, save_manifest
from fewmult_hls.hardware.emulated.bus import Bus, Work
from fewmult_hls.hardware.emulated.ip import Fault
from fewmult_hls.hardware.emulated.kernels import Faults, KernelModel
from fewmult_hls.hardware.emulated.memory import BASE, PAGE, Ddr
from fewmult_hls.hardware.emulated.overlay import open_emulated_device, write_emulated_overlay
from fewmult_hls.nets.evaluator import evaluator
from fewmult_hls.nets.network import Network, NetworkSpec
from fewmult_hls.nets.trainer import Schedule, Trainer, train_epochs
from fewmult_hls.proof.parity import difference_on_a_layer, train_briefly
from fewmult_hls.system.errors import FewmultError
from reference import reference

Z2 = load_board("pynq-z2")
DIGITS = datasets.load("digits")
HOST = reference()


@pytest.fixture
def backend() -> Iterator[PynqBackend]:
    with closing(emulated_backend(Z2)) as opened:
        yield opened


# --- bits ---


@pytest.mark.parametrize("kernel", CALLS)
def test_every_kernel_leaves_the_bits_of_the_host(kernel: str, backend: PynqBackend) -> None:
    generator = np.random.default_rng(7)
    for _ in range(12):
        assert difference_on_a_layer(kernel, backend, HOST, generator, 90) is None


@pytest.mark.parametrize(("binary", "bits"), [(False, 16), (True, 8)])
def test_a_short_training(binary: bool, bits: int, backend: PynqBackend) -> None:
    expected = train_briefly(HOST, DIGITS, binary, bits)
    assert train_briefly(backend, DIGITS, binary, bits) == expected


def test_adversarial_inputs_and_sharpness(backend: PynqBackend) -> None:
    spec, prints = NetworkSpec("64-40-10", batch=64), []
    for each in (backend, HOST):
        trainer = Trainer(each, Network.initial(spec, 3), 3, perturbation=16)
        for _ in train_epochs(trainer, DIGITS.train, Schedule(3, 3, sharpen=3)):
            pass
        prints.append(trainer.network().fingerprint)
    assert prints[0] == prints[1]


def test_evaluation(backend: PynqBackend) -> None:
    network = Network.initial(NetworkSpec("64-40-10", batch=64), 3)
    for precision in ("8-bit", "ternary"):
        found = [evaluator(b, network, precision, DIGITS.train.images) for b in (backend, HOST)]  # type: ignore[arg-type]
        logits = [judge.logits(DIGITS.test.images[:70]) for judge, _ in found]
        assert np.array_equal(*logits)
        assert all(map(np.array_equal, *(means for _, means in found)))


def test_the_command_leaves_the_fingerprint_of_the_host(tmp_path: Path) -> None:
    options = ["--epochs", "3", "--net", "64-48-10"]
    on_host, on_device = ["--backend", HOST.name], ["--backend", "pynq", "--device", "emulated"]
    for name, more in {"host": on_host, "pynq": on_device}.items():
        done = fewmult("train", *options, *more, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    mine, other = summary(tmp_path / "pynq"), summary(tmp_path / "host")
    assert mine["fingerprint"] == other["fingerprint"]
    assert mine["test_error_ternary"] == other["test_error_ternary"]
    assert mine["executor"]["overlay"] == "fewmult"
    np.save(tmp_path / "images.npy", DIGITS.test.images)
    outputs = []
    for more in (on_host, on_device):
        shown = fewmult("evaluate", tmp_path / "pynq", *more)
        answers = fewmult("predict", tmp_path / "pynq", tmp_path / "images.npy", *more)
        assert (shown.returncode, answers.returncode) == (0, 0), shown.stderr + answers.stderr
        outputs.append((shown.stdout, answers.stdout))
    assert outputs[0] == outputs[1]
    done = fewmult("verify", "--backend", "pynq", "--device", "emulated", "--cases", "3")
    assert done.returncode == 0, done.stdout
    assert "agree on every bit" in done.stdout


def test_a_run_begins_with_a_net_and_is_extended(tmp_path: Path) -> None:
    """What training on a board is for: a net of elsewhere goes on there."""
    begun = fewmult("train", "--net", "64-16-10", "--epochs", "1", "--out", tmp_path / "start")
    assert begun.returncode == 0, begun.stderr
    on_host, on_device = ["--backend", HOST.name], ["--backend", "pynq", "--device", "emulated"]
    for name, more in {"host": on_host, "pynq": on_device}.items():
        folder = tmp_path / name
        options = ["--from", tmp_path / "start", "--seed", "4", "--epochs", "1", "--out", folder]
        for arguments in (options, ["--resume", folder, "--epochs", "2"]):
            done = fewmult("train", *arguments, *more)
            assert done.returncode == 0, done.stderr
    mine, other = summary(tmp_path / "pynq"), summary(tmp_path / "host")
    assert mine["fingerprint"] == other["fingerprint"]
    assert mine["start_fingerprint"] == summary(tmp_path / "start")["best_fingerprint"]
    assert mine["cycles"] == "1+1"


@pytest.mark.parametrize(("binary", "bits"), [(False, 16), (True, 8)])
def test_the_overlay_that_trains_is_enough(binary: bool, bits: int, tmp_path: Path) -> None:
    write_emulated_overlay(tmp_path, Z2, "fewmult")
    with closing(PynqBackend(open_emulated_device(Z2), Z2, tmp_path)) as backend:
        assert train_briefly(backend, DIGITS, binary, bits) == train_briefly(
            HOST, DIGITS, binary, bits
        )
        generator = np.random.default_rng(7)
        for step in range(4):
            found = difference_on_a_layer("sample_weights", backend, HOST, generator, 90)
            assert found is None, step


def test_updates_go_on_while_products_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    execute = KernelModel._execute

    def noted(model: KernelModel, call: Call) -> Work:
        yield from execute(model, call)
        ended.append((call.kernel, call.numbers()["outputs"]))

    monkeypatch.setattr(KernelModel, "_execute", noted)
    spec = NetworkSpec("64-40-30-10", batch=64)
    # Weights are updated by a master that products have not.
    with closing(emulated_backend(Z2, bus=Bus(held={"gmem2": 1000}))) as backend:
        trainer = Trainer(backend, Network.initial(spec, 3), 3)
        ended.clear()
        trainer.step(DIGITS.train, np.arange(64), rate=2)
    products, updates = ([o for n, o in ended if n == k] for k in ("layer", "shift_gradient"))
    assert (products, updates) == ([40, 30, 10, 10, 30], [10, 30, 40])
    assert ended[4:6] == [("layer", 30), ("shift_gradient", 10)], "the later one ended first"


def test_a_call_waits_for_what_it_needs(backend: PynqBackend) -> None:
    driver, batch = backend._main, 16
    ones = ("rows", "columns", "tap_rows", "tap_columns", "stride")
    sizes = {"inputs": 64, "outputs": 8, "log2_batch": 4, "channels": 64, **dict.fromkeys(ones, 1)}
    call: dict[str, Any] = {
        "weights": placed(backend, np.ones((1, 8, 64), np.int16)),
        "sign": backend.empty((1, 1, 8), np.uint64),
        "mask": backend.empty((1, 1, 8), np.uint64),
        "x": backend.empty((64, batch), np.int8),
        "deltas": backend.empty((8, batch), np.int8),
        **{"master_bits": 16, **sizes},
    }
    call["updated"] = call["weights"]
    layer: dict[str, Any] = {
        "source": backend.empty((64, batch), np.int8),
        "sign": backend.empty((1, 1, 8), np.uint64),
        "mask": backend.empty((1, 1, 8), np.uint64),
        "bias": backend.empty((8,), np.int32),
        "mean": backend.empty((8,), np.int32),
        "result": backend.empty((8, batch), np.int8),
        **{"planes": 1, **sizes},
    }
    for name, taken, waits in (
        ("sign", call["sign"], True),  # written there, read here
        ("result", call["x"], True),  # read there, written here
        ("source", call["x"], False),  # read by both
        ("source", layer["source"], False),
    ):
        driver.wait()
        driver.start("shift_gradient", **call)
        driver.call("layer", **{**layer, name: taken})
        assert ("shift_gradient" in driver._running) != waits, name
    driver.start("shift_gradient", **call)
    backend.to_host(call["sign"])
    assert not driver._running


# --- memory that makes kernels wait ---


@pytest.mark.parametrize("seed", range(4))
def test_masters_that_are_held_up_at_random(seed: int) -> None:
    with closing(emulated_backend(Z2, bus=Bus(seed, most=30))) as backend:
        assert train_briefly(backend, DIGITS, False, 16) == train_briefly(HOST, DIGITS, False, 16)


@pytest.mark.parametrize("bundle", Z2.ports.bundles)
def test_a_master_that_is_held_up_every_time(bundle: str) -> None:
    with closing(emulated_backend(Z2, bus=Bus(1, held={bundle: 200}))) as backend:
        assert train_briefly(backend, DIGITS, False, 16) == train_briefly(HOST, DIGITS, False, 16)


def _without_waiting(driver: OverlayDriver, kernel: str, memory: Mapping[int, bool]) -> None:
    """A driver's fault: what runs already is waited for only if it is the same kernel."""
    if kernel in driver._running:
        driver.wait_for(kernel)


def test_a_wait_that_was_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = train_briefly(HOST, DIGITS, False, 16)
    monkeypatch.setattr(OverlayDriver, "_settle", _without_waiting)
    monkeypatch.setattr(PynqBackend, "run", _started_only)
    found = []
    for bus in (Bus(most=0), *(Bus(seed) for seed in range(4))):
        with closing(emulated_backend(Z2, bus=bus)) as backend:
            found.append(train_briefly(backend, DIGITS, False, 16) == expected)
    assert found == [True, False, False, False, False], "in order all goes well by luck"


def _started_only(backend: PynqBackend, call: Call) -> None:
    if isinstance(call, HostCall):
        run_on_host(backend, call)
    else:
        backend._start(call.kernel, **_values(call))


# --- faults ---


def test_a_kernel_that_hangs_and_the_next_run() -> None:
    faults = Faults()
    with closing(emulated_backend(Z2, faults=faults, timeout=0.3)) as backend:
        train_briefly(backend, DIGITS, False, 16)
        faults.hung.add("shift_gradient")
        begin = time.monotonic()
        with pytest.raises(FewmultError) as caught:
            train_briefly(backend, DIGITS, False, 16)
        assert time.monotonic() - begin < 10  # what a driver waits unless it is told
        assert_one_line(f"error: {caught.value}\n", "kernel shift_gradient hangs", "inputs 0x1e")
    with closing(emulated_backend(Z2)) as backend:
        assert train_briefly(backend, DIGITS, False, 16) == train_briefly(HOST, DIGITS, False, 16)


def test_a_kernel_that_hangs_at_once() -> None:
    with pytest.raises(FewmultError, match="kernel layer hangs: not idle after"):
        emulated_backend(Z2, faults=Faults(hung={"layer"}), timeout=0.1)


def test_a_kernel_of_another_build() -> None:
    with pytest.raises(FewmultError, match="kernel layer in the fabric is of build 0x00000007"):
        emulated_backend(Z2, faults=Faults(build_ids={"layer": 7}))


def test_a_missing_flush(backend: PynqBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PynqBackend, "to_device", lambda self, *arrays: None)
    with pytest.raises(Fault, match="that the host wrote and did not flush"):
        train_briefly(backend, DIGITS, False, 16)


def test_a_missing_invalidation(backend: PynqBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PynqBackend, "to_host", lambda self, *arrays: self._main.wait())
    with pytest.raises(Fault, match="over what a kernel wrote there: invalidate before writing"):
        train_briefly(backend, DIGITS, False, 16)


def test_memory_that_is_full() -> None:
    small = replace(Z2, cma_mb=1)
    with closing(emulated_backend(small)) as backend:
        kept = [backend.empty((100_000,), np.int8) for _ in range(9)]
        with pytest.raises(
            FewmultError, match=r"no contiguous memory for 200,000 bytes more: 0\.9 of 1 MiB"
        ):
            backend.empty((200_000,), np.int8)
        del kept
        gc.collect()
        assert backend.empty((800_000,), np.int8).shape == (800_000,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("layer_0", "lair_0"), "it has no layer_0"),
        (lambda text: text.replace("0x40000000", "0x40050000"), "layer_0 has"),
        (lambda text: text.replace("7z020", "7z010"), "it is for xc7z010clg400-1"),
        (lambda text: text[:500], "is no .hwh of Vivado"),
    ],
)
def test_a_wrong_hwh(change: Callable[[str], str], message: str, tmp_path: Path) -> None:
    write_emulated_overlay(tmp_path, Z2, "fewmult")
    path = tmp_path / "fewmult.hwh"
    path.write_text(change(path.read_text()))
    with pytest.raises(FewmultError, match=message):
        PynqBackend(open_emulated_device(Z2), Z2, tmp_path)


def test_files_that_are_missing_or_of_another_board(tmp_path: Path) -> None:
    with pytest.raises(FewmultError, match=r"there is no .*fewmult\.bit: an overlay is"):
        PynqBackend(open_emulated_device(Z2), Z2, tmp_path)
    manifest = write_emulated_overlay(tmp_path, Z2, "fewmult")
    save_manifest(tmp_path / "fewmult.json", replace(manifest, board="zybo"))
    with pytest.raises(FewmultError, match="is for the board zybo, not for pynq-z2"):
        PynqBackend(open_emulated_device(Z2), Z2, tmp_path)


def test_arrays_that_are_not_the_boards(backend: PynqBackend) -> None:
    array = backend.empty((64, 16), np.int8)
    for wrong in (np.zeros((64, 16), np.int8), array + 1, array.copy(), array[1:]):
        with pytest.raises(ValueError, match="not in the board's memory"):
            backend._buffers.address(wrong)
    assert backend._buffers.address(array[:3]) == backend._buffers.address(array)


# --- the emulated board itself ---


def test_the_hwh_is_one_for_the_plan_and_for_pynq(tmp_path: Path) -> None:
    for overlay in Z2.overlays:
        manifest = write_emulated_overlay(tmp_path, Z2, overlay)
        assert (
            manifest == load_manifest(tmp_path / f"{overlay}.json") == planned_manifest(Z2, overlay)
        )
        check_hwh(manifest, tmp_path / f"{overlay}.hwh")


def test_registers(backend: PynqBackend) -> None:
    ip = backend._main._ips["layer"]
    assert ip.read(0) == 4, "idle"
    ip.write(0, 1)
    assert ip.read(0) == 4 | 2 | 8, "done and ready"
    assert ip.read(0) == 4, "reading clears them"
    with pytest.raises(Fault, match="layer has no register at 0x1000"):
        ip.write(0x1000, 1)


@pytest.mark.parametrize("wrong", [{"weights": None}, {"inputs": 64_000}])
def test_a_kernel_that_is_called_with_a_wrong_address(
    wrong: dict[str, Any], backend: PynqBackend
) -> None:
    call: dict[str, Any] = {
        "weights": placed(backend, np.zeros((1, 10, 64), np.int16)),
        "sign": backend.empty((1, 1, 10), np.uint64),
        "mask": backend.empty((1, 1, 10), np.uint64),
        **{"master_bits": 16, "inputs": 64, "outputs": 10, "step": 1},
    }
    units = backend._driver("fewmult_units")
    units.call("sample_weights", **call)
    with pytest.raises(Fault, match="which are in no live buffer"):
        units.call("sample_weights", **{**call, **wrong})


def test_ddr() -> None:
    ddr = Ddr(8 * PAGE)
    one, two = ddr.allocate(PAGE + 1), ddr.allocate(10)
    assert (one, two) == (BASE, BASE + 2 * PAGE)
    with pytest.raises(MemoryError):
        ddr.allocate(6 * PAGE)
    ddr.free(one)
    assert ddr.allocate(2 * PAGE) == BASE
    assert ddr.used == 3 * PAGE
    view = ddr.host_view(two)
    view[:] = 5
    with pytest.raises(Fault, match="did not flush"):
        ddr.read(two, 10)
    with pytest.raises(Fault, match="that it wrote and did not flush"):
        ddr.invalidate(two, 10)
    ddr.flush(two, 10)
    assert ddr.read(two, 10) == bytes([5] * 10)
    ddr.write(two + 2, bytes([7, 8]))
    assert view.tolist() == [5] * 10, "the host does not see it yet"
    with pytest.raises(Fault, match="invalidate before writing"):
        ddr.flush(two, 10)
    ddr.invalidate(two, 10)
    assert view.tolist() == [5, 5, 7, 8, *[5] * 6]
    with pytest.raises(Fault, match="in no live buffer"):
        ddr.write(two + 8, bytes(3))


# --- what a user meets without a board ---


def test_without_a_board(tmp_path: Path) -> None:
    done = fewmult("train", "--backend", "pynq", "--out", tmp_path / "run")
    assert done.returncode == 1
    expected = "XILINX_XRT is not set" if os.geteuid() == 0 else "belongs to root"
    assert_one_line(done.stderr, expected)
    assert not (tmp_path / "run").exists()


def test_devices_belong_to_pynq() -> None:
    done = fewmult("train", "--device", "emulated")
    assert done.returncode == 2
    assert_one_line(done.stderr, "the emu backend has no device: leave --device out")
    done = fewmult("train", "--backend", "pynq", "--device", "emulated", "--threads", "2")
    assert done.returncode == 2
    assert_one_line(done.stderr, "the pynq backend has no threads")


def test_pynq_is_imported_late() -> None:
    modules = "fewmult_hls.backends, fewmult_hls.cli.commands"
    code = f"import sys, {modules}; sys.exit('pynq' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
