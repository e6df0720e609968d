# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Runs: what they are asked for, their course, their folders, and what is read of them."""
