# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The backends' names, outside ``backends/``, whose import waits for numpy."""

BACKENDS = ("emu", "numpy", "pynq")
# What --backend pynq runs on.
DEVICES = ("board", "emulated")
