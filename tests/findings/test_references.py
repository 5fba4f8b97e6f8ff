"""The bibliography: its file is read whole, and every paper that is cited has an entry."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from app.export import paper
from app.findings import references
from rad_core.selection.strategies import STRATEGIES


def test_the_file_is_its_entries_and_nothing_else() -> None:
    written = Path(references.__file__).with_suffix(".bib").read_text(encoding="utf-8")
    assert "\n".join(references.ENTRIES.values()) == written
    assert written.count("@") == len(references.ENTRIES)


@pytest.mark.parametrize("key", references.ENTRIES)
def test_an_entry_is_one_field_a_line_with_balanced_braces(key: str) -> None:
    head, *fields, end = references.ENTRIES[key].splitlines()
    assert re.fullmatch(rf"@(article|inproceedings|misc|techreport)\{{{key},", head)
    assert end == "}"
    names = [re.fullmatch(r"  (\w+) = \{.+\},", field)[1] for field in fields]  # type: ignore[index]
    assert len(names) == len(set(names))
    assert {"author", "title", "year"} <= set(names)
    assert all(field.count("{") == field.count("}") for field in fields)
    assert re.fullmatch(r"[^{}]+, \d{4}", references.author_year(key))


def test_every_paper_that_is_cited_has_an_entry_and_every_entry_is_cited() -> None:
    cited = {key for strategy in STRATEGIES.values() for key in strategy.cites}
    cited |= set(re.findall(r"[\"']([a-z]+\d{4}[a-z]+)[\"']", inspect.getsource(paper)))
    assert cited == set(references.ENTRIES)


def test_a_paper_is_named_by_one_two_or_many_authors() -> None:
    named = [references.author_year(key) for key in ("settles2009active", "sener2018active", "baykal2023robust")]
    assert named == ["Settles, 2009", "Sener and Savarese, 2018", "Baykal et al., 2023"]


def test_entries_come_in_alphabetical_order_and_an_unknown_paper_is_refused() -> None:
    text = references.bibtex(["hinton2015distilling", "ash2020deep"])
    assert re.findall(r"@\w+\{(\w+),", text) == ["ash2020deep", "hinton2015distilling"]
    with pytest.raises(KeyError):
        references.bibtex(["nobody2000nothing"])
