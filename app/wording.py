"""Text from a study on a page of Markdown. The words themselves are in `rad_core.study.words`."""

from __future__ import annotations


def literal(text: str) -> str:
    """Text from a study as Markdown that shows it as it is."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()#+-.!|$<>~:" else char for char in text)
