"""A campaign from end to end in seconds: handwritten digits, a student of scikit-learn's, answers told from files.

The teacher is played by a model that learned from digits of its own; the campaign knows only what it is told. The
digits' true labels serve the test of the student alone, which lies outside of the pool.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from rad_core import partials
from rad_core.campaign import catalogue
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.formats import write_picks, write_table
from rad_core.campaign.money import money_text
from rad_core.campaign.students import FOLDS
from rad_core.campaign.training import TrainingSet
from rad_core.errors import InputError

Say = Callable[[str], None]
_POOL, _LABELED, _CHECKED, _TAUGHT = 900, 20, 60, 400  # digits; the rest are the test
_BUDGET, _PRICE, _CURRENCY = 60, Decimal("0.02"), "EUR"


@dataclass(frozen=True, eq=False)
class _Digits:
    """images: (N, 64) in [0, 1]. classes: names of the digits. answers: (N, 10), what the teacher says when asked.

    rows: of each part; digits: (N,) of those outside of the pool.
    """

    images: np.ndarray
    answers: np.ndarray
    digits: np.ndarray
    rows: dict[str, np.ndarray]


def run(name: str, rounds: int, store: Path | None, say: Say) -> Campaign:
    """Create the campaign, buy so many rounds, and one more that the wall refuses."""
    data = _digits()
    most = _PRICE * _BUDGET * rounds + _PRICE * (_BUDGET // 2)
    campaign = Campaign.create(
        free_name(name, store),
        [_name(row) for row in data.rows["pool"]],
        classes=[str(digit) for digit in range(10)],
        labeled=[(_name(row), str(data.digits[row])) for row in data.rows["labeled"]],
        checked=_checked(data),
        price=_PRICE,
        currency=_CURRENCY,
        max_cost=most,
        store=store,
    )
    say(
        f"Campaign {campaign.name}: {_POOL:,} digits that nobody labeled, {_LABELED} labeled, {_CHECKED} checked; "
        f"{money_text(_PRICE, _CURRENCY)} an answer, at most {money_text(most, _CURRENCY)}."
    )
    with partials.temporary_folder("rad-demo") as folder:
        for _ in range(rounds):
            _round(campaign, data, folder, say)
        probabilities = _student(campaign.training_set(), data)
        _score(campaign, data, probabilities, say)
        try:
            campaign.ask(probabilities[data.rows["pool"]], _BUDGET)
        except InputError as error:
            say(f"The wall: {error}")
    faults = campaign.verify()
    say("; ".join(faults) if faults else "Verified: every round's guarantee, draw and cost was made again and holds.")
    say(f"Look at it: rad campaign show {campaign.name}")
    return campaign


def _round(campaign: Campaign, data: _Digits, folder: Path, say: Say) -> None:
    """Train, measure, ask, write the picks, have them answered from a file, tell."""
    examples = campaign.training_set()
    probabilities = _student(examples, data)
    _score(campaign, data, probabilities, say)
    rows = np.append(data.rows["pool"], data.rows["checked"])
    beliefs = np.concatenate([probabilities[data.rows["pool"]], _unseen(examples, data)])
    picks = campaign.ask(beliefs, _BUDGET, ids=[_name(row) for row in rows], checked_unseen=True)
    write_picks(folder / "picks.csv", "csv", campaign, picks)
    answers = {"id": np.array(picks.ids, object)}
    said = data.answers[[int(text.removeprefix("digit-")) for text in picks.ids]]
    answers |= {digit: said[:, number] for number, digit in enumerate(campaign.classes)}
    path = folder / f"answers-{picks.round}.csv"
    write_table(path, "csv", answers)
    told = campaign.tell(str(path))
    status = campaign.status()
    facts = picks.facts
    promise = "" if facts is None else f"guaranteed gain {facts.value:.1f} (m {facts.teacher_accuracy:.3f}); "
    say(
        f"Round {picks.round}: {len(picks.ids)} asked, {promise}{told.new} answers told; "
        f"spent {money_text(status.spent, _CURRENCY)}."
    )


def _score(campaign: Campaign, data: _Digits, probabilities: np.ndarray, say: Say) -> None:
    test = data.rows["test"]
    accuracy = float(np.mean(probabilities[test].argmax(axis=1) == data.digits[test]))
    score = campaign.score(accuracy, total=len(test))
    say(f"Accuracy {score.accuracy:.3f} on {len(test)} test digits after {score.labels} bought answers.")


def _unseen(examples: TrainingSet, data: _Digits) -> np.ndarray:
    """(V, 10) of the checked digits, each of a student that did not learn from it nor from the rest of its fifth."""
    checked = data.rows["checked"]
    beliefs = np.empty((len(checked), 10))
    for number in range(FOLDS):
        fold = np.arange(len(checked)) % FOLDS == number
        beliefs[fold] = _student(examples, data, without=checked[fold])[checked[fold]]
    return beliefs


def _student(examples: TrainingSet, data: _Digits, without: Sequence[int] | np.ndarray = ()) -> np.ndarray:
    """(N, 10) of a student trained on soft targets: every example once for each class, weighted by its share.

    without: rows that it does not learn from.
    """
    from sklearn.linear_model import LogisticRegression

    rows = np.array([int(text.removeprefix("digit-")) for text in examples.ids])
    known = ~np.isin(rows, without)
    rows, targets = rows[known], examples.targets[known]
    example, digit = np.nonzero(targets > 1e-3)
    student = LogisticRegression(C=1.0, max_iter=300)
    student.fit(data.images[rows[example]], digit, sample_weight=targets[example, digit])
    probabilities = np.zeros((len(data.images), 10))
    probabilities[:, student.classes_] = student.predict_proba(data.images)
    return probabilities


def _digits() -> _Digits:
    from sklearn.datasets import load_digits
    from sklearn.neighbors import KNeighborsClassifier

    images, digits = load_digits(return_X_y=True)
    images = images / 16.0
    order = np.random.default_rng(0).permutation(len(images))
    names = ("pool", "labeled", "checked", "taught", "test")
    ends = np.cumsum([_POOL, _LABELED, _CHECKED, _TAUGHT])
    rows = dict(zip(names, np.split(order, ends), strict=True))
    teacher = KNeighborsClassifier(5, weights="distance").fit(images[rows["taught"]], digits[rows["taught"]])
    return _Digits(images, teacher.predict_proba(images), digits, rows)


def _checked(data: _Digits) -> list[tuple[str, str, str]]:
    rows = data.rows["checked"]
    return [(_name(row), str(data.digits[row]), str(data.answers[row].argmax())) for row in rows]


def _name(row: int) -> str:
    return f"digit-{row}"


def free_name(name: str, store: Path | None) -> str:
    """The name, with a number where there is such a campaign already."""
    taken = set(catalogue.names(catalogue.root_of(store)))
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(text for text in numbered if text not in taken)
