"""Questions: which points to have answered next, never one twice and never one more than the wall allows."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rad_core import files
from rad_core.campaign import ledger, rounds, shown
from rad_core.campaign.ledger import Account, Entry, Point
from rad_core.campaign.money import money_text, plain
from rad_core.campaign.reading import Scores
from rad_core.campaign.rounds import Draw, Facts, gains_path
from rad_core.campaign.settings import Settings
from rad_core.campaign.status import estimate_of, teacher_right
from rad_core.errors import DamagedError, InputError
from rad_core.inputs.ids import Purchases, row_of, shortened
from rad_core.selection.gains import GAINS

CHECKED_ROUND = 0  # the round of the questions about checked examples


@dataclass(frozen=True, eq=False)
class Picks:
    """What to have answered, b points in random order. q: (b,) probabilities of being chosen. gains and rounds: (b,).

    q and gains are NaN for checked examples, which are not chosen. labels and shares: the student's class and its
    probability, None where it has none. facts: what the round promises.
    """

    ids: list[str]
    gains: np.ndarray
    q: np.ndarray
    rounds: np.ndarray
    labels: list[str | None]
    shares: list[float | None]
    facts: Facts | None = None
    notes: tuple[str, ...] = ()

    @property
    def round(self) -> int:
        """The number of the round, the last of several."""
        return int(self.rounds.max())


@dataclass(frozen=True, eq=False)
class ForSale:
    """What can be asked about now. rows: (n,) of the pool, free and with probabilities. free: how many are free in all.

    names: of all points, the pool's first, which are `pool` in number. everywhere: their rows in the scores, or -1.
    checked: how many checked examples have probabilities.
    """

    names: list[str]
    pool: int
    rows: np.ndarray
    everywhere: np.ndarray
    free: int
    checked: int
    notes: tuple[str, ...]

    @property
    def places(self) -> np.ndarray:
        """(n,) the rows of the scores that are for sale."""
        return self.everywhere[self.rows]


@dataclass(frozen=True)
class Wish:
    """What is asked for. gain: one of `rad_core.selection.gains.GAINS`. lower_bound: of m, for the game.

    checked_unseen: whether the student's probabilities of checked examples come without having learned from them.
    """

    budget: int
    gain: str = "margin"
    lower_bound: bool = True
    checked_unseen: bool = False


def ask(
    database: sqlite3.Connection, folder: Path, settings: Settings, scores: Scores, wish: Wish, now: float
) -> Picks:
    """Draw a round and enter its questions. Raises InputError; nothing is entered then."""
    sale = for_sale(database, folder, settings, scores)
    unseen = _unseen(database, scores, sale.everywhere) if wish.checked_unseen else scores.unseen
    budget = _checked_budget(wish.budget, len(sale.rows), sale.free)
    check_wall(database, settings, budget, f"a budget of {budget:,}")
    estimate = estimate_of(teacher_right(database, len(settings.classes)))
    if estimate is None:
        raise InputError(
            "Nobody knows yet how often the teacher is right: it has answered no checked example; ask about them first "
            f"(rad ask {settings.name} --checked), or create the campaign with --checked."
        )
    number = ledger.last_round(database) + 1
    drawn = rounds.draw(
        scores.values[sale.places],
        sale.rows,
        budget,
        estimate,
        lower_bound=wish.lower_bound,
        gain=wish.gain,
        seed=(settings.seed, number),
        unseen=unseen,
    )
    # On disk before the ledger names it; a file that no round names is written over by the next one.
    rounds.save_gains(folder, number, sale.pool, sale.rows, drawn.all_gains)
    database.execute("insert into rounds values (?, ?, ?)", [number, now, drawn.facts.to_json()])
    beliefs = scores.values[sale.everywhere[drawn.rows]]
    ledger.add(database, _entries(drawn, beliefs, number, plain(settings.price), now))
    return Picks(
        [sale.names[row] for row in drawn.rows.tolist()],
        drawn.gains,
        drawn.q,
        np.full(budget, number),
        [settings.classes[label] for label in beliefs.argmax(axis=1).tolist()],
        beliefs.max(axis=1).tolist(),
        drawn.facts,
        (*scores.notes, *sale.notes),
    )


def checked_gains(
    database: sqlite3.Connection, folder: Path, settings: Settings, scores: Scores, gain: str, checked_unseen: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Gains (V,) of the checked examples by students that did not learn from them, and whether the teacher was right.

    Empty where no probabilities of theirs are known, or the teacher answered none of them.
    """
    unseen = scores.unseen
    if checked_unseen:
        unseen = _unseen(database, scores, for_sale(database, folder, settings, scores).everywhere)
    right = teacher_right(database, len(settings.classes))
    positions, beliefs = (np.empty(0, np.int64), np.empty((0, 1))) if unseen is None else unseen
    known = [row for row, position in enumerate(positions.tolist()) if position in right]
    gains = np.asarray(GAINS[gain](beliefs[known])) if known else np.empty(0)
    return gains, np.array([right[positions[row]] for row in known], bool)


def for_sale(database: sqlite3.Connection, folder: Path, settings: Settings, scores: Scores) -> ForSale:
    """What can be asked about now. Raises InputError for probabilities of another pool."""
    names, in_pool = ledger.ids(database)
    if shown.digest_of_ids(names) != settings.ids:
        raise DamagedError(
            f"The points of campaign {settings.name} are not those that it was made of; restore {folder}."
        )
    everywhere, notes = _places(scores, names, in_pool)
    free = _free(database, in_pool)
    rows = np.flatnonzero(free & (everywhere[:in_pool] >= 0))
    checked = len(_with_scores(database, everywhere))
    return ForSale(names, in_pool, rows, everywhere, int(free.sum()), checked, notes)


def last_gains(database: sqlite3.Connection, folder: Path) -> tuple[int, np.ndarray, np.ndarray] | None:
    """The last round's number, the rows (n,) of the pool that had a gain then and are free now, their gains (n,).

    None before the first round. Raises DamagedError where its file cannot be read.
    """
    number = ledger.last_round(database)
    if not number:
        return None
    kept = np.asarray(files.load_array(folder, gains_path(folder, number)))
    rows = np.flatnonzero(_free(database, len(kept)) & ~np.isnan(kept))
    return number, rows, kept[rows]


def _free(database: sqlite3.Connection, pool: int) -> np.ndarray:
    free = np.ones(pool, bool)
    free[[position for position in ledger.taken(database) if position < pool]] = False
    return free


def _entries(drawn: Draw, beliefs: np.ndarray, number: int, price: str, now: float) -> list[Entry]:
    columns = (drawn.rows, beliefs.argmax(axis=1), beliefs.max(axis=1), drawn.gains, drawn.q)
    return [
        Entry(now, "asked", row, number, None, price, label, None, gain, probability, share)
        for row, label, share, gain, probability in zip(*(column.tolist() for column in columns), strict=True)
    ]


def ask_checked(database: sqlite3.Connection, settings: Settings, now: float) -> Picks:
    """Enter questions about the checked examples that nobody asked about. After an InputError nothing is entered."""
    accounts = ledger.accounts(database, "checked")
    checked = ledger.points(database, "checked")
    left = [point for point in checked if accounts.get(point.position, Account()).state == "free"]
    if not left:
        raise InputError(
            f"There is no checked example left to ask about in campaign {settings.name}; rad ask {settings.name} "
            "--again writes the open questions once more."
        )
    check_wall(database, settings, len(left), f"the {len(left):,} checked examples")
    price = plain(settings.price)
    entries = [Entry(now, "asked", point.position, CHECKED_ROUND, None, price) for point in left]
    ledger.add(database, entries)
    return _picks_of([(point, entry) for point, entry in zip(left, entries, strict=True)], settings.classes)


def open_questions(database: sqlite3.Connection, settings: Settings) -> Picks:
    """The questions that are open, in order of asking: an ask killed before its file was there lost nothing."""
    points = ledger.points(database)
    unsettled = [
        (account.asked, points[position], account.question)
        for position, account in ledger.accounts(database).items()
        if account.asked and not account.settled and account.question is not None
    ]
    if not unsettled:
        raise InputError(f"Campaign {settings.name} has no open question; ask for labels first.")
    in_order = sorted(unsettled, key=lambda row: row[0])
    return _picks_of([(point, question) for _, point, question in in_order], settings.classes)


def _picks_of(questions: Sequence[tuple[Point, Entry]], classes: Sequence[str]) -> Picks:
    return Picks(
        [point.id for point, _ in questions],
        np.array([np.nan if entry.gain is None else entry.gain for _, entry in questions]),
        np.array([np.nan if entry.probability is None else entry.probability for _, entry in questions]),
        np.array([entry.round for _, entry in questions]),
        [None if entry.label is None else classes[entry.label] for _, entry in questions],
        [entry.share for _, entry in questions],
    )


# --- checks ---------------------------------------------------------------------------------------------------------


def _places(scores: Scores, names: Sequence[str], pool: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """The row of probabilities of each point, those of the pool first, -1 where it has none; what was left out."""
    if scores.ids is None:
        if len(scores.values) != pool:
            raise InputError(
                f"probabilities has {len(scores.values):,} rows, and the pool {pool:,} points; give a row for each in "
                "their order, or name the rows by ids."
            )
        return np.arange(pool), ()
    positions = {text: position for position, text in enumerate(names)}
    way = Purchases(scores.ids, "probabilities", "perhaps" if scores.escaped else "never")
    matched = (
        [row_of(text, positions, way) for text in scores.ids]
        if scores.escaped
        else list(map(positions.get, scores.ids))
    )
    unknown = [text for text, position in zip(scores.ids, matched, strict=True) if position is None]
    if unknown:
        raise InputError(
            f"{len(unknown):,} of the {len(matched):,} ids of the probabilities are none of this campaign, "
            f"for instance {shortened(unknown[0])}, where its pool has {shortened(names[0])}; ids are compared as "
            "text, exactly, and the pool of a campaign never changes."
        )
    place = np.full(len(names), -1, np.int64)
    place[np.array(matched, np.int64)] = np.arange(len(matched))
    missing = int(np.count_nonzero(place[:pool] < 0))
    notes = (f"{missing:,} points of the pool have no probabilities and cannot be asked about now.",) if missing else ()
    return place, notes


def _unseen(database: sqlite3.Connection, scores: Scores, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions (V,) of the checked examples that have probabilities, and these (V, C). Raises InputError: none has."""
    held = _with_scores(database, place)
    if len(held) == 0:
        raise InputError("The probabilities hold no checked example; give rows for their ids as well.")
    return held, scores.values[place[held]]


def _with_scores(database: sqlite3.Connection, place: np.ndarray) -> np.ndarray:
    """Positions of the checked examples that have probabilities."""
    checked = np.array([point.position for point in ledger.points(database, "checked")], np.int64)
    return checked[(checked < len(place)) & (place[np.minimum(checked, len(place) - 1)] >= 0)]


def _checked_budget(budget: int, buyable: int, free: int) -> int:
    """The budget as a whole number that can be bought."""
    whole = hasattr(budget, "__index__") and not isinstance(budget, bool | np.bool)
    if not whole or operator.index(budget) < 1:
        raise InputError(f"budget is {budget!r}; it must be a whole number of labels, 1 or more.")
    if operator.index(budget) > buyable:
        more = f", of which {buyable:,} have probabilities" if buyable < free else ""
        raise InputError(
            f"A budget of {operator.index(budget):,} is more than the {free:,} points that are free{more}."
        )
    return operator.index(budget)


def check_wall(database: sqlite3.Connection, settings: Settings, labels: int, what: str) -> None:
    """Raise InputError where so many more answers could cross the wall: paid and open questions count alike."""
    if settings.max_cost is None:
        return
    meter = ledger.meter(database)
    if meter.committed + labels * settings.price <= settings.max_cost:
        return
    fits = max(0, int((settings.max_cost - meter.committed) // settings.price))
    cost, most, spent, reserved = (
        money_text(amount, settings.currency)
        for amount in (labels * settings.price, settings.max_cost, meter.spent, meter.reserved)
    )
    advice = f"ask for at most {fits:,}" if fits else "no label fits any more"
    raise InputError(
        f"{what[0].upper()}{what[1:]} may cost {cost}, which would cross --max-cost {most}: {spent} are spent and "
        f"{reserved} reserved for open questions; {advice}."
    )
