"""`rad show`: the results of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rad_core.commands.common import (
    comma_floats,
    duration,
    json_option,
    print_json,
    print_table,
    store_option,
    store_root,
    with_interval,
)

if TYPE_CHECKING:
    from rad_core.study.record import Study


@click.command()
@click.argument("id", default="latest")
@click.option("--targets", callback=comma_floats, help="Accuracies whose labels to count, for instance 0.7,0.8.")
@store_option
@json_option
def command(id: str, targets: list[float] | None, store: Path | None, as_json: bool) -> None:
    """Show the results of a study: final accuracy, area under the curve, labels needed, RAD against each other rule.

    Figures are means over seeds with 95 % intervals (Student's t). ID may be the beginning of an id, or "latest".

    \b
    Example:
      rad show latest --targets 0.65,0.7
    """
    from rad_core.study.store import open_study

    print_summary(open_study(store_root(store), id), targets, as_json)


def print_summary(study: Study, targets: list[float] | None, as_json: bool) -> None:
    """Print the summary of a study as tables or as JSON."""
    from rad_core.study.light import describe
    from rad_core.study.summary import summarize

    found = summarize(study, targets)
    if as_json:
        print_json(found)
        return
    config = found["config"]
    click.echo(f"Study {found['id']}{' - ' + found['name'] if found['name'] else ''}: {found['status']}", nl=False)
    click.echo(f", {found['rounds_done']} of {found['rounds_total']} rounds. {found['message']}".rstrip())
    seeds = f"{config['seeds']} seed{'s' if config['seeds'] > 1 else ''}"
    plan = f"{config['rounds']} rounds of {config['budget']} soft labels"
    click.echo(f"{config['dataset']}, {config['labeled']} labeled, {plan}, {seeds}.")
    if copy := describe(study):
        click.echo(copy)
    _print_costs(config)
    _print_references(found["references"])
    if not found["strategies"]:
        click.echo("No strategy has finished all its rounds yet.")
        return
    _print_strategies(found["strategies"])
    _print_differences(found["differences"])


def _print_costs(config: dict[str, Any]) -> None:
    labels = config["rounds"] * config["budget"]
    costs = []
    if config["price_per_label"]:
        costs.append(f"{labels * config['price_per_label']:,.2f} {config['currency']}")
    if config["latency_per_label"]:
        costs.append(f"{duration(labels * config['latency_per_label'])} of the teacher's time")
    if costs:
        click.echo(f"The {labels:,} soft labels of one strategy and seed cost {' and '.join(costs)}.")


def _print_references(references: dict[str, Any]) -> None:
    lines = [
        ("teacher_accuracy_test", "Teacher"),
        ("student_labeled_accuracy", "Student, labeled set only"),
        ("student_full_accuracy", "Student, whole soft-labeled pool"),
    ]
    parts = [f"{words} {with_interval(references[name])}" for name, words in lines if name in references]
    if parts:
        click.echo("Accuracy on the test set: " + "; ".join(parts) + ".")
    if "teacher_accuracy" in references:
        click.echo(f"Teacher right on {with_interval(references['teacher_accuracy_pool'])} of the pool.\n")


def _print_strategies(strategies: list[dict[str, Any]]) -> None:
    targets = list(strategies[0]["labels_needed"])
    rows = [
        (
            row["strategy"],
            with_interval(row["final"]),
            with_interval(row["added"], signed=True),
            with_interval(row["area"]),
            with_interval(row["teacher_right_share"]),
            *(_needed(row["labels_needed"][target]) for target in targets),
        )
        for row in sorted(strategies, key=lambda row: -row["final"]["mean"])
    ]
    columns = (
        "strategy",
        "last round",
        "over no labels",
        "mean over curve",
        "picks labeled right",
        *(f"labels to {t}" for t in targets),
    )
    print_table("Accuracy on the test set, mean ± half the 95 % interval over seeds", columns, rows)


def _needed(needed: dict[str, Any]) -> str:
    if needed["mean"] is None:
        return "not reached"
    some = "" if needed["reached"] == needed["seeds"] else f" ({needed['reached']} of {needed['seeds']} seeds)"
    return f"{needed['mean']:.0f}{some}"


def _print_differences(differences: list[dict[str, Any]]) -> None:
    if not differences:
        return
    finals = {row["baseline"]: row for row in differences if row["value"] == "final"}
    areas = {row["baseline"]: row for row in differences if row["value"] == "area"}
    rows = [
        (baseline, _difference(row), row["verdict"], _difference(areas[baseline]), areas[baseline]["verdict"])
        for baseline, row in finals.items()
    ]
    seeds = max(row["n"] for row in finals.values())
    title = f"RAD minus each other strategy, paired by seed ({seeds} seed{'s' if seeds > 1 else ''})"
    print_table(title, ("strategy", "last round", "RAD is", "mean over curve", "RAD is"), rows)


def _difference(row: dict[str, Any]) -> str:
    if row["low"] != row["low"]:
        return f"{row['difference']:+.3f}"
    return f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
