# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Calls whose sizes are those of their arrays."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from fewmult_hls.contract.calls import (
    CALLS,
    BinaryMatmul,
    Call,
    Layer,
    Normalize,
    Pass,
    SampleWeights,
    ShiftGradient,
)

Arrays = dict[str, Any]
NO_KEY = (0, 0)


def log2(batch: int) -> int:
    return batch.bit_length() - 1


def packed(sign: Any, mask: Any) -> Arrays:
    return {"sign": sign, "mask": mask, "planes": len(sign), "outputs": sign.shape[2]}


def product(
    source: Any, sign: Any, mask: Any, z: Any, *, inputs: int, transposed: bool = False
) -> BinaryMatmul:
    batch = log2(source.shape[1])
    weights = packed(sign, mask)
    return BinaryMatmul(
        source=source, z=z, inputs=inputs, transposed=transposed, log2_batch=batch, **weights
    )


def _draws(key: tuple[int, int], step: int) -> Arrays:
    return {"seed": key[0], "purpose": key[1], "step": step}


def epilogue(
    pass_: Pass,
    z: Any,
    shift: int,
    exponent: int = 0,
    key: tuple[int, int] = NO_KEY,
    step: int = 0,
    **arrays: Any,
) -> Normalize:
    return Normalize(
        pass_=pass_,
        z=z,
        units=len(z),
        log2_batch=log2(z.shape[1]),
        shift=shift,
        bias_exponent=exponent,
        **_draws(key, step),
        **arrays,
    )


def layer(
    pass_: Pass,
    source: Any,
    sign: Any,
    mask: Any,
    shift: int,
    *,
    inputs: int,
    exponent: int = 0,
    key: tuple[int, int] = NO_KEY,
    step: int = 0,
    **arrays: Any,
) -> Layer:
    return Layer(
        pass_=pass_,
        source=source,
        inputs=inputs,
        log2_batch=log2(source.shape[1]),
        shift=shift,
        bias_exponent=exponent,
        **packed(sign, mask),
        **_draws(key, step),
        **arrays,
    )


def sampling(
    weights: Any, sign: Any, mask: Any, *, inputs: int, key: tuple[int, int], **more: Any
) -> SampleWeights:
    bits, (seed, purpose) = 8 * weights.dtype.itemsize, key
    arrays = {"weights": weights, "sign": sign, "mask": mask}
    sizes = {"master_bits": bits, "inputs": inputs, "outputs": weights.shape[1]}
    return SampleWeights(**arrays, **sizes, seed=seed, purpose=purpose, **more)


def update(
    weights: Any,
    sign: Any,
    mask: Any,
    x: Any,
    deltas: Any,
    shift: int,
    *,
    code_key: tuple[int, int],
    weight_key: tuple[int, int],
    **more: Any,
) -> ShiftGradient:
    return ShiftGradient(
        weights=weights,
        sign=sign,
        mask=mask,
        x=x,
        deltas=deltas,
        master_bits=8 * weights.dtype.itemsize,
        inputs=len(x),
        outputs=len(deltas),
        log2_batch=log2(x.shape[1]),
        shift=shift,
        seed=code_key[0],
        code_purpose=code_key[1],
        weight_purpose=weight_key[1],
        **more,
    )


def of_sizes(
    kernel: str,
    inputs: int,
    outputs: int,
    batch: int,
    pass_: Pass | None = None,
    *,
    transposed: bool = False,
    planes: int = 1,
    master_bits: int = 16,
) -> Call:
    """A call that is counted or priced, without arrays."""
    units = inputs if transposed or (pass_ is not None and pass_.sends_back) else outputs
    given = {
        **{"inputs": inputs, "outputs": outputs, "units": units, "log2_batch": log2(batch)},
        **{"pass_": pass_, "transposed": transposed, "planes": planes, "shift": 1},
        **{"master_bits": master_bits, "binary": False, "seed": 0, "step": 0},
        **{"purpose": 0, "code_purpose": 0, "weight_purpose": 0},
    }
    if kernel == "pool":
        given |= {"back": False, "channels": outputs, "rows": 5, "columns": 4, "size": 2}
    names = {field.name for field in fields(CALLS[kernel])}  # type: ignore[arg-type]
    return CALLS[kernel](**{name: value for name, value in given.items() if name in names})
