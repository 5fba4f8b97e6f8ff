"""What did the next labels buy? Read off measured accuracy curves, paired by seed, never beyond what was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rad_core.errors import InputError
from rad_core.results.summary import Interval, interval


@dataclass(frozen=True)
class Increment:
    """How much accuracy (0 to 1) rose between two numbers of soft labels bought, mean and 95 % t interval over seeds.

    start, end: the numbers of labels, inside the measured range. asked: the end that was asked for; larger than end
    where the study stopped earlier. from_accuracy and to_accuracy: means over the same seeds.
    """

    strategy: str
    start: float
    end: float
    asked: float
    gained: Interval
    from_accuracy: float
    to_accuracy: float

    @property
    def per_label(self) -> Interval:
        """The same for a single label."""
        labels = self.end - self.start
        values = (self.gained.mean / labels, self.gained.low / labels, self.gained.high / labels)
        return Interval(*values, self.gained.n)


def next_labels(table: pd.DataFrame, strategy: str, start: float, labels: float) -> Increment | None:
    """What the next `labels` soft labels bought after the first `start`, or None where nothing was measured there.

    table: as from `Study.rounds_table` (strategy, seed, round, labels, accuracy). Accuracies between rounds are
    interpolated linearly, per seed. A seed counts only if it was measured over the whole range that is answered for.
    """
    if not labels > 0 or not start >= 0:
        raise InputError(f"start is {start} and labels is {labels}; they must be at least 0 and above 0.")
    own = table[table["strategy"] == strategy]
    reached = own.groupby("seed")["labels"].max()
    if reached.empty or reached.max() <= start:
        return None
    end = min(start + labels, float(reached.max()))
    rises, before, after = [], [], []
    for seed, rows in own.sort_values("labels").groupby("seed"):
        if reached[seed] < end or rows["labels"].iloc[0] > start:
            continue
        low, high = np.interp([start, end], rows["labels"].to_numpy(float), rows["accuracy"].to_numpy(float))
        rises.append(high - low)
        before.append(low)
        after.append(high)
    if not rises:
        return None
    return Increment(
        strategy,
        start,
        end,
        start + labels,
        interval(rises),
        math.fsum(before) / len(rises),
        math.fsum(after) / len(rises),
    )
