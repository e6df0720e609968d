# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The backends' names, for whoever must not wait until numpy is imported."""

BACKENDS = ("emu", "numpy")
