# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A board without a board: pynq's own Overlay, MMIO and buffers on registers and memory of ours.

It is stricter than a real one: what would silently go wrong there is an error here.
"""
