"""`rad campaign`: labels bought in rounds."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rad_core.commands.common import (
    cluster_option,
    json_option,
    notes_said,
    print_json,
    print_table,
    say,
    store_option,
    with_interval,
)
from rad_core.text import one_line

if TYPE_CHECKING:
    from rad_core.campaign.status import RoundStatus, Status

_FILE = click.Path(path_type=Path)
_TABLE = "Where to write it: .csv, .parquet or .jsonl."


@click.group()
def command() -> None:
    """Buy labels for a pool whose answers nobody knows, in rounds: ask, tell, train, and again, up to a wall of money.

    \b
    Examples:
      rad campaign create reviews --pool pool.parquet --checked checked.csv --price 0.002 --max-cost 200
      rad ask reviews --probs student.parquet --budget 500 -o picks.csv
      rad tell reviews answers.csv
      rad campaign training-set reviews -o train.parquet
      rad campaign show reviews
      rad campaign create photos --pool features:pool.npz --checked checked.parquet --student linear
      rad campaign rehearse photos
      rad campaign run photos --rounds 4 --budget 500 --teacher table:answers.csv
      rad campaign demo
    """


@command.command()
@click.argument("name", metavar="NAME")
@click.option("--pool", required=True, help="Table with id, and text, image or features; features:FILE or folder:PATH.")
@click.option("--labeled", help="Examples with known classes: id, label.")
@click.option("--checked", help="Labeled examples with the teacher's answer: id, label, teacher.")
@click.option("--classes", help="Names of the classes, separated by commas (default: the labels that occur, sorted).")
@click.option("--price", default="0", show_default=True, help="Price of one answer, such as 0.002.")
@click.option("--currency", default="", help="Currency of the price, such as EUR.")
@click.option("--max-cost", help="The wall: no question goes out that could cost more in all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random draws.")
@click.option("--student", help="A student of ours that learns from features: linear or mlp (default: yours).")
@click.option("--teacher", help="A teacher that run can call, see run --help (default: answers are told).")
@click.option("--rounds", type=click.IntRange(min=1), default=1, show_default=True, help="Rounds that run finishes.")
@click.option("--votes", type=click.IntRange(min=1), default=1, show_default=True, help="Answers to each question.")
@click.option("--rate", type=float, default=0, show_default=True, help="Requests a minute, at most; 0: no limit.")
@click.option("--timeout", type=float, default=60, show_default=True, help="Seconds that a request may take.")
@click.option("--without-checked", is_flag=True, help="Students do not learn from the checked examples.")
@store_option
def create(
    name: str,
    pool: str,
    labeled: str | None,
    checked: str | None,
    classes: str | None,
    price: str,
    currency: str,
    max_cost: str | None,
    seed: int,
    student: str | None,
    teacher: str | None,
    rounds: int,
    votes: int,
    rate: float,
    timeout: float,
    without_checked: bool,
    store: Path | None,
) -> None:
    """Create a campaign from tables: .csv, .tsv, .parquet, .jsonl, or a folder of Parquet files.

    Checked examples say how often the teacher is right (m): those without its answer are asked about first, and paid
    for. A teacher's answer is a class, or one column per class called teacher_CLASS. Rows of the pool with a label are
    labeled examples.

    features:FILE is an .npy file (a row per point, ids are the numbers of rows), an .npz file (arrays features, ids,
    labels) or any table: with --student a student of ours learns from the column features, else from every column of
    numbers but id, label and the teacher's. folder:PATH is images, PATH/unlabeled/* the pool, PATH/<class>/* labeled.

    \b
    Examples:
      rad campaign create reviews --pool pool.parquet --labeled labeled.csv --checked checked.csv --price 0.002
      rad campaign create photos --pool features:pool.npz --checked checked.parquet --student linear
      rad campaign create scans --pool folder:scans --checked checked.csv
    """
    from rad_core.campaign.campaign import Campaign

    with notes_said():
        campaign = Campaign.create(
            name,
            pool,
            classes=None if classes is None else classes.split(","),
            price=price,
            currency=currency,
            max_cost=max_cost,
            seed=seed,
            labeled=labeled,
            checked=checked,
            student=student,
            teacher=teacher,
            rounds=rounds,
            votes=votes,
            rate=rate,
            timeout=timeout,
            learn_from_checked=not without_checked,
            store=store,
        )
    _print_status(campaign.status())


@command.command("list")
@store_option
@json_option
def list_(store: Path | None, as_json: bool) -> None:
    """List the campaigns of a store.

    \b
    Example:
      rad campaign list
    """
    from rad_core.campaign import catalogue
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.money import money_text
    from rad_core.campaign.status import plain_values
    from rad_core.errors import RadError

    root = catalogue.root_of(store)
    held: list[Status] = []
    for name in catalogue.names(root):
        try:
            held.append(Campaign(root / name).status())
        except RadError as error:
            say(f"{name}: {error}", err=True)
    if as_json:
        print_json([plain_values(status) for status in held])
        return
    if not held:
        say(f"There are no campaigns in {root} yet; start one with rad campaign create or rad campaign demo.")
        return
    rows = [
        (
            status.name,
            f"{sum(status.pool.values()):,}",
            f"{status.pool['answered']:,}",
            f"{status.open:,}",
            money_text(status.spent, status.currency),
            f"{status.scores[-1].accuracy:.3f}" if status.scores else "-",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(status.created)),
        )
        for status in held
    ]
    print_table(f"Campaigns in {root}", ("name", "pool", "answered", "open", "spent", "accuracy", "created"), rows)


@command.command()
@click.argument("name", metavar="NAME")
@store_option
@json_option
def show(name: str, store: Path | None, as_json: bool) -> None:
    """Show points, money, the teacher's accuracy, rounds and measured accuracies of a campaign.

    \b
    Example:
      rad campaign show reviews
    """
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.status import plain_values

    status = Campaign.open(name, store).status()
    if as_json:
        print_json(plain_values(status))
        return
    _print_status(status)


def _print_status(status: Status) -> None:
    from rad_core.campaign.money import money_text

    points = ", ".join(f"{count:,} {state}" for state, count in status.pool.items() if count)
    say(f"Campaign {status.name}: a pool of {sum(status.pool.values()):,} ({points}), {status.labeled:,} labeled.")
    m = status.accuracy
    if m is None:
        say(f"Of {status.checked:,} checked examples the teacher answered none: rad ask {status.name} --checked.")
    else:
        say(
            f"Teacher right on {m.right} of {m.total} checked examples: {m.mean:.3f}, 95 % interval {m.low:.3f} to "
            f"{m.high:.3f}; the game gets the one-sided lower bound {m.lower_bound:.3f}."
        )
    spent, reserved, price = (
        money_text(amount, status.currency) for amount in (status.spent, status.reserved, status.price)
    )
    most = "no wall" if status.max_cost is None else f"at most {money_text(status.max_cost, status.currency)}"
    say(f"Spent {spent}, reserved {reserved} for {status.open:,} open questions; {most}; {price} an answer.")
    if (sent := status.attempts).sent:
        say(
            f"{sent.sent:,} requests: {sent.answered:,} answered, {sent.failed:,} failed, {sent.lost:,} lost, "
            f"{sent.in_flight:,} without an outcome; those without an answer may have been billed "
            f"{money_text(sent.cost, status.currency)}, which counts as spent."
        )
    if status.rounds:
        columns = (
            "round",
            "asked",
            "answered",
            "abstained",
            "open",
            "cost",
            "m",
            "guarantee",
            "one more label",
            "right among picks",
        )
        print_table("Rounds", columns, [_round_row(each, status.currency) for each in status.rounds])
    if status.scores:
        rows = [
            (
                f"{score.labels:,}",
                money_text(score.cost, status.currency),
                f"{score.accuracy:.3f}",
                str(score.total or "-"),
            )
            for score in status.scores
        ]
        print_table("Accuracy as measured", ("answers", "cost", "accuracy", "tested on"), rows, 0)


def _round_row(each: RoundStatus, currency: str) -> Sequence[str]:
    from rad_core.campaign.money import money_text

    counts = [f"{count:,}" for count in (each.asked, each.answered, each.abstained, each.open)]
    facts = each.facts
    promise = ("-", "-", "-")
    right = "-" if each.right is None else with_interval(vars(each.right) | {"mean": each.right.share})
    if facts is not None:
        promise = (f"{facts.teacher_accuracy:.3f}", f"{facts.value:.4g}", f"{facts.waterline:.3g}")
    return (str(each.number) if facts else "checked", *counts, money_text(each.cost, currency), *promise, right)


@command.command("training-set")
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", type=_FILE, required=True, help=_TABLE)
@click.option("--without-checked", is_flag=True, help="Leave out the checked examples.")
@store_option
def training_set(name: str, output: Path, without_checked: bool, store: Path | None) -> None:
    """Write what the student learns from: id, a target per class, source, round, weight; in order of asking.

    \b
    Example:
      rad campaign training-set reviews -o train.parquet
    """
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.formats import TABLES, format_of, write_table

    kind = format_of(output, None, TABLES)
    examples = Campaign.open(name, store).training_set(learn_from_checked=False if without_checked else None)
    write_table(output, kind, examples.columns())
    say(f"{len(examples.ids):,} examples written to {output}.")


@command.command()
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", type=_FILE, required=True, help=_TABLE)
@store_option
def ledger(name: str, output: Path, store: Path | None) -> None:
    """Write the ledger: every question, answer, correction and withdrawal with its time and cost.

    \b
    Example:
      rad campaign ledger reviews -o ledger.csv
    """
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.formats import TABLES, format_of, ledger_columns, write_table

    kind = format_of(output, None, TABLES)
    columns = ledger_columns(Campaign.open(name, store))
    write_table(output, kind, columns)
    say(f"{len(columns['entry']):,} entries written to {output}.")


@command.command()
@click.argument("name", metavar="NAME")
@click.argument("ids", metavar="FILE", type=_FILE)
@store_option
def withdraw(name: str, ids: Path, store: Path | None) -> None:
    """Take back open questions: their points are free again, and nothing is reserved for them.

    \b
    Example:
      rad campaign withdraw reviews never-sent.csv
    """
    from rad_core.campaign.campaign import Campaign

    count = Campaign.open(name, store).withdraw(str(ids))
    say(f"{count:,} questions withdrawn.")


@command.command()
@click.argument("name", metavar="NAME")
@click.option("--budget", type=int, required=True, help="Labels of each round, at most.")
@click.option("--rounds", type=int, help="Rounds to finish in all (default: as created).")
@click.option("--teacher", help="table:FILE, python:FILE.py:FUNCTION or openai:MODEL[@URL] (default: as created).")
@click.option("--votes", type=click.IntRange(min=1), help="Answers to each question (default: as created).")
@click.option("--rate", type=float, help="Requests a minute, at most; 0: no limit (default: as created).")
@click.option("--timeout", type=float, help="Seconds that a request may take (default: as created).")
@click.option("--dry-run", is_flag=True, help="Tell points, requests and price; ask and send nothing.")
@cluster_option
@store_option
def run(
    name: str,
    budget: int,
    rounds: int | None,
    teacher: str | None,
    votes: int | None,
    rate: float | None,
    timeout: float | None,
    dry_run: bool,
    cluster: str | None,
    store: Path | None,
) -> None:
    """Run a campaign by itself: train, score, ask, have it answered, tell, and again, until rounds or money are over.

    For a campaign created with --student. The question is in the ledger before it is asked and the answer before the
    next one: killed or stopped at any moment, the same command goes on, and nothing is paid for twice. Of table:FILE,
    ids that are missing are abstentions. Ends with exit code 1 where questions stay open.

    python:FILE.py:FUNCTION is called with a list of texts, of paths of images, or of rows as dictionaries, and returns
    for each the name of a class, a probability for every class, or None. openai:MODEL@URL is any chat endpoint that
    speaks as OpenAI's does, asked eight requests at a time, and no faster than --rate; its key is OPENAI_API_KEY.
    Ctrl-C ends a run once the requests under way are answered.

    \b
    Examples:
      rad campaign run reviews --rounds 4 --budget 500 --teacher python:teacher.py:label
      rad campaign run reviews --budget 500 --teacher openai:gpt-large@http://127.0.0.1:8000/v1 --rate 60 --dry-run
      rad campaign run photos --rounds 4 --budget 500 --teacher table:answers.csv
      rad campaign run photos --budget 500
    """
    import sys

    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.running import plan_of, tell_the_price
    from rad_core.campaign.running import run as go
    from rad_core.running.cluster_students import scoring

    campaign = Campaign.open(name, store)
    plan = plan_of(campaign, rounds, budget, teacher, votes, rate, timeout)
    if dry_run:
        tell_the_price(campaign.status(), plan, say)
        return
    stop = threading.Event()

    def interrupted(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        say("Stopping once the requests under way are answered; Ctrl-C again stops at once.", err=True)

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        with notes_said(), scoring(cluster) as score:
            status = go(campaign, plan, say, stop, score)
    finally:
        signal.signal(signal.SIGINT, before)
    _print_status(status)
    if status.open:
        say(f"{status.open:,} questions stay open; run it again to have them asked again.", err=True)
        sys.exit(1)


@command.command()
@click.argument("name", metavar="NAME")
@click.option("--repeats", type=int, default=10, show_default=True, help="Random partings of the checked examples.")
@click.option("--student", help="linear or mlp (default: as created).")
@store_option
def rehearse(name: str, repeats: int, student: str | None, store: Path | None) -> None:
    """Play a campaign on your own labeled and checked examples, before anything is bought; nothing is asked or kept.

    Half of the checked examples is a small pool to buy from, the other half tests the student, again and again. Says
    whether labels of this teacher help, whether it matters which, and what more checked examples would be worth.

    \b
    Examples:
      rad campaign rehearse photos
      rad campaign rehearse photos --repeats 30 --student mlp
    """
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.rehearsing import findings, introduction
    from rad_core.campaign.rehearsing import rehearse as play

    played = play(Campaign.open(name, store), repeats, student)
    say(introduction(played))
    rows = [
        (
            line.rule,
            f"{line.labels:,}",
            f"{line.accuracy:.3f}",
            with_interval(vars(line.over_nothing), signed=True),
            "-" if line.over_uniform is None else with_interval(vars(line.over_uniform), signed=True),
        )
        for line in played.lines
    ]
    print_table("Accuracy", ("rule", "labels", "accuracy", "over no label", "over uniform"), rows)
    for sentence in findings(played):
        say(sentence)


@command.command()
@click.option("--name", default="demo", show_default=True, help="What to call the campaign.")
@click.option("--rounds", type=click.IntRange(min=1), default=4, show_default=True, help="Rounds to buy.")
@store_option
def demo(name: str, rounds: int, store: Path | None) -> None:
    """Run a campaign from end to end on scikit-learn's digits: answers told from files, money counted.

    \b
    Example:
      rad campaign demo
    """
    from rad_core.campaign.demo import run

    run(name, rounds, store, say)


@command.command()
@click.argument("name", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
def delete(name: str, yes: bool, store: Path | None) -> None:
    """Delete a campaign and its ledger, for good.

    \b
    Example:
      rad campaign delete reviews --yes
    """
    from rad_core.campaign import catalogue

    root = catalogue.root_of(store)
    catalogue.find(root, name)
    if not yes:
        click.confirm(one_line(f"Delete campaign {name} and every answer in its ledger?"), abort=True)
    catalogue.delete(root, name)
    say(f"Deleted {name}.")
