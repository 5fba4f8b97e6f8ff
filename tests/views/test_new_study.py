"""The form of a new study: made from the configuration, checked at once, told as plan, command and file, started."""

from __future__ import annotations

import dataclasses
import shlex
import time
from pathlib import Path
from typing import Any

import attrs
import click
import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app.results import shipped
from app.shell import state
from app.studies import actions, form, plan
from app.studies.settings import PRESETS, SETTINGS, accept, command, of_study, to_config
from rad_core.cli import cli
from rad_core.config import ALL_STRATEGIES, StudyConfig
from rad_core.errors import InputError
from rad_core.folders import default_store
from rad_core.learning.data import measure_dataset
from rad_core.running.plan import Plan, outline
from rad_core.store.catalogue import create_study, study_ids
from rad_core.store.study import Study
from tests.conftest import tiny_config

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


@pytest.fixture(autouse=True)
def no_showcase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "archives", list)
    state.forget_list()


def open_form(values: dict[str, Any] | None = None, **parameters: str) -> AppTest:
    at = AppTest.from_file(MAIN, default_timeout=30)
    at.query_params["new"] = "1"
    for name, value in parameters.items():
        at.query_params[name] = value
    if values is not None:
        at.session_state["new_study"] = values
    at.switch_page("views/studies.py").run()
    assert not at.exception
    assert at.title[0].value == "New study"
    return at


def code(at: AppTest) -> tuple[str, str]:
    """The command and the study file on the page."""
    return at.code[0].value, at.code[1].value


def filled(at: AppTest, tmp_path: Path) -> StudyConfig:
    (tmp_path / "study.toml").write_text(code(at)[1])
    return StudyConfig.from_toml(tmp_path / "study.toml")


# --- the form ------------------------------------------------------------------------------------------------------


def test_every_setting_of_a_study_is_in_the_form() -> None:
    at = open_form()
    found = {f"new_{name}" for name in SETTINGS}
    assert found == {f"new_{field.name}" for field in attrs.fields(StudyConfig)}
    widgets = [*at.number_input, *at.selectbox, *at.text_input, *at.toggle, *at.get("button_group")]
    assert found <= {getattr(widget, "key", None) or "" for widget in widgets}


def test_it_opens_as_a_quick_look(tmp_path: Path) -> None:
    config = filled(open_form(), tmp_path)
    assert set(config.strategies) == set(PRESETS["quick"].values["strategies"])
    assert (config.dataset, config.seeds, config.rounds) == ("digits", 3, 5)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_fill_the_form(name: str, tmp_path: Path) -> None:
    at = open_form(budget="77")
    at.button(key=f"new_preset_{name}").click().run()
    config = filled(at, tmp_path)
    wanted = to_config(PRESETS[name].values)
    assert set(config.strategies) == set(wanted.strategies)
    assert attrs.evolve(config, strategies=wanted.strategies) == wanted


def test_presets_say_what_they_set_and_how_long_that_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "_SETTLED_SECONDS", 0.0)
    measured = dataclasses.replace(outline(to_config(PRESETS["quick"].values)), estimated_seconds=81.0, device="CPU")

    class Job:
        def poll(self) -> Plan:
            return measured

    monkeypatch.setattr(plan, "request_plan", lambda config, **_: Job())
    at = open_form()
    at.run()
    said = " ".join(caption.value for caption in at.caption)
    assert measured.trainings == 81
    assert "5 strategies, 3 repetitions, 5 rounds, 400 steps: 81 students; about 1 min 20 s here." in said
    assert len(ALL_STRATEGIES) == 11
    assert "11 strategies, 5 repetitions, 5 rounds, 400 steps: 285 students; about 4 min 40 s here." in said
    assert "10 repetitions, 5 rounds, 1,000 steps" in said
    assert said.count("here.") == 2, "of other data nothing was measured"
    assert at.metric[1].value == "about 1 min 20 s"


def test_a_device_that_the_machine_lacks_is_not_offered_but_kept_where_it_was_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offered(at: AppTest) -> list[str]:
        (control,) = [group for group in at.get("button_group") if group.key == "new_device"]
        return list(control.options)

    monkeypatch.setattr(form, "likely_devices", lambda: ("auto", "cpu"))
    assert offered(open_form()) == ["auto", "cpu"]
    assert offered(open_form(device="cuda")) == ["auto", "cpu", "cuda"], "a study of another machine, cloned"
    monkeypatch.setattr(form, "likely_devices", lambda: ("auto", "cpu", "cuda"))
    assert offered(open_form()) == ["auto", "cpu", "cuda"]


def test_a_cluster_is_a_device_where_one_is_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAD_CLUSTER", "ray://127.0.0.1:10001")
    at = open_form()
    at.session_state["new_device"] = "cluster"
    at.run()
    assert code(at)[0].endswith("--cluster ray://127.0.0.1:10001")
    assert filled(at, tmp_path).device == "auto"
    assert "cluster" not in code(at)[1]


def test_settings_left_empty_are_left_to_the_data_set(tmp_path: Path) -> None:
    at = open_form()
    assert at.number_input(key="new_budget").value is None
    assert at.number_input(key="new_budget").placeholder == "40"
    at.selectbox(key="new_dataset").select("cifar10").run()
    assert at.number_input(key="new_budget").placeholder == "1000"
    assert "budget" not in code(at)[1]
    assert filled(at, tmp_path).resolved().budget == 1000


def test_a_mistake_is_named_at_once_and_keeps_the_study_from_starting() -> None:
    at = open_form()
    at.number_input(key="new_budget").set_value(0).run()
    assert "budget is 0; it must be a whole number of 1 or more" in at.error[0].value
    assert at.button(key="new_start").disabled
    at.number_input(key="new_budget").set_value(30).run()
    assert not at.error
    assert not at.button(key="new_start").disabled


def test_no_strategy_is_a_mistake_and_not_all_of_them() -> None:
    at = open_form()
    at.get("button_group")
    at.session_state["new_strategies"] = []
    at.run()
    assert "one or more different strategies" in at.error[0].value


def test_a_budget_that_the_pool_cannot_bear_is_a_mistake() -> None:
    at = open_form(pool="100", budget="30", rounds="4", strategies="rad")
    assert "the pool has 100 points" in at.error[0].value


def test_a_folder_needs_its_path(tmp_path: Path) -> None:
    at = open_form()
    at.selectbox(key="new_dataset").select("folder").run()
    assert "write folder:PATH" in at.error[0].value.replace("\\", "")
    at.text_input(key="new_dataset_argument").input(" /photos of mine ").run()
    assert not at.error
    assert filled(at, tmp_path).dataset == "folder:/photos of mine"


def test_the_plan_is_arithmetic_and_there_at_once() -> None:
    at = open_form(strategies="rad,uniform", seeds="3", rounds="4", budget="25", price_per_label="0.5", currency="EUR")
    said = " ".join(element.value for element in at.markdown)
    assert at.metric[0].value == "600"
    assert "2 strategies x 3 seeds = **6 runs**" in said
    assert "**300.00 EUR**" in said
    assert "Measuring" in " ".join(caption.value for caption in at.caption)


# --- from outside --------------------------------------------------------------------------------------------------


def test_a_link_fills_the_form_and_says_what_it_could_not_take(tmp_path: Path) -> None:
    at = open_form(budget="50", strategies="rad,margin", augment="false", seeds="abc", device="toaster", nonsense="1")
    config = filled(at, tmp_path)
    assert (config.budget, config.augment, config.seeds, config.device) == (50, False, 3, "auto")
    assert set(config.strategies) == {"rad", "margin"}
    said = [warning.value for warning in at.warning]
    assert said == [
        "Seeds cannot be “abc”; it stays as it was.",
        "Device cannot be “toaster”; it stays as it was.",
    ]
    assert "budget" not in at.query_params, "what the form holds now is no longer what the link said"


def test_another_page_fills_the_form(tmp_path: Path) -> None:
    at = open_form({"budget": np.int64(500), "strategies": ["uniform", "rad"], "dataset": "arrays:/x.npz"})
    config = filled(at, tmp_path)
    assert (config.budget, config.dataset) == (500, "arrays:/x.npz")
    assert set(config.strategies) == {"uniform", "rad"}
    assert "new_study" not in at.session_state


@pytest.mark.parametrize(
    "values",
    [
        {"budget": "1e99"},
        {"budget": "nan"},
        {"budget": "1.5"},
        {"budget": ["1"]},
        {"augment": "perhaps"},
        {"strategies": ""},
        {"strategies": "rad,evil"},
        {"dataset": "evil"},
        {"gain": "evil"},
        {"student": "evil"},
        {"name": "x" * 2000},
        {"name": "a\x00b"},
        {"price_per_label": "inf"},
        {"strategies": 3},
    ],
)
def test_values_that_make_no_sense_are_refused_in_words(values: dict[str, Any]) -> None:
    taken, refused = accept(values)
    assert taken == {}
    assert len(refused) == 1
    assert len(refused[0]) < 120


def test_a_clone_is_the_same_study_and_says_only_what_is_special() -> None:
    config = attrs.evolve(tiny_config(name="Mine", augment=False, budget=40), teacher="cnn").resolved()
    values = of_study(config)
    assert "budget" not in values, "40 is what digits has anyway"
    assert values["name"] == "Mine (copy)"
    taken, refused = accept(values)
    assert refused == []
    assert attrs.evolve(to_config(taken).resolved(), name="Mine") == config


def test_cloning_from_the_list_opens_the_form(tmp_path: Path) -> None:
    create_study(default_store(), tiny_config(budget=12), "tiny-planned")
    state.forget_list()
    at = AppTest.from_file(MAIN, default_timeout=30)
    at.switch_page("views/studies.py").run()
    at.session_state["new_study"] = of_study(Study(default_store() / "tiny-planned").config)
    at.run()
    assert filled(at, tmp_path).resolved() == tiny_config(budget=12).resolved()


# --- as command ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"budget": 50, "augment": False, "full_pool": False, "learning_rate": 0.01, "strategies": ("rad", "uniform")},
        {"name": "it's $HOME; `rm -rf`", "currency": "€", "price_per_label": 0.25, "seeds": 1},
        {"strategies": ALL_STRATEGIES, "teacher": "cnn", "pool": 500},
    ],
)
def test_the_command_is_the_same_study(values: dict[str, Any]) -> None:
    config = to_config(values)
    line = command(config)
    program, *words = shlex.split(line)
    assert program == "rad"
    run = cli.get_command(click.Context(cli), "run")
    assert run is not None
    options = run.make_context("run", words[1:]).params
    given = {name: options[name] for name in SETTINGS if options[name] is not None}
    assert StudyConfig.from_mapping(given).resolved() == config.resolved()


def test_presets_are_valid_and_leave_the_data_alone_but_for_the_showcase() -> None:
    assert {name: to_config(preset.values).resolved().dataset for name, preset in PRESETS.items()} == {
        "quick": "digits",
        "sound": "digits",
        "showcase": "fashion_mnist",
    }
    with pytest.raises(InputError):
        to_config({"budget": -1})


# --- measuring and starting ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_time_is_measured_beside_and_a_data_set_that_is_not_there_is_told() -> None:
    at = open_form(strategies="rad", seeds="1", rounds="1", device="cpu", student_steps="5", teacher_steps="5")
    end = time.monotonic() + 120
    while "about" not in at.metric[1].value:
        assert time.monotonic() < end
        time.sleep(0.5)
        at.run()
    assert not at.exception
    assert "On this machine: CPU" in " ".join(caption.value for caption in at.caption)
    at.selectbox(key="new_dataset").select("folder").run()
    at.text_input(key="new_dataset_argument").input("/there/is/none").run()
    while not at.error:
        assert time.monotonic() < end
        time.sleep(0.5)
        at.run()
    assert "/there/is/none" in at.error[0].value
    assert at.button(key="new_start").disabled


@pytest.mark.slow
def test_a_visitor_who_edits_the_form_leaves_the_plans_of_others_alone() -> None:
    settings = {"strategies": "rad", "seeds": "1", "rounds": "1", "device": "cpu", "student_steps": "5"}
    mine, theirs = open_form(**settings), open_form(**settings)
    time.sleep(1)  # both forms have settled
    mine.run()
    theirs.run()
    mine.number_input(key="new_budget").set_value(17).run()
    end = time.monotonic() + 120
    while "about" not in theirs.metric[1].value:
        assert not theirs.error, theirs.error[0].value
        assert time.monotonic() < end
        time.sleep(0.5)
        theirs.run()


@pytest.mark.slow
def test_it_starts_in_the_background_and_is_in_view() -> None:
    at = open_form(strategies="rad", seeds="1", rounds="1", device="cpu", student_steps="5", teacher_steps="5")
    at.button(key="new_start").click().run(timeout=90)
    assert not at.exception
    [id] = study_ids(default_store())
    assert at.session_state["run"] == id
    assert at.title[0].value == "Studies"
    study, end = Study(default_store() / id), time.monotonic() + 120
    while (info := study.info()).status != "finished":
        assert info.status in ("queued", "running"), info
        assert time.monotonic() < end
        time.sleep(0.2)
    assert info.rounds_done == 1


@pytest.mark.slow
@pytest.mark.long
def test_it_starts_on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAD_CLUSTER", "local:1")
    at = open_form(strategies="rad", seeds="1", rounds="1", student_steps="5", teacher_steps="5")
    at.session_state["new_device"] = "cluster"
    at.run()
    at.button(key="new_start").click().run(timeout=90)
    assert not at.exception
    [id] = study_ids(default_store())
    study, end = Study(default_store() / id), time.monotonic() + 240
    while (info := study.info()).status != "finished":
        assert info.status in ("queued", "running"), info
        assert time.monotonic() < end
        time.sleep(0.2)
    assert (info.rounds_done, study.on_cluster(), study.config.device) == (1, True, "auto")


# --- files of the machine that runs the studio -----------------------------------------------------------------------


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The data sets that were measured, and those and the teachers of which a plan was asked, which reads them."""
    asked: list[str] = []

    def measure(spec: str, **options: Any) -> Any:
        asked.append(spec)
        return measure_dataset(spec, **options)

    class Job:
        def __init__(self, config: StudyConfig) -> None:
            asked.extend((config.dataset, config.teacher or ""))

        def poll(self) -> None:
            return None

        def cancel(self) -> None:
            pass

    for room in ("app.studies.settings", "rad_core.config"):
        monkeypatch.setattr(f"{room}.measure_dataset", measure)
    monkeypatch.setattr(plan, "request_plan", Job)
    monkeypatch.setattr(plan, "_SETTLED_SECONDS", 0.0)
    return asked


@pytest.mark.parametrize("spec", ["folder:/etc", "arrays:/etc/passwd"])
def test_files_that_a_link_names_are_looked_at_once_somebody_asks(spec: str, looked_at: list[str]) -> None:
    at = open_form(dataset=spec, strategies="rad")
    at.number_input(key="new_seeds").set_value(2).run()
    at.button(key="new_preset_sound").click().run()
    assert looked_at == []
    assert "new_start" not in {button.key for button in at.button}
    assert "Nothing there is looked at" in " ".join(element.value for element in at.markdown)
    assert at.code[0].value == spec
    at.button(key="new_look").click().run()
    at.run()
    assert spec in looked_at
    assert "new_look" not in {button.key for button in at.button}


def test_the_teacher_that_a_link_names_is_not_looked_at_either(looked_at: list[str]) -> None:
    at = open_form(teacher="table:/etc/passwd", strategies="rad")
    assert at.code[0].value == "table:/etc/passwd"
    assert looked_at == []


def test_a_path_that_somebody_types_is_asked_for(looked_at: list[str]) -> None:
    at = open_form(dataset="folder:/etc")
    at.text_input(key="new_dataset_argument").input("/photos").run()
    at.run()
    assert "folder:/photos" in looked_at
    assert "folder:/etc" not in looked_at


@pytest.mark.parametrize("named", [{"dataset": "folder:/etc"}, {"teacher": "table:/etc/passwd"}])
def test_where_others_can_come_in_no_file_of_the_machine_is_named(
    named: dict[str, str], looked_at: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAD_FILES", "0")
    at = open_form(**named, strategies="rad", seeds="2")
    at.run()
    (said,) = [warning.value for warning in at.warning]
    assert "--files" in said
    assert at.number_input(key="new_seeds").value == 2, "the rest of the link is taken"
    assert at.selectbox(key="new_dataset").value == "digits"
    assert not {"folder of your images", "file of your arrays"} & set(at.selectbox(key="new_dataset").options)
    assert not any("/etc" in text for text in looked_at)
    with pytest.raises(InputError, match="rad app --files"):
        actions.start_new(StudyConfig.from_mapping({**named, "strategies": ("rad",)}))
    assert study_ids(default_store()) == []


def test_a_study_of_files_cannot_be_cloned_where_others_can_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    create_study(default_store(), tiny_config(dataset="folder:/photos"), "study-of-photos")
    monkeypatch.setenv("RAD_FILES", "0")
    at = open_form(of_study(Study(default_store() / "study-of-photos").config))
    assert "--files" in at.warning[0].value
    assert at.selectbox(key="new_dataset").value == "digits"


def test_whether_files_are_allowed_is_told_or_follows_from_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAD_FILES")
    for address, allowed in (("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False), (None, False)):
        monkeypatch.setattr(st, "get_option", {"server.address": address}.__getitem__)
        assert state.files_allowed() is allowed
        monkeypatch.setenv("RAD_FILES", "0" if allowed else "1")
        assert state.files_allowed() is not allowed
        monkeypatch.delenv("RAD_FILES")
