# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Facts of docs/arithmetic.md that every room shares: layouts, and calls of kernels."""
