"""What numbers probably are that are no class probabilities: one sentence, with advice where it is certain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rad_core.inputs import rounding
from rad_core.inputs.arrays import Numbers
from rad_core.inputs.columns import listed

_SAMPLE = 20_000  # rows that a diagnosis looks at


@dataclass(frozen=True, eq=False)
class Case:
    """Numbers (N, C) that are no probabilities, with the sums (N,) and the smallest numbers (N,) of their rows.

    name and columns: what to call the whole and its classes, where these have names. start: the number of the first
    row, where others come before it.
    """

    array: np.ndarray
    sums: np.ndarray
    smallest: np.ndarray
    numbers: Numbers
    name: str
    columns: Sequence[str] | None
    start: int = 0

    @cached_property
    def by_type(self) -> rounding.Slack:
        """What the type of the numbers explains."""
        return rounding.of_type(self.numbers.kind, self.numbers.spacing, self.array.shape[1])

    @property
    def tolerance(self) -> float:
        return float(self.by_type.below)

    @cached_property
    def good(self) -> np.ndarray:
        """(N,) bool: the rows that are probabilities."""
        with np.errstate(invalid="ignore"):
            good: np.ndarray = self.by_type.allows(self.sums) & (self.smallest >= -self.tolerance)
        return good

    @cached_property
    def first(self) -> int:
        """The first row that is wrong, and not only rounded where others are."""
        good = self.good
        if np.isfinite(self.sums).all() and self.smallest.min() >= 0:
            for slack in rounding.of_digits(self.array, self.numbers.spacing):
                rounded = good | slack.allows(self.sums)
                good = good if rounded.all() else rounded
        return int(good.argmin())

    @cached_property
    def rows(self) -> np.ndarray:
        """The rows to look at: some of all, and the first wrong one."""
        step = max(1, len(self.array) // _SAMPLE)
        return np.unique(np.append(np.arange(0, len(self.array), step), self.first))

    @cached_property
    def sample(self) -> np.ndarray:
        """These rows as float64."""
        return self.array[self.rows].astype(np.float64)

    def sentence(self) -> str:
        """What is wrong, and what to do where that is certain."""
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            for look in (
                self._logarithms,
                self._missing,
                self._row_numbers,
                self._columns_too_many,
                self._percentages,
                self._counts,
                self._turned,
            ):
                words = look()
                if words:
                    return words
        return self._negative() or self._sum()

    def _sum_to(self, values: np.ndarray, total: float = 1.0) -> bool:
        """Whether rows of numbers >= 0 sum to a total, as far as their digits tell."""
        values = values / total
        sums = values.sum(axis=1)
        if not np.isfinite(sums).all() or values.shape[1] < 2 or values.min() < -self.tolerance:
            return False
        if (np.abs(sums - 1) <= self.tolerance).all():
            return True
        if np.abs(sums - 1).max() > rounding.MOST_SLACK:
            return False
        return any(
            slack.allows(sums).all() for slack in rounding.of_digits(np.maximum(values, 0), self.numbers.spacing)
        )

    def _column(self, number: int) -> str:
        return f"column {self._called(number)}"

    def _called(self, number: int) -> str:
        if self.columns is None:
            return f"{number} (counted from 0)"
        return repr(self.columns[number]) if self.columns[number].strip() else f"{number} (it has no name)"

    def _missing(self) -> str | None:
        if np.isfinite(self.sums).all():
            return None
        row = int(np.isfinite(self.sums).argmin())
        column = self._column(int(np.isfinite(self.array[row].astype(np.float64)).argmin()))
        where = f" ({column})" if self.columns is not None else ""
        return (
            f"Row {self.start + row} of {self.name} holds NaN or infinity{where}; every probability must be a number."
        )

    def _logarithms(self) -> str | None:
        sample = self.sample
        if np.isnan(sample).any():
            return None
        if sample.max() <= 1e-9:
            for base, words in ((math.e, "numpy.exp(values)"), (2.0, "2.0 ** values"), (10.0, "10.0 ** values")):
                if self._sum_to(base**sample):
                    kind = "logarithms" if base == math.e else f"logarithms to the base {base:.0f}"
                    return f"{self.name} holds {kind} of probabilities; give {words}."
        elif sample.min() >= 0 and self._sum_to(np.exp(-sample)):
            return f"{self.name} holds negative logarithms of probabilities; give numpy.exp(-values)."
        return None

    def _row_numbers(self) -> str | None:
        first = self.sample[:, 0]
        if len(self.array) > 2 and any(np.array_equal(first, self.rows + self.start + one) for one in (0, 1)):
            named = f" ({self._column(0)})" if self.columns is not None and self.columns[0].strip() else ""
            return (
                f"{self.name} has row numbers in its first column{named}; save it without them (pandas: index=False) "
                "or name that column id."
            )
        return None

    def _columns_too_many(self) -> str | None:
        extra = self._extra_columns()
        if not extra:
            return None
        names = listed([self._called(number) for number in extra], "column")
        different = len(extra) == 1 and len(np.unique(self.sample[:, extra[0]])) == len(self.sample) > 1
        rows = ", or name it id if it names the rows" if different else ""
        them, are = ("it is no class", "it") if len(extra) == 1 else ("they are no classes", "them")
        return f"{self.name}: without its {names} every row sums to 1, so {them}; leave {are} out{rows}."

    def _extra_columns(self) -> list[int]:
        """Columns without which the rows sum to 1. A class that never occurs is whole, too, but none too many."""
        sample = self.sample
        whole = (sample == np.rint(sample)).all(axis=0) | (sample > 1 + self.tolerance).any(axis=0)
        suspects = whole | (sample < -self.tolerance).any(axis=0)
        others = np.flatnonzero(~suspects)
        if suspects.any() and self._sum_to(sample[:, others]):
            return [int(number) for number in np.flatnonzero(suspects) if sample[:, number].any()]
        if self.good.mean() >= 0.5:
            return []
        for start in ([], [int(number) for number in np.flatnonzero(suspects)]):
            rest = np.delete(sample, start, axis=1).sum(axis=1)[:, None] - sample - 1
            for number in np.flatnonzero((np.abs(rest) <= rounding.MOST_SLACK).all(axis=0)):
                extra = sorted({*start, int(number)})
                if self._sum_to(np.delete(sample, extra, axis=1)):
                    return [column for column in extra if sample[:, column].any()]
        return []

    def _percentages(self) -> str | None:
        if self.sample.min() >= 0 and self._sum_to(self.sample, 100.0):
            return f"{self.name} holds percentages, rows that sum to 100; divide by 100."
        return None

    def _counts(self) -> str | None:
        sample = self.sample
        if sample.min() < 0 or sample.max() <= 1 or (sample != np.rint(sample)).any():
            return None
        low, high = self.sums.min(), self.sums.max()
        total = f"to {low:,.0f}" if low == high else f"to between {low:,.0f} and {high:,.0f}"
        empty = f" (row {self.start + int(self.sums.argmin())} has none and must be left out)" if low == 0 else ""
        return (
            f"{self.name} holds whole numbers whose rows sum {total}, such as counts of annotators; divide each row by "
            f"its sum{empty}: values / values.sum(axis=1, keepdims=True)."
        )

    def _turned(self) -> str | None:
        array = self.array
        if len(array) < 2 or len(array) > array.shape[1] or self.sample.min() < 0:
            return None
        if (np.abs(array.sum(axis=0, dtype=np.float64) - 1) <= self.tolerance).all():
            return f"{self.name} has shape {array.shape} and columns that sum to 1; turn it round: values.T."
        return None

    def _negative(self) -> str | None:
        """Numbers below 0: scores where rows do not sum to 1 as a rule, else a slip in one row."""
        lowest, highest = float(self.smallest.min()), float(self.sample.max())
        if lowest >= -self.tolerance:
            return None
        row = int((self.smallest < -self.tolerance).argmax())
        if float((np.abs(self.sums - 1) <= self.tolerance).mean()) >= 0.5:
            return f"Row {self.start + row} of {self.name} holds {self.smallest[row]:.4g}; probabilities are 0 or more."
        return (
            f"{self.name} holds numbers from {lowest:.3g} to {highest:.3g} whose rows do not sum to 1: these look like "
            "logits, not probabilities; apply softmax first (scipy.special.softmax(logits, axis=1))."
        )

    def _sum(self) -> str:
        place = "" if self.name == "probabilities" else f" in {self.name}"
        text = (
            f"Row {self.start + self.first} of probabilities sums to {self.sums[self.first]:.4g}{place}; each row must "
            "sum to 1."
        )
        if self.sample.max() > 1 + self.tolerance or self.good.mean() >= 0.5:
            return text + self._digits()
        few = self._digits()
        if few:
            return text + few
        if self.sums.max() > 1.5 and self.sums.min() < self.sums.max() - self.tolerance:
            return (
                f"{text} Rows sum to between {self.sums.min():.3g} and {self.sums.max():.3g}: these may be independent "
                "yes/no scores, one per class (sigmoid, one-vs-rest). If each point has exactly one class, divide each "
                "row by its sum; if it may have several, choose for one class at a time, with the columns 1 - p and p."
            )
        if (self.sums < 1 - self.tolerance).all():
            between = f"between {self.sums.min():.3g} and {self.sums.max():.3g}"
            return f"{text} All rows sum to less, {between}: is a class left out?"
        return text

    def _digits(self) -> str:
        """How much of it the few digits of the numbers would explain."""
        slacks = rounding.of_digits(self.sample, self.numbers.spacing) if self.sample.min() >= 0 else []
        if not slacks or self.sample.max() > 1 + self.tolerance:
            return ""
        most = max(float(np.max(slack.above)) for slack in slacks)
        return f" Its numbers have few digits, but {slacks[0].why} no more than {most:.2g}; give more digits."
