# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""How the nets of a run are started, judged and kept: one file a kind of method."""
