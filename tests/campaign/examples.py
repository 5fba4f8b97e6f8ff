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


def probabilities(rows: int, seed: int = 0) -> np.ndarray:
    """(rows, 3) of a student that is sure of some points and unsure of others."""
    return np.random.default_rng(seed).dirichlet([0.6, 0.6, 0.6], rows)
