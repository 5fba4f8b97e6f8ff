"""What was tried to make it better, and what came of it, as measured by `python -m tests.studies.variations`."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import streamlit as st

from app.results.shipped import assets

# What each changes, in the order of the table; measured for RAD.
CHANGES = {
    "learning from V, rad": "Learn from the validation set, too (an option of studies and campaigns)",
    "spread draw": "Draw so that neighbors are seldom bought together; the guarantee stays",
    "agreement filter, rad": "Drop bought labels that a student contradicts a third into its training",
    "half the mistakes": "Let the adversary have half as many mistakes as estimated",
    "hard labels, rad": "Buy the likeliest class alone instead of probabilities",
    "sampled labels, rad": "Buy one class, drawn by the teacher's probabilities",
}
_PLACES = {"digits-varied": "Digits", "fashion-varied": "Fashion-MNIST, long tail", "cifar10-converged": "CIFAR-10"}


@cache
def measured() -> pd.DataFrame:
    """The differences that ship with the program: a row for each study, variation and measure."""
    return pd.read_csv(assets() / "studies" / "variations.csv")


def table() -> pd.DataFrame:
    """A row per change: its difference over the curve in every setting, and what all settings together say."""
    area = measured()
    area = area[area["measure"] == "area"]
    rows = []
    for name, words in CHANGES.items():
        found = {row["study"]: row for row in area[area["variation"] == name].to_dict("records")}
        outcomes = {row["outcome"] for row in found.values()}
        places = {label: _cell(found[study]) if study in found else "-" for study, label in _PLACES.items()}
        rows.append({"Change": words, **places, "So": _said(outcomes, len(found) == len(_PLACES))})
    return pd.DataFrame(rows)


def _cell(row: dict[Any, Any]) -> str:
    text = f"{row['mean']:+.1f} [{row['low']:+.1f}, {row['high']:+.1f}]"
    return text if row["outcome"] == "tie" else f"**{text}**"


def _said(outcomes: set[str], everywhere: bool) -> str:
    if everywhere and outcomes == {"ahead"}:
        return "better in every setting"
    if everywhere and outcomes == {"behind"}:
        return "worse in every setting"
    if outcomes == {"tie"}:
        return "no difference shown"
    if "ahead" in outcomes:
        return "mixed" if "behind" in outcomes else "better in some settings"
    return "worse in some settings"


def draw() -> None:
    """The tab."""
    area = measured()
    st.table(table(), hide_index=True, border="horizontal")
    st.caption(
        "RAD with one thing changed, minus RAD, over the curve, in percentage points of accuracy: mean and 95% "
        f"interval over {area['seeds'].min()} to {area['seeds'].max()} seeds, paired, all changes of a setting "
        "corrected together (Holm); bold where a difference is shown. The whole table, with uniform and margin, is in "
        "`assets/studies/README.md`."
    )
