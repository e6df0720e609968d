# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""fewmult.json: round trip, what its hash depends on, and damaged files."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from fewmult_hls.hardware.board.board import load_board
from fewmult_hls.hardware.board.manifest import (
    build_id_of,
    config_hash,
    load_manifest,
    planned_manifest,
    save_manifest,
)
from fewmult_hls.system.errors import FewmultError

Z2 = load_board("pynq-z2")


@pytest.mark.parametrize("overlay", Z2.overlays)
def test_round_trip(overlay: str, tmp_path: Path) -> None:
    manifest = planned_manifest(Z2, overlay, git="abc")
    save_manifest(tmp_path / "fewmult.json", manifest)
    assert load_manifest(tmp_path / "fewmult.json") == manifest
    assert tuple(manifest.kernels) == Z2.overlays[overlay]
    ends = [(ip.base, ip.base + ip.span) for ip in manifest.kernels.values()]
    assert all(one[1] <= other[0] for one, other in pairwise(ends))


def test_the_hash_is_of_board_overlay_and_sources() -> None:
    hashes = {config_hash(Z2, overlay) for overlay in Z2.overlays}
    hashes.add(config_hash(replace(Z2, clock=replace(Z2.clock, fabric_mhz=125)), "fewmult"))
    assert len(hashes) == 4
    manifest = planned_manifest(Z2, "fewmult")
    assert manifest.config_hash in hashes
    assert f"{manifest.build_id:08x}" == manifest.config_hash[:8]
    assert build_id_of("0" * 64) != 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ("{}", "is damaged"),
        ('{"format": 99}', "has format 99, and this version of fewmult-hls talks 3"),
        ('{"format": true}', "has format True"),
        ('{"format": 1.0}', "has format 1.0"),
        ('{"format": "' + "x" * 9999 + '"}', "x', and"),
        ('{"format": 3, "kernels": {}}', "is damaged"),
        ('{"format": 3, "kernels": {"layer": {}}}', "is damaged"),
    ],
)
def test_damaged(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "fewmult.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FewmultError, match=message):
        load_manifest(path)


def test_a_key_too_many(tmp_path: Path) -> None:
    path = tmp_path / "fewmult.json"
    save_manifest(path, planned_manifest(Z2, "fewmult"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "more": 1}))
    with pytest.raises(FewmultError, match="is damaged"):
        load_manifest(path)
