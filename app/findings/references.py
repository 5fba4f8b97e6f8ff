"""The papers behind a study, as references.bib beside this file holds them. No Streamlit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_ENTRY = re.compile(r"^@\w+\{(\w+),\n.*?^\}\n", re.MULTILINE | re.DOTALL)

# By key, each entry as it is written: what the file says is what people get, and nothing is formatted anew.
ENTRIES: dict[str, str] = {
    entry[1]: entry[0] for entry in _ENTRY.finditer(Path(__file__).with_suffix(".bib").read_text(encoding="utf-8"))
}


def bibtex(keys: Iterable[str]) -> str:
    """The entries of these papers in alphabetical order, a blank line between. KeyError for a key without an entry."""
    return "\n".join(ENTRIES[key] for key in sorted(keys))


def author_year(key: str) -> str:
    """As a text names a paper: "Baykal et al., 2023". KeyError for a key without an entry."""
    names = [author.split(",")[0] for author in _field(key, "author").split(" and ")]
    who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return f"{who}, {_field(key, 'year')}"


def _field(key: str, name: str) -> str:
    """A field's value; each stands on a line of its own."""
    return re.findall(rf"^  {name} = \{{(.*)\}},$", ENTRIES[key], re.MULTILINE)[0]
