# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What a row of the table of settings says; the table is ``RunConfig``, its rows are the fields.

This file needs no numpy: the command line is made from the table before anything is computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, get_type_hints

from ..contract.method_names import FLOATING, METHODS
from ..system.errors import UsageError

ENDLESS = 1 << 64  # a range up to here has no upper end


@dataclass(frozen=True)
class Setting:
    """A setting of a run, or what another command makes of it.

    Attributes:
        help: for people, without the default.
        default: None where it follows from the data and from other settings.
        says: the default in words, where its value does not say enough.
        allowed: the values that it may have; None for texts with a meaning of their own.
        metavar: what stands for the value in ``--help``, if not N for a number.
        option: its name on the command line and in Python, if it is not that in a config.
        word: its name on the command line, if Python has another.
        recorded: whether a run finds it itself: then it is no option.
        methods: that know it; of others, it has its default.
        floating: its default with the methods that multiply, for which a preset's value is not
            meant; None where it is that of all methods.
        changes_bits: whether runs that differ in it may have different fingerprints.
        heading: how the first lines of a run show it; empty if they do not.
        since: version that brought it, whose default is that of a run of an earlier one; None for
            what each config has.
        name: of the field.
        kind: of its values.
    """

    help: str
    default: Any = None
    says: str = ""
    allowed: range | tuple[Any, ...] | None = None
    metavar: str | None = None
    option: str = ""
    word: str = ""
    recorded: bool = False
    methods: tuple[str, ...] = METHODS
    floating: Any = None
    changes_bits: bool = True
    heading: str = ""
    since: str | None = None
    name: str = ""
    kind: type = str

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return "--" + (self.word or self.option).replace("_", "-")

    @property
    def off_flag(self) -> str:
        """The option that takes back one which is there or not."""
        return self.flag.replace("--", "--no-", 1)

    def arguments(self, value: Any) -> list[str]:
        """What gives it a value on the command line; an empty text is that of no option."""
        if self.kind is bool:
            return [self.flag if value else self.off_flag]
        if value == "":
            return []
        return [self.flag, str(value)]

    @property
    def full_help(self) -> str:
        """The help with the default."""
        said = self.says or self.default
        if said is False:  # as it would be written
            said = self.off_flag.lstrip("-")
        return self.help if said is None else f"{self.help}  [default: {said}]".strip()

    def default_with(self, method: str) -> Any:
        """What a run of a method has if nobody says anything else."""
        is_own = method in FLOATING and self.floating is not None
        return self.floating if is_own else self.default

    def is_shared_with(self, method: str) -> bool:
        """Whether a value that was chosen for another method is meant for this one, too."""
        return method in self.methods and (method not in FLOATING or self.floating is None)

    def check(self, value: Any) -> None:
        """Whether a run can have a value of the right type.

        Raises:
            UsageError: it cannot.
        """
        if self.allowed is None or value in self.allowed:
            return
        if self.kind is str:
            raise UsageError(f"there is no {self.name} '{value}': take {_either(self.allowed)}")
        raise UsageError(f"{self.name} must be {_extent(self.allowed)}, not {value}")

    def check_method(self, value: Any, method: str) -> None:
        """Whether a method knows it, if it is not as always.

        Raises:
            UsageError: it does not.
        """
        if method not in self.methods and value != self.default:
            known = " and ".join(self.methods)
            raise UsageError(f"method {method} knows no {self.name}: it is for {known}")


def setting(text: str, **row: Any) -> Any:
    """A field of a config; the arguments are those of ``Setting``."""
    found = Setting(text, **row)
    default = MISSING if found.since is None else found.default
    return field(default=default, metadata={Setting: found})


def settings_of(table: type) -> dict[str, Setting]:
    """The rows of a dataclass by their names."""
    kinds = get_type_hints(table)
    rows = ((each.name, each.metadata[Setting]) for each in fields(table))
    return {
        name: replace(row, name=name, option=row.option or name, kind=kinds[name])
        for name, row in rows
    }


def _either(values: Iterable[Any]) -> str:
    return " or ".join(map(str, values))


def _extent(allowed: range | tuple[Any, ...]) -> str:
    if isinstance(allowed, tuple):
        return f"one of {', '.join(map(str, allowed))}"
    end = "or more, of 64 bits" if allowed.stop == ENDLESS else f"to {allowed[-1]}"
    return f"{allowed[0]} {end}"
