"""What the map shows of a study: facts about every pool point, colorings, picks, and links to a selection.

No Streamlit in here. `read` everywhere is a View's: read(function, *arguments) is function(study, *arguments), cached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from app import palette
from app.components.map import MapColoring, MapLayer, MapPanel, Selection
from app.figures.base import Theme
from app.results import reading
from rad_core.errors import InputError
from rad_core.selection.game import solve_game, wrong_count
from rad_core.store.study import Study

Read = Callable[..., Any]
Display = Literal["one", "side", "difference"]

COLORINGS = {
    "class": "True class",
    "teacher": "Teacher right or wrong",
    "gain": "Informativeness (gain)",
    "q": "RAD's chance to buy (q)",
    "round": "Round of purchase",
    "student": "Student right or wrong",
}
LONGEST_LINK = 3000  # characters of a selection in an address that every browser and proxy takes
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
    predictions come from. ids: rows of the data set. truth_probability: what the teacher gives the true class.
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
    def teacher_right(self) -> np.ndarray:
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
        teacher_says=read(teacher_says, seed),
        truth_probability=read(truth_probability, seed),
        student_says=read(reading.predictions_after, strategy, seed, after),
        gains=read(reading.gains_after, strategy, seed, before),
        q=read(chance_of_buying, strategy, seed, before + 1),
        bought={name: np.where(rounds <= round_, rounds, 0) for name, rounds in bought.items()},
    )


def pool_ids(study: Study, seed: int) -> np.ndarray:
    """(N,) row of the data set of every pool point."""
    return study.seed_array(seed, "pool_ids")


def teacher_says(study: Study, seed: int) -> np.ndarray:
    """(N,) int16, the teacher's likeliest class."""
    return reading.teacher_probabilities(study, seed).argmax(1).astype(np.int16)


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
    if by == "class":
        return _by_class(facts, title, highlight)
    if by == "teacher":
        return _right_or_wrong(facts.teacher_right, ("teacher right", "teacher wrong"), title)
    if by == "student":
        return _right_or_wrong(facts.student_right, ("student right", "student wrong"), title)
    if by == "gain":
        return MapColoring.of_values(facts.gains, _RAMPS[theme], title, (0.0, 1.0))
    if by == "q":
        return _by_q(facts.q, title, theme)
    return _by_round(facts.bought[facts.strategy], facts.round, title, theme)


def ramp(theme: Theme) -> tuple[str, ...]:
    """Stops of a scale from low to high, the high end standing out on this paper."""
    return _RAMPS[theme]


def _by_class(facts: Facts, title: str, highlight: Sequence[str] | None) -> MapColoring:
    colors = palette.class_colors(facts.classes, highlight)
    shown = [name for name in facts.classes if colors[name] != palette.OTHER_COLOR]
    place = {name: i for i, name in enumerate(shown)}
    codes = np.array([place.get(name, len(shown)) for name in facts.classes], np.uint8)[facts.labels]
    others = [palette.OTHER_LABEL] if len(shown) < len(facts.classes) else []
    paint = [colors[name] for name in shown] + [palette.OTHER_COLOR] * len(others)
    return MapColoring.of_categories(codes, [*shown, *others], paint, title)


def _right_or_wrong(right: np.ndarray, labels: Sequence[str], title: str) -> MapColoring:
    colors, symbols = (palette.RIGHT_COLOR, palette.WRONG_COLOR), (palette.RIGHT_SYMBOL, palette.WRONG_SYMBOL)
    return MapColoring.of_categories((~right).astype(np.uint8), labels, colors, title, symbols)


def _by_q(q: np.ndarray, title: str, theme: Theme) -> MapColoring:
    known = q[np.isfinite(q)]
    return MapColoring.of_values(q, _RAMPS[theme], title, (0.0, float(known.max()) if len(known) else 1.0))


def _by_round(bought: np.ndarray, round_: int, title: str, theme: Theme) -> MapColoring:
    ramp = _RAMPS[theme]
    if round_ > _MOST_ROUNDS:
        return MapColoring.of_values(np.where(bought > 0, bought, np.nan), ramp, title, (1, round_))
    steps = [ramp[int(place)] for place in np.linspace(0, len(ramp) - 1, round_).round()]
    labels = ["not bought", *(f"round {number}" for number in range(1, round_ + 1))]
    return MapColoring.of_categories(bought, labels, [_faint(theme), *steps], title)


def _faint(theme: Theme) -> str:
    return "#CDD1D8" if theme == "light" else "#3C424E"


# --- picks ---------------------------------------------------------------------------------------------------------


def panels(
    read: Read, seed: int, strategies: Sequence[str], display: Display, round_: int, *, mark_wrong: bool = False
) -> list[MapPanel]:
    """One or two drawings with the picks of one or two strategies, all rounds; the map itself stops at a round.

    The difference holds what only one of the two had bought by the end of `round_`. mark_wrong adds crosses on the
    picks that the teacher got wrong.
    """
    purchases = {name: read(reading.round_of_purchase, name, seed) for name in strategies}
    wrong = {name: read(wrongly_labeled, name, seed) for name in strategies}
    if display == "difference" and len(strategies) == 2:
        a, b = strategies
        by = {name: np.where(purchases[name] <= round_, purchases[name], 0) for name in strategies}
        only = {a: np.where(by[b] == 0, by[a], 0), b: np.where(by[a] == 0, by[b], 0)}
        layers = [_layer(name, only[name], f"only {palette.strategy_label(name)}") for name in strategies]
        marks = _crosses({name: wrong[name][only[name][wrong[name]] > 0] for name in strategies}, only)
        return [MapPanel("", (*layers, *(marks if mark_wrong else ())))]
    parts = [[name] for name in strategies] if display == "side" else [list(strategies)]
    map_panels = []
    for names in parts:
        layers = [_layer(name, purchases[name], palette.strategy_label(name)) for name in names]
        marks = _crosses({name: wrong[name] for name in names}, purchases) if mark_wrong else ()
        map_panels.append(MapPanel("", (*layers, *marks)))
    return map_panels


def wrongly_labeled(study: Study, strategy: str, seed: int) -> np.ndarray:
    """(n,) int32 pool positions that a strategy bought with a wrong label; mixtures are neither right nor wrong."""
    positions = [np.empty(0, np.int32)]
    for round_ in study.finished_rounds(strategy, seed)[1:]:
        correct = study.round_array(strategy, seed, round_, "bought_correct")
        positions.append(np.asarray(reading.bought(study, strategy, seed, round_))[correct == 0])
    return np.concatenate(positions)


def _layer(name: str, rounds: np.ndarray, label: str) -> MapLayer:
    style = palette.strategy_style(name)
    positions = np.flatnonzero(rounds)
    return MapLayer(name, label, style.color, style.symbol, positions, rounds[positions])


def _crosses(wrong: Mapping[str, np.ndarray], purchases: Mapping[str, np.ndarray]) -> tuple[MapLayer, ...]:
    positions = np.concatenate([np.empty(0, np.int64), *wrong.values()]).astype(np.int64)
    rounds = np.concatenate([np.empty(0, np.int16), *(purchases[name][at] for name, at in wrong.items())])
    label = palette.WRONG_LABEL
    return (MapLayer("wrong", label, palette.WRONG_COLOR, palette.WRONG_SYMBOL, positions, rounds.astype(np.int16)),)


# --- selections ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """Some points at a glance; shares and means are NaN where there is none."""

    count: int
    teacher_right: float
    student_right: float
    mean_gain: float
    bought: int


def summarize(facts: Facts, positions: np.ndarray | None = None) -> Summary:
    """The chosen points (by default the whole pool); bought: by the strategy of the facts, up to its round."""
    at: Any = slice(None) if positions is None else positions
    count = facts.size if positions is None else len(positions)
    nothing = float("nan")
    return Summary(
        count,
        float(facts.teacher_right[at].mean()) if count else nothing,
        float(facts.student_right[at].mean()) if count else nothing,
        float(facts.gains[at].mean(dtype=np.float64)) if count else nothing,
        int((facts.bought[facts.strategy][at] > 0).sum()),
    )


def table(facts: Facts, positions: np.ndarray, points: np.ndarray) -> pd.DataFrame:
    """One row per chosen point with everything that is known of it; empty cells where it was not bought or has no q."""
    names = np.array(facts.classes, dtype=object)
    columns: dict[str, Any] = {
        "pool_index": positions,
        "dataset_row": facts.ids[positions],
        "x": points[positions, 0],
        "y": points[positions, 1],
        "true_class": names[facts.labels[positions]],
        "teacher_says": names[facts.teacher_says[positions]],
        "teacher_right": facts.teacher_right[positions],
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
