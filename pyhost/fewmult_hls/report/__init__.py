# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``fewmult-hls report``: runs as one page of HTML and as PNGs (docs/report.md)."""

import logging
import os

# Read when matplotlib is imported; in a notebook's shell it names what need not be here.
os.environ["MPLBACKEND"] = "agg"
for _name in ("matplotlib", "fontTools"):  # of fonts, caches and settings: nothing for a user
    logging.getLogger(_name).setLevel(logging.CRITICAL)
