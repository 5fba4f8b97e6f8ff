"""The campaigns on the page Studies: a card for each."""

from __future__ import annotations

import streamlit as st

from app.campaign import words
from app.findings.words import literal
from app.shell import blocks, campaigns
from rad_core.errors import RadError
from rad_core.results.words import capital, count, percent


def show() -> None:
    """All campaigns of the store, the newest first; nothing where there are none."""
    listed = campaigns.listed()
    if not listed:
        return
    st.subheader("Campaigns", anchor=False, help="Real purchases: a pool whose classes nobody knows, rounds, money.")
    for info in listed:
        with st.container(border=True, key=f"campaign-{info.id}", gap="xsmall"):
            what, how, act = st.columns([7, 12, 4], vertical_alignment="center")
            what.markdown(f"**{literal(info.id)}**")
            try:
                standing = campaigns.standing(info.id)
            except RadError as error:
                how.markdown(f":gray[{literal(str(error))}]")
                continue
            status = standing.status
            rounds = sum(each.facts is not None for each in status.rounds)
            what.caption(f"{blocks.day(info.created)} · {count(rounds, 'round')}")
            how.markdown(literal(f"{capital(words.bought(status))}."))
            score = status.scores[-1] if status.scores else None
            reached = f" · student right on {percent(score.accuracy)} when last measured" if score else ""
            how.caption(literal(f"{capital(words.accuracy(status.accuracy))}{reached}"))
            place = act.container(horizontal=True, horizontal_alignment="right")
            if place.button("Open", icon=":material/arrow_forward:", key=f"open_campaign_{info.id}"):
                st.session_state["run"] = info.id
                st.switch_page("views/explore.py")
