"""The JavaScript and the style of the stage, for a page and for a file. No Streamlit in here."""

from __future__ import annotations

from pathlib import Path

from app.components.explore import assets as explore

_BORROWED = ("words", "game", "waterline")  # of the instrument
_OWN = ("charts", "stage")  # in the order in which they lean on each other
_HERE = Path(__file__).parent


def script() -> str:
    """The JavaScript of the stage, without a word of who mounts it."""
    own = ((_HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in _OWN)
    return "\n".join([explore.script(*_BORROWED), *own])


def style() -> str:
    """The style of the stage."""
    return f"{explore.style('waterline')}\n{(_HERE / 'stage.css').read_text(encoding='utf-8')}"


def mounting() -> str:
    """The JavaScript by which a page brings the stage in."""
    return (_HERE / "js" / "mount.js").read_text(encoding="utf-8")
