# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a message says, whatever it quotes."""

from __future__ import annotations

import pytest

from fewmult_hls.system.errors import FewmultError, UsageError


@pytest.mark.parametrize("kind", [FewmultError, UsageError])
@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("one\nand another\r\n", "one and another"),
        ("a\x0bb\x85c\u2028d", "a b c d"),
        ("\x1b[2Ja\x07", "\\x1b[2Ja\\x07"),
        ("caf\u00e9 \u202eabc \udcff", "caf\u00e9 \\u202eabc \\udcff"),
    ],
)
def test_a_message_is_one_line_and_steers_nothing(
    kind: type[FewmultError], message: str, line: str
) -> None:
    assert str(kind(message)) == line
