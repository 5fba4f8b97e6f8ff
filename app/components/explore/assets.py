"""The JavaScript and the style of the instrument, in small files that are joined. No Streamlit in here."""

from __future__ import annotations

from pathlib import Path

from app.components import script as join

# In the order in which they lean on each other; together they are one module.
_SCRIPTS = ("words", "game", "draw", "waterline", "accuracy", "places", "images", "purchase", "bar", "instrument")


def script(*names: str) -> str:
    """Scripts of the instrument, joined; by default all of them, with its style."""
    return join(Path(__file__).with_name("js"), names or _SCRIPTS, None if names else style("waterline", "explore"))


def style(*names: str) -> str:
    """Style sheets of the instrument, joined."""
    return "\n".join(Path(__file__).with_name(f"{name}.css").read_text(encoding="utf-8") for name in names)
