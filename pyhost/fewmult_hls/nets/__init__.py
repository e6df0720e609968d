# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Nets: lists of layers, and the lists of calls that train and evaluate them."""
