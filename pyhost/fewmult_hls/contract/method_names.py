# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The methods' names, in a file that needs no numpy: the columns of the paper's table."""

# In floating point, with multiplications: what the others are compared with.
FLOATING = ("float", "binary")
# With quantized back propagation, in integers, without multiplications: what a weight is sampled
# as, by method.
SAMPLED = {"binary-qbp": "binary", "ternary-qbp": "ternary"}
METHODS = (*FLOATING, *SAMPLED)
# The array that only a model of a floating-point method has.
FLOAT_MARK = "float_format"
