"""Teachers from outside are asked about what is bought and checked alone, and about nothing twice, killed or not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from rad_core.campaign import chat, function
from rad_core.campaign.called import TeacherError
from rad_core.campaign.pictures import data_url
from rad_core.cli import cli
from rad_core.errors import InputError
from rad_core.learning.data import load_dataset
from rad_core.results.summary import teacher_asked
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.pack import pack
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from rad_core.study.answers import FILE, answered
from rad_core.study.prepare import open_setting
from rad_core.study.rounds import UNDEFINED, read_history
from rad_core.study.students import Purchases, training_set
from rad_core.study.verifying import verify_study
from tests.conftest import tiny_config
from tests.helpers.chat_server import chat_server
from tests.helpers.outside import asked, config_for, copy_of, keys, taught, teacher_file


@pytest.fixture
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return taught(tmp_path_factory.getbasetemp())


def rows_of(study: Study) -> set[int]:
    """Rows of the data set that were bought by any cell, and those of the validation sets."""
    rows: set[int] = set()
    for seed in study.seeds():
        rows |= set(study.seed_array(seed, "validation_ids").tolist())
        pool = np.asarray(study.seed_array(seed, "pool_ids"))
        for strategy in study.config.strategies:
            for number in study.finished_rounds(strategy, seed)[1:]:
                rows |= set(pool[study.round_array(strategy, seed, number, "bought")].tolist())
    return rows


def test_it_is_asked_about_what_is_bought_and_checked_and_about_nothing_twice(study: Study) -> None:
    wanted = Counter(keys()[sorted(rows_of(study))].tolist())
    assert Counter(asked(study.config.teacher)) == wanted
    counted = teacher_asked(study)
    assert counted is not None
    assert counted.points == answered(study.path) == wanted.total() < 2 * 2 * 2 * 10 + 2 * 30
    assert counted.abstained == sum(key % 100 < 10 for key in wanted.elements())
    for seed in study.seeds():
        assert not {"teacher_pool_probabilities", "teacher_features"} & set(study.seed_arrays(seed))
        assert not {"teacher_accuracy_pool", "teacher_accuracy_test", "student_full_accuracy"} & set(
            study.seed_metrics(seed)
        )
    assert verify_study(study).faults == ()


def test_a_table_may_hold_answers_to_some_rows_alone(tmp_path: Path) -> None:
    truth = load_dataset("digits", data_dir=Path()).labels
    lines = [f"{row},{number}" for row, number in enumerate(truth.tolist()) if row % 4]
    (tmp_path / "answers.csv").write_text("\n".join(["id,label", *lines]))
    config = config_for(f"table:{tmp_path / 'answers.csv'}", seeds=1, strategies=("rad",))
    study = create_study(tmp_path / "store", config)
    run_study(study, workers=1)
    counted = teacher_asked(study)
    assert counted is not None
    assert counted.points == len(rows_of(study))
    assert counted.abstained == sum(row % 4 == 0 for row in rows_of(study)) > 0
    assert study.seed_metrics(0)["teacher_accuracy"] == 1


def test_an_abstention_is_neither_right_nor_wrong_nor_learned_from(study: Study) -> None:
    abstained = 0
    for seed in study.seeds():
        setting = open_setting(study, seed)
        for strategy in study.config.strategies:
            for number in (1, 2):
                picks = setting.split.pool[study.round_array(strategy, seed, number, "bought")]
                silent = keys()[picks] % 100 < 10
                verdicts = np.asarray(study.round_array(strategy, seed, number, "bought_correct"))
                np.testing.assert_array_equal(verdicts == UNDEFINED, silent)
                metrics = study.round_metrics(strategy, seed, number)
                assert metrics.get("abstained", 0) == silent.sum()
                assert metrics["teacher_right_share"] == pytest.approx((keys()[picks][~silent] % 100 >= 30).mean())
                abstained += int(silent.sum())
            bought = Purchases.of(read_history(study, strategy, seed), setting.classes)
            targets = training_set(setting, bought.answered())[1]
            assert np.isfinite(targets).all()
            assert len(targets) == len(setting.known) + int(np.isfinite(bought.soft_labels).all(1).sum())
        checked = keys()[setting.split.validation] % 100
        assert study.seed_metrics(seed)["teacher_accuracy"] == pytest.approx((checked[checked >= 10] >= 30).mean())
        assert study.seed_metrics(seed)["teacher_abstained"] == (checked < 10).sum()
    assert abstained > 0


def test_a_copy_goes_on_without_asking_again(study: Study, tmp_path: Path) -> None:
    """Answers come along in the arrays, also where the file of answers does not."""
    pack(study, tmp_path / "a.rad.zip")
    copy = unpack_into(tmp_path / "a.rad.zip", tmp_path / "store")
    assert not (copy.path / FILE).exists()
    before = len(asked(study.config.teacher))
    setting = open_setting(copy, 0)
    soft_labels = setting.teacher.query(setting.split.validation)
    np.testing.assert_array_equal(soft_labels, study.seed_array(0, "teacher_validation_probabilities"))
    assert len(asked(study.config.teacher)) == before
    with pytest.raises(InputError, match="pack it whole"):
        pack(study, tmp_path / "light.rad.zip", light=1)


def test_killed_and_gone_on_with_it_asks_again_what_was_in_flight_and_no_more(tmp_path: Path) -> None:
    calm, slow = teacher_file(tmp_path / "calm"), teacher_file(tmp_path / "slow", seconds=0.3)
    shape = {"seeds": 1, "strategies": ("rad", "uniform"), "budget": 40, "rounds": 1}
    whole = create_study(tmp_path / "store", config_for(calm, **shape), "whole-study")
    run_study(whole, workers=1)
    killed = create_study(tmp_path / "store", config_for(slow, **shape), "killed-study")
    command = [sys.executable, "-m", "rad_core.cli", "resume", killed.id, "--store", str(tmp_path / "store"), "-q"]
    process = subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(asked(slow)) < 100:  # in the first round
        time.sleep(0.005)
    assert process.poll() is None
    process.kill()
    process.wait()
    before = answered(killed.path)
    run_study(killed, workers=1)
    again = len(asked(slow)) - len(set(asked(slow)))
    assert 0 < again <= function.BATCH
    assert before >= 100 - function.BATCH
    assert set(asked(slow)) == set(asked(calm))
    assert "questions were cut off last time" in " ".join(text for _, text in killed.read_log())
    for strategy in ("rad", "uniform"):
        for name in ("bought", "soft_labels"):
            np.testing.assert_array_equal(
                whole.round_array(strategy, 0, 1, name), killed.round_array(strategy, 0, 1, name)
            )


def test_what_it_cannot_answer_ends_the_study_and_the_rest_is_asked_later(tmp_path: Path) -> None:
    spec = teacher_file(tmp_path / "teacher")
    path = Path(spec.split(":")[1])
    well = path.read_text()
    path.write_text(well.replace("    return [answer", "    assert len(items) < 30, 'too many'\n    return [answer"))
    other = create_study(tmp_path / "store", config_for(spec, seeds=1), "failing-study")
    with pytest.raises(TeacherError, match=r"30 of 30 questions to python:.*too many"):
        run_study(other, workers=1)
    assert other.info().status == "failed"
    assert f"rad resume {other.id}" in other.info().message
    path.write_text(well)
    run_study(other, workers=1)
    assert other.info().status == "finished"


def test_classes_that_do_not_fit_are_told(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text("def label(items): return [[0.5, 0.5]] * len(items)")
    study = create_study(tmp_path / "store", config_for(f"python:{path}:label", seeds=1))
    with pytest.raises(TeacherError, match="30 of 30 questions"):
        run_study(study, workers=1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"labels": "hard"}, "take soft"),
        ({"teacher_labeled": 5}, "take 0"),
        ({"strategies": ("rad", "oracle")}, "leave out oracle"),
        ({"strategies": ("unixkd",)}, "has mixed images labeled"),
        ({"teacher": "python:teacher.py"}, "write a network"),
        ({"teacher": "openai:"}, "write a network"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        config_for("python:teacher.py:label", **options)


def test_of_all_rules_those_that_cannot_be_are_left_out() -> None:
    full = config_for("openai:m", strategies=tiny_config().from_mapping({}).strategies).resolved()
    assert not {"oracle", "unixkd"} & set(full.strategies)
    assert len(full.strategies) == 9
    assert not full.full_pool
    assert full.resolved() == full


def test_the_plan_says_how_much_is_asked_at_most_before_anything_is(tmp_path: Path) -> None:
    spec = teacher_file(tmp_path)
    command = ["run", "--teacher", spec, "--strategies", "rad,uniform", "--seeds", "2", "--rounds", "2"]
    command += ["--budget", "10", "--validation", "30", "--pool", "200", "--price-per-label", "0.5", "--dry-run"]
    result = CliRunner().invoke(cli, [*command, "--store", str(tmp_path / "store")])
    assert result.exit_code == 0, result.output
    assert "at most 140 points" in result.output
    assert "at most 70.00 USD" in result.output
    assert "Left out are the student on the whole soft-labeled pool" in result.stderr
    told = CliRunner().invoke(cli, [*command, "--json", "-q"])
    assert json.loads(told.stdout)["asked"] == 140
    assert asked(spec) == []


def test_a_chat_endpoint_gets_images_and_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-written")
    monkeypatch.setattr(chat, "_WAITS", (0.02,) * 5)
    data = load_dataset("digits", data_dir=Path())
    truth = {data_url(image): int(label) for image, label in zip(data.images, data.labels, strict=True)}
    with chat_server(truth, lambda key, number: "429" if number == 1 and len(key) % 5 == 0 else "well") as server:
        config = config_for(f"openai:m@{server.url}", seeds=1, validation=10, budget=4, rounds=2, student_steps=5)
        study = create_study(tmp_path, config)
        run_study(study, workers=1)
        assert len(server.requests) == len(rows_of(study))
        assert set(server.billed.values()) == {1}
    assert study.seed_metrics(0)["teacher_accuracy"] == 1.0
    held = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"not-to-be-written" in content for content in held)


def test_show_counts_what_was_asked(study: Study, tmp_path: Path) -> None:
    copy_of(study, tmp_path)
    result = CliRunner().invoke(cli, ["show", study.id, "--store", str(tmp_path)])
    counted = teacher_asked(study)
    assert counted is not None
    assert f"asked about {counted.points} points" in result.output
    assert f"abstained from {counted.abstained} of them" in result.output
    assert "Student, whole" not in result.output
