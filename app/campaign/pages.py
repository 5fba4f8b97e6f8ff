"""The pages of a campaign, in the place of a study's."""

from __future__ import annotations

from collections.abc import Callable

from app.campaign import curves, explore, places, tradeoff
from app.findings.words import literal
from app.shell import blocks, campaigns, purchase
from app.shell.campaigns import Standing


def draw(page: str, name: str) -> None:
    """Draw a page, by its address, of the campaign of this name. Raises InputError where it cannot be read."""
    bodies: dict[str, Callable[[Standing], None]] = {
        "": explore.page,
        "tradeoff": tradeoff.page,
        "map": places.page,
        "curves": curves.page,
        "present": _present,
    }
    standing = campaigns.standing(name)
    own = explore.owned(standing)
    purchase.current(own)
    bodies[page](standing)
    purchase.keep_in_address(own)


def _present(standing: Standing) -> None:
    blocks.header("Present", "How do I tell this?")
    blocks.empty(
        "A campaign is not presented yet",
        f"The stage compares rules on a pool whose truth is known. What {literal(standing.name)} has bought, what it "
        "cost and what it did to accuracy stand on Explore, Curves and Trade-off; their charts and tables can be "
        "downloaded.",
        ":material/slideshow:",
    )
