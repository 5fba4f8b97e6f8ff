"""Everything that `rad show` prints of a study, as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from rad_core.results import sentences
from rad_core.results.needed import check_target, need, targets
from rad_core.results.summary import interval, references, share_interval, teacher_asked
from rad_core.results.verdicts import Results, difference_table, results, worth

if TYPE_CHECKING:
    from rad_core.store.study import Study


def summarize(study: Study, wanted: Sequence[float] | None = None) -> dict[str, Any]:
    """The answer, accuracies, labels needed and comparisons of a study.

    wanted: target accuracies; by default two of those that can be asked for, possibly none.
    """
    info, config = study.info(), study.config
    measured = results(study)
    head = sentences.headline(measured)
    report: dict[str, Any] = {
        "id": info.id,
        "name": info.name,
        "status": info.status,
        "message": info.message,
        "rounds_done": info.rounds_done,
        "rounds_total": info.rounds_total,
        "config": config.to_dict(),
        "worth_it": {"answer": head.worth.answer, "sentence": head.text, "details": head.details, "rule": head.rule},
        "which_rule": sentences.which_rule(measured),
        "references": references(study),
        "asked": None if (counted := teacher_asked(study)) is None else vars(counted),
        "strategies": [],
        "differences": [],
    }
    asked = [check_target(target) for target in wanted or targets(measured).two]
    report["targets"] = {"asked": asked, "none": targets(measured).none_text if not asked else ""}
    if measured.done.empty:
        return report
    added = worth(measured).added
    for strategy in dict.fromkeys(measured.scores["strategy"]):
        report["strategies"].append(
            {
                "strategy": strategy,
                "final": vars(measured.final(strategy)),
                "area": vars(share_interval(measured.by_seed(strategy, "area"))),
                "added": vars(
                    added[strategy].difference if strategy in added else interval(measured.by_seed(strategy, "added"))
                ),
                "teacher_right_share": vars(share_interval(_right_shares(measured, strategy))),
                "labels_needed": {f"{target:g}": _needed(measured, target, strategy) for target in asked},
            }
        )
    for value in ("final", "area"):
        for row in difference_table(measured, measured.ours, value).to_dict("records"):
            report["differences"].append({"value": value, **row})
    report["compared"] = {"rule": measured.ours, "comparisons": max(len(measured.rules) - 1, 0)}
    return report


def _right_shares(measured: Results, strategy: str) -> pd.Series:
    """By seed: the share of a strategy's picks that the teacher labeled right; empty for mixtures."""
    own = measured.done[(measured.done["round"] > 0) & (measured.done["strategy"] == strategy)]
    if "teacher_right_share" not in own:
        return pd.Series(dtype=float)
    return own.groupby("seed")["teacher_right_share"].mean().dropna()


def _needed(measured: Results, target: float, strategy: str) -> dict[str, Any]:
    """The labels needed as plain values; None where a number is not known or beyond what was measured."""
    own = need(measured, target, strategy)
    low, high, labels = (number if math.isfinite(number) else None for number in (own.low, own.high, own.labels))
    shown = own.shown if own.known else None
    return {
        "labels": labels,
        "shown": shown,
        "low": low,
        "high": high,
        "reached": own.reached,
        "seeds": own.seeds,
        "text": own.text,
    }
