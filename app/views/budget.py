"""What if I had another number of labels, or a better or worse teacher?"""

import streamlit as st

from app.explore import lab, numbers
from app.results import reading
from app.shell import blocks, state

view = state.current()
blocks.header("Budget lab", "What if I had another number of labels, or a better or worse teacher?")
seed, round_ = state.current_seed(view), state.current_round(view)
strategies = state.with_results(view, seed, round_ - 1)
if not strategies:
    blocks.stop(
        "Not there yet",
        f"No strategy of this study has finished the round before round {round_} with seed {seed}. Choose an earlier "
        "round or another seed on the left, or come back later.",
        icon=":material/hourglass_empty:",
    )
strategy = strategies[0]
if round_ > 1 and len(strategies) > 1:
    strategy = (
        st.selectbox(
            "Scores of the student that learned from",
            strategies,
            format_func=blocks.short_label,
            key="budget_student",
            bind="query-params",
            width=320,
            help="After the first round every strategy has a student of its own, "
            "which sees the pool with its own eyes.",
        )
        or strategies[0]
    )
lab.draw(
    view.read(reading.pool_before, strategy, seed, round_),
    "budget",
    measured=view.read(numbers.measured, seed, round_),
    gain_name=view.config.gain,
)
