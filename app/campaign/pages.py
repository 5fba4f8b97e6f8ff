"""The pages of a campaign, in the place of a study's."""

from __future__ import annotations

from collections.abc import Callable

from app.campaign import curves, explore, places, receipt, tradeoff
from app.shell import campaigns, purchase
from app.shell.campaigns import Standing


def draw(page: str, name: str) -> None:
    """Draw a page, by its address, of the campaign of this name. Raises InputError where it cannot be read."""
    bodies: dict[str, Callable[[Standing], None]] = {
        "": explore.page,
        "tradeoff": tradeoff.page,
        "map": places.page,
        "curves": curves.page,
        "present": receipt.page,
    }
    standing = campaigns.standing(name)
    own = explore.owned(standing)
    purchase.current(own)
    bodies[page](standing)
    purchase.keep_in_address(own)
