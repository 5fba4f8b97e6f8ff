"""What do I label next, for real? The instrument on somebody's own scores: the counterpart of `rad select`."""

import streamlit as st

from app.data import answer, sources
from app.explore import instrument
from app.shell import blocks

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
                "What do I label next?", "Bring your own student's probabilities and see which labels are worth buying."
            )
        sources.teach(given)
