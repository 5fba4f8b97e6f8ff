"""Is it worth it, how many, and which? The instrument: a budget and a teacher in the hand, everything else follows."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.explore import instrument, matters, numbers, panels, picks
from app.explore.instrument import KEY, Stand
from app.explore.matters import Matters
from app.findings.words import literal
from app.results import reading
from app.shell import blocks, purchase, state
from app.shell.controls import hold, offer_news
from app.shell.state import View
from rad_core.results import sentences, verdicts
from rad_core.results.words import count, money, percent
from rad_core.selection.strategies import ORACLES

WHAT = "RAD Studio finds the labels worth buying from an expensive teacher, so that a small student learns the most."


def explore() -> None:
    st.html(instrument.STYLE)
    if st.session_state.get("run") is None:
        blocks.header("Is it worth it?", WHAT)
        blocks.empty("No study yet", "A study compares ways of choosing labels on your data.", ":material/science:")
        st.page_link("views/studies.py", label="Start a study", icon=":material/add:")
        return
    newest = state.current()
    view = hold(newest, KEY, opened=KEY not in st.session_state)
    here = instrument.stand(view)
    offer_news(newest, KEY, waiting=here is None)
    if here is None:
        blocks.header("Is it worth it?", WHAT)
        blocks.empty(
            "The first results are on their way",
            "The teacher is being trained. The page fills in by itself.",
            ":material/hourglass_top:",
        )
        return
    _verdict(view, here)
    instrument.draw(view, here)
    purchase.keep_in_address(view)
    _tables(view, here)


def _verdict(view: View, here: Stand) -> None:
    """Whether it is worth it, against buying nothing; then which rule; and what can be done about it."""
    measured = view.read(verdicts.results)
    head = state.remember(lambda: sentences.headline(measured), "headline", view.key)
    which = state.remember(lambda: sentences.which_rule(measured), "which rule", view.key)
    example = "An example that ships with the program. " if view.demo else ""
    beside = f"{example}{literal(which)}"
    with instrument.verdict(literal(head.text), beside, literal(head.details) or None):
        st.page_link("views/present.py", label="Present", icon=":material/slideshow:")
        if st.button("Use this purchase", type="primary", key="use"):
            _use(view, here)


@st.dialog("This purchase, drawn", width="large")
def _use(view: View, here: Stand) -> None:
    """The exact draw of what stands on the screen."""
    wished = purchase.current(view)
    rule = "greedy" if wished.a == view.config.gain else wished.a
    if rule not in picks.rules_of(view.study):
        bought = instrument.picks_of(view.study, wished.a, here.seed, here.round)
        st.markdown(
            f"{literal(blocks.short_label(wished.a))} chooses by more than the gains: what it bought in this round, "
            f"{count(len(bought), 'label')}, is in the study's export of purchases. Choose RAD, uniform or "
            f"{literal(blocks.short_label(view.config.gain))} to draw a purchase of another size."
        )
        return
    if rule in ORACLES and wished.m is not None:
        st.markdown(
            "The oracle knows where this very teacher is right: take the teacher's accuracy as estimated again."
        )
        return
    table = view.read(picks.draw, here.strategy, here.seed, here.round, rule, wished.b, wished.m)
    wrong, known = int((~table["teacher_right"]).sum()), int(table["teacher_right"].notna().sum())
    of = "them" if known == len(table) else f"the {known:,} that the teacher was asked about and answered"
    cost = f" for {literal(money(len(table) * wished.price, view.config.currency))}" if wished.price else ""
    teacher = "as estimated" if wished.m is None else f"assumed right on {percent(wished.m)}"
    st.markdown(
        f"**{count(len(table), 'label')}** chosen by **{literal(blocks.short_label(wished.a))}**{cost}, from what is "
        f"for sale before round {here.round} of seed {here.seed}; the teacher {teacher}. In this simulation "
        f"{wrong:,} of {of} {'is' if wrong == 1 else 'are'} wrong."
    )
    st.caption(
        "While a handle is held, the map shows one possible draw that changes little as you move. This is the exact "
        "one: every point with its probability q, the same whenever you ask with the same numbers."
    )
    blocks.table(table, "purchase", most=200)


def _tables(view: View, here: Stand) -> None:
    """What the instrument says in one picture, as tables."""
    wished = purchase.current(view)
    pool = view.read(reading.pool_before, here.strategy, here.seed, here.round)
    levers = numbers.set_levers(pool, wished.b, wished.m)
    game = numbers.solve(pool, levers)
    panels.draw(
        panels.Lab(
            pool,
            levers,
            game,
            numbers.answers(pool, levers, game),
            KEY,
            view.read(numbers.measured, here.seed, here.round),
            view.config.gain,
            wished.price,
            pool.latency if np.isfinite(pool.latency) else 0.0,
            lambda: _matters(view),
        )
    )


def _matters(view: View) -> Matters:
    """What could be foreseen before the first purchase, and what the study found."""
    known = view.read(matters.of_study, view.config.budget)
    measured = view.read(verdicts.results)
    found = state.remember(lambda: sentences.which_rule(measured), "which rule", view.key)
    why = "Nobody knows the teacher's correctness on the pool of this study."
    return Matters(known, "" if known is not None else why, f"What this study found: {found}" if found else "")


explore()
