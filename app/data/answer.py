"""What somebody's own scores say: what was read, what to buy, the picks as a list, in the lab, on the map."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.data.choice import (
    Choice,
    Scores,
    Wish,
    choose_rows,
    command_line,
    gains_of,
    heavy,
    pool_of,
    put_together,
    remarks,
)
from app.data.files import Given
from app.data.map import draw_map
from app.explore import lab
from app.findings.words import literal, number
from app.palette import strategy_order
from app.shell import blocks, state
from rad_core.inputs.writing import table_bytes
from rad_core.results.words import percent
from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import USABLE

# The words stand in the address, too.
PICKS, LAB, MAP = VIEWS = ("Picks", "Budget lab", "Map")
MOST_ROWS = 1000  # of the table on the page; the downloads hold them all
ACCURACY = {"mean": "Measured", "bound": "Lower bound", "typed": "Typed"}


def draw(given: dict[str, Given]) -> None:
    """Everything below the files."""
    key = tuple((role, part.digest) for role, part in given.items())
    scores = state.kept("scores", key, lambda: put_together(given))
    _what_was_read(scores)
    wish = _wish(scores)
    choice = _choice(scores, wish)
    view = st.segmented_control(
        "Show",
        VIEWS,
        default=PICKS,
        key="scores_show",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )
    if view == LAB:
        gains = state.kept("scores-gains", (scores.key, wish.gain), lambda: gains_of(scores, wish.gain))
        st.caption("What if? Nothing that is moved here changes the picks.")
        lab.draw(pool_of(scores, gains, wish), "lab", gain_name=wish.gain)
    elif choice is None:
        _ask_for_it(wish)
    elif view == MAP:
        draw_map(scores, wish, choice)
    else:
        _picks(scores, wish, choice)


# --- what was read ------------------------------------------------------------------------------------------------


def _what_was_read(scores: Scores) -> None:
    row = st.container(horizontal=True, gap="large")
    row.metric("Points to choose from", f"{scores.size:,}", width="content")
    row.metric("Classes", f"{scores.classes:,}", width="content")
    estimate = scores.estimate
    if estimate is not None:
        row.metric(
            "Teacher right",
            percent(estimate.mean),
            f"95 % interval {percent(estimate.low)} to {percent(estimate.high)}",
            delta_color="off",
            delta_arrow="off",
            width="content",
            help=f"On {estimate.right:,} of {estimate.total:,} validation points; "
            "exact binomial interval (Clopper-Pearson).",
        )
    labels = scores.classes_of_rows
    if labels is not None:
        right = state.kept("scores-right", scores.key, lambda: float((scores.values.argmax(1) == labels).mean()))
        row.metric("Student right", percent(right), width="content", help="On the whole pool, by your true labels.")
    ids = literal(scores.probabilities.table.naming)
    features = "" if scores.features is None else f" · {scores.features.table.values.shape[1]:,} features per point"
    st.caption(f"Rows sum to 1 · no missing numbers · {ids}{features}")
    if scores.notes:
        st.caption("What was done to the data:\n" + "\n".join(f"- {literal(note)}" for note in scores.notes))
    for remark in state.kept("scores-remarks", scores.key, lambda: remarks(scores)):
        st.warning(remark, icon=":material/warning:")


# --- what to buy --------------------------------------------------------------------------------------------------


def _wish(scores: Scores) -> Wish:
    with st.container(border=True):
        budget, gain, strategy, seed = st.columns([0.26, 0.26, 0.26, 0.22])
        with budget:
            labels = _budget(scores.size)
        chosen_gain = gain.selectbox(
            "Informativeness",
            list(GAINS),
            format_func=lambda name: GAINS[name].label,
            key="scores_gain",
            bind="query-params",
            help="How unsure the student is: by its two likeliest classes, by all, or by its favorite alone.",
        )
        chosen_strategy = strategy.selectbox(
            "Strategy",
            strategy_order(USABLE),
            format_func=blocks.short_label,
            key="scores_strategy",
            bind="query-params",
            help="RAD is the one with a guarantee; the page Method describes the others.",
        )
        chosen_seed = seed.number_input(
            "Seed of the draw",
            0,
            2**31 - 1,
            0,
            key="scores_seed",
            bind="query-params",
            help="The same seed draws the same rows again.",
        )
        accuracy, lower_bound = _accuracy(scores)
    return Wish(labels, chosen_strategy, chosen_gain, int(chosen_seed), accuracy, lower_bound)


def _budget(size: int) -> int:
    if st.session_state.get("scores_b", 1) > size:
        st.session_state["scores_b"] = size
    start = max(1, min(500, size // 10))
    return int(
        st.number_input(
            "Labels to buy",
            1,
            size,
            start,
            key="scores_b",
            bind="query-params",
            help="Every pick is one label that the teacher is asked for.",
        )
    )


def _accuracy(scores: Scores) -> tuple[float | None, bool]:
    """The typed accuracy, or None for the measured one; whether its lower bound is to be used."""
    estimate = scores.estimate
    if estimate is None:
        return _typed(st, "No flags were given, so say how often the teacher is right."), False
    left, right = st.columns([0.45, 0.55], vertical_alignment="bottom")
    use = left.segmented_control(
        "How often the teacher is right",
        list(ACCURACY),
        default="mean",
        format_func=ACCURACY.__getitem__,
        key="scores_use",
        bind="query-params",
        required=True,
        help="Measured: the share of validation points. Lower bound: what it is at least, with 95 % confidence; more "
        "cautious. Typed: what if it were another.",
    )
    if use == "typed":
        return _typed(right, "A what-if: not what was measured."), False
    value = estimate.lower_bound if use == "bound" else estimate.mean
    right.caption(f"Used: {percent(value)}, from {estimate.total:,} validation points.")
    return None, use == "bound"


def _typed(place: Any, help_: str) -> float:
    typed = place.slider(
        "How often the teacher is right",
        0.0,
        100.0,
        80.0,
        0.5,
        format="%.1f%%",
        key="scores_m",
        bind="query-params",
        help=help_,
    )
    return round(float(typed) / 100, 6)


def _choice(scores: Scores, wish: Wish) -> Choice | None:
    """The picks; None where working them out takes long and nobody has asked for it yet."""
    key = st.session_state["scores-question"] = (scores.key, wish)
    if heavy(scores, wish) and st.session_state.get("scores-asked") != key:
        return None
    with st.spinner("Choosing ...", show_time=True):
        return state.kept("scores-choice", key, lambda: choose_rows(scores, wish))


def _ask_for_it(wish: Wish) -> None:
    st.info(
        f"{blocks.short_label(wish.strategy)} compares many pairs of points: that may take minutes.",
        icon=":material/hourglass_empty:",
    )
    st.button("Choose now", type="primary", key="scores-go", on_click=_asked)


def _asked() -> None:
    st.session_state["scores-asked"] = st.session_state["scores-question"]


# --- the picks ----------------------------------------------------------------------------------------------------


def _picks(scores: Scores, wish: Wish, choice: Choice) -> None:
    columns = choice.columns
    st.markdown(summary(scores, wish, choice))
    row = st.container(horizontal=True)
    for words, ending, mime in (
        ("Download picks as CSV", ".csv", "text/csv"),
        ("Download as Parquet", ".parquet", "application/octet-stream"),
    ):
        row.download_button(
            words,
            data=partial(table_bytes, columns, ending),
            file_name=f"picks{ending}",
            mime=mime,
            key=f"scores-picks{ending}",
            icon=":material/download:",
            on_click="ignore",
        )
    table = pd.DataFrame(columns).head(MOST_ROWS)
    st.dataframe(
        table,
        hide_index=True,
        key="scores-table",
        height=330,
        column_config={
            "id": "Row (id)",
            "gain": st.column_config.ProgressColumn("Gain", format="%.3g", min_value=0.0, max_value=1.0),
            "probability": st.column_config.NumberColumn("Chance of being chosen", format="%.3f"),
            "partner": "Mix with row",
            "weight": st.column_config.NumberColumn("Weight of that row", format="%.3f"),
        },
    )
    if len(columns["id"]) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(columns['id']):,}; the downloads hold them all.")
    st.markdown("**The same from the command line**")
    st.code(command_line(scores, wish), language=None, wrap_lines=True)


def summary(scores: Scores, wish: Wish, choice: Choice) -> str:
    """What was chosen and what that is worth, in two sentences."""
    gains = choice.columns["gain"]
    text = (
        f"**{len(gains):,} of {scores.size:,} rows** by {blocks.short_label(wish.strategy)}, with a mean gain of "
        f"{float(np.mean(gains)):#.3g} (whole pool {float(np.mean(choice.snapshot.gains)):#.3g})."
    )
    game = choice.selection.equilibrium
    if game is None:
        return text
    return (
        f"{text} Even if the teacher's {game.wrong:,} mistakes fall on the worst points, "
        f"they bring **{number(game.value)}** of rightly labeled gain on average; one more label would bring "
        f"{number(game.waterline)}."
    )
