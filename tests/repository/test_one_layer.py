# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What docs/one-layer.md computes is what it says."""

from __future__ import annotations

import doctest
import re

import house

PAGE = house.ROOT / "docs/one-layer.md"


def test_the_page_s_example() -> None:
    blocks = re.findall(r"```pycon\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 30
    failed: list[str] = []
    doctest.DocTestRunner().run(test, out=failed.append)
    assert not failed, "".join(failed)
