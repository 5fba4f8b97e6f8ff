"""What do I label next, for real? Once, by somebody's own scores; or round after round, with money: a campaign."""

import streamlit as st

from app.campaign import cards, create
from app.data import answer, sources
from app.explore import instrument
from app.shell import blocks

ONCE, CAMPAIGN = "once", "campaign"
WAYS = {ONCE: "Choose once", CAMPAIGN: "Campaign"}


def once() -> None:
    """The instrument on scores, and rows to take along."""
    head, files = st.container(), st.container()
    with blocks.spoken_errors():  # here, so that what stands above an error stays
        with files:
            given = sources.draw()
        if "probabilities" in given:
            st.html(instrument.STYLE)
            answer.draw(given)
        else:
            with head:
                blocks.header(
                    "What do I label next?",
                    "Bring your own student's probabilities and see which labels are worth buying.",
                )
            sources.teach(given)


def campaign() -> None:
    """The campaigns there are, and a new one."""
    blocks.header(
        "Which labels do I buy, round after round?",
        "A campaign keeps the money, the questions and the answers, and never pays for a label twice.",
    )
    with blocks.spoken_errors():
        cards.show(heading=False)
        create.draw()


{CAMPAIGN: campaign, ONCE: once}[blocks.choose_one("What for", WAYS, "what_for", hidden=True, width="content")]()
