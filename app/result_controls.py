"""What the pages of results share: the target accuracy, and holding still while a study brings in new data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from app import claims, wording
from app.state import View
from rad_core.study import summary
from rad_core.study.record import Study

_BUSY = ("running", "queued")


# --- target accuracy -----------------------------------------------------------------------------------------------


def choose_target(table: pd.DataFrame, key: str) -> float:
    """A slider for the accuracy to reach, in the URL under the key as a percentage; returns a share.

    By default nine tenths of the way from the start to the best mean. Values beyond what was measured can be asked for.
    """
    known = table["accuracy"].dropna()
    low, high = int(np.floor(100 * known.min())), int(np.ceil(100 * known.max()))
    low, high = max(0, min(low, high - 1)), min(100, max(high, low + 1) + 1)
    best = float(summary.curves(claims.competitors(table))["mean"].max())
    default = 100 * next(iter(summary.default_targets(table)[::-1]), best)
    session = st.session_state
    if key in session and not low <= session[key] <= high:  # left over from another study
        del session[key]
    step = 0.5 if high - low <= 15 else 1.0
    value = float(np.clip(round(default / step) * step, low, high))
    return float(st.slider(
        "Accuracy to reach", float(low), float(high), value, step, format="%g%%", key=key, bind="query-params",
        help="How many labels does it take to get there? By default 90% of the way from the student without any "
             "bought label to the best mean accuracy.",
    )) / 100  # fmt: skip


# --- a study that is still running ---------------------------------------------------------------------------------


def hold(view: View, page: str, *, opened: bool) -> View:
    """The view as it was when the page was opened: charts that somebody has zoomed must not be replaced under them.

    opened: whether the visitor has just come to this page, and so sees the newest.
    """
    key = f"{page}_held"
    held = st.session_state.get(key)
    if opened or held is None or held[0] != str(view.study.path):
        held = (str(view.study.path), view.version, view.info.rounds_done)
        st.session_state[key] = held
    return replace(view, version=held[1])


def offer_news(view: View, page: str, *, waiting: bool = False) -> None:
    """A pill that brings in what has been measured since the page was opened; waiting: bring it in without asking."""
    every = 2.0 if view.info.status in _BUSY else None
    st.fragment(_news, run_every=every)(view.study, f"{page}_held", waiting)


def _news(study: Study, key: str, waiting: bool) -> None:
    held = st.session_state.get(key)
    if held is None:
        return
    if waiting:
        fresh = study.version() != held[1]
    else:
        done = study.info().rounds_done - held[2]
        fresh = done != 0 and st.button(
            f"{wording.count(done, 'new round')}: refresh",
            icon=":material/refresh:",
            type="primary",
            key=f"{key}_refresh",
        )
    if fresh:
        del st.session_state[key]
        st.rerun()
