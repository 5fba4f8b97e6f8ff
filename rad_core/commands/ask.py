"""`rad ask`: what a campaign has answered next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rad_core.commands.common import cluster_option, json_option, notes_said, print_json, say, store_option
from rad_core.errors import InputError

if TYPE_CHECKING:
    from rad_core.campaign.asking import Picks
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.reading import Scores

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--probs", type=_FILE, help="The student's class probabilities (default: of the student of ours).")
@click.option("--budget", type=int, help="Number of labels to ask for.")
@click.option("--checked", is_flag=True, help="Ask about the checked examples that the teacher never saw, instead.")
@click.option("--again", is_flag=True, help="Write the open questions once more, instead; nothing new is asked.")
@click.option("--gain", default="margin", show_default=True, help="Informativeness: margin, entropy, least_confidence.")
@click.option("--mean", is_flag=True, help="Give the game the estimate of m, not its one-sided 95 % lower bound.")
@click.option(
    "--checked-unseen",
    is_flag=True,
    help="--probs has rows for checked examples, too, of students that did not learn from them.",
)
@click.option("-o", "--output", type=_FILE, required=True, help="Where to write the picks: .csv, .parquet, .jsonl.")
@click.option("--format", "kind", help="csv, parquet, jsonl, label-studio or argilla (default: by the ending).")
@cluster_option
@store_option
@json_option
def command(
    name: str,
    probs: Path | None,
    budget: int | None,
    checked: bool,
    again: bool,
    gain: str,
    mean: bool,
    checked_unseen: bool,
    output: Path,
    kind: str | None,
    cluster: str | None,
    store: Path | None,
    as_json: bool,
) -> None:
    """Choose what to have answered next: points never asked before, none beyond the wall of --max-cost.

    --probs holds id and one column per class; without it the campaign's own student is trained and scores the pool.

    The questions are in the ledger before the file is there; --again writes those that are open once more. Picks have
    the columns id, gain, probability (of being chosen), round, and the text or image path of the pool. They come in
    random order, so that an answered beginning is a random part of them.

    \b
    Examples:
      rad ask reviews --checked -o first.csv
      rad ask reviews --probs student.parquet --budget 500 -o picks.csv
      rad ask reviews --probs student.parquet --budget 500 --format label-studio -o tasks.json
      rad ask photos --budget 500 -o picks.csv             with a student of ours (create --student)
      rad ask reviews --again -o picks.csv
    """
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.formats import FORMATS, format_of, write_picks
    from rad_core.running.cluster_students import scoring

    if kind is not None and kind not in FORMATS:
        raise InputError(f"--format is {kind!r}; choose one of {', '.join(FORMATS)}.")
    if probs is not None and budget is None:
        raise InputError("--probs and --budget go together: how sure the student is, and how many labels to ask for.")
    if probs is not None and cluster is not None:
        raise InputError("--cluster has the campaign's own student trained there, and --probs are another's; give one.")
    if sum((checked, again, budget is not None)) != 1:
        raise InputError("Give exactly one of --budget, --checked and --again.")
    kind = format_of(output, kind)
    if probs is not None and probs.resolve() == output.resolve():
        raise InputError(f"{output} is read here as well; write the picks to another file with -o.")
    campaign = Campaign.open(name, store)
    with notes_said() as notes:
        if budget is not None:
            given: str | Scores | None = None if probs is None else str(probs)
            if cluster is not None and given is None:
                with scoring(cluster) as score:
                    given = campaign.own_scores(score=score)
            picks = campaign.ask(given, budget, gain=gain, lower_bound=not mean, checked_unseen=checked_unseen)
        else:
            picks = campaign.ask_checked() if checked else campaign.open_questions()
    write_picks(output, kind, campaign, picks)
    report(campaign, picks, output, again, as_json, notes)


def report(campaign: Campaign, picks: Picks, output: Path, again: bool, as_json: bool, notes: list[str]) -> None:
    """Say what was asked, what it may cost, and what the round promises."""
    from dataclasses import asdict

    from rad_core.campaign.money import money_text, plain

    settings, facts = campaign.settings, picks.facts
    status = campaign.status()
    if as_json:
        print_json(
            {
                "round": picks.round,
                "asked": len(picks.ids),
                "output": str(output),
                "spent": plain(status.spent),
                "reserved": plain(status.reserved),
                "promise": None if facts is None else asdict(facts),
                "notes": notes,
            }
        )
        return
    cost = money_text(len(picks.ids) * settings.price, settings.currency)
    if again:
        say(f"{len(picks.ids):,} questions are open; they may cost {cost}. Nothing new was asked.")
    else:
        what = f"Round {picks.round}: " if facts else "Checked examples: "
        say(f"{what}{len(picks.ids):,} questions, which may cost {cost}.")
    if facts is not None:
        say(
            f"Guaranteed informative-and-correct gain: {facts.value:.4g}, even if the teacher's {facts.wrong:,} "
            f"mistakes fall on the worst of {facts.candidates:,} points (m {facts.teacher_accuracy:.3f}, {facts.right} "
            f"of {facts.total} checked examples right). One more label is worth {facts.waterline:.3g}."
        )
    most = "" if settings.max_cost is None else f" of at most {money_text(settings.max_cost, settings.currency)}"
    spent, reserved = (money_text(amount, settings.currency) for amount in (status.spent, status.reserved))
    say(f"Spent {spent}, reserved {reserved}{most}.")
    say(f"Written to {output}.")
