# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What the kernels cost in time, traffic and area, from their sources: a model, no report."""
