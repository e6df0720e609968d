# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls report``: runs as one page of HTML and as PNGs (docs/report.md)."""
