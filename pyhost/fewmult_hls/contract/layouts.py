# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How matrices lie in memory for the kernels (contract, section 9), and back.

A word column is 64 inputs. Weights lie as (word column, output, 64), packed samples as
(plane, word column, output); inputs that are not there are zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

WORD_BITS = 64
MASTER_DTYPES: dict[int, np.dtype[Any]] = {8: np.dtype(np.int8), 16: np.dtype(np.int16)}

Words = npt.NDArray[np.uint64]


def word_columns(inputs: int) -> int:
    """Number of word columns that ``inputs`` inputs take."""
    return (inputs + WORD_BITS - 1) // WORD_BITS


def block_weights(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(outputs, inputs) to (word columns, outputs, 64), padded with zeros; a copy."""
    outputs, inputs = matrix.shape
    padded = np.zeros((outputs, word_columns(inputs) * WORD_BITS), matrix.dtype)
    padded[:, :inputs] = matrix
    return np.ascontiguousarray(padded.reshape(outputs, -1, WORD_BITS).transpose(1, 0, 2))


def unblock_weights(blocks: npt.NDArray[Any], inputs: int) -> npt.NDArray[Any]:
    """(word columns, outputs, 64) to (outputs, inputs); a copy."""
    outputs = blocks.shape[1]
    # Of 64 inputs it would else be the same memory.
    return np.array(blocks.transpose(1, 0, 2).reshape(outputs, -1)[:, :inputs], order="C")


def pack_bits(bits: npt.NDArray[np.bool_]) -> Words:
    """(outputs, inputs) to (word columns, outputs): bit k of a word is its k-th input."""
    blocks = block_weights(bits.astype(np.uint8))
    octets = np.packbits(blocks, axis=-1, bitorder="little")
    return np.ascontiguousarray(octets).view("<u8")[..., 0].astype(np.uint64)


def unpack_bits(words: Words, inputs: int) -> npt.NDArray[np.bool_]:
    """(word columns, outputs) to (outputs, inputs)."""
    octets = np.ascontiguousarray(words.astype("<u8"))[..., None].view(np.uint8)
    blocks = np.unpackbits(octets, axis=-1, bitorder="little")
    return unblock_weights(blocks, inputs).astype(np.bool_)


def pack_ternary(matrix: npt.NDArray[Any]) -> tuple[Words, Words]:
    """Sign and mask words of a matrix of -1, 0 and +1."""
    return pack_bits(matrix < 0), pack_bits(matrix != 0)


def unpack_ternary(sign: Words, mask: Words, inputs: int) -> npt.NDArray[np.int8]:
    """The (outputs, inputs) matrix of -1, 0 and +1 that sign and mask words hold."""
    minus = unpack_bits(sign, inputs)
    plus = unpack_bits(mask, inputs) & ~minus
    return plus.astype(np.int8) - minus.astype(np.int8)
