"""`rad show`: the results of a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rad_core.commands.common import (
    comma_floats,
    json_option,
    print_json,
    print_table,
    say,
    store_option,
    store_root,
    with_interval,
)

if TYPE_CHECKING:
    from rad_core.store.study import Study


@click.command()
@click.argument("study_id", metavar="[ID]", default="latest")
@click.option("--targets", callback=comma_floats, help="Accuracies whose labels to count, for instance 0.7,0.8.")
@store_option
@json_option
def command(study_id: str, targets: list[float] | None, store: Path | None, as_json: bool) -> None:
    """Show the results of a study: whether labels paid, final accuracy, labels needed, RAD against each other rule.

    Figures are means over seeds with 95 % intervals (Student's t; three seeds at least). What the labels added and the
    differences between rules are corrected for their number (Holm). ID may be the beginning of an id, or "latest".

    \b
    Example:
      rad show latest --targets 0.65,0.7
    """
    from rad_core.store.catalogue import open_study

    print_summary(open_study(store_root(store), study_id), targets, as_json)


def print_summary(study: Study, targets: list[float] | None, as_json: bool, notes: Sequence[str] | None = None) -> None:
    """Print the summary of a study as tables or as JSON, there with the notes about its data where they are given."""
    from rad_core.results.report import summarize
    from rad_core.store.light_copy import describe

    summary = summarize(study, targets)
    if as_json:
        print_json(summary if notes is None else {**summary, "notes": notes})
        return
    config = summary["config"]
    title = f"Study {summary['id']}{' - ' + summary['name'] if summary['name'] else ''}: {summary['status']}"
    say(f"{title}, {summary['rounds_done']} of {summary['rounds_total']} rounds. {summary['message']}".rstrip())
    seeds = f"{config['seeds']} seed{'s' if config['seeds'] > 1 else ''}"
    plan = f"{config['rounds']} rounds of {config['budget']} soft labels"
    say(f"{config['dataset']}, {config['labeled']} labeled, {plan}, {seeds}.")
    if copy := describe(study):
        say(copy)
    _print_costs(config)
    _print_asked(summary["asked"], config)
    _print_verdict(summary)
    _print_references(summary["references"], config)
    if not summary["strategies"]:
        return
    _print_strategies(summary["strategies"], summary["targets"]["none"])
    _print_differences(summary["differences"], summary["compared"])


def _print_costs(config: dict[str, Any]) -> None:
    labels = config["rounds"] * config["budget"]
    from rad_core.results.words import duration, money

    costs = []
    if config["price_per_label"]:
        costs.append(money(labels * config["price_per_label"], config["currency"]))
    if config["latency_per_label"]:
        costs.append(f"{duration(labels * config['latency_per_label'])} of the teacher's time")
    if costs:
        say(f"The {labels:,} soft labels of one strategy and seed cost {' and '.join(costs)}.")


def _print_asked(asked: dict[str, int] | None, config: dict[str, Any]) -> None:
    """How much a teacher from outside was asked, and what that costs."""
    from rad_core.results.summary import Asked
    from rad_core.results.words import asked_text, money

    if asked is not None:
        price = money(asked["points"] * config["price_per_label"], config["currency"])
        say(asked_text(Asked(**asked)) + (f" That costs {price}." if config["price_per_label"] else ""))


def _print_verdict(summary: dict[str, Any]) -> None:
    say()
    say(f"Worth it? {summary['worth_it']['sentence']}")
    for text in (summary["worth_it"]["details"], summary["which_rule"]):
        if text:
            say(text)
    say()


def _print_references(references: dict[str, Any], config: dict[str, Any]) -> None:
    from rad_core.results.words import ON_POOL, estimated_on

    lines = [
        ("teacher_accuracy_test", "Teacher"),
        ("student_labeled_accuracy", "Student, labeled set only"),
        ("student_full_accuracy", "Student, whole soft-labeled pool"),
    ]
    parts = [f"{words} {with_interval(references[name])}" for name, words in lines if name in references]
    if parts:
        say("Accuracy on the test set: " + "; ".join(parts) + ".")
    contexts = [
        ("teacher_accuracy", estimated_on(config["validation"])),
        ("teacher_accuracy_pool", ON_POOL),
    ]
    parts = [f"{with_interval(references[name])} {words}" for name, words in contexts if name in references]
    if parts:
        say("Accuracy of the teacher: " + "; ".join(parts) + ".")
        say()


def _print_strategies(strategies: list[dict[str, Any]], no_target: str) -> None:
    from rad_core.results.words import target_text

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
        *(f"labels to {target_text(float(target))}" for target in targets),
    )
    print_table(f"Accuracy on the test set: {_how(strategies[0]['final'])}", columns, rows)
    if no_target:
        say(no_target)
        say()


def _how(values: dict[str, Any]) -> str:
    """What the figures of a table are."""
    if values["low"] != values["low"]:
        return f"mean over {values['n']} seed{'s' if values['n'] > 1 else ''}, too few for an interval"
    return "mean over seeds [95 % interval]"


def _needed(needed: dict[str, Any]) -> str:
    """The number that every page prints, and how many seeds reach the target by themselves."""
    if needed["seeds"] == 0:
        return "-"
    shown = "not reached" if needed["shown"] is None else f"{needed['shown']:,}"
    return f"{shown} ({needed['reached']} of {needed['seeds']} seeds)"


def _print_differences(differences: list[dict[str, Any]], compared: dict[str, Any]) -> None:
    if not differences:
        return
    from rad_core.results.words import name

    finals = {row["baseline"]: row for row in differences if row["value"] == "final"}
    areas = {row["baseline"]: row for row in differences if row["value"] == "area"}
    rows = [
        (baseline, _difference(row), row["verdict"], _difference(areas[baseline]), areas[baseline]["verdict"])
        for baseline, row in finals.items()
    ]
    ours = name(compared["rule"], first=True)
    count = compared["comparisons"]
    title = f"{ours} minus each other rule, paired by seed"
    if any(row["low"] == row["low"] for row in differences):
        title += f" [interval, corrected for {count} comparisons in a column]" if count > 1 else " [95 % interval]"
    is_ours = f"{ours} is"
    print_table(title, ("strategy", "last round", is_ours, "mean over curve", is_ours), rows)


def _difference(row: dict[str, Any]) -> str:
    return with_interval({"mean": row["difference"], "low": row["low"], "high": row["high"]}, signed=True)
