"""Slides hold the numbers and words of the study, whole, on their place, in charts that PowerPoint can edit."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE

from app.export.fitting import height, lines, shortened, width
from app.export.map_picture import map_picture
from app.export.slide_drawing import DASHES, MARKERS
from app.export.slides import slides
from app.figures.drawing import XY, Bars
from app.palette import rgb, strategy_style
from app.present.model import Step, Story
from app.present.tell import tell
from rad_core.selection.strategies import STRATEGIES
from rad_core.store.study import Study
from tests.helpers.figure_examples import charts
from tests.helpers.result_pages import SETTINGS, make_studies, study_in

EMU = 914400
MAP = "Where do the bought points lie?"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_in(make_studies(tmp_path_factory.mktemp("slides"))["three"])


@pytest.fixture(scope="module")
def story(study: Study) -> Story:
    return tell(study, SETTINGS)


@pytest.fixture(scope="module")
def deck(story: Story) -> Any:
    return Presentation(io.BytesIO(slides(story)))


def all_texts(slide: Any) -> list[str]:
    return [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]


def box(shape: Any) -> tuple[float, float, float, float]:
    left, top, wide, tall = (value / EMU for value in (shape.left, shape.top, shape.width, shape.height))
    return left, top, left + wide, top + tall


def overlapping(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    slack = 0.01
    return (
        one[0] < other[2] - slack
        and other[0] < one[2] - slack
        and one[1] < other[3] - slack
        and other[1] < one[3] - slack
    )


def assert_well_laid_out(deck: Any) -> None:
    """All parts inside the slide, none over another, every text in a size to be read and inside its place."""
    for slide in deck.slides:
        boxes = [box(shape) for shape in slide.shapes]
        for i, one in enumerate(boxes):
            assert one[0] >= -0.01
            assert one[1] >= -0.01
            assert one[2] <= deck.slide_width / EMU + 0.01
            assert one[3] <= deck.slide_height / EMU + 0.01
            assert not any(overlapping(one, other) for other in boxes[i + 1 :]), [shape.name for shape in slide.shapes]
        for shape in slide.shapes:
            if not shape.has_text_frame or not shape.text_frame.text.strip():
                continue
            runs = [run for paragraph in shape.text_frame.paragraphs for run in paragraph.runs]
            size, footer = runs[0].font.size.pt, box(shape)[1] > 7
            assert footer or size >= 18
            texts = [paragraph.text for paragraph in shape.text_frame.paragraphs]
            left, top, right, bottom = box(shape)
            bold = bool(runs[0].font.bold)
            assert height(texts, size, right - left, bold=bold) <= bottom - top + 0.02, texts


def native_charts(deck: Any) -> list[Any]:
    return [shape.chart for slide in deck.slides for shape in slide.shapes if shape.has_chart]


@pytest.mark.parametrize("audience", ["executive", "technical"])
def test_slides_are_wide_and_nothing_overlaps_or_leaves_them(study: Study, audience: str) -> None:
    deck = Presentation(io.BytesIO(slides(tell(study, attrs.evolve(SETTINGS, audience=audience)))))
    assert deck.slide_width / deck.slide_height == pytest.approx(16 / 9, rel=1e-3)
    assert_well_laid_out(deck)


def test_every_step_is_one_slide_with_its_finding_its_number_and_one_thing_to_see(deck: Any, story: Story) -> None:
    assert len(deck.slides) == len(story.steps)
    for slide, step in zip(deck.slides, story.steps, strict=True):
        assert slide.shapes.title.text_frame.text == step.title
        assert not step.number or step.number in all_texts(slide)
        seen = [s for s in slide.shapes if s.has_chart or s.shape_type == MSO_SHAPE_TYPE.PICTURE]
        assert len(seen) == 1, step.name


def test_every_chart_of_a_story_has_a_drawing_or_is_a_map(deck: Any, story: Story) -> None:
    told = [chart for step in story.steps for chart in step.charts]
    assert {chart.title for chart in told if chart.drawing is None} == {MAP}
    assert len(native_charts(deck)) >= 4


def test_curves_on_a_slide_hold_the_numbers_and_the_look_of_the_studio(deck: Any, story: Story) -> None:
    (step,) = (step for step in story.steps if step.name == "curves")
    table = step.charts[0].table
    chart = next(
        one for one in native_charts(deck) if one.value_axis.axis_title.text_frame.text.startswith("Accuracy on")
    )
    series = {one.name: one for one in chart.plots[0].series}
    for name in ("rad", "uniform", "margin", "oracle"):
        style = strategy_style(name)
        mine = table[table["Strategy"] == style.label]
        one = series[style.label.split(" (")[0]]
        assert np.allclose(list(one.values), mine["Accuracy on the test set"], atol=1e-6)
        assert str(one.format.line.color.rgb) == style.color[1:]
    assert len({series[name].format.line.dash_style for name in ("RAD", "Uniform", "Margin", "Oracle")}) == 4
    bars = series["RAD"]._element.xpath("./c:errBars/c:plus/c:numLit/c:pt/c:v")
    rad = table[table["Strategy"] == "RAD"]
    wanted = rad["95% interval, high"] - rad["Accuracy on the test set"]
    assert np.allclose([float(value.text) for value in bars], wanted, atol=1e-5)


def test_error_bars_stand_where_powerpoint_wants_them(deck: Any) -> None:
    for chart in native_charts(deck):
        for series in chart.plots[0].series:
            names = [child.tag.split("}")[1] for child in series._element]
            values = names.index("xVal" if "xVal" in names else "cat")
            places = [i for i, name in enumerate(names) if name == "errBars"]
            earlier = [i for i, name in enumerate(names) if name in ("tx", "spPr", "invertIfNegative", "marker", "dPt")]
            assert all(max(earlier) < place < values for place in places)
            assert len(places) <= 2


def test_notes_hold_all_sentences_the_presenters_words_and_the_numbers(deck: Any, story: Story) -> None:
    notes = [slide.notes_slide.notes_text_frame.text for slide in deck.slides]
    for step in story.steps:
        mine = [text for text in notes if all(sentence in text for sentence in step.sentences)]
        assert mine, step.name
        if step.note:
            assert all("Say <i>this</i>" in text for text in mine)
        for chart in step.charts:
            assert any(chart.alt in text for text in mine)
            assert any("\t".join(map(str, chart.table.columns)) in text for text in mine)


def test_what_does_not_fit_is_in_the_notes(study: Study, story: Story) -> None:
    long = tuple(f"Sentence {i} " + "of a story that goes on and on " * (3 + i % 9) for i in range(17))
    endless = "unbreakable" * 30
    steps = tuple(attrs.evolve(step, sentences=(*long, endless), title="x" * 200) for step in story.steps)
    deck = Presentation(io.BytesIO(slides(attrs.evolve(story, steps=steps, title="Title " * 60, subtitle="S " * 400))))
    assert_well_laid_out(deck)
    assert len(deck.slides) == len(steps)
    for slide in deck.slides:
        notes = slide.notes_slide.notes_text_frame.text
        assert all(sentence.strip() in notes for sentence in (*long, endless))


@pytest.mark.parametrize("name", sorted(charts()))
def test_native_charts_show_the_numbers_of_their_tables(name: str, story: Story) -> None:
    chart = charts()[name]()
    what = chart.drawing
    if what is None:
        return
    values = chart.table.select_dtypes("number").to_numpy(float).ravel()
    shown = np.concatenate([one.y for one in what.series]) if isinstance(what, XY) else what.values
    levels = {0.0, 1.0, 0.9, 0.87, 0.55, 0.8}  # the diagonal and the reference lines of the examples
    for value in shown[np.isfinite(shown)]:
        assert np.isclose(values, value, atol=1e-6).any() or any(abs(value - level) < 1e-6 for level in levels)
    if isinstance(what, Bars):
        assert len(what.categories) == len(what.values) == len(what.colors) == len(chart.table)
    step = Step("curves", name, ("One sentence.",), charts=(chart,))
    deck = Presentation(io.BytesIO(slides(attrs.evolve(story, steps=(step,)))))
    assert_well_laid_out(deck)
    assert len(native_charts(deck)) == 1


def test_control_characters_break_no_slide(story: Story) -> None:
    texts = {"title": "bell\x07 and \x00 null", "sentences": ("tab\there \ufffe",), "note": "line\nbreak \x0b"}
    odd = attrs.evolve(story.steps[0], **texts)
    deck = Presentation(io.BytesIO(slides(attrs.evolve(story, steps=(odd,), title="\x1b[31m"))))
    assert "bell" in deck.slides[0].shapes.title.text_frame.text


def test_pictures_and_charts_say_what_they_show(deck: Any) -> None:
    for slide in deck.slides:
        for shape in slide.shapes:
            if shape.has_chart or shape.shape_type == MSO_SHAPE_TYPE.PICTURE:
                assert len(shape._element.xpath(".//p:cNvPr")[0].get("descr")) > 3


def test_a_map_is_drawn_with_its_picks_in_their_colors(story: Story) -> None:
    from PIL import Image

    (chart,) = (chart for step in story.steps for chart in step.charts if chart.title == MAP)
    found = map_picture(chart)
    assert found.png == map_picture(chart).png
    pixels = np.asarray(Image.open(io.BytesIO(found.png)).convert("RGB")).reshape(-1, 3).astype(int)
    for key in found.legend[-2:]:
        wanted = list(rgb(key.color))
        assert (np.abs(pixels - wanted).max(axis=1) < 12).sum() > 50, key
    assert any(key.text.startswith("RAD (") for key in found.legend)


@given(st.text(max_size=300), st.floats(0.3, 12), st.sampled_from([18, 24, 32]))
def test_what_is_shortened_fits(text: str, room: float, size: int) -> None:
    one_line = 1.3 * size / 72
    short = shortened(text, size, (room, one_line))
    assert short == text or short.endswith("…")
    assert height([short], size, room) <= one_line or short == "…"


def test_the_widths_of_letters_are_those_of_the_font() -> None:
    assert width("Hamburgefonstiv", 72) == pytest.approx(1.04 * 7.448, rel=0.02)  # Arial, 72 points
    assert lines("one two three", 18, width("one two", 18)) == 2
    assert lines("x" * 100, 18, width("x" * 10, 18)) == 10


# --- as LibreOffice draws them -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_slides_open_in_libreoffice_and_every_word_is_drawn(story: Story, tmp_path: Path) -> None:
    office, to_text = shutil.which("soffice"), shutil.which("pdftotext")
    if office is None or to_text is None:
        pytest.skip("needs LibreOffice Impress and poppler-utils (soffice, pdftotext)")
    (tmp_path / "deck.pptx").write_bytes(slides(story))
    subprocess.run(
        [
            office,
            "--headless",
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--convert-to",
            "pdf",
            "--outdir",
            str(tmp_path),
            str(tmp_path / "deck.pptx"),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    drawn = subprocess.run(
        [to_text, "-layout", str(tmp_path / "deck.pdf"), "-"], check=True, capture_output=True, text=True
    )
    pages = drawn.stdout.split("\f")
    deck = Presentation(str(tmp_path / "deck.pptx"))
    assert len(pages) - 1 == len(deck.slides)
    for slide, page in zip(deck.slides, pages, strict=False):
        words = set(re.findall(r"[A-Za-z]{4,}", page))
        wanted = set(re.findall(r"[A-Za-z]{4,}", " ".join(all_texts(slide))))
        assert len(wanted - words) <= 0.1 * len(wanted), wanted - words  # words that are hyphenated or broken apart


def test_every_strategy_has_a_look_of_its_own_on_slides() -> None:
    styles = {name: strategy_style(name) for name in STRATEGIES}
    looks = {name: (DASHES[style.dash], MARKERS[style.symbol]) for name, style in styles.items()}
    assert len(set(looks.values())) == len(looks), looks
    for number in range(200):  # strategies without an entry in the palette
        spare = strategy_style(f"added_{number}")
        assert spare.dash in DASHES, spare.dash
        assert spare.symbol in MARKERS, spare.symbol
