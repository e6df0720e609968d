# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What the system refuses to read becomes one clear line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FewmultError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into a ``FewmultError`` that names ``path``."""
    try:
        yield
    except OSError as error:
        raise FewmultError(f"cannot read {path}: {error.strerror}") from error
