"""What is handed over is true to the study, safe to open, the same every time, and readable where it is shown."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pptx import Presentation
from streamlit.testing.v1 import AppTest

from app.export import FORMATS, pdf, stamp
from app.export.__main__ import changed, export
from app.export.bundle import data_bundle
from app.export.html import html_report, json_for_html
from app.export.paper import bibliography, methods_paragraph
from app.export.slides import slides
from app.export.tables import as_text
from app.present.model import Story
from app.present.settings import STEPS, StorySettings
from app.present.tell import tell
from rad_core.errors import InputError
from rad_core.results.tables import tables
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from tests.conftest import tiny_config
from tests.helpers.result_pages import EVIL, SETTINGS, make_studies, study_in


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_studies(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def study(stores: dict[str, Path]) -> Study:
    return study_in(stores["three"])


@pytest.fixture(scope="module")
def story(study: Study) -> Story:
    return tell(study, SETTINGS)


@pytest.fixture(scope="module")
def report(story: Story, study: Study) -> str:
    return html_report(story, tell(study, SETTINGS, "dark")).decode()


@pytest.fixture
def at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")


# --- the report ----------------------------------------------------------------------------------------------------


def figures_of(report: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', report, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_report_holds_plotly_once_and_is_under_eight_megabytes(report: str) -> None:
    assert report.count("* plotly.js v") == 1
    assert len(report.encode()) < 8e6


def test_the_report_asks_no_one_for_anything(report: str) -> None:
    own = re.sub(r"<script>.*?</script>", "", report, flags=re.DOTALL)  # plotly.js names addresses it never asks here
    asked = re.findall(r"<[a-z]+[^<>]*\s(?:src|href|action|srcset)\s*=\s*[\"']?([^\"'>]{0,24})", own)
    assert all(address.startswith("data:image/png;base64,") for address in asked)
    assert "url(" not in own
    assert "@import" not in own
    config = figures_of(report)["config"]
    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""


def test_only_the_two_scripts_of_the_report_may_run(report: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', report)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "connect-src" not in policy[1]
    assert "unsafe-eval" not in policy[1]
    scripts = re.findall(r"<script>(.*?)</script>", report, re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts}
    assert hashes == set(re.findall(r"'sha256-[^']*'", policy[1]))
    assert len(hashes) == 2


def test_words_of_a_study_are_words_and_never_markup(report: str, story: Story) -> None:
    assert "alert(1)</script>" not in report
    assert f"<title>{EVIL.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</title>" in report
    assert "Say &lt;i&gt;this&lt;/i&gt;\nand that" in report
    for step in story.steps:
        for sentence in step.sentences:
            assert sentence in unescape(report)


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_in_a_page_comes_out_as_it_went_in(value: Any) -> None:
    text = json_for_html(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


def test_every_chart_of_the_story_is_there_in_both_themes_with_its_words_and_its_numbers(
    report: str, story: Story, study: Study
) -> None:
    figures = figures_of(report)["figures"]
    dark = [chart for step in tell(study, SETTINGS, "dark").steps for chart in step.charts]
    told = [chart for step in story.steps for chart in step.charts]
    assert len(told) == len(figures) == report.count('class="chart"') == report.count("<details>")
    for chart, other, figure in zip(told, dark, figures, strict=True):
        assert figure["light"]["data"] == json.loads(chart.figure.to_json())["data"]
        assert figure["dark"]["data"] == json.loads(other.figure.to_json())["data"]
        assert f'aria-label="{chart.alt}"' in unescape(report)
        for name in chart.table.columns:
            assert f">{name}</th>" in unescape(report)


def test_without_dark_figures_the_report_has_the_light_ones(story: Story) -> None:
    assert all(list(figure) == ["light"] for figure in figures_of(html_report(story).decode())["figures"])


# --- data and paper ------------------------------------------------------------------------------------------------


def test_the_data_are_the_tables_of_the_study_and_the_numbers_behind_the_charts(study: Study, story: Story) -> None:
    with zipfile.ZipFile(io.BytesIO(data_bundle(study, story))) as archive:
        names = set(archive.namelist())
        for name, table in tables(study).items():
            pd.testing.assert_frame_equal(
                pd.read_parquet(io.BytesIO(archive.read(f"data/{name}.parquet"))), table.reset_index(drop=True)
            )
            assert len(pd.read_csv(io.BytesIO(archive.read(f"data/{name}.csv")))) == len(table)
        about = archive.read("README.txt").decode()
        assert all(name.rsplit(".", 1)[0] in about for name in names - {"README.txt"})
        assert archive.read("study.toml").decode() == study.config.to_toml()
    assert sum(name.startswith("charts/") for name in names) >= sum(len(step.charts) for step in story.steps)
    assert not any(name.endswith((".png", ".npy")) for name in names)


def keys(text: str) -> set[str]:
    return {key for group in re.findall(r"\\citep\{([^}]*)\}", text) for key in group.split(",")}


def test_the_paragraph_is_true_to_the_study_and_its_references_are_complete(study: Study) -> None:
    text, config = methods_paragraph(study), study.config
    for number in (config.labeled, config.validation, 200, 100, config.student_steps, config.budget, 20):
        assert f"{number:,}" in text
    for words in ("3 seeds", "2 rounds", "uniform sampling", "margin sampling", "oracle", "no augmentation", "AdamW"):
        assert words in text
    assert "BADGE" not in text
    for document in (text, bibliography(study)):
        entries = set(re.findall(r"@\w+\{([^,]+),", document))
        assert keys(document) == entries
        assert {"baykal2023robust", "hinton2015distilling", "scheffer2001active", "alpaydin1998optical"} <= entries
        assert document.count("{") == document.count("}")


def test_the_paragraph_speaks_of_one_seed_and_of_other_rules_as_they_are(stores: dict[str, Path]) -> None:
    one = methods_paragraph(study_in(stores["one"]))
    assert "Results are of 1 seed, too few for intervals." in one
    assert "UNIXKD" in one
    without = methods_paragraph(study_in(stores["without rad"]))
    assert "RAD measures" not in without
    assert "We compare uniform sampling and margin sampling" in without


def test_a_folder_of_images_is_named_without_its_path_and_spelled_for_latex(store: Path, tmp_path: Path) -> None:
    archive = tmp_path / "my_data & 50%.npz"
    rng = np.random.default_rng(0)
    np.savez(archive, x=rng.integers(0, 255, (300, 8, 8), np.uint8), y=np.arange(300) % 3)
    config = tiny_config(
        dataset=f"arrays:{archive}",
        labeled=12,
        validation=12,
        pool=100,
        test=50,
        student="cnn_tiny",
        teacher="mlp",
        rounds=1,
    )
    study = create_study(store, config, "of-my-data")
    run_study(study, workers=1)
    text = methods_paragraph(study)
    assert "the images in my_data & 50%.npz (3 classes)" in text
    assert r"my\_data \& 50\%.npz" in text
    assert str(tmp_path) not in text


# --- the same every time -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("at_one_moment")
@pytest.mark.parametrize("ending", [".html", ".pptx", ".zip", ".md", ".bib"])
def test_the_same_study_gives_the_same_bytes(study: Study, ending: str) -> None:
    first = FORMATS[ending].make(study, SETTINGS)
    again = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from app.export import FORMATS; "
            "from app.present.model import StorySettings; from rad_core.store.study import Study; "
            "sys.stdout.buffer.write(FORMATS[sys.argv[1]]"
            ".make(Study(Path(sys.argv[2])), StorySettings.from_json(sys.argv[3])))",
            ending,
            str(study.path),
            SETTINGS.to_json(),
        ],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert first == again.stdout


def test_two_moments_differ_in_the_time_stamp_alone(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for seconds in ("1767225600", "1798761600"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", seconds)
        made.append((html_report(story).decode(), zipfile.ZipFile(io.BytesIO(slides(story)))))
    (page, one), (other, two) = made
    assert page.replace("2026-01-01 00:00 UTC", "2027-01-01 00:00 UTC") == other
    assert one.namelist() == two.namelist()
    for name in one.namelist():
        if not name.endswith(".xlsx") and name != "docProps/core.xml":
            assert one.read(name).replace(b"2026-01-01 00:00 UTC", b"2027-01-01 00:00 UTC") == two.read(name)


@pytest.mark.parametrize("value", ["soon", "-1", "1", "99999999999999"])
def test_a_moment_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    with pytest.raises(InputError, match="SOURCE_DATE_EPOCH is"):
        stamp.moment()


# --- every study, bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["one", "half", "without rad", "no thumbnails"])
@pytest.mark.parametrize("ending", [".html", ".pptx", ".zip"])
def test_every_study_with_results_can_be_handed_over(stores: dict[str, Path], name: str, ending: str) -> None:
    assert len(FORMATS[ending].make(study_in(stores[name]), None)) > 10_000


@pytest.mark.parametrize("ending", sorted(FORMATS))
@pytest.mark.parametrize("name", ["begun", "new"])
def test_a_study_without_results_is_refused_in_a_sentence(stores: dict[str, Path], name: str, ending: str) -> None:
    if ending == ".pdf" and pdf.missing():
        pytest.skip("no browser to print with")
    with pytest.raises(InputError, match=r"nothing to (tell|write about|export)"):
        FORMATS[ending].make(study_in(stores[name]), None)


def test_a_target_takes_the_place_of_a_budget() -> None:
    stored = StorySettings(budget=10.0, price_per_label=1.0)
    assert changed(stored, {"target": 0.9}).budget is None
    assert changed(StorySettings(target=0.9), {"budget": 5.0, "price_per_label": 1.0}).target is None
    with pytest.raises(InputError, match="Both a target and a budget"):
        changed(stored, {"target": 0.9, "budget": 3.0})


def test_hidden_steps_stay_hidden(study: Study) -> None:
    hidden = tuple(name for name in STEPS if name != "curves")
    page = html_report(tell(study, StorySettings(hidden=hidden))).decode()
    assert page.count('<section class="step') == 1


RAD = [sys.executable, "-m", "rad_core.cli", "export", "study-of-tests"]


def rad(store: Path, *arguments: object, code: int = 0, **environment: str) -> str:
    ran = subprocess.run(
        [*RAD, "--store", str(store), *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert code == 0 or ran.stderr.count("Error:") == 1
    return ran.stdout if code == 0 else ran.stderr


def test_the_command_writes_what_the_ending_says(stores: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "Story.PPTX"
    out = rad(stores["three"], "--to", target, "--title", EVIL[:40], "--price", 2, "--currency", "EUR", "--target", 0.1)
    assert str(target) in out
    deck = Presentation(str(target))
    assert deck.core_properties.title == EVIL[:40].replace("\u2028", " ")
    assert any("EUR" in slide.notes_slide.notes_text_frame.text for slide in deck.slides)
    assert [path.name for path in tmp_path.iterdir()] == ["Story.PPTX"]
    assert "is there already" in rad(stores["three"], "--to", target, code=2)
    rad(stores["three"], "--to", target, "--force")


def test_the_program_that_exports_is_the_studio_that_is_installed(stores: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('another app')")
    ran = subprocess.run(
        [shutil.which("rad") or "rad", "export", "latest", "--store", str(stores["three"]), "--to", "here.md"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "here.md").read_text().startswith("# Methods")


def refusals(tmp_path: Path) -> Iterator[tuple[list[object], str]]:
    yield [], "Say where to write"
    yield ["--to", tmp_path / "x.html", "-o", tmp_path], "Say where to write"
    yield ["--to", tmp_path / "x.docx"], "its ending must be one of .html (report), .pptx (slides)"
    yield ["--to", tmp_path / "nowhere" / "x.html"], "There is no folder"
    yield ["--to", tmp_path / "x.rad.zip"], "rad pack"
    yield ["--to", tmp_path / "x.html", "--target", 7], "target is 7.0; it must be an accuracy between 0 and 1"
    yield ["--to", tmp_path / "x.html", "--price", "nan"], "price_per_label is nan"
    yield ["-o", tmp_path / "tables", "--price", 2], "--price goes with --to FILE"


def test_what_cannot_be_written_is_said_in_one_sentence(stores: dict[str, Path], tmp_path: Path) -> None:
    for arguments, sentence in refusals(tmp_path):
        assert sentence in rad(stores["three"], *arguments, code=2)
    assert "so there is nothing to" in rad(stores["new"], "--to", tmp_path / "x.zip", code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place where not even root can write")
def test_a_place_that_cannot_be_written_loses_nothing(study: Study) -> None:
    with pytest.raises(InputError, match=r"/proc/x\.md cannot be written"):
        export(study, Path("/proc/x.md"), {})


def test_an_export_that_fails_leaves_the_older_one(study: Study, stores: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "x.md"
    export(study, target, {})
    before = target.read_bytes()
    with pytest.raises(InputError):
        export(study_in(stores["begun"]), target, {}, force=True)
    assert target.read_bytes() == before


# --- PDF -----------------------------------------------------------------------------------------------------------


def test_without_a_browser_there_is_no_pdf_and_a_sentence_says_so(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CHROME", raising=False)
    if pdf.find_browser() is not None:
        pytest.skip("a browser stands in its usual place, whatever PATH says")
    with pytest.raises(InputError, match=r"No Chromium, Chrome or Edge is installed here .* HTML report"):
        FORMATS[".pdf"].make(study, None)


def test_a_browser_that_is_none_or_fails_is_named(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROME", "no-such-program")
    assert "CHROME is 'no-such-program'" in pdf.missing()
    monkeypatch.setenv("CHROME", shutil.which("false") or "false")
    with pytest.raises(InputError, match="could not print the report"):
        pdf.print_pdf(b"<p>hello</p>")


# --- buttons -------------------------------------------------------------------------------------------------------


def _page(study: str) -> None:
    import os
    from pathlib import Path

    from app.present.settings import StorySettings
    from app.shell import state
    from app.views._downloads import buttons

    os.environ["RAD_STORE"] = str(Path(study).parent)
    buttons(state.open_view(Path(study).name), StorySettings())


@pytest.mark.parametrize(("name", "off"), [("three", set()), ("half", {"Methods (Markdown)", "References (BibTeX)"})])
def test_every_format_has_a_button_and_one_that_cannot_work_says_why(
    stores: dict[str, Path], name: str, off: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROME", "no-such-program")
    at = AppTest.from_function(_page, kwargs={"study": str(study_in(stores[name]).path)}).run(timeout=30)
    assert not at.exception
    found = {button.proto.label: button.proto for button in at.get("download_button")}
    assert set(found) == {kind.label for kind in FORMATS.values()}
    assert {label for label, button in found.items() if button.disabled} == off | {"Report (PDF)"}
    assert "no-such-program" in found["Report (PDF)"].help
    assert all("nothing to write about" in found[label].help for label in off)


# --- tables in words -----------------------------------------------------------------------------------------------


def test_numbers_are_written_as_people_read_them() -> None:
    table = pd.DataFrame(
        {
            "a": [1234.56, 0.123456, -0.5, np.nan],
            "b": [1, 20_000, 3, 4],
            "c": [True, False, True, False],
            "d": list("wxyz"),
        }
    )
    found = as_text(table)
    assert list(found["a"]) == ["1,235", "0.1235", "\N{MINUS SIGN}0.5", "\N{EN DASH}"]
    assert list(found["b"]) == ["1", "20,000", "3", "4"]
    assert list(found["c"]) == ["yes", "no", "yes", "no"]
    assert list(found["d"]) == list("wxyz")


def test_a_damaged_presentation_takes_no_export_away(
    stores: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Study(shutil.copytree(study_in(stores["three"]).path, tmp_path / "study-of-tests"))
    own.write_presentation({"of another": "version"})
    export(own, tmp_path / "x.md", {})
    assert (tmp_path / "x.md").stat().st_size > 1000
    warned = capsys.readouterr().err
    assert warned.startswith("Warning: 'of another' is not a setting of a story")
    assert warned.count("\n") == 1
