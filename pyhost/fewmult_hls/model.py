# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""model.npz: a trained network on disk, without pickle, checked when it is read."""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FewmultError
from .evaluation import Means, Precision
from .files import write_atomic
from .networks import Network, NetworkSpec
from .oracle.gradient import weight_clip
from .oracle.integers import BIAS_MAX

FORMAT = 1


@dataclass(frozen=True)
class Model:
    """A network and the means that evaluating it needs, by precision of the weights."""

    network: Network
    means: dict[Precision, Means]


def save_model(path: Path, model: Model) -> None:
    """Writes a model, whole or not at all."""
    network = model.network
    spec = network.spec
    arrays: dict[str, Any] = {
        "format": np.int32(FORMAT),
        "widths": np.array(spec.widths, np.int32),
        "weights_kind": np.array(spec.weights),
        "master_bits": np.int32(spec.master_bits),
        "batch": np.int32(spec.batch),
        "fingerprint": np.array(network.fingerprint),
    }
    for k, (weights, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        arrays[f"weights_{k}"] = weights
        arrays[f"bias_{k}"] = bias
    for precision, means in model.means.items():
        for k, mean in enumerate(means):
            arrays[f"mean_{precision}_{k}"] = mean
    # In memory first: on a full disk, zipfile raises what is no OSError.
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomic(path, content.getbuffer())


def load_model(path: Path) -> Model:
    """Reads a model and checks all of it.

    Raises:
        FewmultError: there is none, or it is damaged, or not one of ours.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FewmultError(f"{path} is not there: is this the folder of a finished run?") from None
    except OSError as error:
        raise FewmultError(f"cannot read {path}: {error.strerror}") from error
    try:
        return _model(Arrays(content))
    except MemoryError:
        raise
    # What zipfile and numpy raise on damaged bytes has no common base.
    except Exception as error:
        raise FewmultError(
            f"{path} is damaged or not a model of fewmult-hls ({_reason(error)}): "
            "train again, or take another copy"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return str(error.args[0])
    return str(error).splitlines()[0] if str(error) else type(error).__name__


class Arrays:
    """The arrays of a .npz file, none of which can take more memory than the file has bytes."""

    def __init__(self, content: bytes) -> None:
        self._size = len(content)
        self._archive = zipfile.ZipFile(io.BytesIO(content))

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        member = self._archive.getinfo(f"{name}.npy")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > self._size:
            raise ValueError(f"{name} is compressed, as no model is")
        file = io.BytesIO(self._archive.read(member))
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"{name} is in format {version}, as no model is")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError(f"{name} does not have the size that its header says")
        file.seek(0)
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _model(arrays: Arrays) -> Model:
    if int(arrays["format"]) != FORMAT:
        raise ValueError(f"format {int(arrays['format'])} is not known here")
    spec = NetworkSpec(
        tuple(int(width) for width in arrays["widths"]),
        str(arrays["weights_kind"]),  # type: ignore[arg-type]
        int(arrays["master_bits"]),
        int(arrays["batch"]),
    )
    weights, biases = [], []
    for layer in spec.layers:
        shape = (layer.outputs, layer.inputs)
        limit = weight_clip(spec.master_bits)
        name = f"weights_{layer.index}"
        weights.append(_checked(name, arrays[name], spec.dtype, shape, limit))
        name = f"bias_{layer.index}"
        biases.append(_checked(name, arrays[name], np.int32, (layer.outputs,), BIAS_MAX))
    network = Network(spec, weights, biases)
    if network.fingerprint != str(arrays["fingerprint"]):
        raise ValueError("its content does not have its fingerprint")
    return Model(
        network,
        {"8-bit": _means(spec, arrays, "8-bit"), "ternary": _means(spec, arrays, "ternary")},
    )


def _means(spec: NetworkSpec, arrays: Arrays, precision: Precision) -> Means:
    means = []
    for layer in spec.layers[:-1]:
        name = f"mean_{precision}_{layer.index}"
        means.append(_checked(name, arrays[name], np.int32, (layer.outputs,), 127 * 127 << 16))
    return means


def _checked(
    name: str,
    array: npt.NDArray[Any],
    dtype: npt.DTypeLike,
    shape: tuple[int, ...],
    limit: int,
) -> npt.NDArray[Any]:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, not {np.dtype(dtype)} {shape}")
    if np.abs(array.astype(np.int64)).max() > limit:
        raise ValueError(f"{name} has values beyond +-{limit}")
    return array
