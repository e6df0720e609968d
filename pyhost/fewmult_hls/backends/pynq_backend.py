# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels in the fabric of a board, or of an emulated one, through pynq."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..contract.backend import OneByOne, PreparedCalls, run_on_host
from ..contract.calls import Call, HostCall, Layer, SampleWeights, ShiftGradient
from ..hardware.board.board import Board, load_board
from ..hardware.board.manifest import load_overlay
from ..hardware.source.reading import kernel_names, load_interface
from ..system.errors import FewmultError
from .names import Device

if TYPE_CHECKING:
    from ..hardware.board.driver import OverlayDriver, Value
    from ..hardware.emulated.bus import Bus
    from ..hardware.emulated.kernels import Faults

# Overlays: fused kernels of dense nets; these and pooling; their parts.
TRAINS, PLACES, UNITS = "fewmult", "fewmult_places", "fewmult_units"
_BOARD = "pynq-z2"
# Seconds until a kernel counts as hung; simulated fabric is slow, and slow is not hung.
_TIMEOUT, _RTL_TIMEOUT = 10.0, 3600.0
_OVERLAYS = Path(__file__).parents[1] / "overlays"


class PynqBackend:
    """Calls the kernels of the overlay that trains; of the one with their parts where it must.

    Args:
        device: of pynq.
        board: that it is.
        folder: with the overlays' files.
        timeout: seconds until a kernel counts as hung.
        at_end: called when the backend is closed.
        overlay: that is used wherever it has the kernel: the one that trains, or the one with its
            parts, which then does the same in more steps.
    """

    name = "pynq"
    in_order = False

    def __init__(
        self,
        device: Any,
        board: Board,
        folder: Path,
        timeout: float = _TIMEOUT,
        at_end: Callable[[], None] = lambda: None,
        overlay: str = TRAINS,
    ) -> None:
        from ..hardware.board.driver import Buffers

        self._device, self._board, self._folder, self._timeout = device, board, folder, timeout
        self._at_end = at_end
        self._buffers = Buffers(device, board)
        self._drivers: dict[str, OverlayDriver] = {}
        self._products: dict[tuple[int, int], npt.NDArray[np.int32]] = {}
        self._main = self._driver(overlay)
        self._others = {name: self._kernels_of(name) for name in (PLACES, UNITS)}
        self.kernels = self._all_kernels()
        self.dense_only = frozenset(() if self._main.has("layer") else ("layer",))

    def _driver(self, overlay: str) -> OverlayDriver:
        """An overlay's driver, in the fabric."""
        from ..hardware.board.driver import OverlayDriver

        if overlay not in self._drivers:
            path = self._folder / f"{overlay}.bit"
            self._drivers[overlay] = OverlayDriver(
                path, self._board, self._device, self._buffers, self._timeout
            )
        self._drivers[overlay].load()
        return self._drivers[overlay]

    def _all_kernels(self) -> frozenset[str]:
        """Those of the overlays that are there, and those whose work others of them do."""
        found = {*self._main.manifest.kernels}.union(*self._others.values())
        instead = {"layer": {"binary_matmul", "normalize"}, "sample_weights": {"shift_gradient"}}
        return frozenset(found | {kernel for kernel, parts in instead.items() if parts <= found})

    def _kernels_of(self, overlay: str) -> frozenset[str]:
        """The kernels of an overlay; none if it is not there."""
        path = self._folder / f"{overlay}.bit"
        return frozenset(load_overlay(path, self._board).kernels if path.is_file() else ())

    def _start(self, kernel: str, **values: Value) -> OverlayDriver:
        driver = self._main
        if not driver.has(kernel):
            driver.wait()  # before another overlay takes its place
            if kernel in self._others[PLACES]:
                self._main = driver = self._driver(PLACES)  # which has all of a step
            else:
                driver = self._driver(UNITS)
        driver.load()
        driver.start(kernel, **values)
        return driver

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A zeroed array in the board's memory."""
        return self._buffers.empty(shape, dtype)

    def to_device(self, *arrays: npt.NDArray[Any]) -> None:
        """Flushes the host's cache, when no kernel reads what was there."""
        self._main.wait()
        for array in arrays:
            array.flush()  # type: ignore[attr-defined]

    def to_host(self, *arrays: npt.NDArray[Any]) -> None:
        """Invalidates the host's cache, when all kernels have ended."""
        self._main.wait()
        for array in arrays:
            array.invalidate()  # type: ignore[attr-defined]

    def run(self, call: Call) -> None:
        """See ``Backend``; updates go on while products run that do not need their weights."""
        call.check()
        if isinstance(call, HostCall):
            run_on_host(self, call)
        elif isinstance(call, Layer) and not self._main.has("layer"):
            for part in call.parts(self._sums(call.units, call.batch)):
                self.run(part)
        elif isinstance(call, SampleWeights) and not self._has_kernel(call.kernel):
            self.run(self._update_by_nothing(call))
        else:
            driver = self._start(call.kernel, **_values(call))
            if driver is not self._main or not isinstance(call, ShiftGradient):
                driver.wait_for(call.kernel)

    def prepare(self, calls: Sequence[Call]) -> PreparedCalls:
        """See ``Backend``."""
        return OneByOne(self, calls)

    def _has_kernel(self, kernel: str) -> bool:
        return self._main.has(kernel) or kernel in self._others[UNITS]

    def _update_by_nothing(self, call: SampleWeights) -> ShiftGradient:
        """An update that leaves the weights as they are, and the sample of that step."""
        least = 4  # log2 of the examples, all zero
        return ShiftGradient(
            weights=call.weights,
            sign=call.sign,
            mask=call.mask,
            x=self.empty((call.inputs, 1 << least), np.int8),
            deltas=self.empty((call.outputs, 1 << least), np.int8),
            master_bits=call.master_bits,
            inputs=call.inputs,
            outputs=call.outputs,
            log2_batch=least,
            shift=0,
            binary=call.binary,
            sharpness=call.sharpness,
            seed=call.seed,
            code_purpose=call.purpose,
            weight_purpose=call.purpose,
            step=(call.step - 1) & 0xFFFF_FFFF,
        )

    def _sums(self, units: int, batch: int) -> npt.NDArray[np.int32]:
        """A place for a product that no host sees: always the same one of a shape."""
        if (units, batch) not in self._products:
            self._products[units, batch] = self.empty((units, batch), np.int32)
        return self._products[units, batch]

    def info(self) -> dict[str, str]:
        """Device, overlay, its build, its clock."""
        manifest = self._main.manifest
        return {
            "device": str(self._device.name),
            "overlay": manifest.overlay,
            "build_id": f"{manifest.build_id:#010x}",
            "fabric_mhz": str(manifest.fabric_mhz),
        }

    def close(self) -> None:
        """Forgets the overlays; what is in the fabric stays there, but has ended."""
        with suppress(FewmultError):
            self._main.wait()
        self._drivers.clear()
        self._products.clear()
        self._at_end()


def _values(call: Call) -> dict[str, Value]:
    """A call's arguments by the names of the top's: weights are updated in place."""
    values: dict[str, Value] = {**call.numbers(), **call.arrays()}
    if isinstance(call, ShiftGradient):
        values["updated"] = call.weights
    return values


def open_pynq(device: Device, overlays: Path | None = None) -> PynqBackend:
    """The backend on a board, or on an emulated one.

    Args:
        device: where.
        overlays: folder with .bit, .hwh and .json; by default the package's own. The emulated
            board makes its own.

    Raises:
        FewmultError: pynq, its environment, the board or the overlay is not there.
    """
    _check_pynq()
    board = load_board(_BOARD)
    if device.name != "board":
        return emulated_backend(board, rtl=device.rtl)
    _check_environment(board)
    from pynq import Device

    try:
        found = Device.active_device
    except (RuntimeError, OSError) as error:
        raise FewmultError(
            f"pynq finds no board ({error}): run this on the {board.title}, "
            "or take --device emulated"
        ) from error
    return PynqBackend(found, board, overlays or _OVERLAYS)


def emulated_backend(
    board: Board,
    *,
    faults: Faults | None = None,
    timeout: float | None = None,
    rtl: Path | None = None,
    bus: Bus | None = None,
) -> PynqBackend:
    """The backend on an emulated board with overlays of its own.

    Args:
        board: to emulate.
        faults: what is to go wrong, for tests.
        timeout: seconds until a kernel counts as hung; simulated ones may take long.
        rtl: folder with the Verilog of kernels that are to be simulated; the others are emulated.
        bus: what holds up the masters of these, for tests.

    Raises:
        UsageError: the folder has no Verilog of a kernel.
        FewmultError: Verilator is not here, or refuses it.
    """
    from ..hardware.emulated.overlay import open_emulated_device, write_emulated_overlay
    from ..hardware.rtl.library import find_tops, verilate

    tops = find_tops(rtl, kernel_names()) if rtl else {}
    fused, parts = set(board.overlays[TRAINS]), set(board.overlays[UNITS])
    # The fused kernel would leave RTL of its parts idle.
    overlay = UNITS if set(tops) & (parts - fused) and not set(tops) & (fused - parts) else TRAINS
    place = tempfile.TemporaryDirectory(prefix="fewmult-overlays-")
    try:
        folder = Path(place.name)
        for name in board.overlays:
            write_emulated_overlay(folder, board, name)
        libraries = {
            name: verilate(load_interface(name), top, folder) for name, top in tops.items()
        }
        device = open_emulated_device(board, faults, libraries, bus)
        seconds = timeout or (_RTL_TIMEOUT if rtl else _TIMEOUT)
        return PynqBackend(device, board, folder, seconds, place.cleanup, overlay)
    except BaseException:
        place.cleanup()
        raise


def _check_pynq() -> None:
    try:
        import pynq  # noqa: F401
    except ImportError as error:
        raise FewmultError(
            f"--backend pynq needs the package pynq ({error}): "
            "pip install 'fewmult-hls[board]', on Python 3.10 to 3.12"
        ) from error


def _check_environment(board: Board) -> None:
    """What pynq on a board needs, and says badly when it is missing."""
    if os.geteuid() != 0:
        raise FewmultError("the fabric belongs to root: run this under sudo -i")
    if "XILINX_XRT" not in os.environ:
        raise FewmultError(
            "XILINX_XRT is not set, so pynq finds no board: source /etc/profile.d/xrt_setup.sh "
            "and /etc/profile.d/pynq_venv.sh on the board, or take --device emulated"
        )
    name = os.environ.get("BOARD", board.name)
    if name.lower() != board.name:
        raise FewmultError(f"this is a {name}, and the overlays are for the {board.title}")
