"""`rad score`: a point of the curve."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import notes_said, say, store_option

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--accuracy", type=float, help="The student's accuracy as you measured it, 0 to 1.")
@click.option("--total", type=int, help="With --accuracy: on how many test examples.")
@click.option("--probs-test", type=_FILE, help="Or the student's probabilities on test examples: id, classes.")
@click.option("--labels-test", type=_FILE, help="And their labels: id, label.")
@store_option
def command(
    name: str,
    accuracy: float | None,
    total: int | None,
    probs_test: Path | None,
    labels_test: Path | None,
    store: Path | None,
) -> None:
    """Keep the accuracy that the student reached with what was bought so far: a point of the campaign's curve.

    \b
    Examples:
      rad score reviews --accuracy 0.83 --total 1000
      rad score reviews --probs-test test-probs.csv --labels-test test-labels.csv
    """
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.money import money_text

    campaign = Campaign.open(name, store)
    probabilities, labels = (None if path is None else str(path) for path in (probs_test, labels_test))
    with notes_said():
        score = campaign.score(accuracy, total=total, probabilities=probabilities, labels=labels)
    tested = "" if score.total is None else f" on {score.total:,} test examples"
    cost = money_text(score.cost, campaign.settings.currency)
    say(f"Accuracy {score.accuracy:.3f}{tested} after {score.labels:,} answers for {cost}.")
