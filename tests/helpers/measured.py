"""Small studies whose results are known by hand, for the tests of verdicts, labels needed and advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from rad_core.results.verdicts import Results

START = 0.5
FINALS = (0.70, 0.71, 0.69, 0.72, 0.68)  # final accuracies of RAD, one per seed


def table(finals: Mapping[str, Sequence[float]], rounds: int = 2, budget: int = 50) -> pd.DataFrame:
    """Straight curves from START to a final accuracy for every seed."""
    rows = [
        (strategy, seed, round, float(round * budget), START + (last - START) * round / rounds, 0.8)
        for strategy, lasts in finals.items()
        for seed, last in enumerate(lasts)
        for round in range(rounds + 1)
    ]
    return pd.DataFrame(rows, columns=["strategy", "seed", "round", "labels", "accuracy", "teacher_right_share"])


def straight(finals: Mapping[str, Sequence[float]], rounds: int = 2, budget: int = 50) -> Results:
    """The study of these straight curves."""
    return Results(table(finals, rounds, budget), tuple(finals), rounds)


def bent(curves: Mapping[str, Sequence[Sequence[float]]], step: int = 10) -> Results:
    """A study of these accuracies by strategy, seed and round, with `step` labels bought in each round."""
    rows = [
        (strategy, seed, round, float(step * round), accuracy)
        for strategy, seeds in curves.items()
        for seed, values in enumerate(seeds)
        for round, accuracy in enumerate(values)
    ]
    frame = pd.DataFrame(rows, columns=["strategy", "seed", "round", "labels", "accuracy"])
    return Results(frame, tuple(curves), int(frame["round"].max()))


def shifted(by: float, noise: float = 0.002) -> list[float]:
    """RAD's finals moved by about the same amount in every seed."""
    return [value + by + noise * sign for value, sign in zip(FINALS, (1, -1, 0, 1, -1), strict=True)]
