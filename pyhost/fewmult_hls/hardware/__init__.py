# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""All between sources and a board: interfaces, projects, overlays, estimates, emulation."""
