"""`rad verify`: what was promised, made again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from rad_core.commands.common import json_option, print_json, print_table, say, store_option
from rad_core.errors import DamagedError


@click.command()
@click.argument("name", metavar="ID")
@store_option
@json_option
def command(name: str, store: Path | None, as_json: bool) -> None:
    """Make again what a campaign or a study promised: every round's equilibrium and certificate, and its books.

    A campaign keeps the gains of each round exactly; of them follow the cap, the waterline and the guaranteed value,
    and with the seed the very points that were asked for. Its ledger is replayed: nothing asked twice, every cost the
    right one, the wall never crossed.

    A study keeps gains as 16-bit fractions: its guarantees are made again to within budget / 131,070, which is what
    that rounding can change; the mistakes allowed and that no point was bought twice are exact. Ends with exit code 2
    where something does not hold.

    \b
    Examples:
      rad verify reviews
      rad verify digits-20260101-120000
    """
    from rad_core.campaign import catalogue

    root = catalogue.root_of(store)
    if name in catalogue.names(root):
        _verify_campaign(name, root, as_json)
    else:
        _verify_study(name, root, as_json)


def _verify_campaign(name: str, root: Path, as_json: bool) -> None:
    from rad_core.campaign import receipt_words
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.receipt import plain_receipt

    campaign = Campaign.open(name, root)
    _tell_faults(f"Campaign {name}", campaign.verify(), as_json)
    receipt = campaign.receipt()
    if as_json:
        print_json({**plain_receipt(receipt), "faults": []})
        return
    entries = len(campaign.entries())
    say(f"Campaign {name}: {len(receipt.rounds)} rounds and {entries:,} entries of the ledger, all as promised.")
    say(f"{receipt_words.headline(receipt)}.")
    if receipt.rounds:
        print_table("Receipt", receipt_words.COLUMNS, receipt_words.rows(receipt))
    for title, sentence in receipt_words.sentences(receipt).items():
        say(f"{title}: {sentence}")


def _verify_study(name: str, root: Path, as_json: bool) -> None:
    from rad_core.store.catalogue import open_study
    from rad_core.study.verifying import verify_study

    study = open_study(root, name)
    checked = verify_study(study)
    _tell_faults(f"Study {study.id}", checked.faults, as_json)
    if as_json:
        held = {"rounds": checked.rounds, "games": checked.games, "without": checked.without}
        print_json({"id": study.id, **held, "faults": []})
        return
    missing = f"; the gains of {checked.without:,} more are not kept" if checked.without else ""
    say(
        f"Study {study.id}: {checked.rounds:,} rounds, of which {checked.games:,} equilibria were made again, all as "
        f"promised within 16 bits{missing}."
    )


def _tell_faults(what: str, faults: Sequence[str], as_json: bool) -> None:
    """Say each fault, or print them as JSON, and end there. Raises DamagedError where there is one."""
    if as_json and faults:
        print_json({"faults": list(faults)})
    for fault in () if as_json else faults:
        say(fault)
    if faults:
        raise DamagedError(f"{what} does not hold what it promised in {len(faults):,} places.")
