"""What do these words mean? The game to play with, the setting, and everything needed to check or cite it."""

from app import method, small_game, ui

ui.header(
    "Method",
    "Every label costs, and the teacher errs. Which labels are worth buying if it errs where it hurts most?",
)
small_game.draw()
method.setting()
method.limits()
method.reference()
