# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels in the fabric of a board, or of an emulated one, through pynq."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..backend_names import Device
from ..errors import FewmultError
from ..hardware.board import Board, load_board
from ..hardware.interfaces import kernel_names, load_interface
from .base import Int8Array, Int32Array, Key, LayerArrays, LayerNumbers, Pass, Update, Words

if TYPE_CHECKING:
    from ..hardware.driver import OverlayDriver, Value
    from ..hardware.emulated.kernels import Faults

TRAINS, UNITS = "fewmult", "fewmult_units"  # overlays: fused kernels, and their parts
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

    def __init__(
        self,
        device: Any,
        board: Board,
        folder: Path,
        timeout: float = _TIMEOUT,
        at_end: Callable[[], None] = lambda: None,
        overlay: str = TRAINS,
    ) -> None:
        from ..hardware.driver import Buffers

        self._device, self._board, self._folder, self._timeout = device, board, folder, timeout
        self._at_end = at_end
        self._buffers = Buffers(device, board)
        self._drivers: dict[str, OverlayDriver] = {}
        self._products: dict[tuple[int, int], Int32Array] = {}
        self._main = self._driver(overlay)

    def _driver(self, overlay: str) -> OverlayDriver:
        """An overlay's driver, in the fabric."""
        from ..hardware.driver import OverlayDriver

        if overlay not in self._drivers:
            path = self._folder / f"{overlay}.bit"
            self._drivers[overlay] = OverlayDriver(
                path, self._board, self._device, self._buffers, self._timeout
            )
        self._drivers[overlay].load()
        return self._drivers[overlay]

    @property
    def _has_units(self) -> bool:
        return (self._folder / f"{UNITS}.bit").is_file()

    def _start(self, kernel: str, **values: Value) -> OverlayDriver:
        driver = self._main
        if not driver.has(kernel):
            driver.wait()  # before another overlay takes its place
            driver = self._driver(UNITS)
        driver.load()
        driver.start(kernel, **values)
        return driver

    def _call(self, kernel: str, **values: Value) -> None:
        self._start(kernel, **values).wait_for(kernel)

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

    def gather(
        self, images: npt.NDArray[np.uint8], chosen: npt.NDArray[np.int64], inputs: Int8Array
    ) -> None:
        """See ``Backend``: the host's work, of which only the batch goes to the board."""
        self.to_host(inputs)  # where the kernels left other inputs, these take their place
        inputs[...] = (images[chosen] >> 1).T
        self.to_device(inputs)

    def sample_weights(
        self,
        weights: npt.NDArray[Any],
        sign: Words,
        mask: Words,
        *,
        inputs: int,
        binary: bool,
        key: Key,
        step: int,
        sharpness: int = 0,
    ) -> None:
        """See ``Backend``; without the kernel, an update by nothing leaves the same sample."""
        if not (self._main.has("sample_weights") or self._has_units):
            least = 16  # samples, all zero
            self.shift_gradient(
                weights,
                sign,
                mask,
                self.empty((inputs, least), np.int8),
                self.empty((sign.shape[2], least), np.int8),
                Update(0, binary, key, key, (step - 1) & 0xFFFF_FFFF, sharpness),
            )
            return
        self._call(
            "sample_weights",
            **_masters(weights),
            sign=sign,
            mask=mask,
            inputs=inputs,
            outputs=sign.shape[2],
            binary=int(binary),
            sharpness=sharpness,
            **key._asdict(),
            step=step,
        )

    def binary_matmul(
        self,
        source: Int8Array,
        sign: Words,
        mask: Words,
        z: Int32Array,
        *,
        inputs: int,
        transposed: bool,
    ) -> None:
        """See ``Backend``."""
        self._call(
            "binary_matmul",
            z=z,
            transposed=int(transposed),
            **_product(source, sign, mask, inputs),
        )

    def normalize(
        self, pass_: Pass, z: Int32Array, arrays: LayerArrays, numbers: LayerNumbers
    ) -> None:
        """See ``Backend``."""
        units, batch = z.shape
        self._call(
            "normalize",
            z=z,
            units=units,
            log2_batch=_log2(batch),
            **_pass(pass_, arrays, numbers),
        )

    def layer(
        self,
        pass_: Pass,
        source: Int8Array,
        sign: Words,
        mask: Words,
        arrays: LayerArrays,
        numbers: LayerNumbers,
        *,
        inputs: int,
    ) -> None:
        """See ``Backend``; without the fused kernel, the sums travel between its parts."""
        if not self._main.has("layer"):
            units = inputs if pass_.sends_back else sign.shape[2]
            z = self._sums(units, source.shape[1])
            self.binary_matmul(source, sign, mask, z, inputs=inputs, transposed=pass_.sends_back)
            self.normalize(pass_, z, arrays, numbers)
            return
        product = _product(source, sign, mask, inputs)
        self._call("layer", **product, **_pass(pass_, arrays, numbers))

    def _sums(self, units: int, batch: int) -> Int32Array:
        """A place for a product that no host sees: always the same one of a shape."""
        if (units, batch) not in self._products:
            self._products[units, batch] = self.empty((units, batch), np.int32)
        return self._products[units, batch]

    def shift_gradient(
        self,
        weights: npt.NDArray[Any],
        sign: Words,
        mask: Words,
        x: Int8Array,
        deltas: Int8Array,
        update: Update,
    ) -> None:
        """See ``Backend``; it goes on while products run that do not need its weights."""
        driver = self._start(
            "shift_gradient",
            **_masters(weights),
            **{f"updated{_bits(weights)}": weights},
            sign=sign,
            mask=mask,
            x=x,
            deltas=deltas,
            inputs=len(x),
            outputs=len(deltas),
            log2_batch=_log2(x.shape[1]),
            shift=update.shift,
            binary=int(update.binary),
            sharpness=update.sharpness,
            seed=update.code_key.seed,
            code_purpose=update.code_key.purpose,
            weight_purpose=update.weight_key.purpose,
            step=update.step,
        )
        if driver is not self._main:
            driver.wait()

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


def _masters(weights: npt.NDArray[Any]) -> dict[str, Value]:
    bits = _bits(weights)
    return {f"weights{bits}": weights, "master_bits": bits}


def _bits(weights: npt.NDArray[Any]) -> int:
    return 8 * weights.dtype.itemsize


def _product(source: Int8Array, sign: Words, mask: Words, inputs: int) -> dict[str, Value]:
    planes, _, outputs = sign.shape
    return {
        "source": source,
        "sign": sign,
        "mask": mask,
        "inputs": inputs,
        "outputs": outputs,
        "log2_batch": _log2(source.shape[1]),
        "planes": planes,
    }


def _pass(pass_: Pass, arrays: LayerArrays, numbers: LayerNumbers) -> dict[str, Value]:
    return {
        "pass": int(pass_),
        **vars(arrays),
        "shift": numbers.shift,
        "bias_exponent": numbers.bias_exponent,
        **numbers.key._asdict(),
        "step": numbers.step,
    }


def _log2(batch: int) -> int:
    return batch.bit_length() - 1


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
) -> PynqBackend:
    """The backend on an emulated board with overlays of its own.

    Args:
        board: to emulate.
        faults: what is to go wrong, for tests.
        timeout: seconds until a kernel counts as hung; simulated ones may take long.
        rtl: folder with the Verilog of kernels that are to be simulated; the others are emulated.

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
        device = open_emulated_device(board, faults, libraries)
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
