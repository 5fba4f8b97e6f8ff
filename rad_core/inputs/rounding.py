"""How far rows of probabilities may be from 1 because their numbers were rounded: by their type or by their digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rad_core.inputs.arrays import Array, row_blocks

# Rows of probabilities that are this close to 1 are left as they are.
ROW_SUM_TOLERANCE = 1e-3
# Beyond this a row says too little to be divided by its sum.
MOST_SLACK = 0.25


@dataclass(frozen=True, eq=False)
class Slack:
    """What rows may miss 1 by. below and above: one number, or one for each row (N,). why: what explains it.

    grain: how coarse the type is in which the digits are kept, which comes on top.
    """

    below: Array
    above: Array
    why: str
    grain: float = 0.0

    def allows(self, sums: np.ndarray) -> np.ndarray:
        """(N,) bool: whether row sums (N,) are explained."""
        allowed: np.ndarray = (sums >= 1 - self.below - self.grain) & (sums <= 1 + self.above + self.grain)
        return allowed


def of_type(kind: str, spacing: float, classes: int) -> Slack:
    """The slack of a type whose neighboring numbers are `spacing` apart: two roundings, and zeros for tiny numbers."""
    slack = max(ROW_SUM_TOLERANCE, min(MOST_SLACK, 2 * spacing + classes * 2.0**-25 * (kind == "float16")))
    return Slack(slack, slack, f"the type {kind} explains")


def of_digits(values: np.ndarray, spacing: float) -> list[Slack]:
    """The slacks of numbers (N, C) >= 0 that were all rounded, or cut off, to as few digits as these; else []."""
    classes = values.shape[1]
    spacing = max(spacing, float(np.finfo(values.dtype).eps))
    if _all_blocks(values, lambda block: bool((block == np.rint(block)).all())):
        return []  # votes, or yes and no: nothing was rounded
    return [
        slack
        for slack in (_of_decimals(values, spacing, classes), _of_significant_digits(values, spacing))
        if slack is not None
    ]


class DigitsOfBlocks:
    """What `of_digits` says of numbers (N, C) that come in blocks of rows."""

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._decimals, self._short = 1, 2  # at least so many; beyond 6, and beyond 4, there is no explanation
        self._never_above = True
        self._lowest, self._highest, self._spacing = np.inf, -np.inf, 0.0
        self._allowed = dict.fromkeys((2, 3, 4), True)

    def add(self, values: np.ndarray, sums: np.ndarray, spacing: float) -> None:
        """The next rows (n, C) and their sums (n,)."""
        self._spacing = spacing = max(spacing, float(np.finfo(values.dtype).eps), self._spacing)
        self._lowest, self._highest = min(self._lowest, float(sums.min())), max(self._highest, float(sums.max()))
        while self._decimals <= 6 and not _all_multiples(values, self._decimals, spacing):
            self._decimals += 1
        self._never_above = self._never_above and _never_above(values)
        for digits in range(self._short, 5):
            slack = _of_so_many_digits(values, digits, spacing)
            if slack is None:
                self._short = digits + 1
            else:
                self._allowed[digits] = self._allowed[digits] and bool(slack.allows(sums).all())

    def join(self, later: DigitsOfBlocks) -> None:
        """Take over what is known of other rows."""
        self._spacing = max(self._spacing, later._spacing)
        self._lowest, self._highest = min(self._lowest, later._lowest), max(self._highest, later._highest)
        self._decimals, self._short = max(self._decimals, later._decimals), max(self._short, later._short)
        self._never_above = self._never_above and later._never_above
        self._allowed = {digits: allowed and later._allowed[digits] for digits, allowed in self._allowed.items()}

    def explained(self) -> Slack | None:
        """The slack that allows all rows so far, or None."""
        extremes = np.array([self._lowest, self._highest])
        if self._decimals <= 6:
            slack = _decimals_slack(self._decimals, self._classes, self._never_above, self._spacing)
            if slack.allows(extremes).all():
                return slack
        if self._short <= 4 and self._allowed[self._short]:
            return Slack(0.0, 0.0, f"{self._short} significant digits explain")
        return None


def _of_decimals(values: np.ndarray, spacing: float, classes: int) -> Slack | None:
    """Numbers with a few decimals: each is off by at most half a unit, and sums of such numbers by whole units."""
    for decimals in range(1, 7):
        if _all_multiples(values, decimals, spacing):
            return _decimals_slack(decimals, classes, decimals > 1 and _never_above(values), spacing)
    return None


def _all_multiples(values: np.ndarray, decimals: int, spacing: float) -> bool:
    return _all_blocks(values, lambda block: _is_multiple(block, 10.0**-decimals, spacing))


def _decimals_slack(decimals: int, classes: int, never_above: bool, spacing: float) -> Slack:
    # Only ties could make it half of an even number of classes; one decimal is too few to allow for that.
    units = classes // 2 if decimals > 1 else (classes - 1) // 2
    above = min(MOST_SLACK, units * 10.0**-decimals)
    cut = min(MOST_SLACK, classes * 10.0**-decimals) if decimals > 1 and never_above else above
    places = f"{decimals} decimal{'' if decimals == 1 else 's'}"
    return Slack(cut, above, f"{places} and {classes} classes explain", max(1e-6, spacing))


def _of_significant_digits(values: np.ndarray, spacing: float) -> Slack | None:
    """Numbers with two to four significant digits: each is off by at most half of its own last digit."""
    slacks = (_of_so_many_digits(values, digits, spacing) for digits in (2, 3, 4))
    return next((slack for slack in slacks if slack is not None), None)


def _of_so_many_digits(values: np.ndarray, digits: int, spacing: float) -> Slack | None:
    if not _all_blocks(values, lambda block: _is_multiple(block, _last_digit(block, digits), spacing)):
        return None
    slack = np.empty(len(values))
    for block in row_blocks(*values.shape):
        slack[block] = _last_digit(values[block].astype(np.float64), digits).sum(axis=1) / 2
    slack = np.clip(slack, 0, MOST_SLACK)
    return Slack(slack, slack, f"{digits} significant digits explain", max(1e-6, spacing))


def _last_digit(block: np.ndarray, digits: int) -> np.ndarray:
    """The unit of the last of so many significant digits; 0 for 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.floor(np.log10(block) + 1e-9)
    return np.where(block > 0, 10.0 ** (np.where(block > 0, exponent, 0) - digits + 1), 0.0)


def _is_multiple(block: np.ndarray, unit: Array, spacing: float) -> bool:
    """Whether all numbers are multiples of a unit, as far as the numbers' type can tell; at least one must tell."""
    unit = np.broadcast_to(unit, block.shape)
    positive = unit > 0
    in_units = np.divide(block, unit, out=np.zeros_like(block), where=positive)
    unsure = 0.6 * spacing * np.abs(in_units) + 1e-9
    telling = (unsure < 0.25) & positive
    off = np.abs(in_units - np.rint(in_units)) > unsure
    return bool(telling.any() and not (off & telling).any())


def _never_above(values: np.ndarray) -> bool:
    return _all_blocks(values, lambda block: bool((block.sum(axis=1) <= 1 + 1e-6).all()))


def _all_blocks(values: np.ndarray, holds: Array) -> bool:
    return all(holds(values[block].astype(np.float64)) for block in row_blocks(*values.shape))
