# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A plan: all that the vendor's tools need to build an overlay; and what they report."""
