"""Text from a study on a page of Markdown. The words themselves are in `rad_core.results.words`."""

from __future__ import annotations

import re

import numpy as np

from rad_core.text import one_line

# What Streamlit's pages read in a text: Markdown's own marks and directives such as :red[...] ...
_MARKS = re.compile(r"[\\`*\[\]<$~|#]|_(?![^\W_])|(?<![^\W_])_|&(?=[#A-Za-z])|:(?=[A-Za-z])")
_AT_START = re.compile(r"^(?:\d+(?=[.)])|(?=[-+=>]))")
# ... and what they look for once the marks are gone, where no backslash helps: addresses, icons and emoji, arrows.
_SEEN_LATER = (
    (re.compile(r":(?=//|[\w+-]+:|material[/_])", re.ASCII), ":"),
    (re.compile(r"www(?=\.)", re.IGNORECASE), r"\g<0>"),
    (re.compile(r"(?<=[\w.+-])(?=@)", re.ASCII), ""),
    (re.compile(r"(?<!\S)[-<>~](?=(?:->|[->=])(?!\S))"), r"\g<0>"),
)


def literal(text: object) -> str:
    """Text of others as Markdown that shows it letter by letter, on one line: no link, image, icon, color or formula.

    Where only that helps, an invisible word joiner (U+2060) parts what would be read as one.
    """
    line = " ".join(one_line(text).split())
    for pattern, kept in _SEEN_LATER:
        line = pattern.sub(f"{kept}\N{WORD JOINER}", line)
    return _AT_START.sub(r"\g<0>\\", _MARKS.sub(r"\\\g<0>", line))


def spoken(text: object) -> str:
    """Text of others for a label that is only read aloud: without marks, since their backslashes would be read too."""
    line = " ".join(one_line(text).split())
    while (bare := _MARKS.sub("", line)) != line:  # what stood apart may make a mark together
        line = bare
    return literal(line)


def number(value: float, digits: int = 3) -> str:
    """A number for a label: significant digits, thousands separated, no exponent between 0.0001 and a billion."""
    if not np.isfinite(value):
        return "n/a"
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    decimals = digits - 1 - int(np.floor(np.log10(abs(value))))
    return f"{value:.{decimals}f}"
