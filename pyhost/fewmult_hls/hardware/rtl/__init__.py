# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""RTL in the loop: verilated kernels behind the registers and the memory of the emulated board."""
