# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a training step costs in operations: by formula, and by executing it."""
