"""What changes when RAD is played otherwise: `python -m tests.studies.variations ID [NAMES...] --store DIR`.

Takes a finished study with its teachers from a store and runs single cells of it again, each with one thing changed,
on the same splits, teachers, first weights and order of data; so every difference is paired by seed. Finished cells are
kept in ID-variations.csv, and a second call goes on from there. Prints a Markdown table, in which the intervals of a
column hold together (Holm, over the variations that were asked for).
"""

from __future__ import annotations

import argparse
import copy
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty
from typing import Any, Literal

import attrs
import numpy as np
import pandas as pd

from rad_core import files
from rad_core.errors import InputError
from rad_core.learning.inputs import Inputs
from rad_core.learning.networks import Network
from rad_core.learning.teachers import Teacher
from rad_core.learning.training import predict
from rad_core.results.summary import FEWEST_SEEDS, cell_scores
from rad_core.results.verdicts import holm
from rad_core.results.words import few
from rad_core.selection.arrays import to_numpy
from rad_core.selection.gains import GAINS
from rad_core.selection.game import solve_game
from rad_core.selection.sampling import sample
from rad_core.selection.strategies import STRATEGIES, Selection, Snapshot
from rad_core.store.catalogue import open_study
from rad_core.store.study import Study
from rad_core.study.loop import Cell, ask_teacher, look
from rad_core.study.prepare import open_setting
from rad_core.study.seeds import generator
from rad_core.study.students import Purchases, SeedSetting, apply_student, train_networks

Calibration = Callable[[np.ndarray], np.ndarray]  # gains -> probability that the teacher is right
STRATA = 10


# --- the game with what V tells about where the teacher errs ---------------------------------------------------------


def calibrate(gains: np.ndarray, right: np.ndarray) -> Calibration:
    """Isotonic regression of the teacher's correctness on the gain, falling, from the validation set: (V,), (V,)."""
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(increasing=False, y_min=0.0, y_max=1.0, out_of_bounds="clip")
    fitted.fit(gains, right.astype(float))
    return lambda values: np.clip(fitted.predict(values), 0, 1)  # interpolated, it may be a rounding below 0


def calibrated_game(snapshot: Snapshot, budget: int, rng: np.random.Generator, calibration: Calibration) -> Selection:
    """The game on g_i c(g_i), the gain times the calibrated probability that the teacher is right; k as ever."""
    gains = snapshot.gains * calibration(snapshot.gains)
    game = solve_game(gains, budget, wrong=snapshot.wrong)
    return Selection(sample(game.q, rng, budget), game.q, game.q, game)


def stratified_game(snapshot: Snapshot, budget: int, rng: np.random.Generator, calibration: Calibration) -> Selection:
    """An adversary whose mistakes are counted per tenth of the gain, as many in each as the calibration expects there.

    The value is a sum over strata, each concave in its share of the budget; so labels go, a hundredth of the budget at
    a time, to the stratum in which they add most.
    """
    order = np.argsort(snapshot.gains, kind="stable")
    strata = np.array_split(order, STRATA)
    wrong = [int((1 - calibration(snapshot.gains[rows])).sum()) for rows in strata]

    def value(stratum: int, labels: int) -> float:
        if labels == 0:
            return 0.0
        if labels > len(strata[stratum]):
            return -np.inf
        return solve_game(snapshot.gains[strata[stratum]], labels, wrong=wrong[stratum]).value

    portions = np.diff(np.linspace(0, budget, 101).round().astype(int))
    share = np.zeros(STRATA, int)
    for portion in portions:
        more = [value(number, share[number] + portion) - value(number, share[number]) for number in range(STRATA)]
        share[int(np.argmax(more))] += portion
    q = np.zeros(len(order))
    for rows, labels, mistakes in zip(strata, share, wrong, strict=True):
        if labels:
            q[rows] = solve_game(snapshot.gains[rows], int(labels), wrong=mistakes).q
    return Selection(sample(q, rng, budget), q, q)


# --- a draw that spreads ---------------------------------------------------------------------------------------------

_COMPONENTS = 16  # of the features, by which the pool is split


def tree_order(features: np.ndarray, q: np.ndarray) -> np.ndarray:
    """(n,) positions in the order of a kd-tree's leaves, weighted by q: neighbors follow one another.

    Cells are halved, by weight, along the principal component in which they spread most, down to a quarter of a label.
    The second half of a cell is walked backwards, so that cells that follow one another touch more often.
    """
    centered = features - features.mean(0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    places = centered @ axes[:, ::-1][:, :_COMPONENTS]
    order: list[np.ndarray] = []
    cells = [(np.flatnonzero(q > 0), False)]
    while cells:
        rows, backwards = cells.pop()
        if len(rows) < 2 or q[rows].sum() <= 0.25:
            order.append(rows[::-1] if backwards else rows)
            continue
        axis = int(np.argmax(places[rows].var(0)))
        rows = rows[np.argsort(places[rows, axis], kind="stable")]
        weights = np.cumsum(q[rows])
        half = int(np.clip(np.searchsorted(weights, weights[-1] / 2) + 1, 1, len(rows) - 1))
        halves = [(rows[:half], False), (rows[half:], True)]
        cells += halves if backwards else halves[::-1]  # the last one is next
    return np.concatenate([*order, np.flatnonzero(q <= 0)])


def spread_game(snapshot: Snapshot, budget: int, rng: np.random.Generator, calibration: Calibration) -> Selection:
    """RAD's own q, drawn in an order in which neighbors follow one another: seldom both of them. V is the same."""
    game = solve_game(snapshot.gains, budget, wrong=snapshot.wrong)
    order = tree_order(np.asarray(to_numpy(snapshot.features), np.float64), game.q)
    return Selection(sample(game.q, rng, budget, order), game.q, game.q, game)


# --- the variations --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Variation:
    """One thing changed. baseline: the cell of the study, or the variation, that it is compared with.

    settings: of the study's configuration. accuracy: added to the teacher's estimated one. mistakes: factor of those
    that the adversary gets. labels: what the teacher's answers are made of. agreeing: see `agreeing_ones`.
    """

    strategy: str = "rad"
    settings: dict[str, Any] = field(default_factory=dict)
    accuracy: float = 0.0
    mistakes: float = 1.0
    labels: Literal["soft", "hard", "sampled"] = "soft"
    agreeing: bool = False
    game: Callable[[Snapshot, int, np.random.Generator, Calibration], Selection] | None = None
    baseline: str = "rad"


VARIATIONS = {
    "calibrated": Variation(game=calibrated_game),
    "stratified": Variation(game=stratified_game),
    "spread draw": Variation(game=spread_game),
    **{
        f"{what}, {rule}": Variation(rule, baseline=rule, **changes)
        for what, changes in {
            "agreement filter": {"agreeing": True},
            "learning from V": {"settings": {"learn_from_validation": True}},
            "hard labels": {"labels": "hard"},
            "sampled labels": {"labels": "sampled"},
        }.items()
        for rule in ("rad", "uniform", "margin")
    },
    "half the mistakes": Variation(mistakes=0.5),
    "gain entropy": Variation(settings={"gain": "entropy"}),
    "gain least confidence": Variation(settings={"gain": "least_confidence"}),
    "temperature 4": Variation(settings={"temperature": 4.0}),
    "m 15 points lower": Variation(accuracy=-0.15),
    "m 15 points higher": Variation(accuracy=0.15),
}


class NamingTeacher(Teacher):
    """A teacher that names one class and no more: its likeliest one, or one drawn by its probabilities.

    The same image is named the same whenever it is asked about.
    """

    def __init__(self, teacher: Teacher, seed: int | None) -> None:
        super().__init__()
        self.teacher, self.seed = teacher, seed  # None: the likeliest

    def query_images(self, images: Inputs) -> np.ndarray:
        """One-hot labels of any images."""
        return self._named(self.teacher.query_images(images), np.arange(len(images)))

    def peek(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """One-hot labels, and no features."""
        return self._named(self.teacher.peek(ids)[0], ids), None

    def _named(self, probabilities: np.ndarray, ids: np.ndarray) -> np.ndarray:
        classes = probabilities.shape[1]
        named = probabilities.argmax(1)
        if self.seed is not None:
            coins = generator("sampled labels", self.seed).random(int(ids.max(initial=-1)) + 1)[ids]
            named = np.minimum((probabilities.cumsum(1) < coins[:, None]).sum(1), classes - 1)
        return np.eye(classes, dtype=np.float32)[named]


def varied(setting: SeedSetting, variation: Variation) -> SeedSetting:
    """The setting of a seed with one thing changed."""
    accuracy = 1 - variation.mistakes * (1 - setting.teacher_accuracy) + variation.accuracy
    seed = setting.seed if variation.labels == "sampled" else None
    return replace(
        setting,
        config=attrs.evolve(setting.config, **variation.settings),
        teacher_accuracy=float(np.clip(accuracy, 0, 1)),
        teacher=setting.teacher if variation.labels == "soft" else NamingTeacher(setting.teacher, seed),
    )


def agreeing_ones(setting: SeedSetting, bought: Purchases, number: int) -> Purchases:
    """What was bought without the labels that a student contradicts which was trained for a third of the steps."""
    config = setting.config
    early = replace(setting, config=attrs.evolve(config, student_steps=max(1, config.student_steps // 3)))
    ((network, _),) = train_networks([early], [bought], number)
    says = predict(network, setting.inputs.take(setting.split.pool[bought.pool]))[0].numpy().argmax(1)
    keep = says == bought.soft_labels.argmax(1)
    return Purchases(bought.pool[keep], bought.soft_labels[keep], bought.partners[keep], bought.mix[keep])


def run_variation(setting: SeedSetting, variation: Variation, first: tuple[Network, float]) -> list[dict[str, float]]:
    """The rounds of one cell, from round 0 on: accuracy, labels, share of the round's labels that are right.

    first: the network of round 0 and its loss. It knows only hard labels, so that all variations share it that know
    the same of them.
    """
    known = setting.known
    setting = varied(setting, variation)
    config, split = setting.config, setting.split
    right_on_validation = setting.teacher.peek(split.validation)[0].argmax(1) == setting.labels[split.validation]
    if len(setting.known) != len(known):
        (first,) = train_networks([setting], [Purchases.nothing(setting.classes)], 0)
    (network, loss), share = first, float("nan")
    cell = Cell(setting, variation.strategy)
    rows = []
    for number in range(config.rounds + 1):
        student = apply_student(setting, network, loss)
        labels = len(cell.purchases.pool)
        rows.append({"round": number, "labels": labels, "accuracy": student.accuracy, "teacher_right_share": share})
        if number < config.rounds:
            remaining = np.setdiff1d(np.arange(len(split.pool)), cell.purchases.pool)
            snapshot = look(replace(cell, student=student), remaining)
            rng = generator("select", setting.seed, variation.strategy, number + 1)
            if variation.game is None:
                selection = STRATEGIES[variation.strategy](snapshot, config.budget, rng)
            else:
                on_validation = predict(network, setting.inputs.take(split.validation))[0].numpy()
                calibration = calibrate(GAINS[config.gain](on_validation), right_on_validation)
                selection = variation.game(snapshot, config.budget, rng, calibration)
            purchase = ask_teacher(setting, selection, remaining)
            share = float(setting.teacher_right[purchase.pool].mean())
            cell = replace(cell, history=(*cell.history, purchase))
            bought = cell.purchases
            if variation.agreeing:
                bought = agreeing_ones(setting, bought, number + 1)
            ((network, loss),) = train_networks([setting], [bought], number + 1)
    return rows


# --- running and reporting -------------------------------------------------------------------------------------------


_queue: Any = None


def _start(queue: Any) -> None:
    global _queue
    _queue = queue
    import torch

    torch.set_num_threads(1)


def _work(root: str, study_id: str, seed: int, names: list[str]) -> None:
    setting = open_setting(open_study(Path(root), study_id), seed)
    (first,) = train_networks([setting], [Purchases.nothing(setting.classes)], 0)
    for name in names:
        rows = run_variation(setting, VARIATIONS[name], (copy.deepcopy(first[0]), first[1]))
        _queue.put([{"strategy": name, "seed": seed, **row} for row in rows])


def run(study: Study, names: list[str], target: Path, workers: int | None = None) -> pd.DataFrame:
    """Run what the file does not hold yet, a core per seed; every finished cell is in the file at once."""
    table = pd.read_csv(target) if target.exists() else pd.DataFrame(columns=["strategy", "seed"])
    have = set(zip(table["strategy"], table["seed"], strict=True))
    todo = {
        seed: missing
        for seed in range(study.config.seeds)
        if (missing := [name for name in names if (name, seed) not in have])
    }
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    with ProcessPoolExecutor(
        workers or os.cpu_count(), mp_context=context, initializer=_start, initargs=(queue,)
    ) as pool:
        running = [pool.submit(_work, str(study.path.parent), study.id, *item) for item in todo.items()]
        while True:
            over = all(future.done() for future in running)  # asked before waiting: nothing is on its way afterwards
            try:
                rows = pd.DataFrame(queue.get(timeout=1))
            except Empty:
                if over:
                    break
                continue
            table = pd.concat([table, rows], ignore_index=True) if len(table) else rows
            table = table.sort_values(["strategy", "seed", "round"], ignore_index=True)
            text = table.to_csv(index=False, float_format="%.6g")
            files.replace(target, lambda file, text=text: file.write(text.encode()))
            last = rows.iloc[-1]
            print(f"{last['strategy']}, seed {last['seed']}: {last['accuracy']:.4f}", file=sys.stderr, flush=True)
        for future in running:
            future.result()
    return table


def summary(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """A row for each variation and measure (the curve, the last round): in points of accuracy minus its baseline,
    paired by seed, with the interval that holds together with all others of the measure, and its outcome.
    """
    scores = cell_scores(pd.concat([study.rounds_table(), table], ignore_index=True)).set_index(["strategy", "seed"])
    names = [name for name in VARIATIONS if name in set(table["strategy"])]
    rows = []
    for value in ("area", "final"):
        samples = {
            name: (scores.loc[name, value] - scores.loc[VARIATIONS[name].baseline, value]).dropna() for name in names
        }
        for name, tested in holm(samples, len(samples)).items():
            difference = tested.difference
            numbers = [100 * each for each in (difference.mean, difference.low, difference.high)]
            rows.append([study.id, name, VARIATIONS[name].baseline, value, difference.n, *numbers, tested.outcome])
    return pd.DataFrame(rows, columns=SUMMARY)


SUMMARY = ["study", "variation", "against", "measure", "seeds", "mean", "low", "high", "outcome"]


def report(study: Study, table: pd.DataFrame) -> str:
    """Each variation minus its baseline, paired by seed, as Markdown."""
    together = pd.concat([study.rounds_table(), table], ignore_index=True)
    shares = together[together["round"] > 0].groupby(["strategy", "seed"])["teacher_right_share"].mean()
    lines = [
        "| variation | against | mean over the curve | last round | labels right |",
        "| --- | --- | --- | --- | --- |",
    ]
    for (name, baseline), rows in summary(study, table).groupby(["variation", "against"], sort=False):
        cells = [_in_words(row) for row in rows.to_dict("records")]
        right = f"{shares[name].mean():.3f} ({shares[baseline].mean():.3f})"
        lines.append(f"| {name} | {baseline} | {cells[0]} | {cells[1]} | {right} |")
    return "\n".join(lines)


def _in_words(row: dict[Any, Any]) -> str:
    """In bold what is shown."""
    if row["seeds"] < FEWEST_SEEDS:
        return f"{row['mean']:+.1f}, {few(row['seeds'])}"
    shown = {"ahead": " **higher**", "behind": " **lower**"}.get(row["outcome"], "")
    return f"{row['mean']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}]{shown}"


def _keep_summary(target: Path, rows: pd.DataFrame) -> None:
    """Rows of a study take the place of those that it had in a file of several."""
    if target.exists():
        kept = pd.read_csv(target)
        rows = pd.concat([kept[kept["study"] != rows["study"].iloc[0]], rows], ignore_index=True)
    text = rows.to_csv(index=False, float_format="%.3f")
    files.replace(target, lambda file: file.write(text.encode()))


def main() -> None:
    """Read the command line, run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("id", help="a finished study, with its teachers")
    parser.add_argument("names", nargs="*", default=list(VARIATIONS), help=f"of {', '.join(VARIATIONS)}")
    parser.add_argument("--store", type=Path, required=True, help="the folder of studies")
    parser.add_argument("--workers", type=int, help="processes (default: one for each core)")
    parser.add_argument("-o", "--output", type=Path, help="CSV file (default: ID-variations.csv here)")
    parser.add_argument("--summary", type=Path, help="also write the differences into this CSV file of several studies")
    arguments = parser.parse_args()
    try:
        unknown = set(arguments.names) - set(VARIATIONS)
        if unknown:
            raise InputError(f"There is no variation {min(unknown)!r}; choose from {', '.join(VARIATIONS)}.")
        study = open_study(arguments.store, arguments.id)
        if study.info().status != "finished":
            raise InputError(f"Study {study.id} is {study.info().status}; finish it first with rad resume {study.id}.")
        table = run(study, arguments.names, arguments.output or Path(f"{study.id}-variations.csv"), arguments.workers)
    except InputError as error:
        parser.error(str(error))
    print(report(study, table))
    if arguments.summary is not None:
        _keep_summary(arguments.summary, summary(study, table))


if __name__ == "__main__":
    main()
