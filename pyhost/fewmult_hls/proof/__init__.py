# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Who executes a call does not change its bits: calls that show it, where anything can."""
