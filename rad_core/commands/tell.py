"""`rad tell`: answers that came back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rad_core.commands.common import json_option, notes_said, print_json, say, store_option


@click.command()
@click.argument("name", metavar="NAME")
@click.argument("answers", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--source", default="teacher", show_default=True, help="Who answered: teacher or person.")
@click.option("--correct", is_flag=True, help="Other answers than before are meant: they take the place of those.")
@store_option
@json_option
def command(name: str, answers: Path, source: str, correct: bool, store: Path | None, as_json: bool) -> None:
    """Enter answers in the ledger; they are on disk when the command ends. All of a file count, or none of it.

    FILE: .csv, .tsv, .parquet or .jsonl with id and one column per class, or with id and label; an empty label is an
    abstention. Or the .json export of Label Studio or Argilla. A part of the answers may come, and the same one again.
    A person's answer is what the student learns, whatever the teacher says, and is never counted into m.

    \b
    Examples:
      rad tell reviews answers.csv
      rad tell reviews answers.csv --correct
      rad tell reviews checked-by-experts.csv --source person
      rad tell reviews project-7-export.json
    """
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.money import money_text, plain

    campaign = Campaign.open(name, store)
    with notes_said() as notes:
        told = campaign.tell(str(answers), source=source, correct=correct)
    status = campaign.status()
    if as_json:
        money = {"spent": plain(status.spent), "reserved": plain(status.reserved), "open": status.open}
        print_json({**asdict(told), **money, "notes": notes})
        return
    more = [
        f"{count:,} {words}"
        for count, words in (
            (told.again, "told before"),
            (told.corrected, "corrected"),
            (told.abstained, "abstentions"),
        )
        if count
    ]
    say(f"{told.new:,} new answers{''.join(f', {part}' for part in more)}; {status.open:,} questions are open.")
    if told.new and told.abstained == told.new + told.corrected:
        say("All of these answers are abstentions: the student learns nothing of them.", err=True)
    say(f"Spent {money_text(status.spent, status.currency)}, reserved {money_text(status.reserved, status.currency)}.")
