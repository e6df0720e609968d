# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels' C++, read once: whoever asks what stands in it asks here."""
