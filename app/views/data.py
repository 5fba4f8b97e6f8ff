"""What should I have labeled? Somebody's own scores instead of a study: the counterpart of `rad select`."""

from app.data import answer, sources
from app.shell import blocks

blocks.header(
    "What should I have labeled?",
    "Bring your own student's probabilities and see which labels are worth buying.",
)
with blocks.spoken_errors():  # here, so that what stands above an error stays
    given = sources.draw()
    if "probabilities" in given:
        answer.draw(given)
    else:
        sources.teach(given)
