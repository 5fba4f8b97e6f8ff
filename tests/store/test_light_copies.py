"""A light copy of a study says what the study says, of every seed where it can, and says where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from streamlit.testing.v1 import AppTest

from app.atlas import facts
from app.findings import calibration, claims
from app.present.settings import StorySettings
from app.present.tell import tell
from app.results import reading, shipped
from rad_core.errors import InputError
from rad_core.results.report import summarize
from rad_core.running.engine import run_study
from rad_core.running.maps import layouts, make_map, read_map
from rad_core.store import light_copy
from rad_core.store.catalogue import create_study
from rad_core.store.pack import pack
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.conftest import tiny_config
from tests.helpers.result_pages import MAIN, change, open_page, sound, words

ID = "study-of-tests"  # as tests.helpers.result_pages has it
STEP = 2.0**-12


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study of three seeds, mixtures and the oracle among its strategies."""
    config = tiny_config(strategies=("rad", "margin", "unixkd", "oracle"), seeds=3, name="Whole")
    study = create_study(tmp_path_factory.mktemp("whole"), config, ID)
    run_study(study, workers=1)
    make_map(study, 0, "teacher_features", "pca")
    make_map(study, 0, "student_features", "pca")
    return study


@pytest.fixture(scope="module")
def archive(whole: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("packed") / "light.rad.zip"
    pack(whole, target, light=1)
    return target


@pytest.fixture(scope="module")
def copy(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return unpack_into(archive, tmp_path_factory.mktemp("light"))


# --- what is in it -------------------------------------------------------------------------------------------------


def test_a_light_copy_leaves_out_what_nobody_looks_at(whole: Study, archive: Path, tmp_path: Path) -> None:
    pack(whole, tmp_path / "whole.rad.zip")
    assert archive.stat().st_size < (tmp_path / "whole.rad.zip").stat().st_size / 4
    names = zipfile.ZipFile(archive).namelist()
    for gone in ("features.npy", "soft_labels", "teacher_state", "round-2-gains"):
        assert not [name for name in names if gone in name], gone
    of_seed_1 = {name.partition("/")[2] for name in names if name.startswith("seed-1/")}
    assert of_seed_1 == {"pool_labels.npy", "teacher_right.npy", "round-0-gains.npy"}
    of_cell = {name.rpartition("-")[2] for name in names if name.startswith("unixkd-1/round-2-")}
    bought = {"bought.npy", "bought_gain.npy", "bought_q.npy", "bought_correct.npy", "partners.npy", "mix.npy"}
    assert of_cell == bought | {"class_right.npy"}
    assert "seed-0/thumbnails.npy" in names
    pack(whole, tmp_path / "blind.rad.zip", light=1, images=False)
    assert "seed-0/thumbnails.npy" not in zipfile.ZipFile(tmp_path / "blind.rad.zip").namelist()


def test_the_same_light_copy_has_the_same_bytes(whole: Study, archive: Path, copy: Study, tmp_path: Path) -> None:
    for study in (whole, copy):
        pack(study, tmp_path / "again.rad.zip", light=1)
        assert (tmp_path / "again.rad.zip").read_bytes() == archive.read_bytes()
    pack(copy, tmp_path / "whole.rad.zip")
    again = unpack_into(tmp_path / "whole.rad.zip", tmp_path / "store")
    assert again.content_digest() == copy.content_digest()
    assert light_copy.is_light(again)


def test_the_points_of_more_seeds_may_stay(whole: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No map of seed 1 is kept.*rad map study-of-tests --seed 1"):
        pack(whole, tmp_path / "two.rad.zip", light=2)
    own = Study(shutil.copytree(whole.path, tmp_path / "own" / ID))
    make_map(own, 1, "teacher_features", "pca")
    pack(own, tmp_path / "two.rad.zip", light=2)
    two = unpack_into(tmp_path / "two.rad.zip", tmp_path / "store")
    assert light_copy.seeds_with_points(two) == [0, 1]
    assert "for seeds 0, 1 alone" in light_copy.describe(two)
    np.testing.assert_array_equal(reading.gains_after(two, "rad", 1, 1), reading.gains_after(whole, "rad", 1, 1))
    with pytest.raises(InputError, match="The points of 0 seeds"):
        pack(own, tmp_path / "none.rad.zip", light=0)


def test_a_study_that_could_be_gone_on_with_is_not_made_light(whole: Study, tmp_path: Path) -> None:
    own = Study(shutil.copytree(whole.path, tmp_path / "own" / ID))
    own.set_status("paused")
    with pytest.raises(InputError, match="is paused, and a light copy cannot be gone on with; finish it first"):
        pack(own, tmp_path / "light.rad.zip", light=1)
    assert not (tmp_path / "light.rad.zip").exists()


# --- it says the same ----------------------------------------------------------------------------------------------


def test_what_is_averaged_over_seeds_is_the_same(whole: Study, copy: Study) -> None:
    pd.testing.assert_frame_equal(copy.rounds_table().drop(columns="agreement"), whole.rounds_table())
    columns = ["strategy", "seed", "round", "agreement"]
    pd.testing.assert_frame_equal(reading.agreement(copy)[columns], reading.agreement(whole)[columns])
    pd.testing.assert_frame_equal(reading.class_accuracy(copy), reading.class_accuracy(whole))
    pd.testing.assert_frame_equal(reading.class_picks(copy), reading.class_picks(whole))
    pd.testing.assert_frame_equal(reading.purchases(copy), reading.purchases(whole), rtol=0, atol=2.0**-17)
    assert reading.references(copy) == reading.references(whole)
    assert claims.guarantee(copy) == claims.guarantee(whole)
    one, other = summarize(copy), summarize(whole)
    assert one["worth_it"] == other["worth_it"]
    assert repr(one["strategies"]) == repr(other["strategies"])
    assert repr(one["differences"]) == repr(other["differences"])


@pytest.mark.parametrize("audience", ["executive", "technical"])
def test_the_story_is_the_same_in_every_word(whole: Study, copy: Study, audience: Any) -> None:
    settings = StorySettings(audience=audience)
    one, other = tell(copy, settings), tell(whole, settings)
    assert [step.sentences for step in one.steps] == [step.sentences for step in other.steps]
    assert one.subtitle == other.subtitle
    assert one.facts["Study"] == f"{ID} (a light copy)"
    assert one.steps[0].picture == other.steps[0].picture


@pytest.mark.parametrize("round", [1, 2])
def test_the_points_of_the_first_seed_are_the_same(whole: Study, copy: Study, round: int) -> None:
    for strategy in whole.config.strategies:
        one, other = (reading.pool_before(study, strategy, 0, round) for study in (copy, whole))
        np.testing.assert_array_equal(one.gains, other.gains)
        np.testing.assert_array_equal(one.right, other.right)
        np.testing.assert_array_equal(one.labels, other.labels)
        chances = [facts.chance_of_buying(study, strategy, 0, round) for study in (copy, whole)]
        np.testing.assert_array_equal(*chances)
        said = [reading.predictions_after(study, strategy, 0, round) for study in (copy, whole)]
        np.testing.assert_array_equal(*said)
        scenes = [calibration.scene(study, strategy, 0, round) for study in (copy, whole)]
        np.testing.assert_allclose(scenes[0].probability, scenes[1].probability, atol=STEP)
    one, other = (calibration.picks(study).query("seed == 0") for study in (copy, whole))
    pd.testing.assert_frame_equal(one, other, atol=0.02, check_dtype=False)


def test_the_first_purchase_of_every_seed_can_be_decided_again(whole: Study, copy: Study) -> None:
    for seed in (1, 2):
        one, other = (reading.pool_before(study, "rad", seed, 1) for study in (copy, whole))
        np.testing.assert_array_equal(one.gains, other.gains)
        np.testing.assert_array_equal(one.right, other.right)
        assert calibration.scene(copy, "rad", seed, 1).right.mean() == other.right.mean()
        assert np.isnan(calibration.scene(copy, "rad", seed, 1).confidence).all()


@given(arrays(np.float32, (7, 4), elements=st.floats(0, 1, width=32)))
def test_rounding_never_changes_the_likeliest_class(values: np.ndarray) -> None:
    short = light_copy.shorten_probabilities(values)
    np.testing.assert_array_equal(short.argmax(1), values.argmax(1))
    assert np.abs(short - values).max() <= 1.5 * STEP
    np.testing.assert_array_equal(light_copy.shorten_probabilities(short), short)
    assert (short / STEP % 1 == 0).all()


def test_a_map_keeps_its_places_to_what_a_screen_shows(whole: Study, copy: Study) -> None:
    one, other = (read_map(study, 0, method="pca") for study in (copy, whole))
    assert one is not None
    assert other is not None
    assert 0 < np.abs(one - other).max() <= np.ptp(other) / 4000
    np.testing.assert_array_equal(light_copy.shorten_map(np.ones((3, 2), np.float32)), np.ones((3, 2)))


def test_a_map_is_known_without_what_it_was_made_of(whole: Study, copy: Study, tmp_path: Path) -> None:
    assert layouts(whole, 0) == [(source, m) for source in light_copy.FEATURES[::-1] for m in ("umap", "pca")]
    assert layouts(copy, 0) == [("teacher_features", "pca"), ("student_features", "pca")]
    assert layouts(copy, 1) == []
    for seed, method in ((0, "umap"), (1, "pca")):
        with pytest.raises(InputError, match=f"no {method.upper()} of teacher features of seed {seed}"):
            make_map(copy, seed, method=method)
    # A teacher without features: its probabilities are mapped.
    own = Study(shutil.copytree(whole.path, tmp_path / "own" / ID))
    shutil.rmtree(own.path / "maps")
    change(tmp_path / "own", """update seeds set arrays = replace(arrays, '"teacher_features", ', '')""")
    make_map(own, 0, method="pca")
    pack(own, tmp_path / "table.rad.zip", light=1)
    table = unpack_into(tmp_path / "table.rad.zip", tmp_path / "store")
    assert layouts(table, 0) == [("teacher_features", "pca")]
    assert [path.name.split("-")[0] for path in (table.path / "maps").iterdir()] == ["teacher_pool_probabilities"]


# --- it says what it is --------------------------------------------------------------------------------------------


def rad(*arguments: object, code: int = 0) -> str:
    ran = subprocess.run([sys.executable, "-m", "rad_core.cli", *map(str, arguments)], capture_output=True, text=True)
    assert ran.returncode == code, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stdout + ran.stderr


def test_the_commands_make_one_show_it_and_refuse_to_go_on(whole: Study, copy: Study, tmp_path: Path) -> None:
    target = tmp_path / "x.rad.zip"
    assert "x.rad.zip" in rad("pack", ID, "--light", "--no-images", "-o", target, "--store", whole.path.parent)
    assert "give --light as well" in rad("pack", ID, "--points", 2, "--store", whole.path.parent, code=2)
    rad("unpack", target, "--store", tmp_path / "store")
    assert "Curves and intervals use all 3 seeds" in rad("show", ID, "--store", tmp_path / "store")
    said = rad("resume", ID, "--store", tmp_path / "store", code=2)
    assert said.count("\n") == 1
    assert "can only be looked at" in said
    assert "light copy" not in rad("show", ID, "--store", whole.path.parent)
    assert Study(tmp_path / "store" / ID).info() == copy.info()


def test_a_whole_study_is_none(whole: Study) -> None:
    assert not light_copy.is_light(whole)
    assert light_copy.describe(whole) == light_copy.missing_points(whole) == ""
    light_copy.refuse_to_go_on(whole)


# --- every page works on it ----------------------------------------------------------------------------------------

PAGES = [
    ("explore", {}),
    ("map", {}),
    ("present", {"story_all": "true"}),
    ("studies", {}),
    ("data", {}),
    ("method", {}),
    *[("tradeoff", {"round": r, "tradeoff_axis": a}) for r in "12" for a in calibration.AXES.values()],
    *[("explore", {"round": r}) for r in "12"],
    *[("curves", {"curves_panel": p}) for p in ("Labels needed", "Who is ahead", "Round by round", "Classes")],
    ("curves", {"curves_y": "Agrees with the teacher"}),
]


@pytest.mark.parametrize(("page", "parameters"), PAGES, ids=lambda value: str(value))
def test_every_page_works(copy: Study, monkeypatch: pytest.MonkeyPatch, page: str, parameters: dict[str, str]) -> None:
    at = sound(open_page(monkeypatch, copy.path.parent, page, **parameters))
    assert not at.warning
    if page not in ("data", "method"):
        assert "Curves and intervals use all 3 seeds" in words(at)


@pytest.mark.parametrize("page", ["tradeoff", "explore", "map"])
def test_a_link_to_a_seed_that_did_not_come_along_falls_back_with_a_word(
    copy: Study, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    at = sound(open_page(monkeypatch, copy.path.parent, page, seed="2"))
    assert "The points of seed 2 did not come with this copy; showing another seed." in words(at)
    assert "seed" not in at.query_params
    assert "The points of seed 2 did not come with this copy" in words(sound(at.run())), "until another study is picked"
    assert "did not come with" not in words(sound(open_page(monkeypatch, copy.path.parent, page, seed="9")))


def test_the_trade_off_says_of_which_seeds_it_is(copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    said = words(sound(open_page(monkeypatch, copy.path.parent, "tradeoff", round="2")))
    assert "Error bars: 95% intervals over 3 seeds. The pool behind them is that of seed 0" in said
    said = words(sound(open_page(monkeypatch, copy.path.parent, "tradeoff", round="1")))
    assert "The density behind them is that of seed 0" in said, "the first gains of every seed came along"
    axis = calibration.AXES["confidence"]
    said = words(sound(open_page(monkeypatch, copy.path.parent, "tradeoff", round="2", tradeoff_axis=axis)))
    assert "over the labels of one seed. This is of seed 0, whose points this copy holds" in said


def test_light_copies_are_compared_like_others(
    whole: Study, copy: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(copy.path, tmp_path / "store" / ID)
    shutil.copytree(whole.path, tmp_path / "store" / "other-study")
    for kind in ("Accuracy by labels", "Informative and right", "Worst case"):
        compare = f"{ID},other-study"
        at = sound(open_page(monkeypatch, tmp_path / "store", "studies", compare=compare, compare_kind=kind))
        assert len(at.get("plotly_chart")) == 2


# --- nothing foreign gets in ---------------------------------------------------------------------------------------


def repacked(source: Path, target: Path, kind: int, name: str, data: bytes | None = None) -> None:
    """The archive with one member compressed in another way, or replaced."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            other = entry.filename == name
            new.writestr(entry.filename, data if other and data else content, kind if other else entry.compress_type)


def test_what_is_compressed_in_another_way_is_refused(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "evil.rad.zip"
    repacked(archive, target, zipfile.ZIP_BZIP2, "seed-0/pool_labels.npy")
    with pytest.raises(InputError, match="compressed in a way that is not ours"):
        unpack_into(target, tmp_path / "store")
    repacked(archive, target, zipfile.ZIP_LZMA, "manifest.json")
    with pytest.raises(InputError, match="its manifest is too large, or may be"):
        unpack_into(target, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_what_unfolds_to_more_than_it_says_is_not_unfolded(archive: Path, tmp_path: Path) -> None:
    """LZMA makes a hundred megabytes of nothing a few kilobytes; the archive says that it is the 40 bytes it was."""
    target, name = tmp_path / "evil.rad.zip", "rad-0/round-1-bought.npy"
    with zipfile.ZipFile(archive) as old:
        size = old.getinfo(name).file_size
    repacked(archive, target, zipfile.ZIP_LZMA, name, bytes(120_000_000))
    raw = bytearray(target.read_bytes())
    large, small = (120_000_000).to_bytes(4, "little"), size.to_bytes(4, "little")
    assert raw.count(large) >= 1
    target.write_bytes(bytes(raw).replace(large, small))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="damaged"):
            unpack_into(target, tmp_path / "store")
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert list((tmp_path / "store").iterdir()) == []


def test_damage_anywhere_is_noticed(archive: Path, copy: Study, tmp_path: Path) -> None:
    raw = archive.read_bytes()
    target, generator = tmp_path / "broken.rad.zip", np.random.default_rng(0)
    for place in generator.integers(0, len(raw), 25).tolist():
        broken = bytearray(raw)
        broken[place] ^= 0xFF
        target.write_bytes(bytes(broken))
        try:
            found = unpack_into(target, tmp_path / f"at-{place}", lasting=False)
        except InputError:
            assert not list((tmp_path / f"at-{place}").glob("*"))
        else:  # a byte that carries nothing
            assert found.content_digest() == copy.content_digest()


# --- what is shipped -----------------------------------------------------------------------------------------------


def test_what_is_shipped_is_small_listed_without_unpacking_and_shows_no_image_that_may_not_be_shown() -> None:
    archives = shipped.archives()
    names = [archive.name for archive in archives]
    assert names == ["fashion-long-tail.rad.zip", *sorted(names[1:])], "the study that shows most opens first"
    assert sum(archive.stat().st_size for archive in archives) <= 15_000_000
    infos = shipped.infos()
    assert len(infos) == len(archives) >= 1
    assert not shipped.root().exists()
    for archive, info in zip(archives, infos, strict=True):
        assert (info.status, info.name != "", archive.name) == ("finished", True, f"{info.id}.rad.zip")
        images = [name for name in zipfile.ZipFile(archive).namelist() if "thumbnails" in name]
        assert bool(images) == (info.dataset in ("digits", "fashion_mnist")), "these may be shown to everybody"


def ship(monkeypatch: pytest.MonkeyPatch, *archives: Path) -> None:
    monkeypatch.setattr(shipped, "archives", lambda: list(archives))


def test_only_the_study_that_is_opened_is_unpacked(
    whole: Study, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Study(shutil.copytree(whole.path, tmp_path / "own" / ID))
    other.rename("The other")
    change(tmp_path / "own", "update meta set value = 'another-study' where key = 'id'")
    other.path.rename(tmp_path / "own" / "another-study")
    pack(Study(tmp_path / "own" / "another-study"), tmp_path / "b.rad.zip")
    ship(monkeypatch, archive, tmp_path / "b.rad.zip")
    assert [info.name for info in shipped.infos()] == ["Whole", "The other"]
    with pytest.raises(InputError, match="no study 'deleted-meanwhile' any more"):
        shipped.open_study("deleted-meanwhile")
    monkeypatch.setenv("RAD_STORE", str(tmp_path / "empty"))
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    assert at.session_state["run"] == ID, "the first one opens"
    assert at.selectbox(key="picker").options == ["◇ Whole", "◇ The other"]
    assert [path.name for path in shipped.root().iterdir()] == [ID]
    at.selectbox(key="picker").set_value("another-study").run()
    sound(at)
    assert sorted(path.name for path in shipped.root().iterdir()) == ["another-study", ID]


def test_an_upgrade_shows_what_it_ships_and_takes_nothing_from_a_server_that_runs(
    whole: Study, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(monkeypatch, archive)
    before, old = shipped.open_study(ID), shipped.root()
    own = Study(shutil.copytree(whole.path, tmp_path / "own" / ID))
    own.rename("Newer")
    pack(own, tmp_path / "new.rad.zip")
    ship(monkeypatch, tmp_path / "new.rad.zip")
    assert shipped.infos()[0].name == shipped.open_study(ID).info().name == "Newer"
    assert before.info().name == "Whole"
    assert before.round_array("rad", 0, 1, "bought").size == whole.config.budget
    # Weeks later, nobody has opened the old one any more.
    make_old(old)
    shipped._opened.cache_clear()
    shipped.open_study(ID)
    assert not old.exists()
    make_old(shipped.root())
    shipped.open_study(ID)
    ship(monkeypatch, archive)
    shipped.open_study(ID)
    ship(monkeypatch, tmp_path / "new.rad.zip")
    assert shipped.root().exists(), "what is used is not swept away"


def make_old(folder: Path) -> None:
    then = time.time() - 40 * 86400
    os.utime(folder, (then, then))


def test_a_cache_that_somebody_cleaned_up_is_filled_again(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ship(monkeypatch, archive)
    study = shipped.open_study(ID)
    gone = study.path / "rad-0" / "round-1-bought.npy"
    gone.unlink()
    (study.path / "seed-0" / "pool_labels.npy").write_bytes(b"")
    shipped._opened.cache_clear()
    assert shipped.open_study(ID).content_digest()
    assert gone.exists()
    assert [path.name for path in shipped.root().iterdir()] == [ID]
    shutil.rmtree(shipped.root())
    assert shipped.open_study(ID).info().status == "finished"


def test_processes_that_open_an_example_at_once_all_see_it_whole(archive: Path, copy: Study) -> None:
    code = (
        "from pathlib import Path; from app.results import shipped\n"
        f"shipped.archives = lambda: [Path({str(archive)!r})]\n"
        f"print(shipped.open_study({ID!r}).content_digest())"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert {process.communicate(timeout=60)[0].strip() for process in running} == {copy.content_digest()}
