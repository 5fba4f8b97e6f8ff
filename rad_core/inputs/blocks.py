"""Class probabilities that come in blocks of rows, checked and mended as `diagnosis.check` does with all of them.

What explains rows that do not sum to 1 must explain all of them, and then every row is divided by its sum. So blocks
are taken at the simplest word: as they are; once a row is off, as their type explains; then as their few digits
explain. Where a later row needs a word that the rows before it were not read by, all rows are read again by that word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs import rounding
from rad_core.inputs.arrays import Numbers
from rad_core.inputs.diagnosis import check_shape, clipped, divided, mending_notes, row_sums
from rad_core.inputs.mistakes import Case


class Word(IntEnum):
    """By what the rows of a pool are taken for probabilities."""

    AS_THEY_ARE = 0
    TYPE = 1
    DIGITS = 2


class ReadAgain(Exception):  # noqa: N818 - no error, but a request
    """The rows before this one must be read again, by another word. where: this row, for a sentence."""

    def __init__(self, word: Word, where: str) -> None:
        super().__init__(where)
        self.word, self.where = word, where


@dataclass(frozen=True, eq=False)
class Block:
    """Rows that follow one another. numbers: (n, C) of numpy. source: the file that they are in. start: the number of
    the first of them there. columns: what the classes are called, where that is known."""

    numbers: Numbers
    source: str
    start: int = 0
    columns: Sequence[str] | None = None

    @property
    def values(self) -> np.ndarray:
        """(n, C)"""
        values: np.ndarray = self.numbers.values
        return values


class BlockCheck:
    """Checks the blocks of a pool, in their order. name: what to call the pool. rows: how many were taken.

    hard: whether all probabilities are 0 or 1 so far. inner: whether other rows come before the first block.
    """

    def __init__(self, name: str, word: Word = Word.AS_THEY_ARE, *, inner: bool = False) -> None:
        self.name, self.word, self.rows, self.hard = name, word, 0, True
        self._inner = inner
        self._classes: tuple[int, str] | None = None
        self._negative, self._lowest, self._low, self._high = 0, 0.0, np.inf, -np.inf
        self._why = ""
        self._digits: rounding.DigitsOfBlocks | None = None
        self._suspect: Case | None = None  # what to tell of where the digits of a later row explain nothing

    def take(self, block: Block) -> np.ndarray:
        """The probabilities of the next block, (n, C).

        Raises ReadAgain, or InputError that names file and row and the likely mistake.
        """
        values = block.values
        check_shape(values, block.source)
        self._compare(values.shape[1], block.source)
        self.hard = self.hard and bool(((values[:1000] == 0) | (values[:1000] == 1)).all() and _is_hard(values))
        taken = values
        if self.word is not Word.AS_THEY_ARE or not _plain(values):
            taken = self._explained(block)
        self.rows += len(values)
        return taken

    def join(self, later: BlockCheck) -> None:
        """Take over what another check, by the same word, has seen of the rows that follow."""
        assert later.word is self.word
        if later._classes is not None:
            self._compare(*later._classes)
        self.rows, self.hard = self.rows + later.rows, self.hard and later.hard
        self._negative, self._lowest = self._negative + later._negative, min(self._lowest, later._lowest)
        self._low, self._high = min(self._low, later._low), max(self._high, later._high)
        self._why = later._why or self._why
        self._suspect = self._suspect or later._suspect
        if self._digits is None or later._digits is None:
            self._digits = self._digits or later._digits
        else:
            self._digits.join(later._digits)

    def _compare(self, classes: int, source: str) -> None:
        if self._classes is None:
            self._classes = classes, source
        elif classes != self._classes[0]:
            raise InputError(
                f"{source} has {classes} classes and {self._classes[1]} has {self._classes[0]}; every row of a pool "
                "needs the same classes."
            )

    def notes(self) -> tuple[str, ...]:
        """What was done to the rows. Raises InputError where their digits do not explain them after all."""
        why = self._why
        if self._digits is not None:
            slack = self._digits.explained()
            if slack is None:
                assert self._suspect is not None
                raise InputError(self._suspect.sentence())
            why = slack.why
        if self.word is Word.AS_THEY_ARE:
            return ()
        return mending_notes(self.name, self._negative, self._lowest, self._low, self._high, why)

    def _explained(self, block: Block) -> np.ndarray:
        values = block.values
        sums, smallest = np.asarray(row_sums(values), np.float64), values.min(axis=1).astype(np.float64)
        off = ~((np.abs(sums - 1) <= rounding.ROW_SUM_TOLERANCE) & (smallest >= 0))
        if self.word is Word.AS_THEY_ARE and not off.any():
            return values
        by_type = rounding.of_type(block.numbers.kind, block.numbers.spacing, values.shape[1])
        case = Case(values, sums, smallest, block.numbers, block.source, block.columns, start=block.start)
        if not (np.isfinite(sums).all() and (smallest >= -by_type.below).all()):
            raise InputError(case.sentence())
        positive = np.maximum(sums, 0) if (smallest >= 0).all() else sums + clipped(values, smallest)
        beyond = ~by_type.allows(positive)
        if beyond.any():
            self._judge_beyond(case, positive)
        if self.word is Word.AS_THEY_ARE:
            self._turn(Word.TYPE, block, int(off.argmax()))
        if self.word is Word.TYPE and beyond.any():
            self._turn(Word.DIGITS, block, int(beyond.argmax()))
        self._why = by_type.why
        if self.word is Word.DIGITS:
            if self._digits is None:
                self._digits = rounding.DigitsOfBlocks(values.shape[1])
            self._digits.add(values, positive, block.numbers.spacing)
        self._low, self._high = min(self._low, float(sums.min())), max(self._high, float(sums.max()))
        self._lowest = min(self._lowest, float(smallest.min()))
        mended, negative = divided(values)
        self._negative += negative
        return mended.astype(values.dtype)

    def _judge_beyond(self, case: Case, sums: np.ndarray) -> None:
        """Of rows that their type does not explain: raise InputError where their digits cannot, either."""
        own = rounding.of_digits(case.array, case.numbers.spacing)
        if np.abs(sums - 1).max() > rounding.MOST_SLACK + 1e-9 or not own:
            raise InputError((case if own or self._suspect is None else self._suspect).sentence())
        if self._suspect is None or not any(slack.allows(sums).all() for slack in own):
            self._suspect = case

    def _turn(self, word: Word, block: Block, row: int) -> None:
        """Go on by another word, if no row was read before."""
        if self.rows or self._inner:
            raise ReadAgain(word, f"row {block.start + row} of {block.source}")
        self.word = word


def _plain(values: np.ndarray) -> bool:
    """Whether all rows are certainly probabilities as they are: a look without a sum in float64, for most pools."""
    if values.dtype not in (np.float32, np.float64) or not values.min() >= 0:
        return False
    sums = values @ np.ones(values.shape[1], values.dtype)
    return bool((np.abs(sums - 1) <= 0.9 * rounding.ROW_SUM_TOLERANCE).all())


def _is_hard(values: np.ndarray) -> bool:
    return bool(((values == 0) | (values == 1)).all())
