"""The pass over the probabilities of a pool: checked, and their gains put into files; by this process or by many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.blocks import BlockCheck, ReadAgain, Word
from rad_core.inputs.pool import Batches, Piece, Pool
from rad_core.selection.gains import GAINS
from rad_core.selection.gains_file import GainsFile
from rad_core.selection.histogram import Histogram

PIECE = 1 << 20  # rows that another process is given to read, about


class Scores:
    """The gains of a pool in temporary files: those that the rule goes by, and those to hand out where they differ."""

    def __init__(self, folder: Path, key: str, shown: str, excluded: np.ndarray) -> None:
        self._folder, self._key, self._shown, self._excluded = folder, key, shown, excluded
        self._closing = ExitStack()
        self.begin()

    def begin(self) -> None:
        """Forget what was taken."""
        self._closing.close()
        self.rows = 0
        self.histogram = Histogram()
        self.keys = GainsFile(self._folder / "keys", self.histogram.add)
        self.shown = self.keys if self._key == self._shown else GainsFile(self._folder / "shown")
        for file in (self.keys, self.shown):
            self._closing.callback(file.close)

    @property
    def names(self) -> tuple[str, ...]:
        """The gains that are kept."""
        return tuple(dict.fromkeys((self._key, self._shown)))

    def take(self, gains: Sequence[np.ndarray]) -> None:
        """The gains (n,) of the next rows, by each of the names."""
        start, self.rows = self.rows, self.rows + len(gains[0])
        low, high = np.searchsorted(self._excluded, (start, self.rows))
        for file, numbers in zip(dict.fromkeys((self.keys, self.shown)), gains, strict=True):
            if low < high:
                numbers = numbers.astype(np.float32)
                numbers[self._excluded[low:high] - start] = np.nan
            file.append(numbers)

    def end(self) -> None:
        """Close the files; raise InputError where a row to exclude is none of the pool."""
        if len(self._excluded) and self._excluded[-1] >= self.rows:
            raise InputError(
                f"exclude holds the row {self._excluded[-1]}; the {self.rows} rows of the pool are numbered from 0."
            )
        self._closing.close()

    def __enter__(self) -> Scores:
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.close()


def read(pool: Pool | Batches, score: Scores) -> BlockCheck:
    """The pass over the probabilities; again from the beginning where rows must be taken by another word."""
    word = Word.AS_THEY_ARE
    while True:
        check = BlockCheck(pool.name, word)
        score.begin()
        try:
            with score:
                for block in pool.blocks():
                    score.take(gains_of(check.take(block), score.names))
                score.end()
            check.notes()
            return check
        except ReadAgain as again:
            if isinstance(pool, Batches) and pool.once:
                raise InputError(
                    f"The probabilities in {again.where} do not sum to 1 within 0.001, and the rows before it would "
                    "have to be read again to be mended as well; give the batches as a list or the files by their path."
                ) from again
            word = again.word


def gains_of(probabilities: np.ndarray, names: Sequence[str]) -> list[np.ndarray]:
    """The gains (n,) of probabilities (n, C), by each of the names."""
    return [GAINS[name](probabilities) for name in names]


@dataclass(frozen=True, eq=False)
class Taken:
    """What a process has read of a piece. gains: (n,) float32 each. columns: of its file, and what that is called."""

    check: BlockCheck
    gains: list[np.ndarray]
    columns: tuple[Sequence[str], str] | None
    notes: tuple[str, ...]


Answer = Taken | Word | InputError
# Gives the answers of a function to pieces, in their order, wherever it works them out; closed, it lets go of the rest.
Spread = Callable[[Callable[[Piece], Answer], Sequence[Piece]], Generator[Answer]]


def read_spread(pool: Pool | Batches, score: Scores, spread: Spread) -> BlockCheck:
    """As `read`, with the same gains to the last bit, but pieces of the pool are read wherever `spread` has them read.

    What comes back, 4 bytes a row, is put into the same files in the order of the rows.
    """
    assert isinstance(pool, Pool)
    word = Word.AS_THEY_ARE
    while True:
        again = _read_pieces(pool, score, spread, word)
        if isinstance(again, BlockCheck):
            return again
        word = again


def _read_pieces(pool: Pool, score: Scores, spread: Spread, word: Word) -> BlockCheck | Word:
    check, pieces, sizes = BlockCheck(pool.name, word), pool.pieces(PIECE), Counter[Path]()
    pool.begin()
    score.begin()
    with score, closing(spread(partial(take_piece, score.names, word), pieces)) as answers:
        for piece, answer in zip(pieces, answers, strict=True):
            if isinstance(answer, InputError):
                raise answer
            if isinstance(answer, Word):
                return answer
            columns, source = answer.columns or (None, "")
            pool.note(columns, source, answer.notes)
            check.join(answer.check)
            sizes[piece.file] += answer.check.rows
            score.take(answer.gains)
        pool.end(sizes)
        score.end()
    check.notes()
    return check


def take_piece(names: Sequence[str], word: Word, piece: Piece) -> Answer:
    """The gains of a piece, or the word by which all of the pool must be read, or what is wrong with it."""
    check, columns, notes = BlockCheck(piece.name, word, inner=True), None, dict[str, None]()
    gains: list[list[np.ndarray]] = []
    try:
        for block, told in piece.blocks():
            columns = columns or (None if block.columns is None else (list(block.columns), block.source))
            notes |= dict.fromkeys(told)
            gains.append([part.astype(np.float32) for part in gains_of(check.take(block), names)])
    except ReadAgain as again:
        return again.word
    except InputError as error:
        return error
    joined = [np.concatenate(parts) for parts in zip(*gains, strict=True)] or [np.empty(0, np.float32) for _ in names]
    return Taken(check, joined, columns, tuple(notes))
