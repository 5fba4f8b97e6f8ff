"""Settings that nobody chose suit the data: shares of its size within bounds, said aloud, the same on every front."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from app.results import shipped
from app.shell import state
from app.studies.settings import of_study, suited, to_config
from rad_core.config import OF_EXTENT, StudyConfig
from rad_core.errors import InputError
from rad_core.folders import data_folder
from rad_core.learning.data import DATASETS, Dataset, Extent, make_split, suiting
from rad_core.running.plan import plan
from rad_core.running.plan_job import request_plan
from rad_core.store.catalogue import create_study, study_ids
from rad_core.store.study import Study
from tests.helpers.made_images import load_folder, write_classes

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
OWN = ("folder", "arrays")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
LARGE = {"folder": Extent(50_000, 10_000, 10), "arrays": Extent(60_000, 10_000, 10)}


def rad(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rad_core.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Thirty images of two classes."""
    return write_classes(tmp_path / "photos", count=15)


# --- the sizes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OWN)
def test_a_large_data_set_gets_what_suits_a_large_one(name: str) -> None:
    defaults = DATASETS[name].defaults
    chosen = suiting(f"{name}:x", LARGE[name], {})
    assert {key: chosen[key] for key in OF_EXTENT} == {key: defaults[key] for key in OF_EXTENT}


def test_three_thousand_images_get_shares_of_their_number() -> None:
    chosen = suiting("folder:x", Extent(3000, None, 12), {})
    assert {key: chosen[key] for key in OF_EXTENT} == {
        "labeled": 240,
        "validation": 240,
        "rounds": 5,
        "budget": 96,
        "student_steps": 160,
        "teacher_steps": 240,
    }


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(OWN),
    counts=st.lists(st.integers(3, 400), min_size=2, max_size=12),
    own_test=st.one_of(st.none(), st.integers(1, 50)),
    seed=st.integers(0, 100),
)
def test_whatever_the_size_the_sizes_chosen_can_be_had(
    name: str, counts: list[int], own_test: int | None, seed: int
) -> None:
    classes = len(counts)
    labels = np.concatenate([np.repeat(np.arange(classes), counts), np.arange(own_test or 0) % classes])
    test_ids = None if own_test is None else np.arange(sum(counts), len(labels))
    dataset = Dataset(
        "made", np.zeros((len(labels), 1, 1, 1), np.uint8), labels, tuple("abcdefghijkl"[:classes]), test_ids
    )
    chosen = suiting(f"{name}:x", Extent(sum(counts), own_test, classes), {})
    split = make_split(dataset, labeled=chosen["labeled"], validation=chosen["validation"], seed=seed)
    assert chosen["rounds"] * chosen["budget"] <= len(split.pool)
    assert set(split.labeled) | set(split.validation) | set(split.pool) | set(split.test) == set(range(len(labels)))
    assert all(chosen[key] <= max(DATASETS[name].defaults[key], 10 * classes) for key in OF_EXTENT)


@pytest.mark.parametrize("key", OF_EXTENT)
def test_what_somebody_chose_stays_and_the_rest_leaves_room_for_it(key: str, photos: Path) -> None:
    value = {"labeled": 9, "validation": 8, "rounds": 2, "budget": 7, "student_steps": 3, "teacher_steps": 4}[key]
    config = StudyConfig.from_mapping({"dataset": f"folder:{photos}", key: value}).resolved()
    assert getattr(config, key) == value
    split = make_split(load_folder(photos), labeled=config.labeled, validation=config.validation, seed=0)
    assert config.rounds * config.budget <= len(split.pool)


def test_sizes_that_somebody_chose_are_checked(photos: Path) -> None:
    config = StudyConfig(dataset=f"folder:{photos}", labeled=2000)
    with pytest.raises(InputError, match=r"30 images to split, and 6 test \+ 2000 labeled"):
        plan(config, calibrate=False)


def test_a_chosen_configuration_is_whole_and_looks_at_nothing_again(photos: Path) -> None:
    config = StudyConfig(dataset=f"folder:{photos}").resolved()
    photos.rename(photos.with_name("gone"))
    assert config.resolved() == config
    assert config.choice() == ""


def test_data_that_cannot_be_read_is_refused_with_the_reason_when_it_is_loaded(tmp_path: Path) -> None:
    config = StudyConfig(dataset=f"folder:{tmp_path / 'none'}").resolved()
    with pytest.raises(InputError, match="There is no folder"):
        plan(config, calibrate=False)


def test_bad_files_that_are_left_out_do_not_count(photos: Path) -> None:
    for number in range(10):
        (photos / "cat" / f"bad-{number}.png").write_text("no image")
    noted = plan(StudyConfig(dataset=f"folder:{photos}", skip_bad=True, device="cpu"), calibrate=False)
    assert "Chosen to suit 30 images of 2 classes" in noted.notes[0]
    assert "10 of 40 files" in noted.notes[1]


# --- what older studies wrote stays as it is -------------------------------------------------------------------------


def test_a_setting_that_older_studies_lack_is_written_only_where_it_was_chosen(tmp_path: Path) -> None:
    plain, skipping = StudyConfig(), StudyConfig(skip_bad=True)
    assert "skip_bad" not in plain.to_json() + plain.to_toml()
    assert json.loads(skipping.to_json())["skip_bad"] is True
    (tmp_path / "s.toml").write_text(skipping.to_toml())
    assert StudyConfig.from_toml(tmp_path / "s.toml") == skipping
    assert plain.to_dict()["skip_bad"] is False


def test_sizes_chosen_for_own_data_are_part_of_the_study_and_of_its_copy(photos: Path, tmp_path: Path) -> None:
    study = create_study(tmp_path / "store", StudyConfig(dataset=f"folder:{photos}"))
    config = Study(study.path).config
    assert (config.labeled, config.rounds) == (6, 5)
    write_classes(photos, ["emu"], count=300)
    copy = to_config(of_study(config)).resolved()
    assert attrs.evolve(copy, name="") == config, "a copy is the same study, whatever has become of the folder"


# --- the command line ------------------------------------------------------------------------------------------------


def test_a_few_dozen_images_run_from_end_to_end_and_what_was_chosen_is_said(photos: Path, tmp_path: Path) -> None:
    """With everything at its default but how much is compared."""
    (photos / "cat" / "notes.txt").write_text("x")
    few = ["--strategies", "rad,uniform", "--seeds", 1, "--device", "cpu", "--workers", 1]
    ran = rad("run", "--dataset", f"folder:{photos}", *few, "--store", tmp_path / "store", "--json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["status"] == "finished"
    assert found["rounds_done"] == 10
    assert found["notes"] == [
        "Chosen to suit 30 images of 2 classes: labeled 6, validation 6, rounds 5, budget 2, student steps 100, "
        "teacher steps 150; set them to choose otherwise.",
        "Not used, in no class or no images: 1 file: 1 .txt in cat.",
    ]
    assert ran.stderr.splitlines()[:2] == [f"Data: {note}" for note in found["notes"]]
    [id] = study_ids(tmp_path / "store")
    log = [text for _, text in Study(tmp_path / "store" / id).read_log()]
    assert found["notes"][1] in log, "what was done to the data is recorded with the study"


def test_what_is_told_of_the_data_comes_before_a_refusal(photos: Path) -> None:
    (photos / "notes.txt").write_text("x")
    ran = rad("run", "--dataset", f"folder:{photos}", "--budget", 500, "--dry-run")
    assert ran.returncode == 2
    *told, error = ran.stderr.splitlines()
    assert "Not used" in told[1]
    assert error.startswith("Error: ")
    assert "lower --rounds or --budget" in error


@pytest.mark.slow
def test_a_folder_of_sixty_images_runs_with_every_size_at_its_default(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", count=30)
    few = ("--strategies", "rad,uniform", "--seeds", "1")
    ran = rad("run", "--dataset", f"folder:{tmp_path / 'set'}", "--store", tmp_path / "store", *few)
    assert ran.returncode == 0, ran.stderr
    assert "finished, 10 of 10 rounds" in ran.stdout


# --- the studio ------------------------------------------------------------------------------------------------------


def open_form(dataset: str, **more: object) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=60)
    at.query_params["new"] = "1"
    at.session_state["new_study"] = {"dataset": dataset, "strategies": ["rad"], "seeds": 1, **more}
    at.switch_page("views/studies.py").run()
    assert not at.exception
    return at


def captions(at: AppTest) -> str:
    return "\n".join(caption.value for caption in at.caption).replace("\\", "")


@pytest.fixture
def no_showcase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "archives", list)
    state.forget_list()


@pytest.mark.usefixtures("no_showcase")
def test_the_form_shows_what_suits_the_folder(photos: Path) -> None:
    at = open_form(f"folder:{photos}")
    config = StudyConfig(dataset=f"folder:{photos}").resolved()
    for name in OF_EXTENT:
        assert at.number_input(key=f"new_{name}").placeholder == str(getattr(config, name)), name
    assert "30 images of 2 classes. Values in gray suit them." in captions(at)
    at.number_input(key="new_budget").set_value(9).run()
    assert at.number_input(key="new_rounds").placeholder == "1", "the others leave room for what is typed"
    assert not at.error
    at.text_input(key="new_dataset_argument").input("/there/is/none").run()
    assert "There is no folder /there/is/none" in captions(at)
    assert at.number_input(key="new_budget").value == 9
    assert at.number_input(key="new_labeled").placeholder == "by its size"


def test_the_form_counts_bad_files_until_they_are_known(photos: Path) -> None:
    (photos / "cat" / "bad.png").write_text("no image")
    values = {"dataset": f"folder:{photos}", "skip_bad": True}
    assert "31 images" in suited(values).words
    DATASETS["folder"].load(str(photos), _reading())
    assert "30 images" in suited(values).words


def _reading() -> object:
    from rad_core.learning.data import Reading

    return Reading(data_folder(), skip_bad=True)


@pytest.mark.slow
@pytest.mark.usefixtures("no_showcase")
@pytest.mark.long
def test_command_line_library_and_studio_say_the_same(photos: Path) -> None:
    (photos / "cat" / "bad.png").write_text("<html>")
    (photos / "cat" / "notes.txt").write_text("x")
    spec = f"folder:{photos}"
    with pytest.raises(InputError) as error:
        load_folder(photos)
    assert rad("run", "--dataset", spec, "--dry-run").stderr == f"Error: {error.value}\n"
    at, end = open_form(spec, device="cpu"), time.monotonic() + 120
    while not at.error:
        assert time.monotonic() < end
        time.sleep(0.5)
        at.run()
    assert at.error[0].value.replace("\\", "") == str(error.value).replace("\\", "")
    at.toggle(key="new_skip_bad").set_value(True).run()
    notes = load_folder(photos, skip_bad=True).notes
    while notes[0] not in captions(at):
        assert time.monotonic() < end
        time.sleep(0.5)
        at.run()
    assert not at.error
    assert all(note in captions(at) for note in notes)
    assert "Chosen to suit 30 images of 2 classes" in captions(at), "the bad one does not count"
    told = rad("run", "--dataset", spec, "--skip-bad", "--strategies", "rad", "--seeds", 1, "--dry-run").stderr
    assert [line.removeprefix("Data: ") for line in told.splitlines()][1:] == list(notes)


@pytest.mark.slow
@pytest.mark.usefixtures("no_showcase")
def test_who_has_mended_the_files_has_them_looked_at_again(photos: Path) -> None:
    whole = (photos / "cat" / "0.png").read_bytes()
    (photos / "cat" / "0.png").write_bytes(LFS)
    at, end = open_form(f"folder:{photos}", device="cpu"), time.monotonic() + 240
    while not at.error:
        assert time.monotonic() < end
        time.sleep(0.5)
        at.run()
    assert "cat/0.png is not a readable image (it is a pointer of Git LFS" in at.error[0].value.replace("\\", "")
    (photos / "cat" / "0.png").write_bytes(whole)
    at.button(key="new_look_again").click().run()
    assert not at.error
    while "about" not in at.metric[1].value:
        assert not at.error
        assert time.monotonic() < end
        time.sleep(0.5)
        at.run()
    assert not at.button(key="new_start").disabled


@pytest.mark.slow
def test_a_plan_is_made_for_what_is_left_of_a_folder_without_its_bad_files(tmp_path: Path) -> None:
    """Ten images are too few for five rounds, twelve are not."""
    folder = write_classes(tmp_path / "set", count=5)
    for name in ("cat", "dog"):
        (folder / name / "bad.png").write_bytes(LFS)
    config = StudyConfig(dataset=f"folder:{folder}", skip_bad=True, device="cpu", strategies=("rad",), seeds=1)
    assert config.resolved().rounds == 5
    job, end = request_plan(config), time.monotonic() + 240
    while (measured := job.poll()) is None:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert (measured.rounds, measured.teacher_queries, measured.pool) == (4, 4, 4)
    assert config.resolved().rounds == 4
    assert "Chosen to suit 10 images" in measured.notes[0]
