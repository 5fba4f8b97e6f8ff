"""What a hostile study hands over is text: slides without links or formulas, Markdown and LaTeX that obey nothing."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing

import pytest
from pptx import Presentation

from app.export import FORMATS, file_name
from app.figures import class_heatmap
from app.figures.base import plain, verbatim
from app.palette import strategy_label
from rad_core.store.database import DATABASE
from rad_core.store.study import Study
from tests.helpers.hostile_study import BAIT, ESCAPES, HOST, TEXT, make_hostile


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    return make_hostile(tmp_path_factory.mktemp("hostile") / "store")


def parts(office: bytes, path: str = "") -> Iterator[tuple[str, bytes]]:
    """Every part of an Office file, and of the workbooks in it."""
    with zipfile.ZipFile(io.BytesIO(office)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            yield f"{path}{name}", content
            if name.endswith(".xlsx"):
                yield from parts(content, f"{path}{name}!")


def test_slides_hold_no_link_and_no_formula(studies: dict[str, Study]) -> None:
    deck = FORMATS[".pptx"].make(studies["hostile-finished"], None)
    for name, content in parts(deck):
        assert b"External" not in content, name
        assert b"<hyperlink" not in content, name
        assert b"hlinkClick" not in content, name
        assert not ("xl/worksheets" in name and b"<f>" in content), name
    shapes = [shape for slide in Presentation(io.BytesIO(deck)).slides for shape in slide.shapes]
    words = "\n".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)
    assert f"{BAIT[0]} {BAIT[4]} {BAIT[7]}" in words


def test_the_paragraph_for_a_paper_quotes_a_study_letter_by_letter(studies: dict[str, Study]) -> None:
    study = studies["hostile-strategy"]
    with closing(sqlite3.connect(study.path / DATABASE)) as database:
        config = json.loads(study.config.to_json()) | {"dataset": "folder:/photos/my [set](x) 50% \\input{a}_b"}
        database.execute("update meta set value = ? where key = 'config'", [json.dumps(config)])
        database.commit()
    study = Study(study.path)
    text = FORMATS[".md"].make(study, None).decode()
    prose, latex = text.split("## LaTeX")[0], text.split("```latex\n")[1].split("\n```")[0]
    assert r"my \[set\](x) 50% \\input{a}\_b (10 classes)" in prose
    assert f"http://{HOST}" not in prose
    assert "<img" not in prose.replace(r"\<img", "")
    assert r"my [set](x) 50\% \textbackslash{}input\{a\}\_b (10 classes)" in latex
    assert "\n" not in latex
    entries = [line for line in FORMATS[".bib"].make(study, None).decode().splitlines() if "input" in line]
    assert len(entries) == 1
    assert entries[0].startswith("% ")


@pytest.mark.parametrize("ending", FORMATS)
def test_downloads_are_named_by_the_id_alone(studies: dict[str, Study], ending: str) -> None:
    for study in studies.values():
        assert re.fullmatch(r"[a-z0-9-]+\.[a-z]+", file_name(study, ending))


def test_a_chart_shows_class_names_letter_by_letter() -> None:
    names = [*BAIT, ESCAPES]
    layout = class_heatmap([[0.5] * len(names)], ["rad"], names).figure.to_plotly_json()["layout"]
    for text in layout["xaxis"]["ticktext"]:
        assert not re.search(r"[<>]|%\{", text)
        assert not re.search(r"&(?!amp;|lt;|gt;|#37;)", text)
    assert [plain(verbatim(name)) for name in BAIT] == [" ".join(name.split()) for name in BAIT]


def test_a_strategy_that_none_of_ours_could_be_called_keeps_letters_and_digits() -> None:
    assert strategy_label("rad_calibrated") == "RAD calibrated"
    assert strategy_label(f"![x](http://{HOST}/b.png)") == "X http evil example b png"
    assert strategy_label("www.evil.example") == "Www evil example"
    for name in (*BAIT, ESCAPES, TEXT):
        assert re.fullmatch(r"[\w ]+…?", strategy_label(name))
        assert len(strategy_label(name)) <= 40
    assert strategy_label("![]()") == "(unnamed)"
