"""What a campaign has for sale now, by whose probabilities. No Streamlit in here.

These come from a student outside and are uploaded, or from a student of ours that is trained when somebody asks for it.
Without either the last round's gains of what is still free can be looked at, and nothing can be asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from zipfile import BadZipFile

import numpy as np

from app.campaign import child
from app.results.reading import Pool, TeacherEstimate
from rad_core import files, partials
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.reading import Scores
from rad_core.campaign.status import Status
from rad_core.errors import InputError
from rad_core.selection.api import AccuracyEstimate
from rad_core.selection.gains import GAINS

USUAL, _MOST_USUAL = 0.1, 500  # a first purchase: of what is for sale


KEPT = "student.npz"  # in the campaign's folder


@dataclass(frozen=True, eq=False)
class Given:
    """Probabilities that came, kept with the campaign. words: whose they are. round: the last one asked before.

    digest: another one for other probabilities.
    """

    words: str
    scores: Scores
    round: int
    digest: str


# --- probabilities that came ----------------------------------------------------------------------------------------


def keep(campaign: Campaign, words: str, scores: Scores) -> None:
    """Keep what came with the campaign: a reload, another tab and another visitor go on with it."""
    arrays: dict[str, np.ndarray] = {"values": scores.values}
    if scores.ids is not None:
        arrays["ids"] = np.array(scores.ids)
    if scores.unseen is not None:
        arrays["positions"], arrays["beliefs"] = scores.unseen
    round_ = max((each.number for each in campaign.status().rounds), default=0)
    about = {"words": words, "round": round_, "notes": scores.notes, "escaped": scores.escaped}
    with files.writing(campaign.path), partials.beside(campaign.path / KEPT) as file:
        np.savez(file, about=np.array(json.dumps(about)), allow_pickle=False, **arrays)


def moment(campaign: Campaign) -> str:
    """Another text whenever other probabilities are kept; "" where there are none."""
    try:
        about = (campaign.path / KEPT).stat()
    except FileNotFoundError:
        return ""
    return f"{about.st_mtime_ns} {about.st_ino}"


def given(campaign: Campaign) -> Given | None:
    """The probabilities that are kept; None where there are none. Raises InputError where they cannot be read."""
    digest = moment(campaign)
    try:
        with np.load(campaign.path / KEPT, allow_pickle=False) as held:
            about = json.loads(str(held["about"]))
            ids = [str(name) for name in held["ids"]] if "ids" in held else None
            unseen = (held["positions"], held["beliefs"]) if "positions" in held else None
            scores = Scores(held["values"], ids, tuple(about["notes"]), about["escaped"], unseen)
        return Given(about["words"], scores, about["round"], digest)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(
            f"The student's probabilities that are kept cannot be read ({error}); give new ones."
        ) from error


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
    words = f"{GAINS[gain].label} of {given.words}"
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


def train(campaign: Campaign) -> None:
    """Keep what the campaign's own student says of the pool in its order, trained in a process of its own.

    And of the checked examples students that did not learn from them.
    """
    with partials.temporary_folder("rad-student") as folder:
        path = folder / "scores.npz"
        child.run(_SCORE, campaign.path, path)
        with np.load(path, allow_pickle=False) as held:
            unseen = (held["positions"], held["beliefs"]) if len(held["positions"]) else None
            scores = Scores(held["values"], None, unseen=unseen)
    keep(campaign, f"the {campaign.settings.student} student of ours", scores)
