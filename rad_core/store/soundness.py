"""Whether a study is whole and sound: every row of its database, and every array, is what the program itself writes.

`rad pack` and `rad unpack` ask here, so that what was packed can be unpacked, and what was unpacked can be shown. What
is wrong is raised as `rows.Unsound`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from rad_core import files
from rad_core.config import StudyConfig, is_printable
from rad_core.selection.strategies import STRATEGIES
from rad_core.store import layout
from rad_core.store.array_kinds import ROUND_ARRAYS, SEED_ARRAYS, Sizes, check_array, check_map
from rad_core.store.database import reading
from rad_core.store.layout import SHARED
from rad_core.store.light_copy import FEATURES, MARK, TEACHER
from rad_core.store.rows import (
    Unsound,
    read_config,
    read_facts,
    read_key,
    read_line,
    read_meta,
    read_moment,
    read_names,
    read_numbers,
    read_object,
    shown,
)

if TYPE_CHECKING:
    import numpy as np

_SHARES = ("accuracy", "mean_gain", "teacher_right_share", "agreement")  # metrics between 0 and 1
_OF_A_ROUND = ("accuracy", "loss", "labels")
_OF_A_PURCHASE = (*_OF_A_ROUND, "pool", "wrong", "mean_gain")
_OF_THE_GAME = ("strategy_value", "value", "waterline", "cap", "support")
_CHECKED = ("teacher_accuracy", "teacher_accuracy_low", "teacher_accuracy_high", "teacher_accuracy_used")
_OF_A_SEED = (*_CHECKED, "teacher_accuracy_pool", "teacher_accuracy_test")
_OF_EVERY_SEED = ("pool_labels",)
_OF_A_WHOLE_SEED = (
    *_OF_EVERY_SEED,
    "labeled_ids",
    "validation_ids",
    "pool_ids",
    "test_ids",
    "validation_labels",
    TEACHER,
    "teacher_validation_probabilities",
)
_BOUGHT = ("bought", "bought_gain", "bought_q", "bought_correct")


@attrs.frozen
class SeedRow:
    """A prepared seed: its metrics and the names of its arrays."""

    seed: int
    facts: dict[str, Any]
    arrays: list[str]

    @property
    def classes(self) -> int:
        return len(self.facts["classes"])


@attrs.frozen
class RoundRow:
    """A finished round: where it belongs, its metrics and the names of its arrays."""

    strategy: str
    seed: int
    round: int
    metrics: dict[str, float]
    arrays: list[str]

    @property
    def title(self) -> str:
        return f"round {self.round} of {self.strategy or 'all strategies'}, seed {self.seed}"


@attrs.frozen
class Contents:
    """Everything that the database of a study says, checked. light: whether it is a light copy."""

    config: StudyConfig
    light: bool
    seeds: list[SeedRow]
    rounds: list[RoundRow]

    def whole_seeds(self) -> list[int]:
        """The seeds of which single points of the pool are known."""
        return [row.seed for row in self.seeds if not self.light or TEACHER in row.arrays]


def check_study(folder: Path) -> None:
    """Raise Unsound, or InputError where a file cannot be read, unless the study in a folder is sound."""
    contents = read_contents(folder)
    for row in contents.seeds:
        _check_seed_arrays(folder, contents, row)
    seeds = {row.seed for row in contents.seeds}
    for done in contents.rounds:
        if done.seed not in seeds:  # a round 0 is recorded before its seed
            for name in done.arrays:
                files.load_array(folder, folder / layout.round_file(done.strategy, done.seed, done.round, name))
    for row in contents.seeds:
        check_weights(folder, row.seed)


# --- the database --------------------------------------------------------------------------------------------------


def read_contents(folder: Path) -> Contents:
    """Every row of a study's database, of the right types, in range, and fitting the others."""
    with reading(folder) as database:
        if database.execute("pragma quick_check(1)").fetchone() != ("ok",):
            raise Unsound("its database is damaged")
        meta = read_meta(database.execute("select key, value from meta"))
        if len(meta["name"]) > 100 or not is_printable(meta["name"]):
            raise Unsound(f"its name is {shown(meta['name'])}, which is no line of at most 100 characters")
        if "presentation" in meta:
            read_object(meta["presentation"], "the settings of its story")
        contents = Contents(
            read_config(meta["config"]), MARK in meta, list(_seed_rows(database)), list(_round_rows(database))
        )
        for time, text in database.execute("select time, text from log"):
            read_line(time, text)
    if contents.light and meta["status"] != "finished":
        raise Unsound(f"it is a light copy and {meta['status']}, which no light copy is")
    _check_seeds(contents)
    _check_rounds(contents)
    return contents


def _seed_rows(database: sqlite3.Connection) -> Iterator[SeedRow]:
    for seed, metrics, arrays in database.execute("select seed, metrics, arrays from seeds order by seed"):
        what = f"of seed {seed}"
        yield SeedRow(seed, read_facts(metrics, f"the metrics {what}"), read_names(arrays, f"the arrays {what}"))


def _round_rows(database: sqlite3.Connection) -> Iterator[RoundRow]:
    columns = "strategy, seed, round, metrics, arrays, seconds, finished"
    query = f"select {columns} from rounds order by strategy, seed, round"  # noqa: S608 - columns are ours
    for strategy, seed, number, metrics, arrays, seconds, finished in database.execute(query):
        read_key(strategy, seed, number)
        what = f"of round {number} of {shown(strategy)}, seed {seed}"
        read_moment(finished, f"the date {what}")
        if any(value < 0 for value in read_numbers(seconds, f"the seconds {what}").values()):
            raise Unsound(f"the seconds {what} are negative")
        numbers, names = read_numbers(metrics, f"the metrics {what}"), read_names(arrays, f"the arrays {what}")
        yield RoundRow(strategy, seed, number, numbers, names)


def _check_seeds(contents: Contents) -> None:
    for row in contents.seeds:
        if not 0 <= row.seed < contents.config.seeds:
            raise Unsound(f"it has a seed {row.seed}, and its settings ask for {contents.config.seeds}")
        needed = _CHECKED if contents.config.outside else _OF_A_SEED
        _check_metrics(row.facts, needed, f"seed {row.seed}", shares=(*_OF_A_SEED, "student_full_accuracy"))
        classes = row.facts.get("classes", [])
        if len(classes) < 2 or len(set(classes)) < len(classes):
            raise Unsound(f"the classes of seed {row.seed} are {shown(classes)}; two or more different ones are wanted")
        if not all(is_printable(name) for name in classes):
            raise Unsound(f"the classes of seed {row.seed} are {shown(classes)}, which cannot be printed")
    if len({tuple(row.facts["classes"]) for row in contents.seeds}) > 1:
        raise Unsound("its seeds have different classes")


def _check_rounds(contents: Contents) -> None:
    """Each cell's rounds follow one another from the seed's shared round 0 on."""
    config, rows = contents.config, {(row.strategy, row.seed, row.round): row for row in contents.rounds}
    seeds = {row.seed for row in contents.seeds}
    for row in contents.rounds:
        shared = row.strategy == SHARED
        if not 0 <= row.seed < config.seeds or not (row.round == 0 if shared else 1 <= row.round <= config.rounds):
            raise Unsound(f"it has {row.title}, which its settings do not ask for")
        if not shared and row.strategy not in config.strategies:
            raise Unsound(f"it has a round of {shown(row.strategy)}, which is none of its strategies")
        before = (SHARED if row.round <= 1 else row.strategy, row.seed, row.round - 1)
        if not shared and (row.seed not in seeds or before not in rows):
            raise Unsound(f"it has {row.title}, and not what comes before that")
        _check_round(contents, row)
    for seed in seeds:
        if (SHARED, seed, 0) not in rows:
            raise Unsound(f"it has seed {seed} without its round 0")


def _check_round(contents: Contents, row: RoundRow) -> None:
    needed: tuple[str, ...] = _OF_A_PURCHASE if row.round else _OF_A_ROUND
    if row.strategy == "rad":
        needed += _OF_THE_GAME
    if row.round and "mix" not in row.arrays and row.metrics.get("abstained") != contents.config.budget:
        needed += ("teacher_right_share",)
    if contents.light:
        needed += ("agreement",)
    elif "agreement" in row.metrics:
        raise Unsound(f"{row.title} has an agreement, as in a light copy alone")
    _check_metrics(row.metrics, needed, row.title, shares=_SHARES)
    if row.metrics["labels"] != row.round * contents.config.budget:
        raise Unsound(f"after {row.title} it has {row.metrics['labels']:g} labels")


def _check_metrics(metrics: dict[str, Any], needed: Iterable[str], title: str, shares: Iterable[str]) -> None:
    if missing := [name for name in needed if name not in metrics]:
        raise Unsound(f"{missing[0]} of {title} is missing")
    for name, value in metrics.items():
        if name in shares and not 0 <= value <= 1:
            raise Unsound(f"{name} of {title} is {shown(value)}, which is no share")
        if name not in ("classes", "loss") and value < 0:
            raise Unsound(f"{name} of {title} is {shown(value)}, which is negative")


# --- the arrays ----------------------------------------------------------------------------------------------------


def _check_seed_arrays(folder: Path, contents: Contents, row: SeedRow) -> None:
    """The arrays of a seed, and those of all its rounds."""
    import numpy as np

    whole = row.seed in contents.whole_seeds()
    title = f"seed {row.seed}"
    needed = set(_OF_A_WHOLE_SEED if whole else (*_OF_EVERY_SEED, "teacher_right"))
    needed |= set() if contents.light else {"student_features"}
    needed -= {TEACHER} if contents.config.outside else set()
    _check_names(row.arrays, needed, title)
    if contents.light and set(row.arrays) & set(FEATURES):
        raise Unsound(f"{title} has features, and a light copy has none")
    labels = files.load_array(folder, folder / layout.seed_file(row.seed, "pool_labels"))
    sizes = Sizes.of(contents.config, row.classes, len(labels) if labels.ndim == 1 else 0)
    for name in row.arrays:
        array = files.load_array(folder, folder / layout.seed_file(row.seed, name))
        check_array(array, SEED_ARRAYS.get(name), sizes, f"{name} of {title}")
    _check_maps(folder, contents, row, sizes)
    bought = {strategy: np.zeros(sizes.pool, bool) for strategy in contents.config.strategies}
    for done in (each for each in contents.rounds if each.seed == row.seed):
        _check_round_names(contents, done, whole)
        arrays = {}
        for name in done.arrays:
            place = layout.round_file(done.strategy, done.seed, done.round, name)
            arrays[name] = files.load_array(folder, folder / place)
            check_array(arrays[name], ROUND_ARRAYS.get(name), sizes, f"{name} of {done.title}")
        if done.strategy in bought:
            _check_purchase(contents, done, arrays, bought[done.strategy])


def _check_round_names(contents: Contents, row: RoundRow, whole: bool) -> None:
    """Which arrays a round must have: all of them, or what a light copy keeps."""
    last = row.round == contents.config.rounds
    needed = set(_BOUGHT) if row.round else set()
    if row.round and STRATEGIES[row.strategy].mixes:
        needed |= {"partners", "mix"}
    if not contents.light:
        needed |= {"gains", "predictions"} | ({"soft_labels"} if row.round else set())
    elif whole:
        needed |= {"predictions"} | (set() if last else {"gains"})
    else:
        needed |= {"class_right"} if last else {"gains"} if row.round == 0 else set()
    _check_names(row.arrays, needed, row.title)


def _check_names(names: list[str], needed: set[str], title: str) -> None:
    if missing := sorted(needed - set(names)):
        raise Unsound(f"{title} has no {missing[0]}")
    if len(set(names)) < len(names):
        raise Unsound(f"{title} has an array twice")


def _check_purchase(contents: Contents, row: RoundRow, arrays: dict[str, np.ndarray], bought: np.ndarray) -> None:
    """No point of the pool is bought twice. bought: (pool,), which were by this strategy before; brought up to date."""
    import numpy as np

    picks, judged = arrays["bought"], arrays["bought_correct"] <= 1
    if bought[picks].any():
        raise Unsound(f"{row.title} buys what was bought before")
    unjudged = arrays["mix"] > 0 if "mix" in arrays else np.zeros(len(picks), bool)
    if contents.config.outside:
        unjudged = unjudged | np.isnan(arrays["soft_labels"]).any(1)
    if (judged == unjudged).any():
        raise Unsound(f"{row.title} does not say of every label, and of no mixture, whether it is right")
    bought[picks] = True


def _check_maps(folder: Path, contents: Contents, row: SeedRow, sizes: Sizes) -> None:
    """The maps of a seed; without features a light copy cannot make any."""
    paths = sorted((folder / layout.MAPS).glob(f"*-seed{row.seed}-*.npy"))
    for path in paths:
        check_map(files.load_array(folder, path), sizes, f"the map {path.name}")
    wanted = contents.light and row.seed in contents.whole_seeds()
    if wanted and not any(path.name.startswith("teacher_") for path in paths):
        raise Unsound(f"it has no map of seed {row.seed}, and a light copy can make none")


def check_weights(folder: Path, seed: int) -> None:
    """The teacher's weights, where they came along: plain finite numbers."""
    import numpy as np

    path = folder / layout.weights_file(seed)
    if path.exists():
        for name, array in files.load_state(folder, path).items():
            if array.dtype.kind not in "fiu" or not array.dtype.isnative or not np.isfinite(array).all():
                raise Unsound(f"{shown(name)} among the teacher's weights of seed {seed} is no finite numbers")
