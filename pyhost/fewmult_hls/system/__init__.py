# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The system below all else: files, locks, memory, processors, and what comes from outside."""
