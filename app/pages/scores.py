"""What should I have labeled? Somebody's own scores instead of a study: the counterpart of `rad select`."""

from app import own_scores, scores_files, scores_views, state, ui

ui.header(
    "What should I have labeled?",
    "Bring your own student's probabilities and see which labels are worth buying.",
)
given = scores_files.draw()
if "probabilities" not in given:
    scores_files.teach(given)
else:
    scores = state.kept(
        "own-scores", tuple(part.digest for part in given.values()), lambda: own_scores.put_together(given)
    )
    scores_views.draw(scores)
