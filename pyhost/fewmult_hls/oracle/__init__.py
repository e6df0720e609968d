# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The contract, executed for reading: every kernel in numpy, written from docs/arithmetic.md.

Nothing here is derived from the kernels, and nothing multiplies. Matrices have their natural
shapes, weights ``(outputs, inputs)`` and activations ``(units, batch)``; sums are held in 64 bits
and checked against the 32 that the contract proves sufficient.
"""
