"""The campaigns of the store, a card for each: how it stands, the way to it, and its end."""

from __future__ import annotations

import streamlit as st

from app.campaign import counter, words
from app.findings.words import literal
from app.shell import blocks, campaigns, state
from rad_core.campaign import catalogue
from rad_core.errors import InputError, RadError
from rad_core.folders import default_store
from rad_core.results.words import capital, count, percent
from rad_core.store.study import StudyInfo

_DELETE = "campaign_delete"  # the name of the one that a dialog asks about


def show(*, heading: bool = True) -> None:
    """All campaigns of the store, the newest first; nothing where there are none."""
    listed = campaigns.listed()
    if not listed:
        return
    if heading:
        about = "Real purchases: a pool whose classes nobody knows, rounds, money."
        st.subheader("Campaigns", anchor=False, help=about)
    for info in listed:
        with st.container(border=True, key=f"campaign-{info.id}", gap="xsmall"):
            _card(info)
    if st.session_state.get(_DELETE) in {info.id for info in listed}:
        st.dialog("Delete for good?", on_dismiss=_close)(_delete)(st.session_state[_DELETE])


def _card(info: StudyInfo) -> None:
    what, how, act = st.columns([7, 12, 5], vertical_alignment="center")
    what.markdown(f"**{literal(info.id)}**")
    place = act.container(horizontal=True, horizontal_alignment="right")
    try:
        standing = campaigns.standing(info.id)
        status = standing.status
        rounds = sum(each.facts is not None for each in status.rounds)
        running = " · running by itself" if counter.runs(standing) else ""
        what.caption(f"{blocks.day(info.created)} · {count(rounds, 'round')}{running}")
        how.markdown(literal(f"{capital(words.bought(status))}."))
        score = status.scores[-1] if status.scores else None
        reached = f" · student right on {percent(score.accuracy)} when last measured" if score else ""
        how.caption(literal(f"{capital(words.accuracy(status.accuracy))}{reached}"))
        if place.button("Open", icon=":material/arrow_forward:", key=f"open_campaign_{info.id}"):
            state.open_on_explore(info.id)
    except RadError as error:
        how.markdown(f":gray[{literal(str(error))}]")
    if not state.read_only():
        place.button(
            "Delete",
            icon=":material/delete:",
            type="tertiary",
            key=f"delete_campaign_{info.id}",
            on_click=st.session_state.__setitem__,
            args=[_DELETE, info.id],
        )


def _close() -> None:
    st.session_state.pop(_DELETE, None)


def _delete(name: str) -> None:
    st.markdown(
        "The campaign is deleted with every answer in its ledger, paid or not. It cannot be brought back. To confirm, "
        "type its name:"
    )
    st.code(name, language=None)
    typed = st.text_input(
        "Name of the campaign", key="campaign_typed", label_visibility="collapsed", autocomplete="off"
    )
    with blocks.spoken_errors():
        if st.button(
            "Delete",
            type="primary",
            icon=":material/delete:",
            disabled=typed.strip() != name,
            key="campaign_do_delete",
        ):
            if state.read_only():
                raise InputError("This studio only shows campaigns; start it without --read-only to delete one.")
            catalogue.delete(default_store(), name)
            state.forget_list()
            _close()
            st.rerun()
