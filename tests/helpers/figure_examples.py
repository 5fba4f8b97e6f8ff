"""Made-up but realistic inputs, and every chart drawn from them: shared by the tests of the figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from app.figures import (
    Chart,
    accuracy_by_decile,
    accuracy_curves,
    calibration_chart,
    class_heatmap,
    guarantee_by_accuracy,
    label_efficiency_chart,
    overlap_heatmap,
    paired_difference_chart,
    round_delta_chart,
    settings_chart,
    small_game_chart,
    tradeoff_chart,
)
from app.findings.foresight import atlas
from app.palette import STRATEGY_STYLES
from rad_core import solve_game
from rad_core.results.verdicts import Results, difference_table
from rad_core.selection.foresight import foresee

CLASSES = ("plane", "car", "<script>", "cat")


def make_pool(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gains, whether the teacher is right (less often where the gain is high), its probability of the true class."""
    rng = np.random.default_rng(seed)
    gains = rng.beta(0.7, 1.6, n).astype(np.float32)
    right = rng.random(n) < 0.98 - 0.45 * gains
    return gains, right, np.where(right, 1 - 0.3 * rng.random(n), 0.4 * rng.random(n))


def make_picks(n: int, budget: int, seeds: int = 3) -> pd.DataFrame:
    parts = []
    for seed in range(seeds):
        gains, right, _ = make_pool(n, seed)
        rng = np.random.default_rng(seed + 100)
        for i, strategy in enumerate(STRATEGY_STYLES):
            points = np.argsort(-(gains + 0.2 * i * rng.normal(size=n)))[:budget]
            known = np.full(budget, np.nan) if strategy == "unixkd" else right[points].astype(float)
            parts.append(
                pd.DataFrame(
                    {"strategy": strategy, "seed": seed, "point": points, "gain": gains[points], "right": known}
                )
            )
    return pd.concat(parts, ignore_index=True)


def make_rounds(seeds: int = 3, rounds: int = 5, budget: int = 500) -> pd.DataFrame:
    rng, rows = np.random.default_rng(1), []
    for seed in range(seeds):
        start = 0.55 + 0.01 * rng.normal()
        for i, strategy in enumerate(STRATEGY_STYLES):
            for number in range(rounds + 1):
                noise = 0.005 * rng.normal() if number else 0.0
                accuracy = start + (0.33 - 0.01 * i) * (1 - np.exp(-number / 2)) + noise
                rows.append((strategy, seed, number, number * budget, accuracy, 10.0 * number))
    return pd.DataFrame(rows, columns=["strategy", "seed", "round", "labels", "accuracy", "seconds"])


def charts(n: int = 1000, budget: int = 100) -> dict[str, Callable[..., Chart]]:
    """Every chart by name, as a function of the theme (and of nothing else)."""
    gains, right, confidence = make_pool(n)
    picks, rounds = make_picks(n, budget), make_rounds()
    small = np.array([0.95, 0.8, 0.55, 0.5, 0.3, 0.05])
    strategies = list(STRATEGY_STYLES)
    rules = len(strategies)
    common = pd.DataFrame(np.linspace(0, 1, rules * rules).reshape(rules, rules), strategies, strategies)
    measured = Results(rounds, tuple(STRATEGY_STYLES), 5)
    drawn: dict[str, Callable[..., Chart]] = {
        "small game": lambda **o: small_game_chart(small, solve_game(small, 2, wrong=1), **o),
        "guarantee by accuracy": lambda **o: guarantee_by_accuracy(
            gains, budget, measured=0.88, interval=(0.85, 0.9), **o
        ),
        "settings": lambda **o: settings_chart(atlas(), foresee(gains, gains, right, budget), **o),
        "trade-off": lambda **o: tradeoff_chart(gains, right, picks, **o),
        "trade-off, density": lambda **o: tradeoff_chart(gains, right, picks, confidence=confidence, **o),
        "accuracy by decile": lambda **o: accuracy_by_decile(gains, right, **o),
        "calibration": lambda **o: calibration_chart(confidence, right, fitted=([0, 1], [0.1, 0.9]), **o),
        "overlap": lambda **o: overlap_heatmap(common, **o),
        "classes": lambda **o: class_heatmap(np.linspace(0, 1, 4 * rules).reshape(rules, 4), strategies, CLASSES, **o),
        "picks in 100 classes": lambda **o: class_heatmap(
            np.arange(100 * rules).reshape(rules, 100) % 17,
            strategies,
            [f"class {i}" for i in range(100)],
            kind="picks",
            **o,
        ),
        "label efficiency": lambda **o: label_efficiency_chart(measured, 0.8, **o),
        "paired differences": lambda **o: paired_difference_chart(difference_table(measured), **o),
        "round by round": lambda **o: round_delta_chart(rounds, **o),
    }
    for x in ("labels", "round", "seconds"):
        drawn[f"curves by {x}"] = _curves(rounds, x)
    return drawn


def _curves(rounds: pd.DataFrame, x: Any) -> Callable[..., Chart]:
    references = {"teacher": 0.9, "student_full": 0.87, "student_labeled": 0.55}
    return lambda **o: accuracy_curves(rounds, x, references=references, target=0.8, seeds=True, **o)
