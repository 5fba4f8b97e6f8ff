"""What the pages of results share: the target accuracy, and holding still while a study brings in new data."""

from __future__ import annotations

import streamlit as st

from app.shell import blocks
from app.shell.state import BUSY, View
from rad_core.results.needed import targets
from rad_core.results.verdicts import Results
from rad_core.results.words import count
from rad_core.store.study import Study, StudyInfo

# --- target accuracy -----------------------------------------------------------------------------------------------


def choose_target(measured: Results, key: str) -> float | None:
    """A slider over the accuracies that can be asked for, in the URL under the key as a percentage; returns a share.

    None, and the reason on the page, where there are none.
    """
    options = targets(measured)
    if not options.offered:
        if len(measured.done):
            st.caption(options.none_text)
        return None
    if len(options.offered) == 1:
        return options.offered[0]
    ends = (options.offered[0], options.offered[-1], options.default or 0.0)
    low, high, default = (round(100 * target, 2) for target in ends)
    step = round(100 * (options.offered[1] - options.offered[0]), 2)
    session = st.session_state
    if key in session and not low <= session[key] <= high:  # left over from another study
        del session[key]
    percent: float = st.slider(
        "Accuracy to reach",
        low,
        high,
        default,
        step,
        format="%g%%",
        key=key,
        bind="query-params",
        help="How many labels does it take to get there? Offered is what lies above the student without any bought "
        "label, in every repetition, and what the mean of a rule reaches.",
    )
    return round(percent / 100, 6)


# --- a study that is still running ---------------------------------------------------------------------------------


def hold(view: View, page: str, *, opened: bool) -> View:
    """The view as it was when the page was opened: charts that somebody has zoomed must not be replaced under them.

    All of the page is of that one moment, also what is read only now. opened: whether the visitor has just come to this
    page, and so sees the newest.
    """
    key = f"{page}_held"
    held: View | None = st.session_state.get(key)
    if opened or held is None or not _same(held.info, view.info) or held.study.path != view.study.path:
        st.session_state[key] = held = view
    return held


def _same(one: StudyInfo, other: StudyInfo) -> bool:
    """Whether both tell of one study: another may have been made in its place, under its id."""
    return (one.id, one.created) == (other.id, other.created)


def offer_news(view: View, page: str, *, waiting: bool = False) -> None:
    """A pill that brings in what has been measured since the page was opened; waiting: bring it in without asking."""
    every = 2.0 if view.info.status in BUSY else None
    st.fragment(_news, run_every=every)(f"{page}_held", waiting)


def _news(key: str, waiting: bool) -> None:
    held: View | None = st.session_state.get(key)
    if held is None:
        return
    with blocks.spoken_errors():
        study = Study(held.study.path)
        info = study.info()
        if waiting or not _same(held.info, info):
            fresh = study.moment() != held.study.moment()
        else:
            done = info.rounds_done - held.info.rounds_done
            fresh = done != 0 and st.button(
                f"{count(done, 'new round')}: refresh",
                icon=":material/refresh:",
                type="primary",
                key=f"{key}_refresh",
            )
        if fresh:
            del st.session_state[key]
            st.rerun()
