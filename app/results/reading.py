"""What the studio reads from the store: pure functions from a study to arrays and tables. No Streamlit in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rad_core.results import summary, tables
from rad_core.running import maps
from rad_core.selection.game import wrong_count
from rad_core.store import light_copy
from rad_core.store.study import Study
from rad_core.text import one_line

GAIN_STEPS = 65535  # stored gains are 16-bit fractions


@dataclass(frozen=True)
class TeacherEstimate:
    """What is known of the teacher's accuracy: estimated on checked examples, its 95 % interval, and what is used.

    checked: how many examples it was estimated on; 0 where somebody typed it.
    """

    mean: float
    low: float
    high: float
    used: float
    checked: int = 0


@dataclass(frozen=True, eq=False)
class Pool:
    """An unlabeled pool as the instrument sees it, from a study or from somebody's own scores.

    key: changes whenever the contents do. gains: (N,) float32 of the student that chooses. teacher: its estimated
    accuracy. right: (N,) bool, where the teacher is right, or None where nobody knows. labels: (N,) class numbers or
    None. classes: names. budget: the study's own, or a default.
    """

    key: str
    gains: np.ndarray
    teacher: TeacherEstimate
    budget: int
    right: np.ndarray | None = None
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    price: float = 0.0
    currency: str = "USD"
    latency: float = 0.0

    @property
    def size(self) -> int:
        return len(self.gains)

    def wrong(self, teacher_accuracy: float | None = None) -> int:
        """On how many points a teacher of this accuracy (by default the estimate in use) may be wrong."""
        return wrong_count(self.size, self.teacher.used if teacher_accuracy is None else teacher_accuracy)


def first_pair(strategies: Sequence[str]) -> tuple[str, str]:
    """The two rules that are looked at first: RAD against uniform, or what there is."""
    first = "rad" if "rad" in strategies else strategies[0]
    return first, next((name for name in ("uniform", "margin", *strategies) if name != first), "uniform")


# --- tables over all seeds -----------------------------------------------------------------------------------------


def rounds(study: Study) -> pd.DataFrame:
    """All metrics, one row per strategy, seed and finished round."""
    return study.rounds_table()


def rounds_with_seconds(study: Study) -> pd.DataFrame:
    """`rounds` with a column seconds: the time a cell has taken up to and including each round."""
    table, spent = study.rounds_table(), study.seconds_table()
    if table.empty:
        return table.assign(seconds=pd.Series(dtype=float))
    keys = ["strategy", "seed", "round"]
    spent = spent.assign(seconds=spent.drop(columns=keys).sum(axis=1)).sort_values(keys)
    spent["seconds"] = spent.groupby(["strategy", "seed"])["seconds"].cumsum()
    return table.merge(spent[[*keys, "seconds"]], on=keys, how="left")


def purchases(study: Study) -> pd.DataFrame:
    """One row per label bought: strategy, seed, round, pool_index, gain, q, right (NaN of mixtures and abstentions)."""
    return tables.purchases(study).rename(columns={"teacher_right": "right"})


def references(study: Study) -> dict[str, float]:
    """Mean accuracies of the reference lines, named as the curves want them: teacher, student_full, student_labeled."""
    levels = summary.references(study)
    names = {
        "teacher": "teacher_accuracy_test",
        "student_full": "student_full_accuracy",
        "student_labeled": "student_labeled_accuracy",
    }
    return {ours: levels[theirs]["mean"] for ours, theirs in names.items() if theirs in levels}


# --- one seed ------------------------------------------------------------------------------------------------------


def classes(study: Study, seed: int) -> tuple[str, ...]:
    """Names of the classes."""
    return tuple(map(one_line, study.seed_metrics(seed)["classes"]))


def labels(study: Study, seed: int) -> np.ndarray:
    """(N,) true class numbers of the pool, for display and evaluation."""
    return study.seed_array(seed, "pool_labels")


def knows_pool(study: Study) -> bool:
    """Whether the teacher's answers are known on the whole pool; those of one from outside on what was bought alone."""
    return not study.config.outside


def teacher_probabilities(study: Study, seed: int) -> np.ndarray:
    """(N, C) the teacher's probabilities on the pool, for display and evaluation; NaN where it gave no answer."""
    if knows_pool(study):
        return study.seed_array(seed, "teacher_pool_probabilities")
    answers = np.full((len(labels(study, seed)), len(classes(study, seed))), np.nan, np.float32)
    for strategy in study.config.strategies:
        for round_ in study.finished_rounds(strategy, seed)[1:]:
            given = study.round_array(strategy, seed, round_, "soft_labels")
            answers[bought(study, strategy, seed, round_)] = given
    return answers


def teacher_says(study: Study, seed: int) -> np.ndarray:
    """(N,) int16, the teacher's likeliest class; -1 where it gave no answer."""
    answers = teacher_probabilities(study, seed)
    return np.where(np.isnan(answers[:, 0]), -1, answers.argmax(1)).astype(np.int16)


def teacher_right(study: Study, seed: int) -> np.ndarray | None:
    """(N,) bool, where the teacher's likeliest class is the true one; also of a seed whose points were left out.

    None where nobody knows it of the whole pool.
    """
    if not knows_pool(study):
        return None
    if "teacher_right" in study.seed_arrays(seed):
        return study.seed_array(seed, "teacher_right")
    return teacher_probabilities(study, seed).argmax(1) == labels(study, seed)


def thumbnails(study: Study, seed: int) -> np.ndarray | None:
    """(N, h, w, C) uint8 small images of the pool, or None where the study keeps none."""
    if "thumbnails" not in study.seed_arrays(seed):
        return None
    images = study.seed_array(seed, "thumbnails")
    return images if images.ndim == 4 and images.shape[3] in (1, 3) else None


def pca(study: Study, seed: int, source: str) -> np.ndarray:
    """(N, 2) the pool by PCA of the features of a source (one of maps.SOURCES), as kept with the study or made now."""
    kept = maps.read_map(study, seed, source, "pca")
    if kept is not None:
        return kept
    return maps.compute_map(study.seed_array(seed, maps.mapped_array(study, seed, source)), "pca")


def teacher_estimate(study: Study, seed: int) -> TeacherEstimate:
    """The teacher's accuracy as estimated on the validation set of a seed."""
    metrics = study.seed_metrics(seed)
    names = ("teacher_accuracy", "teacher_accuracy_low", "teacher_accuracy_high", "teacher_accuracy_used")
    mean, low, high, used = (float(metrics[name]) for name in names)
    return TeacherEstimate(mean, low, high, used, study.config.validation - metrics.get("teacher_abstained", 0))


# --- one round of one cell -----------------------------------------------------------------------------------------


def gains_after(study: Study, strategy: str, seed: int, round_: int) -> np.ndarray:
    """(N,) float32 gains of the whole pool under the student trained after a round (0: the labeled set alone)."""
    return study.round_array(strategy, seed, round_, "gains").astype(np.float32) / np.float32(GAIN_STEPS)


def predictions_after(study: Study, strategy: str, seed: int, round_: int) -> np.ndarray:
    """(N,) class numbers that the student trained after a round predicts on the whole pool."""
    return study.round_array(strategy, seed, round_, "predictions")


def bought(study: Study, strategy: str, seed: int, round_: int) -> np.ndarray:
    """(b,) pool positions bought in one round."""
    return study.round_array(strategy, seed, round_, "bought")


def round_of_purchase(study: Study, strategy: str, seed: int, last: int | None = None) -> np.ndarray:
    """(N,) int16 the round in which each pool point was bought, 0 where it was not by the end of round last."""
    rounds = np.zeros(len(labels(study, seed)), np.int16)
    for round_ in study.finished_rounds(strategy, seed)[1:]:
        if last is None or round_ <= last:
            rounds[bought(study, strategy, seed, round_)] = round_
    return rounds


def remaining(study: Study, strategy: str, seed: int, round_: int) -> np.ndarray:
    """(n,) pool positions still for sale when the purchase of a round is decided."""
    return np.flatnonzero(round_of_purchase(study, strategy, seed, round_ - 1) == 0)


def last_round(study: Study, strategy: str, seed: int) -> int:
    """The last finished round of a cell, 0 before its first purchase."""
    return max(study.finished_rounds(strategy, seed), default=0)


def pool_before(study: Study, strategy: str, seed: int, round_: int) -> Pool:
    """The pool before the purchase of a round: what the strategy's student says of what is still for sale."""
    config = study.config
    left = remaining(study, strategy, seed, round_)
    right = teacher_right(study, seed)
    return Pool(
        key=f"{study.path} {study.moment()} {strategy} {seed} {round_}",
        gains=gains_after(study, strategy, seed, round_ - 1)[left],
        teacher=teacher_estimate(study, seed),
        budget=config.budget,
        right=None if right is None else right[left],
        labels=labels(study, seed)[left],
        classes=classes(study, seed),
        price=config.price_per_label,
        currency=config.currency,
        latency=config.latency_per_label,
    )


# --- what students predict and what was bought, over all seeds -----------------------------------------------------


def agreement(study: Study) -> pd.DataFrame:
    """`rounds` with a column agreement: the share of the pool where the student predicts the teacher's class.

    Only for a teacher whose answers are known on the whole pool.
    """
    table = study.rounds_table()
    if "agreement" in table:  # counted when a light copy was made
        return table
    answers = {seed: teacher_probabilities(study, seed).argmax(1) for seed in study.seeds()}
    shares: dict[tuple[str, int, int], float] = {}
    for strategy, seed, round_ in table[["strategy", "seed", "round"]].itertuples(index=False):
        key = (strategy if round_ else "", seed, round_)  # all strategies share the student of round 0
        if key not in shares:
            shares[key] = float((predictions_after(study, strategy, seed, round_) == answers[seed]).mean())
    cells = zip(table["strategy"], table["seed"], table["round"], strict=True)
    return table.assign(agreement=[shares[(name if round_ else "", seed, round_)] for name, seed, round_ in cells])


def class_accuracy(study: Study) -> pd.DataFrame:
    """Share of each class of the pool that the student of the last finished round predicts, mean over seeds: (S, C).

    Strategies as index, classes as columns; NaN for a class that the pool does not have.
    """
    return _per_class(study, _share_right)


def class_picks(study: Study) -> pd.DataFrame:
    """Labels bought in each class up to the last finished round, mean over seeds: (S, C); mixtures by first image."""
    return _per_class(study, _count_bought)


def _per_class(study: Study, measure: Callable[[Study, str, int], np.ndarray]) -> pd.DataFrame:
    rows, names = {}, classes(study, study.seeds()[0])
    for strategy in study.config.strategies:
        seeds = [seed for seed in study.seeds() if last_round(study, strategy, seed) > 0]
        if seeds:
            rows[strategy] = np.mean([measure(study, strategy, seed) for seed in seeds], axis=0)
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(names))


def _share_right(study: Study, strategy: str, seed: int) -> np.ndarray:
    last = last_round(study, strategy, seed)
    if "class_right" in study.round_arrays(strategy, seed, last):  # counted when a light copy was made
        return study.round_array(strategy, seed, last, "class_right")
    predicted = predictions_after(study, strategy, seed, last)
    return light_copy.share_right(predicted, labels(study, seed), len(classes(study, seed)))


def _count_bought(study: Study, strategy: str, seed: int) -> np.ndarray:
    truth = np.asarray(labels(study, seed), np.int64)
    bought_classes = truth[round_of_purchase(study, strategy, seed) > 0]
    return np.bincount(bought_classes, minlength=len(classes(study, seed))).astype(float)
