"""What the map shows of a study: facts about every pool point, colorings, picks, and links to a selection.

No Streamlit in here. `read` everywhere is a View's: read(function, *arguments) is function(study, *arguments), cached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from app import palette
from app.components.map import (
    Difference,
    MapColoring,
    MapLayer,
    Selection,
    difference,
    peaks,
    quantize,
)
from app.figures.base import Theme
from app.results import reading
from rad_core.errors import InputError
from rad_core.selection.game import solve_game, wrong_count
from rad_core.store.study import Study

Read = Callable[..., Any]

COLORINGS = {
    "none": "Nothing",
    "class": "True class",
    "teacher": "Teacher right or wrong",
    "gain": "Informativeness (gain)",
    "q": "RAD's chance to buy (q)",
    "round": "Round of purchase",
    "student": "Student right or wrong",
}
LONGEST_LINK = 3000  # characters of a selection in an address that every browser and proxy takes
UNANSWERED = "teacher not asked, or without an answer"
_MOST_ROUNDS = 12  # that get a color each; more become a scale
# Cividis without the end that would vanish on the paper; the most informative points stand out on both papers.
_CIVIDIS = (
    "#00224E",
    "#123570",
    "#35456C",
    "#4F576C",
    "#666970",
    "#7C7B78",
    "#8E8978",
    "#A59C74",
    "#BCAE6C",
    "#D2BF60",
    "#E9D24D",
    "#FEE838",
)
_RAMPS: dict[Theme, tuple[str, ...]] = {"light": _CIVIDIS[9::-1], "dark": _CIVIDIS[2:]}


# --- facts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of every pool point, for the student of one strategy around one round. Arrays are (N,).

    round: of purchase, 0 before the first. decided_after, trained_after: the rounds whose students the gains and the
    predictions come from. ids: rows of the data set. teacher_says: -1, and truth_probability, what it gives the true
    class, NaN, where a teacher from outside gave no answer.
    gains: before the round's purchase. q: RAD's probability of buying in that round, NaN for what was bought before.
    bought: per strategy the round of purchase up to `round`, 0 where it did not buy.
    """

    classes: tuple[str, ...]
    strategy: str
    round: int
    decided_after: int
    trained_after: int
    ids: np.ndarray
    labels: np.ndarray
    teacher_says: np.ndarray
    truth_probability: np.ndarray
    student_says: np.ndarray
    gains: np.ndarray
    q: np.ndarray
    bought: Mapping[str, np.ndarray]

    @property
    def size(self) -> int:
        return len(self.labels)

    @property
    def teacher_known(self) -> np.ndarray:
        """(N,) bool, where the teacher's answer is known."""
        return self.teacher_says >= 0

    @property
    def teacher_right(self) -> np.ndarray:
        """(N,) bool, where it is known to be right."""
        return self.teacher_says == self.labels

    @property
    def student_right(self) -> np.ndarray:
        return self.student_says == self.labels


def gather(read: Read, seed: int, strategy: str, round_: int, strategies: Sequence[str]) -> Facts:
    """The facts for one strategy and round. Where the cell has not come so far, its last finished round stands in."""
    last = read(reading.last_round, strategy, seed)
    before, after = min(max(round_ - 1, 0), last), min(round_, last)
    bought = {name: read(reading.round_of_purchase, name, seed) for name in strategies}
    return Facts(
        classes=read(reading.classes, seed),
        strategy=strategy,
        round=round_,
        decided_after=before,
        trained_after=after,
        ids=read(pool_ids, seed),
        labels=read(reading.labels, seed),
        teacher_says=read(reading.teacher_says, seed),
        truth_probability=read(truth_probability, seed),
        student_says=read(reading.predictions_after, strategy, seed, after),
        gains=read(reading.gains_after, strategy, seed, before),
        q=read(chance_of_buying, strategy, seed, before + 1),
        bought={name: np.where(rounds <= round_, rounds, 0) for name, rounds in bought.items()},
    )


def pool_ids(study: Study, seed: int) -> np.ndarray:
    """(N,) row of the data set of every pool point."""
    return study.seed_array(seed, "pool_ids")


def truth_probability(study: Study, seed: int) -> np.ndarray:
    """(N,) float32, the probability that the teacher gives the true class."""
    labels = np.asarray(reading.labels(study, seed), np.int64)
    return np.take_along_axis(reading.teacher_probabilities(study, seed), labels[:, None], 1)[:, 0].astype(np.float32)


def chance_of_buying(study: Study, strategy: str, seed: int, round_: int) -> np.ndarray:
    """(N,) float32, RAD's q for the purchase of a round by a strategy's student; NaN for what was bought before.

    Solved again from the stored gains, with as many teacher mistakes as the measured accuracy allows.
    """
    left = reading.remaining(study, strategy, seed, round_)
    gains = reading.gains_after(study, strategy, seed, round_ - 1)
    q = np.full(len(gains), np.nan, np.float32)
    if len(left):
        budget = min(study.config.budget, len(left))
        wrong = wrong_count(len(left), reading.teacher_estimate(study, seed).used)
        q[left] = solve_game(gains[left], budget, wrong=wrong).q
    return q


# --- colorings -----------------------------------------------------------------------------------------------------


def coloring(facts: Facts, by: str, theme: Theme, highlight: Sequence[str] | None = None) -> MapColoring:
    """The pool colored by one of COLORINGS. highlight: classes that stand out, at most twelve; None takes the first."""
    title = COLORINGS[by]
    if by in ("class", "none"):
        return _by_class(facts, highlight, quiet=by == "none")
    if by == "teacher":
        labels = ("teacher right", "teacher wrong")
        return _right_or_wrong(facts.teacher_right, labels, title, facts.teacher_known)
    if by == "student":
        return _right_or_wrong(facts.student_right, ("student right", "student wrong"), title)
    if by == "gain":
        return MapColoring.of_values(facts.gains, _RAMPS[theme], title, (0.0, 1.0))
    if by == "q":
        return _by_q(facts.q, title, theme)
    return _by_round(facts.bought[facts.strategy], facts.round, title, theme)


def _by_class(facts: Facts, highlight: Sequence[str] | None, *, quiet: bool) -> MapColoring:
    """quiet: gray, a class has its color only under the cursor; the codes are the same."""
    colors = palette.class_colors(facts.classes, highlight)
    shown = [name for name in facts.classes if colors[name] != palette.OTHER_COLOR]
    place = {name: i for i, name in enumerate(shown)}
    codes = np.array([place.get(name, len(shown)) for name in facts.classes], np.uint8)[facts.labels]
    others = [palette.OTHER_LABEL] if len(shown) < len(facts.classes) else []
    paint = [colors[name] for name in shown] + [palette.OTHER_COLOR] * len(others)
    return MapColoring(codes, [*shown, *others], paint, COLORINGS["class"], quiet=quiet)


def class_names(facts: Facts, points: np.ndarray, colors: MapColoring) -> list[list[Any]]:
    """The names of the largest classes where they are densest: label, x and y on the grid, code in the coloring.

    colors: where it shows no classes, the code is None.
    """
    codes = {label: code for code, label in enumerate(colors.labels)} if colors.title == COLORINGS["class"] else {}
    others = codes.get(palette.OTHER_LABEL)
    found = peaks(quantize(points).grid, facts.labels, facts.classes)
    return [[label, x, y, codes.get(label, others)] for label, x, y in found]


def _right_or_wrong(
    right: np.ndarray, labels: Sequence[str], title: str, known: np.ndarray | None = None
) -> MapColoring:
    """known: (N,) bool, where there is an answer; by default everywhere."""
    colors, symbols = [palette.RIGHT_COLOR, palette.WRONG_COLOR], [palette.RIGHT_SYMBOL, palette.WRONG_SYMBOL]
    codes = (~right).astype(np.uint8)
    if known is not None and not known.all():
        codes[~known] = 2
        labels = [*labels, UNANSWERED]
        colors.append(palette.UNDEFINED_COLOR)
        symbols.append(palette.RIGHT_SYMBOL)
    return MapColoring(codes, labels, colors, title, symbols)


def _by_q(q: np.ndarray, title: str, theme: Theme) -> MapColoring:
    known = q[np.isfinite(q)]
    return MapColoring.of_values(q, _RAMPS[theme], title, (0.0, float(known.max()) if len(known) else 1.0))


def _by_round(bought: np.ndarray, round_: int, title: str, theme: Theme) -> MapColoring:
    ramp = _RAMPS[theme]
    if round_ > _MOST_ROUNDS:
        return MapColoring.of_values(np.where(bought > 0, bought, np.nan), ramp, title, (1, round_))
    steps = [ramp[int(place)] for place in np.linspace(0, len(ramp) - 1, round_).round()]
    labels = ["not bought", *(f"round {number}" for number in range(1, round_ + 1))]
    return MapColoring(bought, labels, ["#CDD1D8" if theme == "light" else "#3C424E", *steps], title)


# --- picks ---------------------------------------------------------------------------------------------------------


def bought_layers(read: Read, seed: int, strategies: Sequence[str]) -> list[MapLayer]:
    """The picks of strategies in all rounds, each with its own symbol."""
    return [_layer(name, read(reading.round_of_purchase, name, seed)) for name in strategies]


def picks(read: Read, seed: int, strategies: Sequence[str], *, colored: bool) -> list[MapLayer]:
    """The picks of one or two strategies in all rounds: filled, and rings; crosses where the teacher was wrong.

    colored: the pool has colors of its own, so the picks are white with a black outline.
    """
    shown = bought_layers(read, seed, strategies)
    rings = [replace(layer, symbol="circle-open" if i else "circle") for i, layer in enumerate(shown)]
    every = pd.concat([read(every_purchase, name, seed) for name in strategies])
    wrong = every[every["right"] == 0].astype({"position": int, "round": int})
    look = (palette.WRONG_LABEL, palette.WRONG_COLOR, palette.WRONG_SYMBOL)
    marks = MapLayer("wrong", *look, wrong["position"].to_numpy(), wrong["round"].to_numpy())
    if colored:
        rings = [replace(layer, color="#FFFFFF", outline="#000000") for layer in rings]
    return [*rings, marks]


def contrast(facts: Facts, points: np.ndarray, strategies: Sequence[str]) -> Difference:
    """Where the first of two strategies had bought more than the second by the end of the round, and where less."""
    a, b = (np.flatnonzero(facts.bought[name]) for name in strategies)
    first, second = (palette.strategy_label(name) for name in strategies)
    return difference(points, a, b, (first, second))


def _layer(name: str, rounds: np.ndarray) -> MapLayer:
    style = palette.strategy_style(name)
    positions = np.flatnonzero(rounds)
    return MapLayer(name, palette.strategy_label(name), style.color, style.symbol, positions, rounds[positions])


# --- selections ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bought:
    """What a strategy bought among some points, up to a round; NaN where it bought nothing.

    wrong: labels of the teacher that were wrong. gain: mean when bought. worth: the gains of the right labels, added.
    Both wrong and worth are NaN where labels are of mixtures of two images, neither right nor wrong. abstained: of the
    labels, those that a teacher from outside gave no answer for.
    """

    labels: int
    wrong: float
    gain: float
    worth: float
    abstained: int = 0


def bought_among(purchases: pd.DataFrame, facts: Facts, inside: np.ndarray | None) -> Bought:
    """Of every_purchase, what lies among the pool positions inside (by default the whole pool), up to facts.round."""
    rows = purchases[purchases["round"] <= facts.round]
    if inside is not None:
        rows = rows[np.isin(rows["position"], inside)]
    if not len(rows):
        return Bought(0, np.nan, np.nan, np.nan)
    answered = rows[~rows["abstained"].astype(bool)]
    gains, right = answered["gain"].to_numpy(), answered["right"].to_numpy()
    return Bought(
        len(rows),
        wrong=float((1 - right).sum()),
        gain=float(rows["gain"].mean()),
        worth=float((gains * right).sum()),
        abstained=len(rows) - len(answered),
    )


def every_purchase(study: Study, strategy: str, seed: int) -> pd.DataFrame:
    """One row per label that a strategy bought: round, position, gain when bought, right (1 or 0), abstained (bool).

    right is NaN of a mixture, and of an abstention.
    """
    parts = [pd.DataFrame({name: np.empty(0) for name in ("round", "position", "gain", "right", "abstained")})]
    for round_ in study.finished_rounds(strategy, seed)[1:]:
        right = np.asarray(study.round_array(strategy, seed, round_, "bought_correct"), np.float64)
        columns = {
            "round": round_,
            "position": reading.bought(study, strategy, seed, round_),
            "gain": np.asarray(study.round_array(strategy, seed, round_, "bought_gain"), np.float64),
            "right": np.where(right > 1, np.nan, right),
            "abstained": (right > 1) & study.config.outside,  # such a teacher is asked about no mixture
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def table(facts: Facts, positions: np.ndarray, points: np.ndarray) -> pd.DataFrame:
    """One row per chosen point with everything that is known of it; empty cells where it was not bought or has no q."""
    names = np.array([*facts.classes, ""], dtype=object)  # the last for no answer
    right = pd.array(facts.teacher_right[positions], dtype="boolean")
    right[~facts.teacher_known[positions]] = pd.NA
    columns: dict[str, Any] = {
        "pool_index": positions,
        "dataset_row": facts.ids[positions],
        "x": points[positions, 0],
        "y": points[positions, 1],
        "true_class": names[facts.labels[positions]],
        "teacher_says": names[facts.teacher_says[positions]],
        "teacher_right": right,
        "teacher_probability_of_true_class": facts.truth_probability[positions],
        "student_says": names[facts.student_says[positions]],
        "student_right": facts.student_right[positions],
        "gain": facts.gains[positions],
        "rad_q": facts.q[positions],
    }
    for name, rounds in facts.bought.items():
        bought = pd.array(rounds[positions], dtype="Int16")
        bought[rounds[positions] == 0] = pd.NA
        columns[f"round_bought_by_{name}"] = bought
    return pd.DataFrame(columns)


def link_text(layout: str, selection: Selection | None) -> str | None:
    """A selection for the address, with the layout that it was drawn on; None where there is none or it is too long."""
    if selection is None:
        return None
    text = f"{layout}.{selection.to_text()}"
    return text if len(text) <= LONGEST_LINK else None


def read_link(text: str) -> tuple[str, Selection]:
    """The layout and the selection that link_text wrote; anything else is an InputError."""
    layout, point, rest = text.partition(".")
    if not point or len(text) > LONGEST_LINK:
        raise InputError("The selection in the address is damaged; select again.")
    return layout, Selection.from_text(rest)
