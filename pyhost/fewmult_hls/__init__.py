# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Train neural networks without multiplications, with the same bits on a CPU and on an FPGA."""

__version__ = "0.1.0"
