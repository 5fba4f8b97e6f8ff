"""The ledger on the page: every answer with its time, price, source and round; exported, and corrected by a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from app.campaign import questions, words
from app.findings.words import literal
from app.shell import blocks, state
from app.shell.campaigns import Standing
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.contents import Content, likeliest, vector
from rad_core.campaign.formats import ledger_columns
from rad_core.campaign.ledger import ANSWERS, KINDS, Entry, Point
from rad_core.inputs.writing import table_bytes
from rad_core.results.words import percent

MOST_ROWS = 2000  # on the page; the download has all
_PANELS = {"ledger": "Ledger", "rounds": "Rounds"}
_WHAT = {
    "asked": "question",
    "told": "answer",
    "corrected": "correction",
    "given": "came with the pool",
    "withdrawn": "taken back",
}
_ABSTAINS = "(abstains)"


def draw(standing: Standing) -> None:
    """Ledger or rounds, by the reader's choice."""
    panel = blocks.choose_one("More", _PANELS, "campaign_panel", hidden=True, width="stretch")
    (_rounds if panel == "rounds" else _ledger)(standing)


# --- the ledger ------------------------------------------------------------------------------------------------------


def _ledger(standing: Standing) -> None:
    status = standing.status
    row = st.container(horizontal=True, vertical_alignment="center")
    row.subheader("Ledger", anchor=False, width="stretch", help="Entries are only ever added; money is their sum.")
    questions_too = row.toggle("Questions, too", key="ledger_all", help="Also what was asked and what was taken back.")
    row.download_button(
        "Download CSV",
        data=partial(_csv, standing.campaign),
        file_name=f"{standing.name}-ledger.csv",
        mime="text/csv",
        key="ledger-csv",
        icon=":material/download:",
        on_click="ignore",
    )
    kinds = KINDS if questions_too else ANSWERS
    entries = state.kept(
        "campaign-ledger", (standing.key, kinds), lambda: standing.campaign.entries(MOST_ROWS, kinds)[::-1]
    )
    if not entries:
        st.caption("No answer has come yet.")
        return
    event = st.dataframe(
        table(entries, standing.campaign.classes, status.currency),
        hide_index=True,
        key=f"ledger-table-{entries[0][0]}",  # with new entries another row would be the chosen one
        height=320,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Time": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
            "Confidence": st.column_config.NumberColumn(format="percent"),
            "Entry": st.column_config.NumberColumn(format="%d", width="small"),
            "Round": st.column_config.NumberColumn(format="%d", width="small"),
        },
    )
    if len(entries) == MOST_ROWS:
        st.caption(f"The last {MOST_ROWS:,} entries; the download has all of them.")
    if not state.read_only():
        chosen: list[int] = event["selection"]["rows"]
        _correct(standing, entries[chosen[0]] if chosen and chosen[0] < len(entries) else None)


def table(entries: list[tuple[int, Entry, Point]], classes: tuple[str, ...], currency: str) -> pd.DataFrame:
    """Entries as people read them, one row each."""
    contents = [Content(entry.label, entry.soft) if entry.kind in ANSWERS else None for _, entry, _ in entries]
    return pd.DataFrame(
        {
            "Entry": [number for number, *_ in entries],
            "Time": pd.to_datetime([entry.time for _, entry, _ in entries], unit="s", utc=True),
            "What": [_WHAT[entry.kind] for _, entry, _ in entries],
            "Id": [point.id for *_, point in entries],
            "Part": [point.part for *_, point in entries],
            "Round": [entry.round for _, entry, _ in entries],
            "From": [entry.source or "" for _, entry, _ in entries],
            "Answer": [_answer(content, classes) for content in contents],
            "Confidence": [_confidence(content, len(classes)) for content in contents],
            f"Price ({currency})" if currency else "Price": [
                float(entry.cost) if entry.kind != "withdrawn" else 0.0 for _, entry, _ in entries
            ],
        }
    )


def _answer(content: Content | None, classes: tuple[str, ...]) -> str:
    if content is None:
        return ""
    number = likeliest(content, len(classes))
    return _ABSTAINS if number is None else classes[number]


def _confidence(content: Content | None, classes: int) -> float:
    """The largest probability of a soft answer; NaN of any other."""
    return float(vector(content, classes).max()) if content is not None and content.soft is not None else np.nan


def _csv(campaign: Campaign) -> bytes:
    return table_bytes(ledger_columns(campaign), ".csv")


# --- a person's correction -------------------------------------------------------------------------------------------


def _correct(standing: Standing, chosen: tuple[int, Entry, Point] | None) -> None:
    if chosen is None or chosen[2].part != "pool":
        about = "" if chosen is None else " Checked examples have known classes; only the teacher answers them."
        st.caption(f"Choose a row to put a person's answer in place of the teacher's.{about}")
        return
    name = chosen[2].id
    with st.form("correction", border=True):
        st.markdown(f"A person's answer to **{literal(name)}**")
        row = st.container(horizontal=True, vertical_alignment="bottom")
        row.selectbox("Class", [*standing.campaign.classes], key="correction_class")
        row.form_submit_button(
            "Enter it",
            type="primary",
            on_click=questions.act,
            args=[standing.name, _correcting(name)],
            help="It costs nothing, is what the student learns from now on, and says nothing of the teacher.",
        )


def _correcting(name: str) -> Callable[[Standing], str]:
    def correct(standing: Standing) -> str:
        wanted = st.session_state["correction_class"]
        told = standing.campaign.correct([name], [wanted], source="person")
        if told.again:
            return f"A person said {wanted} of {name} before; nothing was changed."
        return f"From now on {name} is {wanted}, by a person."

    return correct


# --- rounds ----------------------------------------------------------------------------------------------------------


def _rounds(standing: Standing) -> None:
    status = standing.status
    if not status.rounds:
        st.caption("No round was asked for yet.")
        return
    rows = []
    for each in status.rounds:
        facts, right = each.facts, each.right
        rows.append(
            {
                "Round": str(each.number) if facts else "checked",
                "Asked": each.asked,
                "Answered": each.answered,
                "Abstained": each.abstained,
                "Open": each.open,
                "Cost": words.amount(each.cost, status),
                "Teacher's accuracy in the game": None if facts is None else percent(facts.teacher_accuracy),
                "Worth at least": None if facts is None else facts.value,
                "One more label": None if facts is None else facts.waterline,
                "Teacher right among the picks": None
                if right is None
                else f"{percent(right.share)} [{percent(right.low)}, {percent(right.high)}]",
            }
        )
    number = st.column_config.NumberColumn(format="%.3g")
    blocks.table(
        pd.DataFrame(rows),
        "campaign-rounds",
        height="content",
        column_config={"Worth at least": number, "One more label": number},
    )
    st.caption(
        "Worth at least: fully informative, right labels, wherever the teacher's mistakes lie; as promised when the "
        "round was asked for. Right among the picks: an estimate from checked examples that look like the picks."
    )
