"""The Budget lab: what another budget or another teacher would mean, worked out from scores without training.

`draw` is all that a page needs; it runs as one fragment, so that a slider repaints the lab and nothing else.
"""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.explore import panels
from app.explore.numbers import Levers, answers, budget_steps, nearest_step, solve
from app.figures import guarantee_by_accuracy, guarantee_by_budget, waterline_chart
from app.findings.words import literal, number
from app.results import reading
from app.shell import blocks, state
from rad_core.results.words import count, duration, money, percent
from rad_core.selection.game import Equilibrium
from rad_core.selection.whatif import SortedGains, WhatIf, sort_gains

VIEWS = {
    "game": "The game",
    "labels": "More or fewer labels",
    "teacher": "A worse teacher",
    "price": "Worth of one label",
}
_NOTES = {
    "labels": "Lines: what is certain whatever points the teacher gets wrong.",
    "price": "Lines: what one more label is certain to bring, on average, whatever points the teacher gets wrong.",
    "teacher": "Lines: what is certain with a teacher of that accuracy, whatever points it gets wrong.",
}
_HEIGHT = 440


def draw(pool: reading.Pool, key_prefix: str, *, gain_name: str = "margin") -> None:
    """The lab for one pool, as a fragment of its own; call it at the top level of a page.

    pool: with or without known labels (`right` and `labels` may be None); its key must change with its contents.
    key_prefix: of all widget keys and URL parameters, for instance "budget" gives ?budget_b=, ?budget_m=. gain_name:
    the strategy that buys the largest gains first (margin, entropy or least_confidence); it lends that rule its color.
    """
    st.fragment(_lab)(pool, key_prefix, gain_name)


def _lab(pool: reading.Pool, prefix: str, gain_name: str) -> None:
    levers = _levers(pool, prefix)
    game = solve(pool, levers)
    found = answers(pool, levers, game)
    price, latency = _heading(pool, levers, prefix)
    _metrics(pool, levers, found, game, price, latency)
    view = st.segmented_control(
        "Picture",
        list(VIEWS),
        default="game",
        format_func=VIEWS.__getitem__,
        key=f"{prefix}_view",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )
    _picture(view or "game", pool, levers, game, prefix, gain_name)
    lab = panels.Lab(pool, levers, game, found, prefix, None, gain_name, price, latency)
    panels.draw(lab)


# --- the levers ----------------------------------------------------------------------------------------------------


def _levers(pool: reading.Pool, prefix: str) -> Levers:
    """Two sliders: how many labels, and how often the teacher is right."""
    left, right = st.columns(2, gap="large")
    budget = _budget(pool, prefix, left)
    accuracy, assumed = _accuracy(pool, prefix, right)
    return Levers(budget, accuracy, assumed, pool.wrong(accuracy))


def _budget(pool: reading.Pool, prefix: str, place: DeltaGenerator) -> int:
    """A slider in steps that grow with the number, and a field for any other number; the field has the last word."""
    slider, field = f"{prefix}_steps", f"{prefix}_b"
    session, steps = st.session_state, budget_steps(pool.size, pool.budget)
    if session.get(field, 1) > pool.size:
        session[field] = pool.size

    def follow() -> None:
        session[field] = session[slider]

    above, below = place.container(), place.container(horizontal=True, vertical_alignment="center")
    below.caption("or exactly", width="content")
    budget = below.number_input(
        "Exact number of labels",
        1,
        pool.size,
        value=min(pool.budget, pool.size),
        step=1,
        key=field,
        bind="query-params",
        label_visibility="collapsed",
        width=150,
    )
    below.caption(f"of {pool.size:,} for sale", width="content")
    nearest = nearest_step(steps, budget)
    if session.get(slider) != nearest:
        session[slider] = nearest
    above.select_slider(
        "Labels to buy",
        steps,
        key=slider,
        format_func="{:,}".format,
        on_change=follow,
        help=f"Of the {pool.size:,} points that can still be labeled. {pool.budget:,} is the starting value.",
    )
    return int(budget)


def _accuracy(pool: reading.Pool, prefix: str, place: DeltaGenerator) -> tuple[float, bool]:
    """The slider of the teacher's accuracy; it stands at the estimated one unless somebody moves it."""
    key, mark = f"{prefix}_m", f"{prefix}_m_measured"
    session, stand = st.session_state, round(100 * pool.teacher.used, 1)
    if session.get(mark, stand) != stand and session.get(key) == session[mark]:
        session[key] = stand  # another seed has another teacher, and nobody had moved the slider
    session[mark] = stand

    def reset() -> None:
        session[key] = stand

    percent_right = place.slider(
        "How often the teacher is right",
        0.0,
        100.0,
        value=stand,
        step=0.1,
        format="%.1f%%",
        key=key,
        bind="query-params",
        help="Estimated on checked examples. Move it to ask what a better or a worse teacher would do.",
    )
    assumed = abs(percent_right - stand) > 0.05
    row = place.container(horizontal=True, vertical_alignment="center", border=False)
    if assumed:
        row.badge("WHAT IF", color="orange", help="This is not the teacher that was checked.")
        row.button(
            f"Back to the {'estimated' if _was_estimated(pool) else 'typed'} {stand:.1f}%",
            key=f"{prefix}_reset",
            on_click=reset,
            type="tertiary",
            icon=":material/undo:",
        )
    elif not _was_estimated(pool):
        row.badge("AS TYPED", color="gray", help="It was not estimated on checked examples.")
    else:
        interval = f"95% interval {percent(pool.teacher.low)} to {percent(pool.teacher.high)}"
        row.badge("ESTIMATED", color="green", help="On examples whose labels were checked, kept aside for this.")
        on = f"on {count(pool.teacher.checked, 'checked example')}, " if pool.teacher.checked else ""
        row.caption(f"{on}{interval}", width="content")
    return (percent_right / 100 if assumed else pool.teacher.used), assumed


def _was_estimated(pool: reading.Pool) -> bool:
    """Whether the teacher's accuracy comes with an interval, from flags, and not from somebody's keyboard."""
    return bool(np.isfinite(pool.teacher.low))


# --- the answer in four numbers ------------------------------------------------------------------------------------


def _heading(pool: reading.Pool, levers: Levers, prefix: str) -> tuple[float, float]:
    """What the four numbers are, and the fields for price and seconds per label."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown("**What RAD would buy**", width="content")
    blocks.badge("estimate", row)
    if levers.assumed:
        row.badge(f"WHAT IF the teacher is right on {percent(levers.accuracy)}", color="orange")
    with row.container(horizontal_alignment="right"), st.popover("Price and time of a label", type="tertiary"):
        price = st.number_input(
            f"Price of one label ({literal(pool.currency)})",
            0.0,
            value=pool.price,
            step=0.01,
            format="%.4f",
            key=f"{prefix}_price",
            bind="query-params",
        )
        latency = st.number_input(
            "Teacher's time for one label (seconds)",
            0.0,
            value=pool.latency,
            step=0.1,
            format="%.3f",
            key=f"{prefix}_latency",
            bind="query-params",
        )
    return float(price), float(latency)


def _metrics(
    pool: reading.Pool, levers: Levers, found: list[WhatIf], game: Equilibrium, price: float, latency: float
) -> None:
    """Labels, mistakes, guarantee and cost of RAD's choice, each beside what another way would give."""
    rad, uniform, greedy = found[:3]
    first, second, third, fourth = st.columns([5, 7, 7, 6])
    _metric(first, "Labels bought", f"{levers.budget:,}", f"{percent(levers.budget / pool.size)} of the pool")
    if np.isfinite(rad.wrong_labels):
        _metric(
            second,
            "Teacher mistakes in them",
            f"{rad.wrong_labels:,.0f}",
            f"greedy {greedy.wrong_labels:,.0f} · uniform {uniform.wrong_labels:,.0f}",
            "How many of the labels that RAD buys are wrong, expected from where this teacher errs; greedy would buy "
            "the most informative points first.",
        )
    else:
        worst = float(np.sum(np.asarray(game.q, np.float64) * game.attack))
        _metric(
            second,
            "Teacher mistakes in them",
            f"{worst:,.0f}",
            "expected in the worst case",
            "If the teacher errs exactly where it hurts most; where it really errs nobody knows without labels.",
        )
    _metric(
        third,
        "Guaranteed useful gain",
        number(rad.guarantee),
        _over(rad.guarantee, uniform.guarantee),
        "How informative the right labels that RAD buys are, added up, in the worst case: wherever the teacher's "
        "mistakes lie. One right label on a point of which the student knows nothing counts 1.",
    )
    cost = literal(money(levers.budget * price, pool.currency)) if price else "no price"
    waiting = f"{duration(levers.budget * latency)} wait" if latency else "set one above"
    _metric(fourth, "Cost", cost, waiting, "From the price and the time of a label, which can be set above.")


def _metric(place: DeltaGenerator, label: str, value: str, beside: str, help_: str | None = None) -> None:
    place.metric(label, value, beside, delta_color="off", delta_arrow="off", border=True, help=help_)


def _over(value: float, other: float) -> str:
    if other <= 0:
        return "uniform guarantees nothing" if value > 0 else "nothing is certain"
    return f"{value / other - 1:+.0%} against uniform"


# --- the picture ---------------------------------------------------------------------------------------------------


def _picture(
    view: str,
    pool: reading.Pool,
    levers: Levers,
    game: Equilibrium,
    prefix: str,
    gain_name: str,
) -> None:
    """The one large chart; the others wait until somebody asks for them, so that a slider repaints a single one."""
    theme = state.theme()
    if view == "game":
        chart = waterline_chart(pool.gains, game, theme=theme, height=_HEIGHT)
    elif view == "teacher":
        known = _was_estimated(pool)
        chart = guarantee_by_accuracy(
            sorted_gains(pool),
            levers.budget,
            measured=pool.teacher.used if known else None,
            interval=(pool.teacher.low, pool.teacher.high) if known else None,
            assumed=levers.accuracy if levers.assumed or not known else None,
            gain_name=gain_name,
            theme=theme,
            height=_HEIGHT,
        )
    else:
        chart = guarantee_by_budget(
            sorted_gains(pool),
            levers.wrong,
            budget=levers.budget,
            per_label=view == "price",
            gain_name=gain_name,
            theme=theme,
            height=_HEIGHT,
        )
    blocks.chart(chart, f"{prefix}-{view}", basis="estimate", lazy=True, note=_NOTES.get(view, ""))


def sorted_gains(pool: reading.Pool) -> SortedGains:
    """The pool's gains sorted, once per pool."""
    if pool.private:
        return state.kept("sorted gains", pool.key, lambda: sort_gains(pool.gains))
    return state.remember(lambda: sort_gains(pool.gains), "sorted gains", pool.key)
