"""What do these words mean? The game to play with, the setting, and everything needed to check or cite it."""

from app.method import game, words
from app.shell import blocks

blocks.header(
    "Method",
    "Every label costs, and the teacher errs. Which labels are worth buying if it errs where it hurts most?",
)
game.draw()
words.setting()
words.limits()
words.reference()
