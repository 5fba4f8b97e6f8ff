"""What a benchmark gives back: rows of two measured numbers, what they should be to each other, and how to print it."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

INSTALL = "not installed: pip install -e '.[bench]'"
HEAD = "| what | ours | reference | compared | target | met? |\n| --- | ---: | --- | ---: | ---: | :---: |"


@dataclass(frozen=True)
class Row:
    """One line of a table.

    compare: "ratio" is ours / reference, "times" reference / ours (how many times faster), "difference" ours -
    reference. at_most, at_least: the target, on that number. note: what else there is to know; the only thing said
    where nothing was measured (ours is None).
    """

    what: str
    ours: float | None = None
    unit: str = ""
    reference: float | None = None
    named: str = ""
    compare: Literal["ratio", "times", "difference"] = "ratio"
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def value(self) -> float | None:
        """Both numbers as one; None where one is missing."""
        if self.ours is None or self.reference is None:
            return None
        if self.compare == "difference":
            return self.ours - self.reference
        return self.ours / self.reference if self.compare == "ratio" else self.reference / self.ours

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one, or without a measurement."""
        value = self.value
        if value is None or (self.at_most is None and self.at_least is None):
            return None
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return low <= value <= high

    def line(self) -> str:
        """The row in Markdown."""
        limits = [("≥", self.at_least), ("≤", self.at_most)]
        target = ", ".join(f"{sign} {self._compared(limit)}" for sign, limit in limits if limit is not None) or "-"
        reference = "-" if self.reference is None else f"{amount(self.reference, self.unit)} ({self.named})"
        cells = [
            self.what + (f": {self.note}" if self.note else ""),
            "-" if self.ours is None else amount(self.ours, self.unit),
            reference,
            "-" if self.value is None else self._compared(self.value),
            target,
            {None: "", True: "yes", False: "**no**"}[self.met],
        ]
        return "| " + " | ".join(cells) + " |"

    def _compared(self, value: float) -> str:
        if self.compare == "difference":
            return f"{value:+.3f}"
        return f"{short(value)} x"


def missing(what: str, *packages: str) -> Row | None:
    """The row that stands for a measurement whose packages are not all here; None if they are."""
    absent = [name for name in packages if importlib.util.find_spec(name) is None]
    return Row(what, note=f"{', '.join(absent)} {INSTALL}") if absent else None


def table(rows: Iterable[Row]) -> str:
    """Rows as a Markdown table."""
    return "\n".join([HEAD, *(row.line() for row in rows)])


def amount(value: float, unit: str) -> str:
    """A number with its unit; seconds in the unit that suits them."""
    if unit != "s":
        return f"{short(value)} {unit}".rstrip()
    for scale, name in ((1.0, "s"), (1e3, "ms")):
        if abs(value) * scale >= 1:
            return f"{short(value * scale)} {name}"
    return f"{short(value * 1e6)} µs"


def short(value: float) -> str:
    """Three significant digits, whole numbers with thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
