"""What somebody's own scores say: the instrument on their pool, what can be said of a purchase, and its exact draw."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.components.explore import component
from app.data.choice import (
    ASSUMED,
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
from app.explore import instrument, matters, numbers, panels, payload
from app.explore.matters import Matters
from app.findings.words import literal, number
from app.palette import strategy_order
from app.results import reading
from app.shell import blocks, purchase, state
from app.shell.purchase import Own, Purchase
from rad_core.inputs.writing import table_bytes
from rad_core.learning.plane import principal_plane
from rad_core.results.words import capital, count, money, name, percent
from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import FEATURES, STRATEGIES, USABLE
from rad_core.selection.whatif import WhatIf

KEY = "own"
MOST_ROWS = 1000  # of the table on the page; the downloads hold them all
_FITTED_ON = 20_000  # rows of the map: it is to be there at once
_SEED = 0x5EED  # of the draw on the screen


def draw(given: dict[str, Given]) -> None:
    """Everything about the pool."""
    key = tuple((role, part.digest) for role, part in given.items())
    scores = state.kept("scores", key, lambda: put_together(given))
    own = Own(scores.key, Purchase(max(1, min(500, scores.size // 10)), None, "rad", "uniform", 0.0))
    wished = purchase.current(own)
    rules = offered(scores)
    head, body = st.container(), st.container()
    wish = _wish(scores, wished, rules)
    gains = state.kept("scores-gains", (scores.key, wish.gain), lambda: gains_of(scores, wish.gain))
    pool = pool_of(scores, gains, wish, own.usual.b)
    levers = numbers.set_levers(pool, wish.budget, wished.m)
    game = numbers.solve(pool, levers)
    found = numbers.answers(pool, levers, game)
    with head:
        _verdict(scores, wish, wished.price, found)
    if wished.a not in rules:
        with body:
            st.warning(
                f"{literal(blocks.short_label(wished.a))} needs the student's features; give them with your files. "
                f"Shown is {literal(blocks.short_label(wish.strategy))}."
            )
    with body:
        _instrument(scores, pool, wish, own, rules)
    purchase.keep_in_address(own)
    _what_was_read(scores)
    panels.draw(
        panels.Lab(
            pool, levers, game, found, KEY, None, wish.gain, wished.price, 0.0, lambda: foreseen(scores, wish, gains)
        )
    )


def foreseen(scores: Scores, wish: Wish, gains: np.ndarray) -> Matters:
    """Whether choosing matters on a pool on which nothing was bought, by the checked examples and their gains."""
    flags = None if scores.flags is None else scores.flags.table
    if flags is None or flags.gains is None:
        what = "teacher-right flags with a column gain" if flags is None else "a column gain beside the flags"
        return Matters(None, f"To foresee it, give {what}: your student's there, 1 minus its margin.")
    if len(flags.gains) < matters.LEAST:
        return Matters(None, f"It takes {matters.LEAST} checked examples or more, and these are {len(flags.gains)}.")
    return matters.of_checked(gains, flags.gains, flags.values, wish.budget, scores.matrix)


def offered(scores: Scores) -> list[str]:
    """The rules that these files allow."""
    names = [name for name in USABLE if scores.features is not None or FEATURES not in STRATEGIES[name].needs]
    return strategy_order(names)


# --- the verdict --------------------------------------------------------------------------------------------------


def verdict(scores: Scores, wish: Wish, found: list[WhatIf]) -> tuple[str, str]:
    """What can truthfully be said of a purchase on a pool on which nothing was trained, in two sentences or three."""
    rules = {numbers.as_strategy(answer.rule, wish.gain): answer for answer in found}
    of = f"Of {count(scores.size, 'point')}, {count(wish.budget, 'label')}"
    teacher = f"a teacher right on {_accuracy_in_words(scores, wish)}"
    unknown = "What that does to accuracy is unknown: nothing was trained on this pool."
    mine = rules.get(wish.strategy)
    if mine is None:
        return f"{of} by {name(wish.strategy)}: no guarantee is known for this rule", f"With {teacher}. {unknown}"
    verb = "is" if wish.budget == 1 else "are"
    head = f"{of} {verb} worth at least {number(mine.guarantee)} fully informative, right ones"
    others = [
        f"{name(rule)} is sure of {number(answer.guarantee)}" for rule, answer in rules.items() if rule != wish.strategy
    ]
    return head, f"With {teacher}, whichever points it gets wrong. {capital('; '.join(others))}. {unknown}"


def _accuracy_in_words(scores: Scores, wish: Wish) -> str:
    estimate, used = scores.estimate, percent(wish.accuracy_of(scores))
    if wish.accuracy is not None or estimate is None:
        return f"an assumed {used}"
    on = f"estimated on {count(estimate.total, 'checked example')}"
    if wish.lower_bound:
        return f"at least {used} (95% lower bound, {on})"
    return f"{used} [{percent(estimate.low)} to {percent(estimate.high)}] ({on})"


def _verdict(scores: Scores, wish: Wish, price: float, found: list[WhatIf]) -> None:
    head, beside = verdict(scores, wish, found)
    with instrument.verdict(literal(head), literal(beside)):
        if st.button("Use this purchase", type="primary", key="use"):
            _use(scores, wish, price)


# --- the instrument -----------------------------------------------------------------------------------------------


def _instrument(scores: Scores, pool: reading.Pool, wish: Wish, own: Own, rules: list[str]) -> None:
    blob = state.kept(
        "scores-blob", (scores.key, wish.gain), lambda: payload.own_blob(pool.gains, _SEED, _places(scores))
    )
    pair = {rule for rule in (wish.strategy, purchase.current(own).vs) if rule in rules}
    bought = {rule: _drawn(scores, wish, rule) for rule in pair - {"rad", "uniform", wish.gain}}
    where: dict[str, Any] = {"rounds": [], "seeds": [], "seed": 0}
    data = instrument.beside(own, KEY, payload.own_facts(pool, wish.gain), rules, bought, where)
    data["state"] |= {"b": wish.budget, "a": wish.strategy}
    component.instrument(blob, data, key=KEY, on_change=purchase.listener(KEY, own, component.happened))


def _places(scores: Scores) -> np.ndarray | None:
    return None if scores.matrix is None else principal_plane(scores.matrix, _FITTED_ON)


def _drawn(scores: Scores, wish: Wish, rule: str) -> list[int]:
    """Rows that a rule buys which looks at more than the gains; none yet where working them out takes long."""
    asked = replace(wish, strategy=rule)
    if heavy(scores, asked) and state.shelf().get("scores-choice", (None,))[0] != (scores.key, asked):
        return []
    positions: list[int] = _choice(scores, asked).selection.positions.tolist()
    return positions


def _choice(scores: Scores, wish: Wish) -> Choice:
    """The exact draw, kept for the rule that was asked for last."""
    return state.kept("scores-choice", (scores.key, wish), lambda: choose_rows(scores, wish))


# --- what was read, and the rest that can be set ------------------------------------------------------------------


def _wish(scores: Scores, wished: Purchase, rules: list[str]) -> Wish:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        gain = blocks.choose_from(
            "Informativeness",
            {name: gain.label for name, gain in GAINS.items()},
            "scores_gain",
            help="How unsure the student is: by its two likeliest classes, by all, or by its favorite alone.",
        )
        seed = st.number_input(
            "Seed of the draw",
            0,
            2**31 - 1,
            0,
            key="scores_seed",
            bind="query-params",
            help="The same seed draws the same rows again.",
        )
        bound = scores.estimate is not None and st.checkbox(
            "Teacher's accuracy: its lower bound",
            key="scores_bound",
            bind="query-params",
            help="What it is at least, with 95 % confidence: more cautious than the share of checked examples.",
        )
    accuracy = wished.m if wished.m is not None or scores.estimate is not None else ASSUMED
    strategy = wished.a if wished.a in rules else next(rule for rule in ("rad", *rules) if rule != wished.vs)
    return Wish(min(wished.b, scores.size), strategy, gain, int(seed), accuracy, bound and wished.m is None)


def _what_was_read(scores: Scores) -> None:
    facts = [f"{scores.size:,} points", f"{scores.classes:,} classes"]
    labels = scores.classes_of_rows
    if labels is not None:
        right = state.kept("scores-right", scores.key, lambda: float((scores.values.argmax(1) == labels).mean()))
        facts.append(f"the student is right on {percent(right)} by your true labels")
    if scores.features is not None:
        facts.append(f"{scores.features.table.values.shape[1]:,} features per point")
    facts += ["rows sum to 1", "no missing numbers", scores.probabilities.table.naming]
    st.caption(f"What was read: {literal(' · '.join(facts))}")
    if scores.notes:
        st.caption("What was done to the data:\n" + "\n".join(f"- {literal(note)}" for note in scores.notes))
    for remark in state.kept("scores-remarks", scores.key, lambda: remarks(scores)):
        st.warning(literal(remark), icon=":material/warning:")


# --- the exact draw -----------------------------------------------------------------------------------------------


@st.dialog("This purchase, drawn", width="large")
def _use(scores: Scores, wish: Wish, price: float) -> None:
    """The rows to have labeled, as `rad select` writes them."""
    with blocks.spoken_errors(), st.spinner("Choosing ...", show_time=True):
        _picks(scores, wish, price, _choice(scores, wish))


def _picks(scores: Scores, wish: Wish, price: float, choice: Choice) -> None:
    columns = choice.columns
    bill = f" They cost {literal(money(len(columns['id']) * price, 'USD'))}." if price else ""
    st.markdown(summary(scores, wish, choice) + bill)
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
    st.dataframe(
        pd.DataFrame(columns).head(MOST_ROWS),
        hide_index=True,
        key="scores-table",
        height=250,
        column_config=_COLUMNS,
    )
    if len(columns["id"]) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(columns['id']):,}; the downloads hold them all.")
    st.caption(
        "While a handle is held, the page shows one possible draw that changes little as you move. This is the exact "
        "one, the same from the command line:"
    )
    st.code(command_line(scores, wish), language=None, wrap_lines=True)


_COLUMNS: dict[str, Any] = {
    "id": "Row (id)",
    "gain": st.column_config.ProgressColumn("Gain", format="%.3g", min_value=0.0, max_value=1.0),
    "probability": st.column_config.NumberColumn("Chance of being chosen", format="%.3f"),
    "partner": "Mix with row",
    "weight": st.column_config.NumberColumn("Weight of that row", format="%.3f"),
}


def summary(scores: Scores, wish: Wish, choice: Choice) -> str:
    """What was chosen and how informative it is, in a sentence."""
    gains = choice.columns["gain"]
    return (
        f"**{len(gains):,} of {scores.size:,} rows** by {blocks.short_label(wish.strategy)}, with a mean gain of "
        f"{float(np.mean(gains)):#.3g} (whole pool {float(np.mean(choice.snapshot.gains)):#.3g})."
    )
