"""Informative or right? How sure the teacher was of what was bought, and how often it is right, as far as is known."""

from __future__ import annotations

import streamlit as st

from app.campaign import figures, reading, words
from app.findings.words import literal
from app.shell import blocks, state
from app.shell.campaigns import Standing
from rad_core.results.words import count, percent

_LEVELS = {"confidence": "Its own confidence", "chance": "Its chance of being right"}


def page(standing: Standing) -> None:
    """Two estimates of correctness, and confidence against informativeness; no truth anywhere."""
    status, campaign = standing.status, standing.campaign
    blocks.header(
        "Trade-off",
        literal(
            "Nobody knows the pool's true classes, so nothing here counts mistakes. What is known: "
            f"{words.accuracy(status.accuracy)}."
        ),
    )
    table = state.kept("campaign-bought", standing.key, lambda: reading.bought(campaign))
    chance = state.kept("campaign-chance", standing.key, lambda: reading.chance(campaign, table))
    left, right = st.columns([6, 5], gap="large")
    with left:
        _sureness(standing, table, chance)
    with right:
        _estimates(standing)
        if chance is not None:
            _chance(chance)
        elif len(table):
            st.caption(
                "Nothing is said of a single bought label: for that the teacher's answers to the checked examples must "
                f"be class probabilities, which say how sure it was, and at least {reading.FEWEST} of them right and "
                f"{reading.FEWEST} wrong."
            )


def _sureness(standing: Standing, table: object, chance: reading.Chance | None) -> None:
    soft = table.dropna(subset=["confidence", "gain"])  # type: ignore[attr-defined]
    if not len(soft):
        given = len(table)  # type: ignore[arg-type]
        blocks.empty(
            "How sure was the teacher?" if given else "Nothing was bought yet",
            f"Its {given:,} answers are single classes. Answers with one column per class show here how sure it was of "
            "what the student would learn most from."
            if given
            else "Ask for labels on Explore; each answer stands here with its gain and the teacher's confidence.",
            ":material/balance:",
        )
        return
    level = "confidence"
    if chance is not None:
        level = blocks.choose_one("Up", _LEVELS, "campaign_level", hidden=True)
    values = soft["confidence"].to_numpy()
    title = "The teacher's own confidence"
    if level == "chance" and chance is not None:
        values, title = chance.fitted(values), "Estimated chance that it is right"
    names = state.kept("campaign-names", standing.key, lambda: standing.campaign.names_of(soft["position"].tolist()))
    chart = figures.sureness(soft, names, values, title, state.theme())
    note = "Confidence is what the teacher says of itself; nobody checked these answers."
    if len(soft) > figures.MOST_POINTS:
        note += f" At most {figures.MOST_POINTS:,} of {count(len(soft), 'point')} are drawn; the table has all."
    blocks.chart(chart, "campaign-sureness", basis="estimate" if level == "chance" else None, note=note, lazy=True)


def _estimates(standing: Standing) -> None:
    table = reading.estimates(standing.status)
    if table.empty:
        blocks.empty(
            "How often is the teacher right?",
            "It has answered no checked example yet: ask about them first, on Explore.",
            ":material/rule:",
        )
        return
    note = "All checked: m, Clopper-Pearson interval. Picks are likelier to be hard, so m is too high for them."
    if len(table) > 1:
        note += " A round: checked examples weighted to look like its picks; interval of as many as are effective."
    else:
        note += (
            " To estimate it among the picks give, with each ask, probabilities for the checked examples, too, of "
            "students that did not learn from them."
        )
    blocks.chart(figures.estimated(table, state.theme()), "campaign-right", basis="estimate", note=note)


def _chance(chance: reading.Chance) -> None:
    st.markdown(
        f"By its confidence the teacher is right on **{percent(chance.share)}** "
        f"[{percent(chance.low)}, {percent(chance.high)}] of the bought labels: an estimate."
    )
    chart = figures.fitted(chance.fitted.confidence, chance.fitted.share, state.theme())
    blocks.chart(
        chart,
        "campaign-chance",
        basis="estimate",
        note=f"Isotonic regression on {count(chance.examples, 'checked example')}; nothing is said of points that were "
        "not bought.",
    )
