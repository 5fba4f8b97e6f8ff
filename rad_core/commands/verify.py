"""`rad verify`: what was promised, made again."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import say, store_option
from rad_core.errors import DamagedError


@click.command()
@click.argument("name", metavar="ID")
@store_option
def command(name: str, store: Path | None) -> None:
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
        _verify_campaign(name, root)
    else:
        _verify_study(name, root)


def _verify_campaign(name: str, root: Path) -> None:
    from rad_core.campaign.campaign import Campaign

    campaign = Campaign.open(name, root)
    _say_faults(f"Campaign {name}", campaign.verify())
    status = campaign.status()
    rounds = sum(each.number > 0 for each in status.rounds)
    say(f"Campaign {name}: {rounds} rounds and {len(campaign.entries()):,} entries of the ledger, all as promised.")


def _verify_study(name: str, root: Path) -> None:
    from rad_core.store.catalogue import open_study
    from rad_core.study.verifying import verify_study

    study = open_study(root, name)
    checked = verify_study(study)
    _say_faults(f"Study {study.id}", checked.faults)
    missing = f"; the gains of {checked.without:,} more are not kept" if checked.without else ""
    say(
        f"Study {study.id}: {checked.rounds:,} rounds, of which {checked.games:,} equilibria were made again, all as "
        f"promised within 16 bits{missing}."
    )


def _say_faults(what: str, faults: list[str] | tuple[str, ...]) -> None:
    for fault in faults:
        say(fault)
    if faults:
        raise DamagedError(f"{what} does not hold what it promised in {len(faults):,} places.")
