"""`rad verify`: what was promised, made again."""

from __future__ import annotations

from pathlib import Path

import click

from rad_core.commands.common import say, store_option
from rad_core.errors import DamagedError, InputError


@click.command()
@click.argument("name", metavar="ID")
@store_option
def command(name: str, store: Path | None) -> None:
    """Make again what a campaign promised: every round's equilibrium, certificate and draw, and every cost.

    The gains of each round are kept; of them follow the cap, the waterline and the guaranteed value, and with the seed
    the very points that were asked for. The ledger is replayed: nothing asked twice, every cost the right one, the wall
    never crossed. Ends with exit code 2 where something does not hold.

    \b
    Example:
      rad verify reviews
    """
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.catalogue import root_of
    from rad_core.store.catalogue import study_ids

    if name in study_ids(root_of(store)):
        raise InputError(
            f"{name} is a study; campaigns alone keep their gains exactly, of which all else is made again."
        )
    campaign = Campaign.open(name, store)
    faults = campaign.verify()
    for fault in faults:
        say(fault)
    if faults:
        raise DamagedError(f"Campaign {name} does not hold what it promised in {len(faults):,} places.")
    status = campaign.status()
    rounds = sum(each.number > 0 for each in status.rounds)
    say(f"Campaign {name}: {rounds} rounds and {len(campaign.entries()):,} entries of the ledger, all as promised.")
