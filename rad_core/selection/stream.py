"""Selection from a pool that is larger than memory, in passes: the probabilities once, then a file of their gains."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rad_core import partials
from rad_core.errors import InputError, tell
from rad_core.inputs.pool import Batches, Pool
from rad_core.selection.api import checked_seed, excluded_rows, is_whole
from rad_core.selection.arrays import Given
from rad_core.selection.gains import GAINS
from rad_core.selection.game import wrong_count
from rad_core.selection.histogram import Binned
from rad_core.selection.strategies import STRATEGIES, USABLE
from rad_core.selection.stream_draw import draw
from rad_core.selection.stream_read import Scores, Spread, read, read_spread
from rad_core.selection.stream_rules import STREAMS, Chances, Guarantee

_FOLDER = "rad-gains"  # of the system's temporary ones


@dataclass(frozen=True, eq=False)
class StreamSelection:
    """A choice from a pool that was read in passes.

    rows: (b,) int64, distinct rows of the pool in the order they came in; those that are certain come first. gains:
    (b,) float32, of the gain asked for, and probabilities: (b,) float64 of being selected. size: rows that could be
    chosen. guarantee: of the game, for RAD. notes: what was done to the data, a sentence each. hard: whether all
    probabilities are 0 or 1. passes: how often the file of gains was read.
    """

    rows: np.ndarray
    gains: np.ndarray
    probabilities: np.ndarray
    size: int
    guarantee: Guarantee | None
    notes: tuple[str, ...]
    hard: bool
    passes: int


def select_stream(
    batches: Given,
    budget: int,
    *,
    teacher_accuracy: float,
    strategy: str = "rad",
    gain: str = "margin",
    exclude: Given = None,
    seed: int = 0,
) -> np.ndarray:
    """Choose exactly `budget` distinct rows of a pool that need not fit into memory.

    The inclusion probabilities are those of `select` on the float32 gains of the whole pool; the draw is dependent
    rounding in the order of the rows, so that a seed gives other picks than `select` does, and the same ones however
    the rows are cut into batches or files. Beside some hundred MB only what is as long as the budget or as what is
    excluded is held; the gains, 4 bytes a row, go to a temporary file. Warns with an InputNote of what was done to the
    data.

    Args:
        batches: record batches or tables of pyarrow, frames, or arrays (n, C), in any iterable; a data set of
            pyarrow; or the path of a file, a folder or a pattern of files. A generator is read once: where rows that
            do not sum to 1 must be mended, and rows before them were not, it is refused and a list is not.
        budget: labels to buy, from 1 to N.
        teacher_accuracy: between 0 and 1, measured on validation data (see `estimate_accuracy`).
        strategy: one of `rad_core.selection.stream_rules.STREAMS`.
        gain: how informative a row is, one of `rad_core.selection.gains.GAINS`.
        exclude: numbers of rows that were bought earlier; they are not chosen again.
        seed: of everything random, 0 or more.

    Returns:
        (b,) int64 row numbers, counted over all batches.

    Raises:
        InputError: on bad input; it names the batch or file and the row in it.
    """
    if isinstance(batches, str | os.PathLike):
        pool: Pool | Batches = Pool(Path(batches))
    elif hasattr(batches, "__iter__") or hasattr(batches, "to_batches"):
        pool = Batches(batches)
    else:
        raise InputError(f"batches is {type(batches).__name__}; give record batches, arrays or the path of files.")
    selection = choose_in_passes(pool, budget, teacher_accuracy, strategy, gain, exclude, seed)
    tell(selection.notes)
    return selection.rows


def choose_in_passes(
    pool: Pool | Batches,
    budget: int,
    teacher_accuracy: float,
    strategy: str,
    gain: str,
    exclude: Given,
    seed: int,
    spread: Spread | None = None,
) -> StreamSelection:
    """The full choice behind `select_stream`; with `spread` other processes read the files of a `Pool`."""
    check_streams(strategy, gain)
    rng = np.random.default_rng(checked_seed(seed))
    wrong_count(1, teacher_accuracy)  # a bad one is told before a long pass
    if not is_whole(budget) or budget < 1:
        raise InputError(f"budget is {budget!r}; it must be a whole number from 1 to the rows of the pool.")
    budget, rule = int(budget), STREAMS[strategy]
    excluded = excluded_rows(exclude)
    with partials.temporary_folder(_FOLDER) as folder:
        score = Scores(folder, rule.gain or gain, gain, excluded)
        check = read(pool, score) if spread is None else read_spread(pool, score, spread)
        with score:
            size = score.histogram.size
            if budget > size:
                raise InputError(
                    f"budget is {budget}; it must be a whole number from 1 to the {size} rows of the pool."
                )
            binned = Binned(score.histogram, lambda: (chunk for _, chunk in score.keys.chunks()))
            plan = rule.plan(binned, budget, wrong_count(size, teacher_accuracy))
            rows, certain = draw(lambda: _parts(score, plan.q), budget, rng)
            keys = score.keys.at(rows)
            if plan.descending:
                order = np.argsort(-keys[:certain], kind="stable")
                rows[:certain], keys[:certain] = rows[order], keys[order]
            gains = keys if score.shown is score.keys else score.shown.at(rows)
            notes = (*pool.notes, *check.notes())
            return StreamSelection(
                rows, gains, plan.q(keys), size, plan.guarantee, notes, check.hard, binned.passes + 3
            )


def check_streams(strategy: str, gain: str) -> None:
    """Raise InputError unless there is such a gain and such a strategy, and it can choose in passes."""
    for name, value, choices in (("strategy", strategy, USABLE), ("gain", gain, GAINS)):
        if not isinstance(value, str) or value not in choices:
            raise InputError(f"{name} is {value!r}; choose one of {', '.join(choices)}.")
    if strategy not in STREAMS:
        raise InputError(
            f"{STRATEGIES[strategy].short_label} looks at all points of the pool together and needs them in memory; "
            f"give one file that fits there, or take one of {', '.join(STREAMS)}."
        )


def _parts(score: Scores, q: Chances) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and q of the rows that may be chosen, in their order."""
    for start, chunk in score.keys.chunks():
        rows = np.arange(start, start + len(chunk))
        numbers = ~np.isnan(chunk)
        if not numbers.all():
            rows, chunk = rows[numbers], chunk[numbers]
        if len(rows):
            yield rows, q(chunk)
