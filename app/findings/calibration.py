"""Is the teacher right? Three ways to say it of every point, for the Trade-off page. No Streamlit in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from app.results import reading
from rad_core.errors import InputError
from rad_core.store import light_copy
from rad_core.store.study import Study

Axis = Literal["right", "probability", "confidence"]

AXES: dict[Axis, str] = {
    "right": "Is it right?",
    "probability": "Its probability of the true class",
    "confidence": "Its calibrated confidence",
}
EXPLAINED: dict[Axis, str] = {
    "right": "Counted with the pool's true labels, which the study keeps for evaluation and no strategy sees.",
    "probability": "The probability that the teacher gives to the true class; the true labels are for evaluation only.",
    "confidence": "What a user without true labels can know: the teacher's largest probability, calibrated by isotonic "
    "regression on the labeled validation set, which was used neither for training nor for choosing.",
}


@dataclass(frozen=True, eq=False)
class Calibration:
    """A never falling step function from the teacher's confidence to how often it is right, fitted on validation data.

    confidence: (K,) ascending, distinct. share: (K,). shown: (V,) confidences and right: (V,) bool it was fitted on.
    """

    confidence: np.ndarray
    share: np.ndarray
    shown: np.ndarray
    right: np.ndarray

    def __call__(self, confidence: ArrayLike) -> np.ndarray:
        """Calibrated confidence, linear between the steps and constant beyond them."""
        return np.interp(np.asarray(confidence), self.confidence, self.share)


def calibrate(confidence: ArrayLike, right: ArrayLike) -> Calibration:
    """Isotonic regression of being right on confidence. confidence: (V,) between 0 and 1; right: (V,) bool."""
    shown, flags = np.asarray(confidence, np.float64), np.asarray(right).astype(bool)
    if shown.shape != flags.shape or shown.ndim != 1 or len(shown) == 0:
        raise InputError(
            f"confidence has shape {shown.shape} and right {flags.shape}; both must be (V,), V of 1 or more."
        )
    values, place, counts = np.unique(shown, return_inverse=True, return_counts=True)
    share = np.bincount(place, weights=flags) / counts
    fitted = isotonic_regression(share, weights=counts).x
    return Calibration(values, np.clip(fitted, 0.0, 1.0), shown, flags)


def calibration(study: Study, seed: int) -> Calibration:
    """The calibration of a seed's teacher on its validation set."""
    probabilities = study.seed_array(seed, "teacher_validation_probabilities")
    answered = ~np.isnan(probabilities).any(1)
    right = probabilities.argmax(1) == study.seed_array(seed, "validation_labels")
    return calibrate(probabilities.max(1)[answered], right[answered])


@dataclass(frozen=True, eq=False)
class Scene:
    """Points with their gains (n,) and the teacher's correctness on each axis: a pool before a purchase.

    Of a teacher from outside: the points bought so far by any strategy, each once, with the gain that it had then.
    probability and confidence are NaN where a light copy came without what the teacher said. pool: (N,) gains of the
    pool before the purchase, by the student that chooses.
    """

    seed: int
    gains: np.ndarray
    right: np.ndarray
    probability: np.ndarray
    confidence: np.ndarray
    pool: np.ndarray
    of_bought: bool = False

    def level(self, axis: Axis) -> np.ndarray:
        """(n,) the values of an axis, 0 to 1."""
        return {"right": self.right, "probability": self.probability, "confidence": self.confidence}[axis]


def scene(study: Study, strategy: str, seed: int, round_: int) -> Scene:
    """The pool as it stands when a strategy decides the purchase of a round; see Scene for a teacher from outside."""
    left = reading.remaining(study, strategy, seed, round_)
    gains = reading.gains_after(study, strategy, seed, round_ - 1)[left]
    everywhere = reading.teacher_right(study, seed)
    if everywhere is None:
        return _scene_of_bought(study, seed, round_, gains)
    right = np.asarray(everywhere[left])
    if seed not in light_copy.seeds_with_points(study):
        unknown = np.full(len(left), np.nan)
        return Scene(seed, gains, right, unknown, unknown, gains)
    labels = reading.labels(study, seed)[left].astype(np.int64)
    probabilities = reading.teacher_probabilities(study, seed)[left]
    return Scene(
        seed,
        gains,
        right,
        probability=probabilities[np.arange(len(left)), labels].astype(np.float64),
        confidence=calibration(study, seed)(probabilities.max(1)),
        pool=gains,
    )


def _scene_of_bought(study: Study, seed: int, round_: int, pool: np.ndarray) -> Scene:
    table = picks(study)
    rows = table[(table["seed"] == seed) & (table["round"] <= round_) & table["right"].notna()]
    rows = rows.sort_values("round", kind="stable").drop_duplicates("pool_index")
    return Scene(
        seed,
        rows["gain"].to_numpy(np.float32),
        rows["right"].to_numpy() == 1,
        probability=rows["probability"].to_numpy(np.float64),
        confidence=rows["confidence"].to_numpy(np.float64),
        pool=pool,
        of_bought=True,
    )


def pool_name(scenes: Sequence[Scene], round_: int, seeds: int) -> str:
    """Whose points scenes are: the same words for the same points. seeds: of the study."""
    name = "the whole pool" if round_ == 1 else "what is left to buy"
    name = "the points bought" if scenes[0].of_bought else name
    return f"{name}, seed {scenes[0].seed}" if len(scenes) == 1 < seeds else name


def of_what(scenes: Sequence[Scene]) -> str:
    """What tenths of gain of these scenes are of, in short."""
    return "the points bought" if scenes[0].of_bought else "the pool"


def picks(study: Study) -> pd.DataFrame:
    """Every label bought: `reading.purchases` and the columns probability, confidence, true_class, teacher_says.

    Everything about correctness is NaN (or empty) for mixtures of two images, as a mixture has no true class, and for
    abstentions. The added columns are, too, for seeds whose points a light copy came without.
    """
    table = reading.purchases(study)
    parts, with_points = [], light_copy.seeds_with_points(study)
    for seed in table["seed"].unique().tolist():
        rows = table[table["seed"] == seed]
        if seed not in with_points:
            parts.append(rows.assign(probability=np.nan, confidence=np.nan, true_class="", teacher_says=""))
            continue
        index = rows["pool_index"].to_numpy(np.int64)
        names = np.array(reading.classes(study, seed), dtype=object)
        labels = reading.labels(study, seed)[index].astype(np.int64)
        probabilities = reading.teacher_probabilities(study, seed)[index]
        plain = rows["right"].notna().to_numpy()
        columns = {
            "probability": np.where(plain, probabilities[np.arange(len(index)), labels], np.nan),
            "confidence": np.where(plain, calibration(study, seed)(probabilities.max(1)), np.nan),
            "true_class": np.where(plain, names[labels], ""),
            "teacher_says": np.where(plain, names[probabilities.argmax(1)], ""),
        }
        parts.append(rows.assign(**columns))
    return (
        pd.concat(parts, ignore_index=True) if parts else table.assign(**dict.fromkeys(_ADDED, pd.Series(dtype=float)))
    )


_ADDED = ("probability", "confidence", "true_class", "teacher_says")


def for_chart(table: pd.DataFrame, axis: Axis) -> pd.DataFrame:
    """Picks as `tradeoff_chart` wants them: strategy, seed, gain, and the axis as column right."""
    return table[["strategy", "seed", "gain"]].assign(right=table[axis])


def for_people(table: pd.DataFrame, *, outside: bool = False) -> pd.DataFrame:
    """Picks as a table with readable columns. outside: of a teacher that mixes nothing and may abstain."""
    neither = "no answer" if outside else "mixture"
    says = np.select([table["right"] == 1, table["right"] == 0], ["right", "wrong"], neither)
    return pd.DataFrame(
        {
            "Strategy": table["strategy"],
            "Seed": table["seed"],
            "Round": table["round"],
            "Point of the pool": table["pool_index"],
            "Gain": table["gain"],
            "Chance of being bought": table["q"],
            "Teacher": says,
            "Probability of the true class": table["probability"],
            "Calibrated confidence": table["confidence"],
            "True class": table["true_class"],
            "Teacher says": table["teacher_says"],
        }
    )
