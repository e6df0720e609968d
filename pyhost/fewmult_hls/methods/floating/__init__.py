# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's controls in floating point: ``float``, and ``binary`` with exact back propagation.

They multiply, in numpy's float32, and exist to be compared with. docs/methods.md defines them.
"""
