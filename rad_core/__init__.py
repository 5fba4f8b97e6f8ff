"""The engine of RAD Studio: selection, learning and studies; it knows nothing of any user interface.

For people who bring their own models: `select` picks the rows to have labeled, `select_stream` from pools larger than
memory; `solve_game` and `game_value` give the sampling probabilities and the guarantee behind them; a `Campaign` spends
real money in rounds, and `run_campaign` has it go by itself. They are imported when they are first used, and import no
torch: `rad --help` needs neither them nor numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rad_core.campaign.campaign import Campaign
    from rad_core.campaign.running import run_campaign
    from rad_core.selection.api import select
    from rad_core.selection.game import Equilibrium, game_value, solve_game
    from rad_core.selection.stream import select_stream

__all__ = ["Campaign", "Equilibrium", "game_value", "run_campaign", "select", "select_stream", "solve_game"]
_HOMES = {
    "Campaign": "campaign.campaign",
    "run_campaign": "campaign.running",
    "select": "selection.api",
    "select_stream": "selection.stream",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"rad_core.{_HOMES.get(name, 'selection.game')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
