"""A light copy of a study: small enough to ship or to send, and made to be looked at, not to be gone on with.

What is averaged over seeds stays, for every seed: metrics, curves, all that was bought and how it turned out, where the
teacher is right, and the gains before the first purchase. Left out are the features (kept maps stand in for them), the
teachers' weights, the soft labels bought, and of all seeds but the first ones what is known of single points of the
pool. Numbers are kept to as many digits as anybody sees.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from rad_core import files
from rad_core.errors import InputError
from rad_core.store import layout
from rad_core.store.study import Study

FEATURES = ("student_features", "teacher_features")
TEACHER = "teacher_pool_probabilities"
_PROBABILITY = 2.0**-12  # step to which probabilities are kept; which class is the likeliest never changes
_GAIN = 2.0**-16  # about that of the stored gains of the pool
_MAP = 2**12  # steps across a map
MARK = "light"  # in the table meta


# --- what a copy is ------------------------------------------------------------------------------------------------


def is_light(study: Study) -> bool:
    """Whether this is a light copy."""
    with study.reading() as database:
        return database.execute("select 1 from meta where key = ?", [MARK]).fetchone() is not None


def seeds_with_points(study: Study) -> list[int]:
    """The prepared seeds of which single points of the pool are known: all of them, unless the copy is a light one."""
    seeds = study.seeds()
    return [seed for seed in seeds if TEACHER in study.seed_arrays(seed)] if is_light(study) else seeds


def missing_points(study: Study) -> str:
    """Of which seeds a copy holds the points of the pool, in a sentence; empty where it holds those of all."""
    with_points, seeds = seeds_with_points(study), study.seeds()
    if len(with_points) == len(seeds):
        return ""
    which = f"seed{'s' if len(with_points) > 1 else ''} {', '.join(map(str, with_points))} alone"
    return f"Curves and intervals use all {len(seeds)} seeds; the points of the pool are here for {which}."


def describe(study: Study) -> str:
    """What a light copy is, in a sentence or two; empty for a whole study."""
    what = "A light copy, to be looked at and not to be gone on with."
    return f"{what} {missing_points(study)}".strip() if is_light(study) else ""


def refuse_to_go_on(study: Study) -> None:
    """Raise InputError if a study is a light copy, which cannot be run any further."""
    if is_light(study):
        raise InputError(
            f"This is a light copy of study {study.id} (rad pack --light), which can only be looked at; go on with the "
            "original, or start a new study of the same settings."
        )


# --- what is known of points, in numbers per class -----------------------------------------------------------------


def share_right(predictions: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """(C,) share of each class of the pool that is predicted right; NaN for a class that the pool does not have."""
    truth = np.asarray(labels, np.int64)
    total = np.bincount(truth, minlength=classes).astype(float)
    total[total == 0] = np.nan
    return np.bincount(truth, weights=predictions == truth, minlength=classes) / total


# --- making one ----------------------------------------------------------------------------------------------------


@attrs.frozen
class Thinner:
    """Makes a snapshot of a study that of a light copy.

    folder: of the snapshot; the arrays that change are written there, in the places that they have in the study.
    points: the seeds whose points stay.
    """

    study: Study
    folder: Path
    points: tuple[int, ...]

    @classmethod
    def of(cls, study: Study, folder: Path, points: int) -> Thinner:
        """points: of how many seeds, the first ones. Raises InputError where no light copy can be made."""
        if points < 1:
            raise InputError(f"The points of {points} seeds were to stay; give 1 or more.")
        if study.config.outside:
            raise InputError(
                f"The teacher of study {study.id} answers from outside and was asked about what was bought alone, and "
                "a light copy leaves out what was bought; pack it whole."
            )
        if (status := study.info().status) != "finished":
            raise InputError(
                f"Study {study.id} is {status}, and a light copy cannot be gone on with; finish it first (rad resume "
                f"{study.id}), or pack it whole."
            )
        return cls(study, folder, tuple(seeds_with_points(study)[:points]))

    def change(self, database: sqlite3.Connection) -> None:
        """Leave out in the snapshot's database what is not to be there, and count what will be missed."""
        for seed, names in database.execute("select seed, arrays from seeds").fetchall():
            kept = sorted(self._seed(seed, set(json.loads(names))))
            database.execute("update seeds set arrays = ? where seed = ?", [json.dumps(kept), seed])
        query = "select strategy, seed, round, metrics, arrays from rounds"
        for strategy, seed, number, metrics, names in database.execute(query).fetchall():
            numbers = json.loads(metrics)
            kept = sorted(self._round(strategy, seed, number, set(json.loads(names)), numbers))
            database.execute(
                "update rounds set arrays = ?, metrics = ? where strategy = ? and seed = ? and round = ?",
                [json.dumps(kept), json.dumps(numbers, sort_keys=True), strategy, seed, number],
            )
        database.execute("insert or replace into meta values (?, '1')", [MARK])

    def maps(self, paths: list[Path]) -> list[Path]:
        """The maps that stay. Raises InputError where one would be missed for good."""
        kept = [path for path in paths if any(f"-seed{seed}-" in path.name for seed in self.points)]
        for seed in self.points:
            if not any(path.name.startswith("teacher_") and f"-seed{seed}-" in path.name for path in kept):
                raise InputError(
                    f"No map of seed {seed} is kept with study {self.study.id}, and without features none can be made "
                    f"later; make it first: rad map {self.study.id} --seed {seed}."
                )
        for path in kept:
            points = files.load_array(self.study.path, path)
            self._write(f"{layout.MAPS}/{path.name}", points if is_light(self.study) else shorten_map(points))
        return kept

    def _seed(self, seed: int, names: set[str]) -> set[str]:
        """The arrays of a seed that stay."""
        if seed in self.points:
            for name in (TEACHER, "teacher_validation_probabilities"):
                self._write(layout.seed_file(seed, name), shorten_probabilities(self.study.seed_array(seed, name)))
            return names - set(FEATURES)
        if TEACHER in names:
            right = self._teacher_says(seed) == self.study.seed_array(seed, "pool_labels")
            self._write(layout.seed_file(seed, "teacher_right"), right)
        return {"pool_labels", "teacher_right"}

    def _round(self, strategy: str, seed: int, number: int, names: set[str], metrics: dict[str, Any]) -> set[str]:
        """The arrays of a round that stay. metrics: gets what can no longer be counted."""
        last, whole = number == self.study.config.rounds, seed in self.points
        key = (strategy, seed, number)
        gone = {"soft_labels"} if whole or number == 0 else {"soft_labels", "gains"}
        if last:
            gone.add("gains")  # nothing is bought after it
        if "bought_gain" in names:
            gains = self.study.round_array(strategy, seed, number, "bought_gain")
            self._write(layout.round_file(*key, "bought_gain"), _on_steps(gains, _GAIN))
        if "predictions" in names:
            predictions = self.study.round_array(strategy, seed, number, "predictions")
            metrics["agreement"] = float((predictions == self._teacher_says(seed)).mean())
            if not whole:
                gone.add("predictions")
            if not whole and last:
                size = len(self.study.seed_metrics(seed)["classes"])
                right = share_right(predictions, self.study.seed_array(seed, "pool_labels"), size)
                self._write(layout.round_file(*key, "class_right"), right)
                names = names | {"class_right"}
        return names - gone

    def _teacher_says(self, seed: int) -> np.ndarray:
        return self.study.seed_array(seed, TEACHER).argmax(1)

    def _write(self, name: str, array: np.ndarray) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        np.save(path, np.ascontiguousarray(array), allow_pickle=False)


# --- rounding ------------------------------------------------------------------------------------------------------


def shorten_map(points: np.ndarray) -> np.ndarray:
    """(N, 2) float32 places of a map to a step that no screen shows."""
    span = float(np.ptp(points))
    return points if span == 0 else _on_steps(points, 2.0 ** np.floor(np.log2(span / _MAP)))


def _on_steps(values: np.ndarray, step: float) -> np.ndarray:
    """Rounded to multiples of a power of two: numbers with few digits, which a zip file makes small."""
    return (np.round(np.asarray(values, np.float64) / step) * step).astype(values.dtype)


def shorten_probabilities(values: np.ndarray) -> np.ndarray:
    """(N, C) probabilities rounded; where two classes come out alike, the one that was the likelier stays so."""
    short, best, rows = _on_steps(values, _PROBABILITY), values.argmax(1), np.arange(len(values))
    wrong = short.argmax(1) != best
    short[rows[wrong], best[wrong]] = short.max(1)[wrong] + np.float32(_PROBABILITY)
    return short
