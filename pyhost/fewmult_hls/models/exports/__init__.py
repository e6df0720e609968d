# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A trained net in forms that others read (docs/exports.md)."""
