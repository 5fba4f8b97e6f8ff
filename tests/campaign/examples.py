"""Small campaigns for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rad_core import Campaign

CLASSES = ["bad", "fair", "good"]
CHECKED = [(f"c{at}", CLASSES[at % 3], CLASSES[at % 3] if at % 5 else CLASSES[(at + 1) % 3]) for at in range(30)]


def make(store: Path, pool: object = 40, **changes: object) -> Campaign:
    """A campaign of three classes; the teacher was right on 24 of 30 checked examples."""
    values: dict = {
        "pool": [f"p{at}" for at in range(pool)] if isinstance(pool, int) else pool,
        "classes": CLASSES,
        "labeled": [("l0", "bad"), ("l1", "good")],
        "checked": CHECKED,
        "price": "0.1",
        "currency": "EUR",
        **changes,
    }
    return Campaign.create("reviews", store=store, **values)


def make_full(store: Path) -> Campaign:
    """One with features, soft answers, estimates, measured accuracies, a person's correction and open questions."""
    rng = np.random.default_rng(0)
    sure = np.linspace(0.45, 0.98, 60)
    checked = {
        "id": [f"c{at}" for at in range(60)],
        "label": ["bad" if at < 12 else "good" for at in range(60)],
        "features": rng.normal(size=(60, 5)),
        "teacher_bad": (1 - sure) / 2,
        "teacher_fair": (1 - sure) / 2,
        "teacher_good": sure,
    }
    pool = {"id": [f"p{at}" for at in range(200)], "features": rng.normal(size=(200, 5))}
    labeled = {"id": ["l0", "l1", "l2"], "label": CLASSES, "features": rng.normal(size=(3, 5))}
    campaign = make(store, pool=pool, checked=checked, labeled=labeled, max_cost="20", student="linear")
    ids = [*pool["id"], *checked["id"]]
    for number in range(3):
        campaign.score(0.6 + 0.1 * number, total=200)
        picks = campaign.ask(probabilities(260, number), 30, ids=ids, checked_unseen=True)
        told = 30 if number < 2 else 20
        campaign.tell(picks.ids[:told], probabilities(told, number))
    campaign.tell(picks.ids[told : told + 1], [None])
    campaign.withdraw(picks.ids[-2:])
    campaign.correct(picks.ids[:1], ["fair"], source="person")
    return campaign


def probabilities(rows: int, seed: int = 0) -> np.ndarray:
    """(rows, 3) of a student that is sure of some points and unsure of others."""
    return np.random.default_rng(seed).dirichlet([0.6, 0.6, 0.6], rows)
