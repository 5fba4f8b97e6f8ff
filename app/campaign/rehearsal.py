"""A rehearsal on the page: the campaign played on the user's own examples, before anything is bought."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.campaign import child
from app.findings.words import literal
from app.shell import blocks, state
from app.shell.campaigns import Standing
from rad_core import partials
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.rehearsing import LEAST, Difference, Rehearsal, findings, from_json, introduction
from rad_core.errors import RadError
from rad_core.results.words import percent, signed

_KEPT = "campaign-rehearsal"
_PLAY = """
from rad_core.campaign.campaign import Campaign
from rad_core.campaign.rehearsing import rehearse, to_json
Path(sys.argv[2]).write_text(to_json(rehearse(Campaign(Path(sys.argv[1])))))
"""


@st.fragment
def draw(standing: Standing) -> None:
    """The offer to rehearse, and what came of it at this moment of the campaign. A studio that only shows has none."""
    if state.read_only():
        return
    with st.expander("Rehearse: is it worth it, and does choosing matter?", icon=":material/school:", key="rehearsal"):
        st.caption(
            "Half of your checked examples is a small pool to buy from, the other half tests the student, ten times "
            "over. Nothing is asked, paid or kept."
        )
        why = _missing(standing)
        pressed = st.button("Rehearse", icon=":material/replay:", key="rehearse", disabled=bool(why))
        if why:
            st.caption(literal(why))
            return
        kept = state.shelf().get(_KEPT)
        if not pressed and (kept is None or kept[0] != standing.key):
            return
        try:
            with st.spinner("Rehearsing …", show_time=True):
                played = state.kept(_KEPT, standing.key, lambda: play(standing.campaign))
        except RadError as error:
            st.error(literal(str(error)), icon=":material/error:")
            return
        _show(played)


def _missing(standing: Standing) -> str:
    """Why there can be no rehearsal yet; empty where there can."""
    status = standing.status
    if not standing.campaign.settings.student:
        return "It takes a student of ours and features, with which the campaign was not created."
    if status.checked_answered < LEAST or not status.labeled:
        return (
            f"It takes {LEAST} checked examples with the teacher's answer, of which there are "
            f"{status.checked_answered:,}, and a labeled one, of which there are {status.labeled:,}."
        )
    return ""


def play(campaign: Campaign) -> Rehearsal:
    """Play it in a process of its own. Raises InputError where the examples do not suffice."""
    with partials.temporary_folder("rad-rehearsal") as folder:
        path = folder / "played.json"
        child.run(_PLAY, campaign.path, path)
        return from_json(path.read_text())


def _show(played: Rehearsal) -> None:
    st.markdown("\n".join(f"- {literal(sentence)}" for sentence in (introduction(played), *findings(played))))
    st.dataframe(table(played), hide_index=True, key="rehearsal-table")


def table(played: Rehearsal) -> pd.DataFrame:
    """A row for each rule and number of labels, texts."""
    return pd.DataFrame(
        {
            "Rule": [blocks.short_label(line.rule) for line in played.lines],
            "Labels": [line.labels for line in played.lines],
            "Accuracy": [percent(line.accuracy) for line in played.lines],
            "Over no label": [_points(line.over_nothing) for line in played.lines],
            "Over labels at random": [_points(line.over_uniform) for line in played.lines],
        }
    )


def _points(difference: Difference | None) -> str:
    if difference is None:
        return "\N{EN DASH}"
    return f"{signed(difference.mean)} [{signed(difference.low)}, {signed(difference.high)}]"
