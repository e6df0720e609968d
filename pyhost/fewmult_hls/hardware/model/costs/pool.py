# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""pool.hpp: the largest of windows of places, and the way back."""

from __future__ import annotations

from functools import partial

from ....contract.calls import Pool
from ..rows import Costs, KernelArray, Loop, Part
from ..sizes import WORD, Count, Sizes

_FILE, _KERNELS = "pool.hpp", ("pool",)
_loop = partial(Loop, _FILE, _KERNELS)
_array = partial(KernelArray, _FILE, _KERNELS)


def _call(s: Sizes) -> Pool:
    assert isinstance(s.call, Pool)
    return s.call


def _place(s: Sizes) -> int:
    """Words of a place."""
    return _call(s).channels * s.batch // s.tile["kPortBytes"]


def _bursts(s: Sizes) -> int:
    """Of all windows, each as many as its place has."""
    return _call(s).windows * -(-_place(s) // s.tile["kPoolWords"])


def _window_words(s: Sizes) -> int:
    return _call(s).windows * _place(s)


def _on_the_way(back: bool, count: Count) -> Count:
    """What counts in one direction only."""
    return lambda s: count(s) if _call(s).back == back else 0


def _of_all_places(count: Count) -> Count:
    """For each place of a window."""
    return lambda s: count(s) * _call(s).size * _call(s).size


def _margins(s: Sizes) -> int:
    """Ends of rows of places, behind the last window, and once what is below all windows."""
    call = _call(s)
    return call.rows // call.size * call.size + 1


def _margin_words(s: Sizes) -> int:
    call = _call(s)
    return (call.rows * call.columns - call.windows * call.size * call.size) * _place(s)


COSTS = Costs(
    loops=(
        _loop(
            "take_largest",
            _on_the_way(False, _of_all_places(_bursts)),
            _on_the_way(False, _of_all_places(_window_words)),
            reads={"x": WORD},
        ),
        _loop(
            "store_largest",
            _on_the_way(False, _bursts),
            _on_the_way(False, _window_words),
            writes={"pooled": WORD},
        ),
        _loop(
            "load_window",
            _on_the_way(True, _bursts),
            _on_the_way(True, _window_words),
            reads={"pooled": WORD, "deltas": WORD},
        ),
        _loop(
            "send_back",
            _on_the_way(True, _of_all_places(_bursts)),
            _on_the_way(True, _of_all_places(_window_words)),
            reads={"x": WORD},
            writes={"result": WORD},
        ),
        _loop(
            "clear",
            _on_the_way(True, _margins),
            _on_the_way(True, _margin_words),
            writes={"result": WORD},
        ),
    ),
    parts=(
        Part(_KERNELS, "pool: the larger", "larger", lambda t: t["kPortBytes"]),
        Part(_KERNELS, "pool: deltas taken", "taken", lambda t: t["kPortBytes"]),
    ),
    # Largest values, and deltas.
    arrays=(_array("using Words = Word[kPoolWords];", copies=2),),
)
