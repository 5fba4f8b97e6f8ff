"""How a text cites papers, and spells what is not its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.findings.references import author_year
from app.findings.words import literal
from rad_core.text import one_line

_SPECIAL = str.maketrans(
    {
        **{char: f"\\{char}" for char in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "\N{MULTIPLICATION SIGN}": r"$\times$",
        "\N{MINUS SIGN}": "$-$",
        "\N{EN DASH}": "--",
    }
)


@dataclass
class Pen:
    """Writes one text: how it cites, how it spells our words and those of a study, and what was cited so far."""

    cite: Callable[[Sequence[str]], str]
    text: Callable[[str], str]
    quote: Callable[[str], str]
    cited: list[str] = field(default_factory=list)

    def __call__(self, *keys: str) -> str:
        """A citation with the space before it."""
        self.cited += [key for key in keys if key not in self.cited]
        return self.cite(keys)


def plain_pen() -> Pen:
    """Cites as in running text, (Baykal et al., 2023), in Markdown."""
    return Pen(lambda keys: f" ({'; '.join(map(author_year, keys))})", str, literal)


def latex_pen() -> Pen:
    r"""Cites with \citep and escapes what LaTeX would take for its own."""

    def spelled(text: str) -> str:
        return one_line(text).translate(_SPECIAL)

    return Pen(lambda keys: rf"~\citep{{{','.join(keys)}}}", spelled, spelled)
