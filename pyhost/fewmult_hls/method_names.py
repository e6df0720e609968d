# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Names of the paper's methods, without what they need."""

METHODS = ("float", "binary", "binary-qbp", "ternary-qbp")
