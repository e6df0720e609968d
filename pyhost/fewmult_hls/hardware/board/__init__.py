# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""A board and what lies in its fabric: data, files, and the driver of both."""
