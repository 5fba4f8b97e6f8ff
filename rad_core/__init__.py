"""The engine of RAD Studio: selection, learning and studies; it knows nothing of any user interface.

For people who bring their own models: `select` picks the rows to have labeled, `solve_game` and `game_value` give the
sampling probabilities and the guarantee behind them. Importing them imports no torch.
"""

from rad_core.selection.api import select
from rad_core.selection.game import Equilibrium, game_value, solve_game

__all__ = ["Equilibrium", "game_value", "select", "solve_game"]
