# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Packed models: what answering needs, and no more (docs/api.md describes the file).

Five ternary weights take a byte, 1.6 bits each: 3**5 = 243 values of 256. Two bit planes, as the
kernels read them, would save unpacking (some milliseconds, once) and cost 2 bits and padding.
Eight binary weights take a byte.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..contract.layouts import unpack_ternary
from ..layers.tensors import Biases, Tensor, Weights
from ..nets.evaluator import PLANES
from ..nets.network import Network, NetworkSpec, WeightKind
from ..system.archive import Archive, array_names, checked, reading_archive, save_checked
from .domain import read_domain
from .model import Model, header_arrays, read_means, read_spec, stored_means

WHAT = "packed model"
FORMAT = 3
# The formats before, which are still read.
_WITHOUT_PREPROCESSING = (1, 2)
_WITHOUT_SHIFTS = 1
MARK = "packed_format"
"""The array that only a packed model has."""

_TRITS = 5  # in a byte
_VALUES = 3**_TRITS
_POWERS = 3 ** np.arange(_TRITS)
# Row b holds the five weights of byte b, the first in the lowest place.
_TABLE = (np.arange(_VALUES)[:, None] // _POWERS % 3 - 1).astype(np.int8)


def pack_trits(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.uint8]:
    """Weights -1, 0 and 1 of any shape, row by row, five a byte; zeros fill the last one."""
    padded = np.zeros((-(-weights.size // _TRITS), _TRITS), np.int8)
    padded.ravel()[: weights.size] = weights.ravel()
    packed: npt.NDArray[np.uint8] = ((padded + 1) @ _POWERS).astype(np.uint8)
    return packed


def unpack_trits(packed: npt.NDArray[np.uint8], shape: tuple[int, int]) -> npt.NDArray[np.int8]:
    """The weights that ``pack_trits`` packed.

    Raises:
        ValueError: they are not so many, or a byte stands for none.
    """
    outputs, inputs = shape
    count = outputs * inputs
    if packed.dtype != np.uint8 or packed.shape != (-(-count // _TRITS),):
        raise ValueError(f"{packed.dtype} {packed.shape} are not {count} packed weights")
    if packed.max() >= _VALUES:
        raise ValueError(f"byte {packed.max()} stands for no weights")
    weights = _TABLE[packed].ravel()
    if weights[count:].any():
        raise ValueError("there are weights after the last")
    return weights[:count].reshape(shape)


def pack_signs(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.uint8]:
    """Weights -1 and 1 of any shape, row by row, eight a byte, the first in the lowest bit."""
    return np.packbits(weights.ravel() < 0, bitorder="little")


def unpack_signs(packed: npt.NDArray[np.uint8], shape: tuple[int, int]) -> npt.NDArray[np.int8]:
    """The weights that ``pack_signs`` packed.

    Raises:
        ValueError: they are not so many.
    """
    outputs, inputs = shape
    count = outputs * inputs
    if packed.dtype != np.uint8 or packed.shape != (-(-count // 8),):
        raise ValueError(f"{packed.dtype} {packed.shape} are not {count} packed weights")
    bits = np.unpackbits(packed, bitorder="little").astype(np.int8)
    if bits[count:].any():
        raise ValueError("there are weights after the last")
    return (1 - 2 * bits[:count]).reshape(shape)


_PACK = {"ternary": pack_trits, "binary": pack_signs}
_UNPACK = {"ternary": unpack_trits, "binary": unpack_signs}


def is_ours(path: Path) -> bool:
    """Whether a packed model is there.

    Raises:
        FewmultError: it cannot be read.
    """
    return MARK in array_names(path)


def save(path: Path, model: Model) -> str:
    """``save_packed``, and what is to be said of the file."""
    save_packed(path, model)
    size, weights = path.stat().st_size, sum(model.spec.layer_sizes)
    return f"{size:,} bytes, {8 * size / weights:.2f} bits a weight"


def save_packed(path: Path, model: Model) -> None:
    """Writes the ternary or binary weights of a model, whole or not at all.

    Raises:
        FewmultError: the file cannot be written.
    """
    save_checked(path, packed_arrays(model))


def packed_arrays(model: Model) -> dict[str, Any]:
    """The arrays of a packed model but its checksum."""
    network, kind = model.network, model.network.spec.weights
    arrays = {
        MARK: np.int32(FORMAT),
        **header_arrays(network.spec, model.domain, model.fingerprint),
    }
    for tensor in network.spec.tensors:
        arrays[tensor.name] = _packed(tensor, network.state[tensor.name], kind)
    arrays |= {name: np.int32(shift) for name, shift in _shifts(network.spec).items()}
    return arrays | stored_means(model, kind)


def load_packed(path: Path) -> Model:
    """Reads a packed model and checks all of it.

    Returns:
        A model for ternary or binary precision alone: its master weights are 0 or at their limit.

    Raises:
        FewmultError: there is none, or it is damaged, or not one of ours.
    """
    with reading_archive(path, "export it again, or take another copy") as archive:
        return model_in(archive)


def model_in(archive: Archive) -> Model:
    """The model in a packed archive, all of it checked.

    Raises:
        ValueError, KeyError, UsageError: there is none, or it cannot be.
    """
    version = archive.integer(MARK)
    if version != FORMAT and version not in _WITHOUT_PREPROCESSING:
        raise ValueError(f"packed format {version} is not known here")
    archive.verify()
    source = archive.text("fingerprint")
    if not re.fullmatch("[0-9a-f]{64}", source):
        raise ValueError("its fingerprint is none")
    spec = read_spec(archive)
    state = {t.name: _unpacked(t, archive[t.name], spec.weights) for t in spec.tensors}
    if version != _WITHOUT_SHIFTS:
        _check_shifts(spec, archive)
    return Model(
        Network(spec, state),
        {spec.weights: read_means(spec, archive, spec.weights)},
        read_domain(archive, spec, has_preprocessing=version not in _WITHOUT_PREPROCESSING),
        packed_from=source,
    )


def _shifts(spec: NetworkSpec) -> dict[str, int]:
    """Bits that each layer's sums lose: for readers that do not know the rule of section 10."""
    shifts = {f"shift_{layer.index}": layer.forward_shift for layer in spec.layers}
    return {name: shift for name, shift in shifts.items() if shift is not None}


def _check_shifts(spec: NetworkSpec, archive: Archive) -> None:
    for name, shift in _shifts(spec).items():
        if archive.integer(name) != shift:
            raise ValueError(f"{name} is {archive.integer(name)}, and such a net's is {shift}")


def _packed(tensor: Tensor, array: npt.NDArray[Any], kind: WeightKind) -> npt.NDArray[Any]:
    if isinstance(tensor, Weights):
        sign, mask = PLANES[kind](array)
        return _PACK[kind](unpack_ternary(sign[0], mask[0], array.shape[1]))
    if isinstance(tensor, Biases):
        return (array >> tensor.unused_bits).astype(np.int16)
    return array


def _unpacked(tensor: Tensor, array: npt.NDArray[Any], kind: WeightKind) -> npt.NDArray[Any]:
    """The tensor, whose weights are 0 or at their limit, and whose biases lack low bits.

    Raises:
        ValueError: it cannot be.
    """
    name, shape = tensor.name, tensor.shape
    if isinstance(tensor, Weights):
        outputs, inputs = shape
        return _UNPACK[kind](array, (outputs, inputs)).astype(tensor.dtype) * tensor.limit
    if isinstance(tensor, Biases):
        unused = tensor.unused_bits
        high = checked(name, array, np.int16, shape, tensor.limit >> unused)
        return high.astype(np.int32) << unused
    return checked(name, array, tensor.dtype, shape, tensor.limit)
