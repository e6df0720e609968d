# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m fewmult_hls``: the same as the command ``fewmult-hls``."""

from fewmult_hls.cli import main

if __name__ == "__main__":
    main()
