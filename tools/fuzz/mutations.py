# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to spoil a file: bytes that moved, and values that are not what they were.

Every function takes Hypothesis' ``draw`` first, so that a failing case can be made smaller.
"""

from __future__ import annotations

import copy
import io
import json
import warnings
import zipfile
from typing import Any

import numpy as np
import tomli_w
from hypothesis import strategies as st

Draw = Any
Tree = Any  # what a parser of JSON or TOML gives

# Text that a file may hold and no serializer writes: it stands in a tree as this placeholder.
_RAW = {
    "<raw huge>": "9" * 5000,
    "<raw infinite>": "1e999",
    "<raw nan>": "NaN",
    "<raw TOML nan>": "nan",
    "<raw nested>": "[" * 100_000,
    "<raw closed>": "[" * 20_000 + "]" * 20_000,
}
_VALUES = [
    *(None, True, False, 0, 1, -1, 7, 255, 256, 1 << 31, -(1 << 31), 1 << 53, 1 << 63, -(1 << 64)),
    *(0.0, -0.5, 1.5, 1e300, "", "0", "x", "../x", "/", "\0", "\ud800", "\U0001f600", "x" * 5000),
    *([], {}, [[]], [1, "1"], {"x": 1}, [None], "1e9", "64-16-10", "ternary", *_RAW),
]
_BYTES = [b"", b"\0", b"\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"[", b'"', b"\n", b"\x80", b"{}"]


def spoiled_bytes(draw: Draw, content: bytes) -> bytes:
    """The content after a few edits: flips, cuts, insertions, repetitions."""
    result = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(result)))
        last = min(len(result), first + draw(st.sampled_from([1, 2, 4, 16, 256, 1 << 20])))
        edit = draw(st.sampled_from(["flip", "cut", "insert", "repeat", "end", "random"]))
        if edit == "flip" and first < len(result):
            result[first] ^= 1 << draw(st.integers(0, 7))
        elif edit == "cut":
            del result[first:last]
        elif edit == "insert":
            result[first:first] = draw(st.sampled_from(_BYTES))
        elif edit == "repeat":
            result[first:first] = result[first:last] * draw(st.integers(1, 3))
        elif edit == "end":
            del result[first:]
        elif edit == "random":
            noise = draw(st.binary(min_size=1, max_size=8))
            result[first : first + len(noise)] = noise
    return bytes(result)


def spoiled_tree(draw: Draw, tree: Tree) -> Tree:
    """The tree with a few values of other types, keys that are gone, or renamed, or new."""
    result = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(result))
        if not places:
            return result
        parent, key = draw(st.sampled_from(places))
        edit = draw(st.sampled_from(["value", "value", "value", "number", "gone", "renamed"]))
        if edit == "value":
            parent[key] = copy.deepcopy(draw(st.sampled_from(_VALUES)))
        elif edit == "number":
            parent[key] = draw(st.one_of(st.integers(), st.floats(), st.text(max_size=5)))
        elif edit == "gone":
            del parent[key]
        elif isinstance(parent, dict):
            parent[f"{key}x"] = parent.pop(key)
    return result


def _places(tree: Tree) -> list[tuple[Any, Any]]:
    """Every value of a tree, as its parent and its key there."""
    if not isinstance(tree, (dict, list)):
        return []
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    found = [(tree, key) for key in keys]
    return found + [place for key in keys for place in _places(tree[key])]


def json_bytes(tree: Tree) -> bytes:
    """A tree as JSON, valid or, with values that JSON lacks, not quite."""
    return _with_raw(json.dumps(tree, ensure_ascii=True))


def toml_bytes(tree: Tree) -> bytes:
    """A tree as TOML; what TOML cannot say is left out."""
    try:
        return _with_raw(tomli_w.dumps(_without_none(tree)))
    except (TypeError, ValueError, UnicodeEncodeError):
        return b'"\xff" = 1\n'


def _with_raw(text: str) -> bytes:
    for placeholder, raw in _RAW.items():
        text = text.replace(f'"{placeholder}"', raw)
    return text.encode("utf-8", "surrogatepass")


def _without_none(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {str(key): _without_none(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list):
        return [_without_none(value) for value in tree if value is not None]
    return tree


def spoiled_arrays(draw: Draw, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of which a few have another type, shape or value, or other names."""
    result = dict(arrays)
    for _ in range(draw(st.integers(1, 3))):
        if not result:
            break
        name = draw(st.sampled_from(sorted(result)))
        array = result.pop(name)
        edit = draw(st.sampled_from(["gone", "renamed", "type", "shape", "value", "order"]))
        if edit == "renamed":
            result[draw(st.sampled_from([f"{name}x", "", "../x", "fingerprint"]))] = array
        elif edit == "type":
            result[name] = _retyped(array, draw(st.sampled_from(_DTYPES)))
        elif edit == "shape":
            result[name] = _reshaped(array, draw(st.sampled_from(range(4))))
        elif edit == "value" and array.size:
            changed = np.array(array)
            changed.flat[draw(st.integers(0, array.size - 1))] = _extreme(draw, changed.dtype)
            result[name] = changed
        elif edit == "order":
            result[name] = np.asfortranarray(array)
    return result


_DTYPES = ["i1", "u1", "i2", ">i4", "i8", "f4", "f8", "c16", "?", "U9", "S3", "M8[s]", "O", "i4,f4"]


def _retyped(array: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return array.astype(dtype)
        except (TypeError, ValueError, OverflowError):
            return np.zeros(array.shape, dtype)


def _reshaped(array: np.ndarray, way: int) -> np.ndarray:
    return (array.ravel(), array[None], np.concatenate([array.ravel()] * 2), array.ravel()[:0])[way]


def _extreme(draw: Draw, dtype: np.dtype) -> Any:
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return draw(st.sampled_from([info.min, info.max, 0]))
    if dtype.kind == "f":
        return draw(st.sampled_from([np.nan, np.inf, -np.inf, 1e30]))
    return np.zeros((), dtype)[()]


def npz_bytes(draw: Draw, arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays as a .npz file, now and then one that numpy would not write."""
    file = io.BytesIO()
    compression = draw(st.sampled_from([zipfile.ZIP_STORED] * 4 + [zipfile.ZIP_DEFLATED]))
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array)
            archive.writestr(f"{name}.npy", member.getvalue())
    return file.getvalue()


def arrays_of(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a .npz file that is ours."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
