# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The names of all forms; no numpy."""

FORMATS = {"packed": "..packed", "c": ".c", "onnx": ".onnx", "qonnx": ".qonnx"}
"""By name the module that writes it, which is a ``formats.Writer``."""
