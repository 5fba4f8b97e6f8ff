"""Settings beyond the paper's: teachers that know more, classes of unlike frequency, other answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from click.testing import CliRunner

from app.results import shipped
from rad_core.cli import cli
from rad_core.config import StudyConfig, named_studies
from rad_core.errors import InputError
from rad_core.learning.data import Dataset, load_dataset, make_split
from rad_core.learning.splitting import class_shares
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.pack import pack
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from rad_core.study.data import check_study, load_data
from rad_core.study.loop import Cell, run_cells
from rad_core.study.prepare import open_setting, prepare_seed
from rad_core.study.students import Purchases, training_set
from tests.conftest import tiny_config


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", data_dir=Path("unused"))


def run(store: Path, **settings: Any) -> Study:
    study = create_study(store, tiny_config(**settings))
    run_study(study, workers=1)
    return study


# --- the split -------------------------------------------------------------------------------------------------------


def test_shares_are_relative_frequencies() -> None:
    np.testing.assert_allclose(class_shares("10,1,5", 3), [10 / 16, 1 / 16, 5 / 16])
    tail = class_shares("tail:10", 5)
    assert tail[0] / tail[-1] == pytest.approx(10)
    np.testing.assert_allclose(tail[1:] / tail[:-1], 10**-0.25)
    assert tail.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("1,2", "has 2 numbers, and there are 10 classes"),
        ("tail:", "write a number above 0"),
        ("tail:0", "write a number above 0"),
        ("tail:nan", "write a number above 0"),
        ("1,-1", "write a number above 0"),
        ("1,inf", "write a number above 0"),
        ("many", "write a number above 0"),
    ],
)
def test_shares_that_are_none_are_refused(spec: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        class_shares(spec, 10)


def test_labeled_set_validation_set_and_pool_have_the_shares_and_the_test_set_its_own(digits: Dataset) -> None:
    spec = "10,1,10,1,10,1,10,1,10,1"
    split = make_split(digits, labeled=110, validation=55, pool=330, private=100, class_share=spec, seed=0)
    for part, size in (("labeled", 110), ("validation", 55), ("pool", 330)):
        counts = np.bincount(digits.labels[getattr(split, part)], minlength=10)
        np.testing.assert_array_equal(counts, np.array([10, 1] * 5) * size // 55)
    for part in ("test", "private"):
        counts = np.bincount(digits.labels[getattr(split, part)], minlength=10)
        assert counts.max() < 1.5 * counts.min(), part
    parts = [getattr(split, part) for part in ("labeled", "validation", "pool", "test", "private")]
    assert len(np.unique(np.concatenate(parts))) == sum(map(len, parts))
    assert len(split.private) == 100


def test_a_pool_without_a_size_is_the_largest_that_the_shares_permit(digits: Dataset) -> None:
    split = make_split(digits, labeled=50, validation=50, class_share="tail:10", seed=0)
    left = np.setdiff1d(np.arange(len(digits.labels)), np.concatenate([split.labeled, split.validation, split.test]))
    have, took = np.bincount(digits.labels[left]), np.bincount(digits.labels[split.pool])
    assert (took <= have).all()
    assert (took + 1 > have).any(), "the scarcest class is used up"
    np.testing.assert_allclose(took / took.sum(), class_shares("tail:10", 10), atol=1 / len(split.pool))


def test_a_class_that_runs_out_is_named(digits: Dataset) -> None:
    with pytest.raises(InputError, match=r"pool is 1200, of which class_share wants \d+ of the class '0', and \d+ are"):
        make_split(digits, labeled=50, validation=50, pool=1200, class_share="tail:50", seed=0)
    with pytest.raises(InputError, match="1000 private"):
        make_split(digits, labeled=200, validation=200, pool=100, private=1000, seed=0)


def test_toml_takes_shares_as_a_list(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('dataset = "digits"\nclass_share = [10, 1, 0.5]\nteacher_labeled = 30\n')
    config = StudyConfig.from_toml(tmp_path / "a.toml")
    assert (config.class_share, config.teacher_labeled) == ("10,1,0.5", 30)
    (tmp_path / "b.toml").write_text(config.to_toml())
    assert StudyConfig.from_toml(tmp_path / "b.toml") == config


def test_what_earlier_versions_lack_changes_no_description_of_theirs() -> None:
    new = {"teacher_labeled", "class_share", "labels", "learn_from_validation", "augmentation"}
    assert not any(f'"{name}"' in StudyConfig().resolved().to_json() for name in new)


# --- the teacher -----------------------------------------------------------------------------------------------------


def test_a_teacher_with_labels_of_its_own_knows_more(store: Path) -> None:
    settings = {"strategies": ("uniform",), "rounds": 1, "full_pool": False, "teacher_steps": 150}
    plain, more = run(store, **settings), run(store, teacher_labeled=600, **settings)
    accuracy = [study.seed_metrics(0)["teacher_accuracy_pool"] for study in (plain, more)]
    assert accuracy[1] > accuracy[0] + 0.1
    private = more.seed_array(0, "private_ids")
    others = np.concatenate([more.seed_array(0, f"{part}_ids") for part in ("labeled", "validation", "pool", "test")])
    assert len(private) == 600
    assert not np.isin(private, others).any()
    assert "private_ids" not in plain.seed_arrays(0)


def test_hard_labels_are_the_teachers_likeliest_classes(store: Path) -> None:
    settings = {"strategies": ("uniform", "unixkd"), "full_pool": False}
    soft, hard = run(store, **settings), run(store, labels="hard", **settings)
    expected = np.eye(10)[soft.seed_array(0, "teacher_pool_probabilities").argmax(1)]
    np.testing.assert_array_equal(hard.seed_array(0, "teacher_pool_probabilities"), expected)
    for strategy in ("uniform", "unixkd"):
        bought = hard.round_array(strategy, 0, 1, "soft_labels")
        assert set(np.unique(bought)) == {0, 1}
        np.testing.assert_array_equal(bought.sum(1), 1)
    for name in ("teacher_accuracy", "teacher_accuracy_pool", "teacher_accuracy_test"):
        assert hard.seed_metrics(0)[name] == soft.seed_metrics(0)[name]


def test_sampled_labels_are_drawn_by_the_teachers_probabilities_once_for_each_point(store: Path) -> None:
    settings = {"strategies": ("uniform", "rad"), "full_pool": False, "temperature": 1.0}
    soft, sampled = run(store, **settings), run(store, labels="sampled", **settings)
    drawn = sampled.seed_array(0, "teacher_pool_probabilities")
    assert set(np.unique(drawn)) == {0, 1}
    told = soft.seed_array(0, "teacher_pool_probabilities").astype(np.float64)
    chance = told[np.arange(len(told)), drawn.argmax(1)]
    assert chance.min() > 0
    expected = (told**2).sum(1)  # the chance that a class was drawn which has that chance
    assert abs((chance - expected).sum()) < 4 * np.sqrt((told**3).sum(1) - expected**2).sum() ** 0.5 + 1
    assert (drawn.argmax(1) != told.argmax(1)).any()
    for strategy in ("uniform", "rad"):
        bought = sampled.round_array(strategy, 0, 2, "bought")
        np.testing.assert_array_equal(sampled.round_array(strategy, 0, 2, "soft_labels"), drawn[bought])
        right = drawn[bought].argmax(1) == sampled.seed_array(0, "pool_labels")[bought]
        np.testing.assert_array_equal(sampled.round_array(strategy, 0, 2, "bought_correct"), right)


def test_sampled_labels_of_mixtures_are_refused_before_anything_is_trained() -> None:
    with pytest.raises(InputError, match="leave out unixkd or choose other labels"):
        StudyConfig(labels="sampled")


def test_a_table_may_hold_a_teacher_for_each_seed_and_features(store: Path, tmp_path: Path, digits: Dataset) -> None:
    rng, tables = np.random.default_rng(0), {}
    for seed in range(2):
        tables[f"probabilities-{seed}"] = rng.dirichlet(np.ones(10), len(digits.labels)).astype(np.float32)
        tables[f"features-{seed}"] = rng.random((len(digits.labels), 3), np.float32)
    np.savez(tmp_path / "t.npz", **tables)
    study = run(store, teacher=f"table:{tmp_path / 't.npz'}", seeds=2, strategies=("rad",), full_pool=False)
    for seed in range(2):
        ids = study.seed_array(seed, "pool_ids")
        for stored, given in (("teacher_pool_probabilities", "probabilities"), ("teacher_features", "features")):
            expected = tables[f"{given}-{seed}"][ids].astype(study.seed_array(seed, stored).dtype)
            np.testing.assert_array_equal(study.seed_array(seed, stored), expected)
    config = tiny_config(teacher=f"table:{tmp_path / 't.npz'}", seeds=3, strategies=("rad",)).resolved()
    with pytest.raises(InputError, match="probabilities-2 is missing"):
        check_study(config)


# --- the student -----------------------------------------------------------------------------------------------------


def test_students_learn_from_the_validation_set_where_they_may(store: Path) -> None:
    settings = {"strategies": ("rad", "coreset"), "full_pool": False, "validation": 60}
    study = create_study(store, tiny_config(learn_from_validation=True, **settings))
    setting = prepare_seed(study, 0)
    split = setting.split
    np.testing.assert_array_equal(setting.known, np.concatenate([split.labeled, split.validation]))
    images, targets = training_set(setting, Purchases.nothing(10))
    assert len(images) == len(targets) == len(split.labeled) + 60
    np.testing.assert_array_equal(targets.argmax(1), setting.labels[setting.known])
    assert len(setting.first.labeled_features) == len(setting.known)
    plain = create_study(store, tiny_config(**settings))
    prepare_seed(plain, 0)
    assert study.round_metrics("", 0, 0)["accuracy"] > plain.round_metrics("", 0, 0)["accuracy"]
    for name in ("teacher_accuracy_used", "teacher_accuracy_pool"):  # the teacher is none the wiser
        assert study.seed_metrics(0)[name] == plain.seed_metrics(0)[name]
    rounds = list(run_cells([Cell(open_setting(study, 0), "coreset")]))
    assert rounds[-1][0].metrics["labels"] == 20


def test_images_are_varied_as_asked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", x=rng.integers(0, 256, (200, 8, 8, 3), np.uint8), y=np.arange(200) % 4)
    config = tiny_config(
        dataset=f"arrays:{tmp_path / 'a.npz'}", labeled=20, validation=20, pool=100, test=40
    ).resolved()
    assert load_data(config, 0)[0].augment == "none"
    assert load_data(attrs.evolve(config, augmentation="crop_flip"), 0)[0].augment == "crop_flip"
    with pytest.raises(InputError, match="augmentation is 'upside_down'; it must be one of"):
        tiny_config(augmentation="upside_down")


# --- all of it, stored -----------------------------------------------------------------------------------------------


def test_a_study_with_all_of_it_repeats_bit_for_bit_resumes_and_travels(store: Path, tmp_path: Path) -> None:
    settings = {
        "strategies": ("rad", "margin"),
        "teacher_labeled": 100,
        "class_share": "tail:4",
        "labels": "sampled",
        "learn_from_validation": True,
        "augmentation": "shift",
    }
    study, again = run(store, **settings), run(store, **settings)
    assert study.content_digest() == again.content_digest()
    pack(study, tmp_path / "a.rad.zip")
    other = unpack_into(tmp_path / "a.rad.zip", tmp_path / "other")
    assert other.content_digest() == study.content_digest()
    np.testing.assert_array_equal(open_setting(other, 0).split.private, study.seed_array(0, "private_ids"))


# --- the studies that come with the program --------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(named_studies()))
def test_a_study_that_comes_with_the_program_is_found_by_its_name(name: str) -> None:
    config = StudyConfig.from_toml(Path(name))
    assert config == StudyConfig.from_toml(named_studies()[name])
    assert config.name


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("showcase").write_text('name = "mine"')
    assert StudyConfig.from_toml(Path("showcase")).name == "mine"


def test_a_study_file_that_is_not_there_is_refused_with_the_names_that_are() -> None:
    with pytest.raises(InputError, match=r"no study file nothing; .*, showcase\)"):
        StudyConfig.from_toml(Path("nothing"))


def test_the_showcase_is_the_study_that_ships() -> None:
    study = shipped.metrics_of("fashion-long-tail")
    assert attrs.evolve(StudyConfig.from_toml(Path("showcase")).resolved(), device="cpu") == study.config


def test_the_plan_says_what_is_unusual(store: Path) -> None:
    words = ["run", "--dry-run", "--strategies", "rad", "--seeds", "1", "--pool", "200", "--teacher-labeled", "50"]
    more = ["--class-share", "tail:3", "--labels", "hard", "--learn-from-validation", "--augmentation", "none"]
    ran = CliRunner().invoke(cli, [*words, *more, "--student-steps", "5", "--teacher-steps", "5"])
    assert ran.exit_code == 0, ran.output
    plan = dict(line.split("  ", 1) for line in ran.stdout.splitlines())
    assert plan["Classes"].strip() == "tail:3, by frequency"
    assert plan["Teacher learns from"].strip() == "the labeled set and 50 labels of its own"
    assert "validation set" in plan["Student learns from"]
    assert plan["Labels"].strip() == "hard"
    assert plan["Augmentation"].strip() == "none"
