"""`rad select`: RAD for people whose teacher and student are none of our business."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rad_core.commands.common import cluster_option, json_option, print_json, say
from rad_core.errors import InputError
from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import FEATURES, STRATEGIES, USABLE

if TYPE_CHECKING:
    import numpy as np

    from rad_core.inputs.arrays import Array
    from rad_core.inputs.tables import Table

_FILE = click.Path(path_type=Path)
_NEEDY = ", ".join(name for name in USABLE if FEATURES in STRATEGIES[name].needs)


@click.command()
@click.option("--probs", type=_FILE, required=True, help="Student's class probabilities on the pool: (N, C).")
@click.option("--features", type=_FILE, help=f"Features (N, D), for {_NEEDY}.")
@click.option("--labeled-features", type=_FILE, help="Features (L, D) of what is labeled already, for coreset.")
@click.option(
    "--exclude",
    type=_FILE,
    multiple=True,
    help="Ids already bought: earlier picks, or a list. May be given several times.",
)
@click.option("--budget", type=int, required=True, help="Number of labels to buy.")
@click.option("--teacher-accuracy", type=float, help="Share of points on which the teacher is right, 0 to 1.")
@click.option(
    "--validation", type=_FILE, help="Or estimate it: a file of 0/1, was it right there? Or of truth, answer."
)
@click.option("--lower-bound", is_flag=True, help="With --validation: use the one-sided 95 % lower bound.")
@click.option("--strategy", default="rad", show_default=True, help=f"Rule of selection: {', '.join(USABLE)}.")
@click.option("--gain", default="margin", show_default=True, help=f"Informativeness: {', '.join(GAINS)}.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random draw.")
@cluster_option
@click.option("-o", "--output", type=_FILE, required=True, help="Where to write the picks: .csv or .parquet.")
@json_option
def command(
    probs: Path,
    features: Path | None,
    labeled_features: Path | None,
    exclude: tuple[Path, ...],
    budget: int,
    teacher_accuracy: float | None,
    validation: Path | None,
    lower_bound: bool,
    strategy: str,
    gain: str,
    seed: int,
    cluster: str | None,
    output: Path,
    as_json: bool,
) -> None:
    """Choose which rows of your own pool to have labeled by your own teacher.

    Files: .npy, .npz, .parquet, .csv or .tsv. --probs may be a folder or a pattern in quotation marks, whose files
    are read in the order of their names: a pool that need not fit into memory. Such a pool, and a file of 1 GB or
    more, is drawn in the order of its rows: a seed gives other picks than from the same rows in memory; a cluster
    reads its files in parts, for the same picks. A column, array or index "id" names the rows, as text exactly as
    given; otherwise they are numbered from 0. What was done to the data is told on stderr, and as notes with --json.
    The output has the columns id, gain and probability (of being selected; empty where a strategy has none), and where
    a strategy mixes images partner and weight of the image to mix in. In a .csv an id that a spreadsheet would run as a
    formula has an apostrophe before it; --exclude knows that, and .parquet has every id as it is.

    \b
    Examples:
      rad select --probs p.npy --budget 500 --teacher-accuracy 0.7 -o picks.csv
      rad select --probs p.parquet --validation right.csv --budget 500 -o picks.parquet
      rad select --probs p.csv --exclude picks.csv --budget 500 --teacher-accuracy 0.7 -o more.csv
      rad select --probs 'pool/*.parquet' --budget 50000 --teacher-accuracy 0.7 -o picks.parquet
      rad select --probs /shared/pool --cluster auto --budget 50000 --teacher-accuracy 0.7 -o picks.parquet
      rad select --probs p.npy --features f.npy --strategy badge --teacher-accuracy 0.7 --budget 500 -o picks.csv
    """
    from rad_core.commands.select_pool import choose_from_pool, reads_in_passes, rows_to_exclude
    from rad_core.inputs.pool import Pool
    from rad_core.inputs.writing import check_output, write_table

    if (teacher_accuracy is None) == (validation is None):
        raise InputError("Give exactly one of --teacher-accuracy and --validation: the game needs to know how often.")
    if lower_bound and validation is None:
        raise InputError("--lower-bound needs --validation, from which the bound is computed.")
    if labeled_features is not None and features is None:
        raise InputError("--labeled-features needs --features, those of the pool itself.")
    check_output(output)
    _check_no_input(output, probs, features, labeled_features, validation, *exclude)
    report: dict[str, Any] = {"notes": []}
    how: dict[str, Any] = {"budget": budget, "strategy": strategy, "gain": gain, "seed": seed}
    if reads_in_passes(probs, strategy, features):
        from rad_core.selection.stream import check_streams

        check_streams(strategy, gain)
        files = Pool(probs)
        _check_no_input(output, *files.files)
        excluded = rows_to_exclude(files, exclude, report, _tell)
        if validation is not None:
            teacher_accuracy = _estimate(validation, lower_bound, report, as_json)
        asked = how | {"teacher_accuracy": teacher_accuracy}
        picked, columns = choose_from_pool(files, excluded, asked, report, _tell, cluster)
        game, size = picked.guarantee, picked.size
    elif cluster is not None:
        raise InputError(
            f"--cluster is for pools of many files, and {probs} is one that is read into memory; leave it out."
        )
    else:
        pool = _pool(probs, report)
        matrix, labeled = _features(features, labeled_features, pool, str(probs), report)
        names, rows = _names_and_rows(pool, exclude, report)
        if validation is not None:
            teacher_accuracy = _estimate(validation, lower_bound, report, as_json)
        assert teacher_accuracy is not None
        columns, game = _choose(pool, names, rows, matrix, labeled, teacher_accuracy, **how)
        size = len(names)
    write_table(output, columns)
    _tell_formulas(columns, output, report)

    report |= {"picked": budget, "pool": size, "teacher_accuracy": teacher_accuracy, "output": str(output)}
    report["mean_gain"] = float(columns["gain"].mean())
    if game is not None:
        report |= {"guaranteed_gain": game.value, "waterline": game.waterline, "cap": game.cap}
    if as_json:
        print_json(report)
        return
    left = f" ({report['excluded']:,} more excluded)" if exclude else ""
    say(f"Picked {budget:,} of {size:,} rows{left} by {strategy}; mean gain {report['mean_gain']:#.3g}.")
    if game is not None:
        say(
            f"Guaranteed informative-and-correct gain: {game.value:.4g}, even if the teacher's {game.wrong:,} mistakes "
            f"fall on the worst points. One more label is worth {game.waterline:.3g}."
        )
    say(f"Written to {output}.")


def _check_no_input(output: Path, *inputs: Path | None) -> None:
    """Picks written over a file that is read would lose it: the ids bought so far, for instance."""
    if any(path is not None and path.resolve() == output.resolve() for path in inputs):
        raise InputError(f"{output} is read here as well; write the picks to another file with -o.")


def _tell(notes: Sequence[str], report: dict[str, Any]) -> None:
    """Say what was done to the data, a line each, and keep it for --json."""
    for note in notes:
        say(note, err=True)
    report["notes"] += notes


def _pool(path: Path, report: dict[str, Any]) -> Table:
    from rad_core.inputs.diagnosis import hard_predictions
    from rad_core.inputs.tables import read_table

    pool = read_table("probabilities", path)
    hard = hard_predictions(pool.values)
    _tell([*pool.notes, f"{path}: {pool.naming}.", *([hard] if hard else [])], report)
    report["ids"] = pool.naming
    return pool


def _features(
    features: Path | None, labeled: Path | None, pool: Table, pool_name: str, report: dict[str, Any]
) -> tuple[Any, Any]:
    """Features of the pool (N, D), by its ids where both have them, and of what is labeled (L, D)."""
    from rad_core.inputs.tables import in_order_of, read_table

    if features is None:
        return None, None
    table = in_order_of("features", read_table("features", features), pool, str(features), pool_name)
    _tell(table.notes, report)
    if labeled is None:
        return table.values, None
    reference = read_table("features", labeled)
    _tell(reference.notes, report)
    return table.values, reference.values


def _names_and_rows(pool: Table, exclude: Sequence[Path], report: dict[str, Any]) -> tuple[Any, Any]:
    """What the rows that may be chosen are called, and their numbers; no numbers where all may be."""
    from rad_core.inputs.ids import bought_rows, row_names
    from rad_core.inputs.tables import read_purchases
    from rad_core.selection.api import remaining_rows

    names = row_names(pool.ids, len(pool.values))
    if not exclude:
        return names, None
    text = [str(name) for name in names]
    bought: set[int] = set()
    for path in exclude:
        bought_here, notes = bought_rows(read_purchases(path), text)
        _tell([*notes, f"{path}: {len(bought_here):,} rows are excluded."], report)
        bought |= set(bought_here.tolist())
    report["excluded"] = len(bought)
    rows = remaining_rows(len(names), sorted(bought))
    return (names, None) if rows is None else (names[rows], rows)


def _choose(
    pool: Table,
    names: np.ndarray,
    rows: np.ndarray | None,
    matrix: Array,
    labeled: Array,
    accuracy: float,
    budget: int,
    **how: Any,
) -> tuple[dict[str, Any], Any]:
    """What to hand out of the choice from a pool in memory, and the equilibrium where there is one."""
    from rad_core.selection.api import choose, pick_columns, take_snapshot

    strategy, gain, seed = how["strategy"], how["gain"], how["seed"]
    snapshot = take_snapshot(
        pool.values, budget, accuracy, strategy, gain, matrix, labeled_features=labeled, rows=rows, owned=True
    )
    selection = choose(snapshot, budget, strategy, seed)
    return pick_columns(snapshot, selection, names), selection.equilibrium


def _tell_formulas(columns: dict[str, Any], output: Path, report: dict[str, Any]) -> None:
    from rad_core.inputs.writing import escaped_cells

    count = escaped_cells(columns) if output.suffix.lower() == ".csv" else 0
    if count:
        _tell([f"{output}: {count:,} ids that a spreadsheet would run as formulas begin with an apostrophe."], report)


def _estimate(path: Path, lower_bound: bool, report: dict[str, Any], as_json: bool) -> float:
    from rad_core.inputs.tables import read_table
    from rad_core.selection.api import estimate_accuracy

    flags = read_table("flags", path)
    _tell(flags.notes, report)
    estimate = estimate_accuracy(flags.values)
    report["estimate"] = vars(estimate)
    if not as_json:
        say(
            f"Teacher right on {estimate.right} of {estimate.total} validation points: {estimate.mean:.3f}, 95 % "
            f"interval {estimate.low:.3f} to {estimate.high:.3f}, one-sided lower bound {estimate.lower_bound:.3f}."
        )
    return estimate.lower_bound if lower_bound else estimate.mean
