# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Notebooks for a board; ``pynq get-notebooks fewmult-hls`` copies this folder."""
