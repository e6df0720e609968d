# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Layer kinds: a file each, with everything that only this kind knows."""
