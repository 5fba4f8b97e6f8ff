"""Text of others, made fit to be shown: what a terminal or a page would obey stands as what it is."""

from __future__ import annotations

_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # Persian and emoji need them; they move nothing


def one_line(text: object) -> str:
    r"""The text on one line, in printable characters: a line break is a space, an escape character reads \x1b."""
    line = str(text)
    if line.isprintable():
        return line
    return "".join(map(_shown, line))


def _shown(char: str) -> str:
    if char.isspace():
        return " "
    return char if char.isprintable() or char in _JOINERS else char.encode("unicode_escape").decode()
