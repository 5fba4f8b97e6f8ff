"""The loop does what the method says, repeats bit for bit, and shares what strategies must share."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad_core.config import ALL_STRATEGIES
from rad_core.errors import InputError, TrainingError
from rad_core.learning.inputs import Inputs
from rad_core.learning.teachers import NetworkTeacher
from rad_core.running.engine import Event, StudyStopped, _interrupted_by_requests, check_requests, run_study
from rad_core.running.plan import plan
from rad_core.selection.gains import GAINS
from rad_core.selection.game import game_value, solve_game
from rad_core.store.catalogue import create_study, delete_study
from rad_core.store.database import DATABASE
from rad_core.store.study import Study
from rad_core.study import data, students
from rad_core.study.data import load_data
from rad_core.study.loop import Cell, run_cells
from rad_core.study.prepare import open_setting, prepare_seed
from rad_core.study.rounds import read_history
from rad_core.study.students import students_at_once
from tests.conftest import tiny_config


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study with every strategy and two seeds."""
    store = tmp_path_factory.mktemp("finished")
    study = create_study(store, tiny_config(strategies=ALL_STRATEGIES, seeds=2), "whole-study")
    run_study(study, workers=1)
    return study


def test_every_round_of_every_cell_is_there(finished: Study) -> None:
    info = finished.info()
    assert info.status == "finished"
    assert info.rounds_done == info.rounds_total == len(ALL_STRATEGIES) * 2 * 2
    table = finished.rounds_table()
    assert len(table) == len(ALL_STRATEGIES) * 2 * 3
    assert table["accuracy"].between(0, 1).all()
    for (_, _), cell in table.groupby(["strategy", "seed"]):
        assert cell["labels"].tolist() == [0, 10, 20]


def test_no_point_is_bought_twice_and_the_budget_is_kept(finished: Study) -> None:
    for strategy in ALL_STRATEGIES:
        for seed in range(2):
            bought = [finished.round_array(strategy, seed, round, "bought") for round in (1, 2)]
            assert [len(part) for part in bought] == [10, 10]
            assert len(np.unique(np.concatenate(bought))) == 20


def test_soft_labels_are_the_teachers_and_correctness_is_true(finished: Study) -> None:
    for seed in range(2):
        teacher = finished.seed_array(seed, "teacher_pool_probabilities")
        right = teacher.argmax(1) == finished.seed_array(seed, "pool_labels")
        assert right.mean() == pytest.approx(finished.seed_metrics(seed)["teacher_accuracy_pool"])
        for strategy in set(ALL_STRATEGIES) - {"unixkd"}:
            bought = finished.round_array(strategy, seed, 2, "bought")
            np.testing.assert_allclose(
                finished.round_array(strategy, seed, 2, "soft_labels"), teacher[bought], atol=1e-6
            )
            correct = finished.round_array(strategy, seed, 2, "bought_correct")
            np.testing.assert_array_equal(correct, right[bought])
            share = finished.round_metrics(strategy, seed, 2)["teacher_right_share"]
            assert share == pytest.approx(right[bought].mean())


def test_the_oracle_buys_right_labels_and_mixtures_are_neither_right_nor_wrong(finished: Study) -> None:
    assert finished.round_metrics("oracle", 0, 1)["teacher_right_share"] == 1
    mix = finished.round_array("unixkd", 0, 1, "mix")
    correct = finished.round_array("unixkd", 0, 1, "bought_correct")
    assert (mix > 0).sum() == 3
    np.testing.assert_array_equal(correct == 255, mix > 0)
    assert "teacher_right_share" not in finished.round_metrics("unixkd", 0, 1)


def test_the_stored_equilibrium_is_that_of_the_stored_gains(finished: Study) -> None:
    """Gains are stored with 16 bits, so the levels agree to about that."""
    gains = finished.round_array("rad", 0, 1, "gains") / 65535
    left = np.setdiff1d(np.arange(200), finished.round_array("rad", 0, 1, "bought"))
    metrics = finished.round_metrics("rad", 0, 2)
    assert metrics["pool"] == len(left) == 190
    game = solve_game(gains[left], 10, wrong=int(metrics["wrong"]))
    assert metrics["value"] == pytest.approx(game.value, rel=1e-3)
    assert metrics["waterline"] == pytest.approx(game.waterline, rel=1e-3)
    assert metrics["strategy_value"] == pytest.approx(metrics["value"], rel=1e-6)
    uniform = finished.round_metrics("uniform", 0, 1)
    assert uniform["strategy_value"] <= finished.round_metrics("rad", 0, 1)["strategy_value"]
    first = finished.round_array("rad", 0, 0, "gains") / 65535
    expected = game_value(np.full(200, 0.05), first, int(uniform["wrong"]))
    assert uniform["strategy_value"] == pytest.approx(expected, rel=1e-3)


def test_k_follows_the_estimated_teacher_accuracy(finished: Study) -> None:
    for seed in range(2):
        m = finished.seed_metrics(seed)["teacher_accuracy_used"]
        for round, pool in ((1, 200), (2, 190)):
            wrong = finished.round_metrics("rad", seed, round)["wrong"]
            assert wrong == np.floor((1 - m) * pool + 1e-9)


def test_strategies_share_split_teacher_and_first_student(finished: Study) -> None:
    table = finished.rounds_table()
    for _, cells in table[table["round"] == 0].groupby("seed"):
        assert cells["accuracy"].nunique() == 1
    ids = [finished.seed_array(0, f"{part}_ids") for part in ("labeled", "validation", "pool", "test")]
    assert len(np.unique(np.concatenate(ids))) == sum(len(part) for part in ids)
    assert not np.array_equal(finished.seed_array(0, "pool_ids"), finished.seed_array(1, "pool_ids"))


def test_stored_gains_and_predictions_are_the_students(finished: Study) -> None:
    setting = open_setting(finished, 0)
    np.testing.assert_array_equal(
        finished.round_array("rad", 0, 0, "predictions"), setting.first.probabilities.argmax(1)
    )
    gains = GAINS["margin"](setting.first.probabilities)
    np.testing.assert_allclose(finished.round_array("rad", 0, 0, "gains") / 65535, gains, atol=1e-5)


def test_strategies_do_not_see_the_pools_labels(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changing every true label of the pool changes no purchase of a real strategy."""
    digests = []
    for shuffle in (False, True):
        study = create_study(store, tiny_config(strategies=("rad", "badge"), full_pool=False), f"labels-{shuffle:d}")
        prepare_seed(study, 0)
        setting = open_setting(study, 0)
        if shuffle:
            setting.labels[setting.split.pool] = (setting.labels[setting.split.pool] + 1) % 10
        digests.append(
            [
                record.arrays["bought"].tolist()
                for name in ("rad", "badge")
                for (record,) in run_cells([Cell(setting, name)])
            ]
        )
    assert digests[0] == digests[1]


@pytest.mark.slow
def test_the_same_configuration_gives_the_same_study_in_any_number_of_processes(store: Path, finished: Study) -> None:
    again = create_study(store, finished.config, "again-study")
    run_study(again, workers=2)
    assert again.content_digest() == finished.content_digest()


def test_a_cell_gone_on_with_alone_does_what_it_did_in_its_group(finished: Study) -> None:
    """The students of the finished study trained five at a time; alone, all but the rounding of sums is the same."""
    setting = open_setting(finished, 1)
    assert students_at_once(finished.config, setting.inputs.image_shape, setting.classes) == 5
    for strategy in ("rad", "unixkd", "badge"):
        history = read_history(finished, strategy, 1)[:1]
        ((record,),) = run_cells([Cell(setting, strategy, history)])
        assert record.number == 2
        np.testing.assert_array_equal(record.arrays["bought"], finished.round_array(strategy, 1, 2, "bought"))
        for name, unit in (("gains", 65535), ("soft_labels", 1)):
            expected = finished.round_array(strategy, 1, 2, name) / unit
            np.testing.assert_allclose(record.arrays[name] / unit, expected, atol=1e-3, err_msg=f"{strategy} {name}")
        assert record.metrics == pytest.approx(finished.round_metrics(strategy, 1, 2), rel=1e-3)


def test_cells_of_several_seeds_go_on_together(finished: Study) -> None:
    """As they do on a GPU: each on its own data, in the order asked for."""
    first = open_setting(finished, 0)
    settings = [first, open_setting(finished, 1, first.inputs)]
    asked = [("badge", 1), ("rad", 0), ("rad", 1)]
    rounds = list(run_cells([Cell(settings[seed], strategy) for strategy, seed in asked]))
    assert [len(records) for records in rounds] == [3, 3]
    for (strategy, seed), record in zip(asked, rounds[-1], strict=True):
        np.testing.assert_array_equal(record.arrays["bought"], finished.round_array(strategy, seed, 2, "bought"))
        assert record.metrics == pytest.approx(finished.round_metrics(strategy, seed, 2), rel=1e-3)


def test_pausing_keeps_what_is_finished_and_resuming_finishes(store: Path, finished: Study) -> None:
    study = create_study(store, finished.config, "paused-study")

    def pause(event: Event) -> None:
        if event.done == 7:
            study.request("pause")

    with pytest.raises(StudyStopped):
        run_study(study, workers=1, on_event=pause)
    assert study.info().status == "paused"
    assert 0 < study.info().rounds_done < study.info().rounds_total
    events: list[Event] = []
    run_study(study, workers=1, on_event=events.append)
    assert study.info().status == "finished"
    assert events[0].done > 7
    assert study.content_digest() == finished.content_digest()


def test_what_a_seed_needs_is_worked_out_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its data are read, its images moved, its teacher applied to each part, and its first student trained, once."""
    counts: Counter[str] = Counter()

    def counted(owner: Any, name: str, key: Callable[..., str]) -> None:
        function = getattr(owner, name)

        def count(*arguments: Any, **options: Any) -> Any:
            counts[key(*arguments)] += 1
            return function(*arguments, **options)

        monkeypatch.setattr(owner, name, count)

    counted(data, "load_dataset", lambda *_: "data")
    counted(Inputs, "of", lambda *_: "images")
    counted(NetworkTeacher, "_apply", lambda _, images: f"teacher on {len(images)}")
    counted(
        students, "train_students", lambda settings, bought, number: "first" if len(bought[0].pool) == 0 else "other"
    )
    study = create_study(store, tiny_config(seeds=2, pool=200, validation=101, test=102, budget=11, full_pool=False))
    run_study(study, workers=1)
    once = dict.fromkeys(("data", "images", "teacher on 200", "teacher on 101", "teacher on 102", "first"), 2)
    assert {name: counts[name] for name in once} == once, "for each of two seeds"


def test_a_study_of_the_same_name_as_one_that_is_gone_gets_its_own_setting(store: Path) -> None:
    first = create_study(store, tiny_config(rounds=1), "same-name")
    run_study(first, workers=1)
    delete_study(store, "same-name")
    second = create_study(store, tiny_config(rounds=1, labeled=30), "same-name")
    prepare_seed(second, 0)  # as another process would
    run_study(second, workers=1)
    alone = create_study(store, second.config, "other-name")
    run_study(alone, workers=1)
    assert second.content_digest() == alone.content_digest()


def test_a_request_is_heard_though_the_database_could_not_be_read_for_a_while(store: Path) -> None:
    study = create_study(store, tiny_config())
    database, away = study.path / DATABASE, study.path / "away"

    def run() -> None:
        with _interrupted_by_requests(study):
            database.rename(away)
            time.sleep(1.5)  # three looks
            away.rename(database)
            study.request("pause")
            for _ in range(100):
                time.sleep(0.1)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs have it ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        signal.signal(signal.SIGINT, before)
    database.rename(away)
    check_requests(study)
    away.rename(database)
    with pytest.raises(StudyStopped, match="paused"):
        check_requests(study)


def test_progress_counts_every_round_once(store: Path) -> None:
    events: list[Event] = []
    study = create_study(store, tiny_config(), "counted-study")
    run_study(study, workers=2, on_event=events.append)
    assert [event.done for event in events] == [1, 2, 3, 4, 5, 5]
    assert all(event.total == 5 for event in events)
    assert len(study.read_log()) == 5


def test_a_failed_study_says_why_and_leaves_nothing_running(store: Path) -> None:
    study = create_study(store, tiny_config(learning_rate=10.0, weight_decay=10.0, student_steps=200), "failed-study")
    with pytest.raises(TrainingError, match="diverged"):
        run_study(study, workers=2)
    info = study.info()
    assert info.status == "failed"
    assert "lower it" in info.message
    # One left behind could close its pipe while Python, at its end, still writes to it.
    assert not [thread for thread in threading.enumerate() if "ExecutorManager" in type(thread).__name__]
    assert not multiprocessing.active_children()


def test_data_that_changed_since_the_start_is_noticed(store: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (400, 8, 8), np.uint8), np.arange(400) % 4
    np.savez(tmp_path / "a.npz", x=x, y=y)
    config = tiny_config(dataset=f"arrays:{tmp_path / 'a.npz'}", labeled=20, validation=20, pool=100, test=40)
    config_one = config.resolved()
    study = create_study(store, config_one, "moving-study")
    prepare_seed(study, 0)
    open_setting(study, 0)
    changes = {
        "another .* split": (x, rng.permutation(y)),
        "other labels of the": (x, (y + 1) % 4),
        "other images in the pool": (x[::-1], y),
    }
    for words, (pixels, labels) in changes.items():
        np.savez(tmp_path / "a.npz", x=pixels, y=labels)
        with pytest.raises(InputError, match=f"has changed since .* was started .{words}"):
            open_setting(study, 0)


def test_the_plan_counts_what_the_study_does(finished: Study) -> None:
    found = plan(finished.config, workers=1)
    table = finished.rounds_table()
    assert found.cells == len(ALL_STRATEGIES) * 2
    assert found.teacher_queries == int(table[table["round"] == 2]["labels"].sum())
    assert found.trainings == len(ALL_STRATEGIES) * 2 * 2 + 2 * 2
    assert found.estimated_seconds is not None
    assert found.estimated_seconds > 0


def test_budgets_beyond_the_pool_are_refused() -> None:
    with pytest.raises(InputError, match="need 600 pool points, and digits leaves 200"):
        load_data(tiny_config(rounds=6, budget=100).resolved(), 0)


def test_a_table_of_soft_labels_serves_as_teacher(store: Path, tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    labels = load_digits().target
    table = np.full((len(labels), 10), 0.02, np.float32)
    table[np.arange(len(labels)), labels] = 0.82
    np.save(tmp_path / "soft.npy", table)
    config = tiny_config(teacher=f"table:{tmp_path / 'soft.npy'}")
    study = create_study(store, config, "table-study")
    run_study(study, workers=1)
    assert study.seed_metrics(0)["teacher_accuracy"] == 1.0
    assert "teacher_features" not in study.seed_arrays(0)
    shutil.rmtree(study.path)
