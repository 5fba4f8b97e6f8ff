"""What should I have labeled? Somebody's own scores instead of a study: the counterpart of `rad select`."""

from app import scores_files, scores_views, ui

ui.header(
    "What should I have labeled?",
    "Bring your own student's probabilities and see which labels are worth buying.",
)
with ui.spoken_errors():  # here, so that what stands above an error stays
    given = scores_files.draw()
    if "probabilities" in given:
        scores_views.draw(given)
    else:
        scores_files.teach(given)
