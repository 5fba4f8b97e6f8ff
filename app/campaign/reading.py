"""What the pages read of a campaign's ledger, as arrays and tables; nothing of it is a true label of the pool.

No Streamlit in here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.findings.calibration import Calibration, calibrate
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.contents import Content, likeliest, vector
from rad_core.campaign.ledger import ANSWERS, Account
from rad_core.campaign.scoring import interval_of
from rad_core.campaign.status import Status

STATES = ("free", "asked", "answered", "abstained", "withdrawn")
_RESAMPLES = 500
FEWEST = 5  # right and wrong soft answers to checked examples from which a chance of being right is read


# --- points ----------------------------------------------------------------------------------------------------------


def state_of(account: Account) -> str:
    """One of STATES: withdrawn is free again, but was asked about once."""
    return "withdrawn" if account.withdrawn and account.state == "free" else account.state


@dataclass(frozen=True, eq=False)
class Sample:
    """Points of a pool that are drawn: rows (n,) of the pool, ascending, their states, rounds (0: never asked), (n,).

    of: how many points the pool has. Every point that the ledger names is there, up to `most`, then free ones.
    """

    rows: np.ndarray
    states: np.ndarray
    rounds: np.ndarray
    of: int


def sample(campaign: Campaign, size: int, most: int) -> Sample:
    """At most so many points of a pool of `size`: first those that the ledger names, then free ones, evenly spread."""
    accounts = campaign.accounts()
    named = np.array(sorted(accounts), np.int64)
    if len(named) > most:
        named = named[np.linspace(0, len(named) - 1, most).round().astype(np.int64)]
    room = most - len(named)
    others = np.arange(size) if size <= most else np.linspace(0, size - 1, room).round().astype(np.int64)
    rows = np.union1d(named, others)
    rows = rows if len(rows) <= most or size <= most else np.union1d(named, others[:room])
    return of_rows(campaign, rows, size, accounts)


def of_rows(campaign: Campaign, rows: np.ndarray, size: int, accounts: dict[int, Account] | None = None) -> Sample:
    """These rows (n,) of a pool of `size`, as they stand. accounts: as the campaign has them, where they are read."""
    accounts = campaign.accounts() if accounts is None else accounts
    held = [accounts.get(row) for row in rows.tolist()]
    return Sample(
        rows,
        np.array(["free" if account is None else state_of(account) for account in held]),
        np.array([0 if account is None else account.round for account in held], np.int64),
        size,
    )


# --- answers ---------------------------------------------------------------------------------------------------------


def bought(campaign: Campaign) -> pd.DataFrame:
    """A row for each answered point: position, round, gain when it was asked for, answer, confidence of the teacher.

    confidence is NaN where the teacher gave a class alone.
    """
    rows = []
    for position, account in campaign.accounts().items():
        content = account.answers.get("teacher")
        if content is None or content.abstains or account.question is None:
            continue
        gain = np.nan if account.question.gain is None else account.question.gain
        answer = campaign.classes[likeliest(content, len(campaign.classes)) or 0]
        rows.append((position, account.round, gain, answer, _confidence(content, len(campaign.classes))))
    return pd.DataFrame(rows, columns=["position", "round", "gain", "answer", "confidence"])


def _confidence(content: Content, classes: int) -> float:
    return float(vector(content, classes).max()) if content.soft is not None else np.nan


def checked(campaign: Campaign) -> tuple[np.ndarray, np.ndarray]:
    """Of the checked examples with a soft answer: the teacher's confidence (V,), and whether it is right (V,)."""
    found: dict[int, tuple[float, bool]] = {}
    for _, entry, point in campaign.entries(kinds=ANSWERS):
        if point.part != "checked" or entry.source != "teacher":
            continue
        found.pop(point.position, None)
        content = Content(entry.label, entry.soft)
        if content.soft is not None:
            right = likeliest(content, len(campaign.classes)) == point.label
            found[point.position] = (_confidence(content, len(campaign.classes)), right)
    pairs = list(found.values())
    return np.array([each[0] for each in pairs]), np.array([each[1] for each in pairs], bool)


# --- estimates -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Chance:
    """How likely the teacher is right by its own confidence: an isotonic fit on V checked examples with soft answers.

    share: of the bought points that it is right on, in the mean; low, high: its 95 % interval by bootstrap.
    """

    fitted: Calibration
    share: float
    low: float
    high: float
    examples: int


def chance(campaign: Campaign, table: pd.DataFrame) -> Chance | None:
    """The estimate per bought point. None where answers are classes alone, or too few checked examples are soft."""
    confidence, right = checked(campaign)
    wanted = table["confidence"].dropna().to_numpy()
    if min(right.sum(), (~right).sum()) < FEWEST or not len(wanted):
        return None
    fitted = calibrate(confidence, right)
    rng = np.random.default_rng(0)  # the same interval whenever it is looked at
    shares = []
    for _ in range(_RESAMPLES):
        drawn = rng.integers(len(right), size=len(right))
        shares.append(calibrate(confidence[drawn], right[drawn])(wanted).mean())
    low, high = np.quantile(shares, [0.025, 0.975])
    return Chance(fitted, float(fitted(wanted).mean()), float(low), float(high), len(right))


def estimates(status: Status) -> pd.DataFrame:
    """m, and of each round how often the teacher is right among its picks: about, share, low, high, examples.

    examples: behind an estimate, effectively: as many equally weighted ones.
    """
    rows: list[tuple[str, float, float, float, float]] = []
    m = status.accuracy
    if m is not None:
        rows.append(("All checked", m.mean, m.low, m.high, float(m.total)))
    for each in status.rounds:
        if each.right is not None:
            right = each.right
            rows.append((f"Round {each.number}", right.share, right.low, right.high, right.effective))
    return pd.DataFrame(rows, columns=["about", "share", "low", "high", "examples"])


# --- measured --------------------------------------------------------------------------------------------------------


def scores(status: Status) -> pd.DataFrame:
    """Measured accuracies in order: round, labels, cost, accuracy, low, high, total.

    low, high: Clopper-Pearson, over the test examples; NaN where nobody said on how many.
    """
    rows = []
    for each in status.scores:
        low = high = np.nan
        if each.total:
            interval = interval_of(each.accuracy, each.total)
            low, high = interval.low, interval.high
        rows.append((each.round, each.labels, float(each.cost), each.accuracy, low, high, each.total))
    columns = ["round", "labels", "cost", "accuracy", "low", "high", "total"]
    return pd.DataFrame(rows, columns=columns).sort_values(["labels", "cost"], kind="stable", ignore_index=True)
