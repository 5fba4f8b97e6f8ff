"""What is running, what failed, what is there? And the form of a new study."""

import streamlit as st

from app.campaign import cards
from app.shell import blocks, state
from app.studies import actions, compare, form, live, settings
from app.studies.list import entries, show
from app.studies.settings import PRESETS


def heading() -> None:
    """Title and the way to a new study."""
    top = st.container(horizontal=True, vertical_alignment="bottom")
    with top.container():
        blocks.header("Studies", "What is running, what failed, what is there?")
    if not state.read_only():
        top.button("New study", type="primary", icon=":material/add:", on_click=form.open_form, key="runs_new")


def first_study() -> None:
    """What an empty store says."""
    blocks.empty(
        "No study of your own yet",
        "A study buys labels with several strategies, trains a student on each purchase and compares them. The first "
        "one uses real handwritten digits that are already here.",
        ":material/science:",
    )
    if state.read_only():
        st.caption("This studio only shows studies; whoever runs it can start one.")
        return
    middle = st.container(horizontal=True, horizontal_alignment="center")
    if middle.button(
        "Start a first study (about a minute)", type="primary", icon=":material/play_arrow:", key="runs_first"
    ):
        actions.start_new(settings.to_config({**PRESETS["quick"].values, "name": "First study"}))
        st.rerun()


def studies() -> None:
    """Everything about studies that exist."""
    heading()
    if not state.studies():
        first_study()
    cards.show()
    busy = live.show()
    listed = entries(leave_out=[])
    chosen = compare.ticked(listed)
    if len(chosen) > 1:
        compare.show(chosen)
    rest = entries(leave_out=busy)
    if rest:
        st.subheader("All studies", anchor=False)
        if len(listed) > 1:
            tick = "One study is ticked; tick another" if len(chosen) == 1 else "Tick two or more studies"
            st.caption(
                f"{tick} to compare them. The line: mean accuracy by labels, of the rule that the verdict names."
            )
        show(rest)
    may = "see all studies; this studio is read-only" if state.read_only() else "see and change all studies"
    st.caption(f"Everybody who can open this studio can {may}.")
    actions.show_dialog()


if form.is_open():
    form.show()
else:
    studies()
