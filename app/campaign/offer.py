"""What a campaign has for sale now, by whose probabilities. No Streamlit in here.

These come from a student outside and are uploaded, or from a student of ours that is trained when somebody asks for it.
Without either the last round's gains of what is still free can be looked at, and nothing can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from app.campaign import child
from app.results.reading import Pool, TeacherEstimate
from rad_core import partials
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.reading import Scores
from rad_core.campaign.status import Status
from rad_core.selection.api import AccuracyEstimate
from rad_core.selection.gains import GAINS

USUAL, _MOST_USUAL = 0.1, 500  # a first purchase: of what is for sale


@dataclass(frozen=True, eq=False)
class Given:
    """Probabilities that came. name: of their file. digest: of their contents. round: the last one asked before."""

    name: str
    digest: str
    scores: Scores
    round: int


@dataclass(frozen=True, eq=False)
class Offer:
    """What is for sale. gains: (n,) of the free points, rows: (n,) of the pool. key: changes with what is offered.

    words: where the gains come from. stale: they are of the student before the last round, and nothing can be asked by
    them. checked: whether the probabilities hold checked examples.
    """

    gains: np.ndarray
    rows: np.ndarray
    gain: str
    key: str
    words: str
    stale: bool = False
    checked: bool = False
    notes: tuple[str, ...] = ()


def of_scores(campaign: Campaign, given: Given, gain: str, key: str) -> Offer:
    """By probabilities that came. Raises InputError where they are of another pool."""
    sale = campaign.for_sale(given.scores)
    gains = np.asarray(GAINS[gain](given.scores.values[sale.places]))
    words = f"{GAINS[gain].label} of the student in {given.name}"
    notes = (*given.scores.notes, *sale.notes)
    return Offer(gains, sale.rows, gain, f"{key} {given.digest} {gain}", words, checked=sale.checked > 0, notes=notes)


def of_last_round(campaign: Campaign, status: Status, key: str) -> Offer | None:
    """By the gains of the last round, of what is still free. None before the first one, or where nothing is free."""
    last = campaign.last_gains()
    if last is None or not len(last[1]):
        return None
    number, rows, gains = last
    facts = next(each.facts for each in status.rounds if each.number == number)
    gain = "margin" if facts is None else facts.gain
    words = f"{GAINS[gain].label} of the student that chose round {number}, which knows none of its answers"
    return Offer(gains, rows, gain, f"{key} last", words, stale=True)


def pool_of(offer: Offer, estimate: AccuracyEstimate, price: Decimal, currency: str, budget: int, bound: bool) -> Pool:
    """As the instrument sees it. bound: whether the game gets the one-sided lower bound of m."""
    used = estimate.lower_bound if bound else estimate.mean
    return Pool(
        key=offer.key,
        gains=offer.gains.astype(np.float32, copy=False),
        teacher=TeacherEstimate(estimate.mean, estimate.low, estimate.high, used, estimate.total),
        budget=budget,
        price=float(price),
        currency=currency,
    )


def usual_budget(status: Status, size: int, fits: int | None) -> int:
    """The purchase that the page opens with: as large as the last round, within what is for sale and the wall."""
    asked = [each.asked for each in status.rounds if each.facts is not None]
    wish = asked[-1] if asked else min(_MOST_USUAL, int(USUAL * size))
    return max(1, min(wish, size, size if fits is None else fits))


# --- a student of ours ----------------------------------------------------------------------------------------------

_SCORE = """
from rad_core.campaign.campaign import Campaign
scores = Campaign(Path(sys.argv[1])).own_scores()
positions, beliefs = scores.unseen or (np.empty(0, np.int64), np.empty((0, 0), np.float32))
np.savez(sys.argv[2], values=scores.values, positions=positions, beliefs=beliefs)
"""


def train(campaign: Campaign) -> Scores:
    """What the campaign's own student says of the pool in its order, trained in a process of its own.

    And of the checked examples students that did not learn from them.
    """
    with partials.temporary_folder("rad-student") as folder:
        path = folder / "scores.npz"
        child.run(_SCORE, campaign.path, path)
        with np.load(path, allow_pickle=False) as held:
            unseen = (held["positions"], held["beliefs"]) if len(held["positions"]) else None
            return Scores(held["values"], None, unseen=unseen)
