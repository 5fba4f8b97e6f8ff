"""`rad select`: RAD for people whose teacher and student are none of our business."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rad_core.commands.common import json_option, print_json
from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import FEATURES, STRATEGIES, USABLE

_FILE = click.Path(path_type=Path)
_NEEDY = ", ".join(name for name in USABLE if FEATURES in STRATEGIES[name].needs)


@click.command()
@click.option("--probs", type=_FILE, required=True, help="Student's class probabilities on the pool: (N, C).")
@click.option("--features", type=_FILE, help=f"Features (N, D), for {_NEEDY}.")
@click.option("--budget", type=int, required=True, help="Number of labels to buy.")
@click.option("--teacher-accuracy", type=float, help="Share of points on which the teacher is right, 0 to 1.")
@click.option("--validation", type=_FILE, help="Or estimate it: a file of 0/1, was the teacher right there?")
@click.option("--lower-bound", is_flag=True, help="With --validation: use the one-sided 95 % lower bound.")
@click.option("--strategy", default="rad", show_default=True, help=f"Rule of selection: {', '.join(USABLE)}.")
@click.option("--gain", default="margin", show_default=True, help=f"Informativeness: {', '.join(GAINS)}.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random draw.")
@click.option("-o", "--output", type=_FILE, required=True, help="Where to write the picks: .csv or .parquet.")
@json_option
def command(
    probs: Path,
    features: Path | None,
    budget: int,
    teacher_accuracy: float | None,
    validation: Path | None,
    lower_bound: bool,
    strategy: str,
    gain: str,
    seed: int,
    output: Path,
    as_json: bool,
) -> None:
    """Choose which rows of your own pool to have labeled by your own teacher.

    Files: .npy, .npz, .parquet or .csv. In tables a column "id" names the rows; otherwise they are numbered from 0.
    The output has the columns id, gain and probability (of being selected; empty where a strategy has none), and where
    a strategy mixes images partner and weight of the image to mix in.

    \b
    Examples:
      rad select --probs p.npy --budget 500 --teacher-accuracy 0.7 -o picks.csv
      rad select --probs p.parquet --validation right.csv --budget 500 -o picks.parquet
      rad select --probs p.npy --features f.npy --strategy badge --teacher-accuracy 0.7 --budget 500 -o picks.csv
    """
    from rad_core.errors import InputError
    from rad_core.selection.api import choose, pick_columns, take_snapshot
    from rad_core.tables import check_output, read_features, read_table, row_ids, write_table

    if (teacher_accuracy is None) == (validation is None):
        raise InputError("Give exactly one of --teacher-accuracy and --validation: the game needs to know how often.")
    if lower_bound and validation is None:
        raise InputError("--lower-bound needs --validation, from which the bound is computed.")
    check_output(output)
    table = read_table(probs, "probabilities", ("probabilities",))
    matrix = read_features(features, len(table.values)) if features is not None else None
    report: dict[str, Any] = {}
    if validation is not None:
        teacher_accuracy = _estimate(validation, lower_bound, report, as_json)
    assert teacher_accuracy is not None
    snapshot = take_snapshot(table.values, budget, teacher_accuracy, strategy, gain, matrix)
    selection = choose(snapshot, budget, strategy, seed)
    picks = selection.positions
    ids = row_ids(table.ids, len(table.values), probs)
    columns = pick_columns(snapshot, selection, ids)
    write_table(output, columns)

    report |= {"picked": len(picks), "pool": len(ids), "teacher_accuracy": teacher_accuracy, "output": str(output)}
    report["mean_gain"] = float(snapshot.gains[picks].mean())
    if selection.equilibrium is not None:
        game = selection.equilibrium
        report |= {"guaranteed_gain": game.value, "waterline": game.waterline, "cap": game.cap}
    if as_json:
        print_json(report)
        return
    click.echo(f"Picked {len(picks):,} of {len(ids):,} rows by {strategy}; mean gain {report['mean_gain']:.3f}.")
    if selection.equilibrium is not None:
        click.echo(
            f"Guaranteed informative-and-correct gain: {game.value:.4g}, even if the teacher's {game.wrong:,} mistakes "
            f"fall on the worst points. One more label is worth {game.waterline:.3g}."
        )
    click.echo(f"Written to {output}.")


def _estimate(path: Path, lower_bound: bool, report: dict[str, Any], as_json: bool) -> float:
    from rad_core.selection.api import estimate_accuracy
    from rad_core.tables import read_flags

    found = estimate_accuracy(read_flags(path))
    report["estimate"] = vars(found)
    if not as_json:
        click.echo(
            f"Teacher right on {found.right} of {found.total} validation points: {found.mean:.3f}, 95 % interval "
            f"{found.low:.3f} to {found.high:.3f}, one-sided lower bound {found.lower_bound:.3f}."
        )
    return found.lower_bound if lower_bound else found.mean
