"""Is it worth it? (placeholder while the frame is tried)"""

from app import reading, state, ui
from app.figures import accuracy_curves

view = state.current()
ui.header("Overview", view.title)
table = view.read(reading.rounds)
ui.chart(
    accuracy_curves(table, references=view.read(reading.references), theme=state.theme()), "curves", basis="measured"
)
