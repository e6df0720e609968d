# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a net and the numbers of a run may be (contract, sections 1, 10, 13, 14); no numpy."""

MAX_WIDTH = 1 << 16
MAX_ROWS = 1 << 22  # of an image: rows times batch fit 31 bits
MAX_PLACES = 1 << 18  # times batch, of a convolution: its gradient fits 32 bits
MAX_TAPS = 15  # a side of a window
MAX_LAYERS = 4096  # a config names them all, and takes no more bytes than a reader allows
MAX_CLASSES = 256
BATCHES = (16, 32, 64, 128, 256)
MASTER_BITS = (16, 8)
PERTURBATIONS = (0, 1, 2, 4, 8, 16, 32, 64)
CROPS = (0, 1, 2, 4, 8)
PHASES = 6  # of a run; the learning rate of each is half of the one before
RATES = range(-8, 9)  # log2, at the start

ACTIVATION_MAX = 127
