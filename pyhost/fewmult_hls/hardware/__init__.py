# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""From the kernels' sources to a board: interfaces, projects, overlays, estimates, emulation."""
