"""The Overview answers whether it is worth it in every state of a study, and claims nothing that was not measured."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from app.figures import examples_chart
from app.findings import claims
from app.results import reading
from app.results.shipped import assets
from rad_core.errors import InputError
from rad_core.results import sentences
from rad_core.results.needed import targets
from rad_core.results.verdicts import results
from rad_core.results.words import percent
from rad_core.selection.whatif import guarantees
from rad_core.store.pack import pack
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.helpers.result_pages import figures, make_studies, open_page, sound, study_in, words


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_studies(tmp_path_factory.mktemp("stores"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study in which labels are shown to pay, so that an accuracy can be asked for."""
    return unpack_into(assets() / "studies" / "fashion-long-tail.rad.zip", tmp_path_factory.mktemp("store"))


def test_the_result_stands_on_top_and_is_the_measured_one(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sound(open_page(monkeypatch, stores["three"], "overview"))
    measured = results(study_in(stores["three"]))
    text = words(at).replace("\\", "")
    assert sentences.headline(measured).text in at.header[0].value.replace("\\", "")
    assert "RAD Studio finds the labels worth buying" in text
    assert percent(measured.final("rad").mean) in text
    assert percent(claims.mistakes(measured.table)["rad"].mean) in text
    assert "Labels needed" in text
    assert text.count("ESTIMATE") == 1
    assert "An upper bound" not in text, "the oracle is not shown unless asked for"
    assert len(figures(at)) == 2


def test_the_worst_case_is_that_of_the_first_purchase_whatever_round_another_page_shows(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    pools = [reading.pool_before(study_in(stores["three"]), "rad", seed, 1) for seed in range(3)]
    rad, uniform = (
        np.mean([float(guarantees(pool.gains, 10, pool.wrong(), rule)) for pool in pools])
        for rule in ("rad", "uniform")
    )
    for parameters in ({}, {"round": "2"}):
        at = open_page(monkeypatch, stores["three"], "overview", **parameters)
        assert f"+{rad / uniform - 1:.0%}" in [header.value.replace("\\", "") for header in at.header]


def test_one_seed_shows_no_uncertainty_and_no_winner(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, stores["one"], "overview"))
    text = words(at).replace("\\", "")
    assert "Too few repetitions to tell (1)" in text
    assert "1 repetition: too few for an interval, so no rule is said to be ahead" in text
    assert "beats" not in text
    assert "Not measured: a student taught on the whole pool" in text
    assert "<b>One</b>" not in text, "no name from a study gets into the page's own text"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("new", "The first results are on their way"),
        ("begun", "Not known yet. No rule has finished all 2 rounds"),
        ("half", "Not known yet. No rule has finished all 2 rounds"),
        ("no thumbnails", "(3 repetitions)"),
        ("without rad", "Too few repetitions to tell (2). 20 labels, chosen by margin"),
    ],
)
def test_every_state_of_a_study_has_its_words(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    text = words(sound(open_page(monkeypatch, stores[name], "overview"))).replace("\\", "")
    assert said in text
    assert "nan" not in text.lower().split()
    assert ("evenly spaced in order of purchase" in text) == (name in {"half", "without rad"})


def test_a_first_visitor_without_any_study_learns_what_this_is(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = words(sound(open_page(monkeypatch, stores["empty"], "overview")))
    assert "RAD Studio finds the labels" in text
    assert "No study yet" in text


def test_an_example_is_called_one(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    pack(study_in(stores["three"]), tmp_path / "example.rad.zip")
    at = open_page(monkeypatch, tmp_path / "own", "overview")
    monkeypatch.setattr("app.results.shipped.archives", lambda: [tmp_path / "example.rad.zip"])
    assert "This is an example" in words(sound(at.run()))


def test_bad_links_fall_back_to_what_is_there(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page(
        monkeypatch, stores["three"], "overview", overview_target="evil", overview_strategies="../../etc", run="../x"
    )
    plain = open_page(monkeypatch, stores["three"], "overview")
    (warning,) = sound(at).warning
    assert "showing this one instead" in warning.value
    assert words(at).replace(f" {warning.value}", "") == words(plain)


def test_target_and_strategies_can_be_chosen_and_unchosen(
    stores: dict[str, Path], shipped: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sound(open_page(monkeypatch, shipped.path.parent, "overview"))
    offered = targets(results(shipped)).offered
    slider = at.slider(key="overview_target")
    assert (slider.min, slider.max) == pytest.approx((100 * offered[0], 100 * offered[-1]))
    sound(slider.set_value(slider.max).run())
    assert f"Labels needed for {slider.max:g}%" in words(at)
    at = sound(open_page(monkeypatch, stores["three"], "overview"))
    assert targets(results(study_in(stores["three"]))).none_text in words(at).replace("\\", "")
    at.session_state["overview_strategies"] = []
    assert "Choose a strategy" in words(sound(at.run()))
    at.session_state["overview_strategies"] = ["oracle"]
    assert "An upper bound, no competitor: the oracle" in words(sound(at.run()))


def test_the_page_is_light(stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    at = sound(open_page(monkeypatch, stores["three"], "overview"))
    assert sum(len(json.dumps(figure)) for figure in figures(at)) < 300_000
    start = time.perf_counter()
    at.run()
    assert time.perf_counter() - start < 2.0  # about 0.1 s on an idle machine


def test_the_examples_are_labels_that_were_bought(stores: dict[str, Path]) -> None:
    study: Study = study_in(stores["three"])
    found = reading.examples(study, "rad", 0)
    assert found is not None
    points = np.concatenate([reading.bought(study, "rad", 0, round) for round in (1, 2)])
    assert (found.bought, len(found.images)) == (20, 12)
    thumbnails = study.seed_array(0, "thumbnails")
    assert (found.images[0] == thumbnails[points[0]]).all()
    assert found.truth[-1] == reading.classes(study, 0)[reading.labels(study, 0)[points[-1]]]
    assert reading.examples(study_in(stores["one"]), "unixkd", 0) is None, "mixtures are no images of the pool"


def test_the_picture_marks_what_the_teacher_got_wrong() -> None:
    images = np.zeros((3, 8, 8, 3), np.uint8)
    chart = examples_chart(images, ["cat", "<script>", "dog"], ["cat", "cat", "a very long name of a class"], who="RAD")
    text = [note.text for note in chart.figure.layout.annotations]
    assert [("✓" in line, "✗" in line) for line in text] == [(True, False), (False, True), (False, True)]
    assert "<script>" not in chart.figure.to_json()
    assert chart.table["Teacher right"].tolist() == [True, False, False]
    assert "2 teacher mistakes" in chart.alt
    with pytest.raises(InputError, match="truth 1"):
        examples_chart(images, ["cat"], ["cat"], who="RAD")


def test_studies_can_be_switched_again_and_again_and_their_controls_follow(
    stores: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(stores["three"] / "study-of-tests", tmp_path / "first-study")
    shutil.copytree(stores["without rad"] / "study-of-tests", tmp_path / "second-study")
    at = open_page(monkeypatch, tmp_path, "overview", run="first-study")
    for id, about in (("second-study", "chosen by margin"), ("first-study", "RAD"), ("second-study", "by margin")):
        sound(at.selectbox(key="picker").set_value(id).run())
        assert at.query_params["run"] in (id, [id])
        assert about in words(at)
