"""A campaign: a pool whose answers nobody knows, a teacher outside, several rounds, and money.

campaign = Campaign.create("reviews", pool=ids, classes=["bad", "good"], checked=checked, price="0.002")
picks = campaign.ask(probabilities, budget=500)       # never a point that was asked before
campaign.tell(picks.ids, soft_labels)                 # a row of NaN: abstained
ids, targets = campaign.training_set()
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rad_core import errors
from rad_core.campaign import asking, catalogue, features, ledger, opening, shown, telling, training
from rad_core.campaign.answers import Answers, answers_of
from rad_core.campaign.asking import ForSale, Picks, Wish
from rad_core.campaign.ledger import Account, Entry, Point
from rad_core.campaign.money import amount_of
from rad_core.campaign.reading import Scores, scores_of
from rad_core.campaign.scoring import score_of
from rad_core.campaign.settings import USUAL, Manner, Settings
from rad_core.campaign.status import Score, Status, status_of
from rad_core.campaign.students import Scorer, check_student, scores_of_pool
from rad_core.campaign.teachers import check_teacher
from rad_core.campaign.telling import Told
from rad_core.campaign.training import TrainingSet
from rad_core.errors import DamagedError, InputError
from rad_core.inputs.arrays import Given
from rad_core.inputs.examples import examples_of

if TYPE_CHECKING:
    from rad_core.campaign.receipt import Receipt


class Campaign:
    """One campaign on disk. Safe to use from several processes at once: every batch is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with ledger.reading(path) as database:
            meta = ledger.meta(database)
        try:
            self.settings = Settings.of(meta)
        except (KeyError, ValueError, ArithmeticError) as error:
            raise DamagedError(
                f"The settings of campaign {path.name} cannot be read ({error}); restore {path}."
            ) from error

    @classmethod
    def create(
        cls,
        name: str,
        pool: Given,
        *,
        classes: Sequence[str] | None = None,
        labeled: Given = None,
        checked: Given = None,
        price: Decimal | float | str = 0,
        currency: str = "",
        max_cost: Decimal | float | str | None = None,
        seed: int = 0,
        student: str | None = None,
        teacher: str | None = None,
        rounds: int = 1,
        votes: int = 1,
        rate: float = 0,
        timeout: float = USUAL.timeout,
        learn_from_checked: bool = True,
        store: Path | str | None = None,
    ) -> Campaign:
        """Make a campaign. Warns with an InputNote of what was done to the data.

        Args:
            name: 2 to 40 lower-case letters, digits and hyphens.
            pool: ids, or a table (a file, a folder of Parquet files, a frame, columns by name) with a column id; rows
                with a label are labeled examples. "features:FILE" (.npy, .npz, or a table) and "folder:PATH" (images in
                PATH/unlabeled/* and PATH/<class>/*) are tables as well.
            classes: their names; by default the labels that occur, sorted.
            labeled: (id, label) pairs, id -> label, or such a table.
            checked: labeled examples on which the teacher was asked as well, or will be: (id, label, teacher).
            price: of one answer. currency: its name. max_cost: what may be spent in all; None: no wall.
            seed: of everything random, 0 or more.
            student: one of ours that scores the pool by its features, one of `rad_core.learning.models.FOR_FEATURES`;
                every table must have features then. None: probabilities come with each ask.
            teacher: one that a program can call, KIND:ARGUMENT with a kind of `rad_core.campaign.teachers.TEACHERS`.
            rounds: finished in all by `rad campaign run`, unless it is told otherwise, as the next three.
            votes: answers to each question. rate: requests a minute, at most; 0: no limit.
            timeout: seconds that a request may take.
            learn_from_checked: whether students learn from the checked examples, too, as long as the teacher did not.
            store: the folder of studies and campaigns, the user's own by default.

        Raises:
            InputError: on bad input, in one sentence; nothing is made then.
        """
        now = time.time()
        amount = amount_of(price, "price")
        most = None if max_cost is None else amount_of(max_cost, "max_cost")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"seed is {seed!r}; it must be a whole number, 0 or more.")
        if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
            raise InputError(f"rounds is {rounds!r}; it must be a whole number, 1 or more.")
        manner = Manner(votes, rate, timeout)
        own = "" if student is None else check_student(student)
        called = "" if teacher is None else check_teacher(teacher, manner)
        beginning = opening.begin(pool, labeled, checked, classes, now, with_features=bool(own))
        digest = shown.digest_of_ids([point.id for point in beginning.points])
        root = catalogue.root_of(store)
        with catalogue.making(root, name) as folder:
            columns = shown.save(folder, beginning.columns, beginning.pool_rows)
            checked_rows = np.arange(sum(point.part == "checked" for point in beginning.points))
            audited = shown.save(folder, beginning.checked_columns, checked_rows, shown.CHECKED)
            held = features.save(folder, beginning.features, [point.id for point in beginning.points])
            settings = Settings(
                *(name, beginning.classes, amount, currency.strip(), most, seed, now, digest, columns, held),
                *(own, called, rounds, manner, bool(learn_from_checked), audited),
            )
            ledger.create(folder, settings.to_meta(), beginning.points, beginning.entries, now)
        errors.tell(beginning.notes)
        return cls(root / name)

    @classmethod
    def open(cls, name: str, store: Path | str | None = None) -> Campaign:
        """Open a campaign by its name. Raises InputError where there is none."""
        return cls(catalogue.find(catalogue.root_of(store), name))

    @property
    def name(self) -> str:
        """Its name, which is that of its folder."""
        return self.settings.name

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the columns of every array."""
        return self.settings.classes

    # --- asking ---

    def ask(
        self,
        probabilities: Given = None,
        budget: int = 0,
        *,
        ids: Given = None,
        gain: str = "margin",
        lower_bound: bool = True,
        checked_unseen: bool = False,
    ) -> Picks:
        """Choose what to have answered next, and enter the questions in the ledger before anybody knows them.

        Warns with an InputNote of what was done to the data.

        Args:
            probabilities: (N, C) of the student: a table with a column id and one column per class, or an array of the
                pool's points in their order, or of those that `ids` names; or Scores that were read before. None: the
                campaign's own student is trained and scores the pool.
            budget: labels, from 1 to the number of free points that have probabilities.
            ids: names of the rows of an array.
            gain: how informative a point is, one of `rad_core.selection.gains.GAINS`.
            lower_bound: give the game the one-sided 95 % lower bound of m; else its estimate.
            checked_unseen: there are rows for checked examples, too, of students that did not learn from them; of these
                follows how often the teacher was right among the picks.

        Raises:
            InputError: on bad input, on a budget that could cross `max_cost`, and where m is unknown.
        """
        if probabilities is None and (ids is not None or checked_unseen):
            raise InputError("ids and checked_unseen go with probabilities; a student of ours needs neither.")
        scores = self.own_scores() if probabilities is None else scores_of(probabilities, self.classes, ids)
        with ledger.writing(self.path) as database:
            wish = Wish(budget, gain, lower_bound, checked_unseen)
            picks = asking.ask(database, self.path, self.settings, scores, wish, time.time())
        errors.tell(picks.notes)
        return picks

    def for_sale(self, scores: Scores) -> ForSale:
        """What could be asked about now by these probabilities; nothing is asked. Raises InputError."""
        with ledger.reading(self.path) as database:
            return asking.for_sale(database, self.path, self.settings, scores)

    def checked_gains(
        self, scores: Scores, gain: str = "margin", checked_unseen: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of the checked examples the gains (V,) by students that did not learn from them, and whether the teacher was
        right (V,). Empty where nothing is known of them; gain and checked_unseen as in `ask`. Raises InputError.
        """
        with ledger.reading(self.path) as database:
            return asking.checked_gains(database, self.path, self.settings, scores, gain, checked_unseen)

    def last_gains(self) -> tuple[int, np.ndarray, np.ndarray] | None:
        """The last round's number, the rows (n,) of the pool that had a gain then and are free now, their gains (n,).

        None before the first round. Raises DamagedError where its file cannot be read.
        """
        with ledger.reading(self.path) as database:
            return asking.last_gains(database, self.path)

    def probabilities(self) -> np.ndarray:
        """(N, C) of the campaign's own student, trained now on what is known and bought, on the pool in its order."""
        return self.own_scores(with_checked=False).values

    def own_scores(self, with_checked: bool = True, score: Scorer = scores_of_pool) -> Scores:
        """What the campaign's own student says of the pool and, by others that did not learn from them, of the checked
        examples; they are trained now. score: trains them. Raises InputError where there is no student of ours.
        """
        if not self.settings.student:
            raise InputError(
                f"Campaign {self.name} has no student of ours; give the probabilities of yours (--probs), or create it "
                "with --student."
            )
        held = features.load(self.path, self.settings.features)
        with ledger.reading(self.path) as database:
            examples = training.training_set(database, self.classes, self.settings.learn_from_checked)
            audited = ledger.points(database, "checked") if with_checked else []
            checked = np.array([point.position for point in audited], np.int64)
            pool = ledger.pool_size(database)
        return score(self.settings.student, held, examples, pool, checked, self.settings.seed)

    def ask_checked(self) -> Picks:
        """Ask about the checked examples that the teacher was never asked about: paid for, and needed to know m."""
        with ledger.writing(self.path) as database:
            return asking.ask_checked(database, self.settings, time.time())

    def open_questions(self) -> Picks:
        """The questions that are open, in order of asking. Raises InputError where there is none."""
        with ledger.reading(self.path) as database:
            return asking.open_questions(database, self.settings)

    def shown(self, ids: Sequence[str], *, everything: bool = False) -> dict[str, list[object]]:
        """What the teacher is shown of points of the pool and of checked examples: text and image, where they have any.

        everything: all further columns of their tables.
        """
        wanted = None if everything else shown.SHOWN
        held = {
            "pool": shown.load(self.path, self.settings.columns, wanted),
            "checked": shown.load(self.path, self.settings.checked_columns, wanted, shown.CHECKED),
        }
        with ledger.reading(self.path) as database:
            points = [ledger.point(database, text) for text in ids]
            first = {point.part: point.position for point in reversed(ledger.points(database, "checked"))}
        rows = [
            {name: values[point.position - first.get(point.part, 0)] for name, values in held[point.part].items()}
            if point is not None and point.part in held
            else {}
            for point in points
        ]
        return {name: [row.get(name) for row in rows] for name in held["pool"]}

    # --- answers ---

    def tell(self, ids: Given, answers: Given = None, *, source: str = "teacher", correct: bool = False) -> Told:
        """Enter answers; they are on disk when this returns. All of a batch count, or after an InputError none.

        Warns with an InputNote of what was done to the data.

        Args:
            ids: of the points, or a table or file of answers: id and one column per class, or id and label.
            answers: (b, C) probabilities, a row of NaN for an abstention; or b names of classes, None to abstain.
            source: teacher or person; a person's answer is what the student learns, and says nothing about m.
            correct: whether other answers than before are meant.

        Raises:
            InputError: ids never asked, other answers than before, unknown classes, rows that do not sum to 1.
        """
        told = self.enter(answers_of(ids, answers, self.classes), source=source, correct=correct)
        errors.tell(told.notes)
        return told

    def enter(self, given: Answers, *, source: str = "teacher", correct: bool = False, called: bool = False) -> Told:
        """Enter answers that are read already, as `tell` does. called: they answer requests that were sent."""
        with ledger.writing(self.path) as database:
            return telling.tell(database, given, len(self.classes), source, correct, time.time(), called)

    def correct(self, ids: Given, answers: Given = None, *, source: str = "teacher") -> Told:
        """Enter answers in place of other ones."""
        return self.tell(ids, answers, source=source, correct=True)

    def withdraw(self, ids: Given) -> int:
        """Take back open questions: their points are free again and nothing is reserved for them. Returns how many.

        ids: of the points, or a table or file with a column id. Raises InputError; nothing is withdrawn then.
        """
        given = examples_of(ids, "withdraw", "ids", different=False)
        with ledger.writing(self.path) as database:
            return telling.withdraw(database, given, time.time())

    # --- what comes of it ---

    def score(
        self,
        accuracy: float | None = None,
        *,
        total: int | None = None,
        probabilities: Given = None,
        labels: Given = None,
    ) -> Score:
        """Keep a point of the curve: the student's accuracy after what was bought so far.

        Args:
            accuracy: as measured by the user, between 0 and 1. total: the examples that it was measured on.
            probabilities: or measure it here: (T, C) of the student on test examples; labels: their T classes.

        Raises:
            InputError: unless it is exactly one of both.
        """
        measured, tested = score_of(accuracy, total, probabilities, labels, self.classes)
        now = time.time()
        with ledger.writing(self.path) as database:
            status = status_of(database)
            bought = status.pool["answered"]
            row = [now, ledger.last_round(database), bought, f"{status.spent:f}", measured, tested]
            database.execute(
                "insert into scores (time, round, labels, cost, accuracy, total) values (?, ?, ?, ?, ?, ?)", row
            )
            return status_of(database).scores[-1]

    def training_set(self, *, learn_from_checked: bool | None = None) -> TrainingSet:
        """What the student learns from, in order of asking; unpacks into ids and targets (n, C).

        learn_from_checked: whether the checked examples are among it; None: as the campaign was created.
        """
        wanted = self.settings.learn_from_checked if learn_from_checked is None else learn_from_checked
        with ledger.reading(self.path) as database:
            return training.training_set(database, self.classes, wanted)

    def status(self) -> Status:
        """Points by state, money, m with its interval, rounds and scores."""
        with ledger.reading(self.path) as database:
            return status_of(database)

    def entries(self, most: int | None = None, kinds: Sequence[str] = ledger.KINDS) -> list[tuple[int, Entry, Point]]:
        """Entries of the ledger with their numbers and points, in order; of some kinds, the last `most` of them."""
        with ledger.reading(self.path) as database:
            return ledger.with_points(database, kinds, most)

    def accounts(self) -> dict[int, Account]:
        """What the ledger says of every point of the pool that it names, by position."""
        with ledger.reading(self.path) as database:
            return ledger.accounts(database, "pool")

    def names_of(self, positions: Sequence[int]) -> list[str]:
        """The ids of points by their positions."""
        with ledger.reading(self.path) as database:
            return ledger.names_of(database, positions)

    def receipt(self) -> Receipt:
        """What was promised, bought, paid and measured, and whether as much again is worth it; of the ledger alone."""
        from rad_core.campaign.receipt import receipt_of

        with ledger.reading(self.path) as database:
            return receipt_of(database, self.path)

    def verify(self) -> list[str]:
        """Make everything again that the ledger promises; what does not hold, a sentence each, [] where all does."""
        from rad_core.campaign.verifying import verify

        with ledger.reading(self.path) as database:
            return verify(database, self.path, self.settings)
