# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Numbers of any type as grey values 0 to 255, by a rule that is found once and then kept.

A net that learned from numbers in 0..1 is given such again; what has another scale is refused, and
never guessed anew.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..system.errors import UsageError

Array = npt.NDArray[np.uint8]

BYTES, UNIT, RANGE, COLUMNS = "bytes", "unit", "range", "columns"
KINDS = (BYTES, UNIT, RANGE, COLUMNS)
_MOST = 255
_CHUNK = 1 << 20  # values at once, as float64
_PAIR = re.compile(r"([^:]+):([^:]+)")
_FIXES = (
    "scale them to 0..1 or 0..255, or say how: scale LOW:HIGH for what is black and white, "
    "or columns for each value by its own range in training"
)


@dataclass(frozen=True)
class Scale:
    """How numbers become grey values.

    A number x between low and high becomes floor(255 (x - low) / (high - low) + 1/2), in float64.

    Attributes:
        kind: ``bytes``, which are grey values already; ``unit``, from 0 to 1; ``range``, from
            ``low`` to ``high``; ``columns``, each value of an image between a ``low`` and a
            ``high`` of its own, and cut off beyond them.
        low: one number for ``range``, one for each value for ``columns``, else none.
        high: likewise; of ``columns`` it may be equal to ``low``, where all become 0.

    Raises:
        ValueError: there is no such scale.
    """

    kind: str = BYTES
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuses numbers that are no ranges."""
        count, bounds = len(self.low), (*self.low, *self.high)
        if self.kind not in KINDS or len(self.high) != count or not all(map(math.isfinite, bounds)):
            raise ValueError(f"there is no scale {self.kind} of such ranges")
        if (self.kind in (BYTES, UNIT) and count) or (self.kind == RANGE and count != 1):
            raise ValueError(f"scale {self.kind} does not have {count} ranges")
        spans = [high - low for low, high in zip(self.low, self.high, strict=True)]
        if not all(math.isfinite(span) and span >= 0 for span in spans):
            raise ValueError("a range of numbers ends before it begins")
        if self.kind == RANGE and not spans[0]:
            raise ValueError("a range of numbers is empty")

    @property
    def text(self) -> str:
        """What it does, for people; nothing where bytes stay as they are."""
        if self.kind == COLUMNS:
            return "each value from its range in training to 0..255"
        if self.kind == BYTES:
            return ""
        low, high = (self.low[0], self.high[0]) if self.kind == RANGE else (0.0, 1.0)
        return f"numbers from {low:g}..{high:g} to 0..255"

    def fits(self, features: int) -> bool:
        """Whether it is one for images of so many values."""
        return self.kind != COLUMNS or len(self.low) == features

    def bytes_of(self, what: str, numbers: npt.NDArray[Any]) -> Array:
        """Grey values of numbers, of the same shape; those that are bytes are not copied.

        Args:
            what: names them in errors.
            numbers: (N, ..); bytes and truth values have one meaning for ``bytes`` and ``unit``.

        Raises:
            UsageError: a number is none, or beyond what this scale takes.
        """
        if self.kind in (BYTES, UNIT):
            if numbers.dtype == np.uint8:
                return numbers
            if numbers.dtype == np.bool_:
                return numbers.astype(np.uint8) * np.uint8(_MOST)
        self._check(what, numbers)
        result = np.empty(numbers.shape, np.uint8)
        step = max(1, _CHUNK // max(1, numbers[:1].size))
        for first in range(0, len(numbers), step):
            part = numbers[first : first + step].astype(np.float64)
            result[first : first + step] = self._scaled(what, part)
        return result

    def _check(self, what: str, numbers: npt.NDArray[Any]) -> None:
        low, high = extent(what, numbers)
        if self.kind == COLUMNS:
            if numbers[:1].size not in (0, len(self.low)):
                raise UsageError(
                    f"{what}: each image has {numbers[:1].size} values and there are ranges of "
                    f"{len(self.low)}"
                )
            return
        least, most = {BYTES: (0.0, 255.0), UNIT: (0.0, 1.0)}.get(self.kind) or (
            self.low[0],
            self.high[0],
        )
        if numbers.size and not least <= low <= high <= most:
            raise UsageError(
                f"{what}: values are from {low:g} to {high:g}, and {least:g} to {most:g} are "
                f"taken: {_FIXES}"
            )

    def _scaled(self, what: str, part: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self.kind == BYTES:
            if (part != np.floor(part)).any():
                raise UsageError(
                    f"{what}: values such as {part[part != np.floor(part)][0]:g} are no whole "
                    f"numbers 0 to 255: {_FIXES}"
                )
            return part
        if self.kind == UNIT:
            return np.floor(part * _MOST + 0.5)
        flat = part.reshape(len(part), -1)
        low, high = np.array(self.low), np.array(self.high)
        span = np.where(high > low, high - low, 1.0)
        # Far beyond a narrow range, a quotient may be infinite: it is cut off like others.
        with np.errstate(over="ignore"):
            share = np.clip((flat - low) / span, 0.0, 1.0)
        scaled: npt.NDArray[np.float64] = np.floor(share * _MOST + 0.5).reshape(part.shape)
        return scaled


def parse_scale(asked: str) -> Scale | None:
    """The scale that a text asks for; None where it follows from the training images.

    Raises:
        UsageError: the text means none.
    """
    if asked in ("", COLUMNS):
        return None
    if asked in (BYTES, UNIT):
        return Scale(asked)
    try:
        found = _PAIR.fullmatch(asked)
        if found is None:
            raise ValueError(asked)
        return Scale(RANGE, (float(found[1]),), (float(found[2]),))
    except ValueError:
        raise UsageError(
            f"there is no scale '{asked}': take {BYTES}, {UNIT}, {COLUMNS} or two numbers "
            "LOW:HIGH, the lower one first"
        ) from None


def find_scale(what: str, numbers: npt.NDArray[Any], asked: str = "") -> Scale:
    """The scale of training images: what is asked for, or else what their type and values say.

    Bytes are grey values. Other whole numbers are so if all lie in 0..255, truth values and
    fractions are from 0 to 1.

    Args:
        what: names them in errors.
        numbers: (N, ..).
        asked: as ``parse_scale`` takes it, or ``columns``.

    Raises:
        UsageError: neither says enough, or one of them is no number.
    """
    if (scale := parse_scale(asked)) is not None:
        return scale
    if asked == COLUMNS:
        extent(what, numbers)
        if not len(numbers):
            raise UsageError(f"{what}: there are no images: give at least one")
        flat = numbers.reshape(len(numbers), -1)
        low, high = (np.asarray(f(axis=0), np.float64).tolist() for f in (flat.min, flat.max))
        try:
            return Scale(COLUMNS, tuple(low), tuple(high))
        except ValueError as error:
            raise UsageError(f"{what}: {error}") from error
    if numbers.dtype == np.bool_:
        return Scale(UNIT)
    if numbers.dtype == np.uint8 or not numbers.size:
        return Scale()
    low, high = extent(what, numbers)
    is_whole = numbers.dtype.kind in "iu" or _are_whole(numbers)
    if 0 <= low <= high <= (_MOST if is_whole else 1):
        # Fractions that happen to be 0 and 1 alone are fractions.
        is_unit = numbers.dtype.kind == "f" and high <= 1
        return Scale(UNIT if is_unit else BYTES)
    kind = "whole numbers" if is_whole else "fractions"
    raise UsageError(f"{what}: values are {kind} from {low:g} to {high:g}: {_FIXES}")


def extent(what: str, numbers: npt.NDArray[Any]) -> tuple[float, float]:
    """The least and the largest of numbers; two zeros where there are none.

    Raises:
        UsageError: one is no number, or infinite.
    """
    if numbers.dtype.kind not in "biuf":
        raise UsageError(f"{what}: values are {numbers.dtype}, and numbers are needed")
    if not numbers.size:
        return 0.0, 0.0
    low, high = float(numbers.min()), float(numbers.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UsageError(
            f"{what}: some values are no finite numbers (NaN or infinite): fill them in, "
            "or leave these images out"
        )
    return low, high


def _are_whole(numbers: npt.NDArray[Any]) -> bool:
    step = max(1, _CHUNK // max(1, numbers[:1].size))
    parts = (numbers[first : first + step] for first in range(0, len(numbers), step))
    return all(bool((part == np.floor(part)).all()) for part in parts)
