"""A study's settings: every mistake is refused with the key, the value and what is allowed."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from rad_core.config import ALL_STRATEGIES, StudyConfig, read_toml
from rad_core.errors import InputError


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"budgt": 3}, r"budgt = 3 is not a setting.*did you mean budget"),
        ({"zzz": 1}, "known are name, dataset"),
        ({"rounds": 0}, "rounds is 0; it must be a whole number from 1"),
        ({"rounds": 2.5}, "rounds is 2.5"),
        ({"rounds": True}, "rounds is True"),
        ({"seeds": "many"}, "seeds is 'many'"),
        ({"budget": -1}, "budget is -1"),
        ({"learning_rate": 0}, "above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"confidence": 1.0}, "at most 0.9999"),
        ({"gain": "best"}, "margin, entropy, least_confidence"),
        ({"device": "tpu"}, "auto, cpu, cuda, mps"),
        ({"student": "gpt"}, "mlp, cnn_tiny"),
        ({"teacher": "gpt"}, "pretrained:NAME"),
        ({"dataset": "imagenet"}, "digits, cifar10"),
        ({"dataset": 3}, "name of a data set"),
        ({"strategies": "rad,margni"}, r"'margni' \(did you mean margin\?\)"),
        ({"strategies": ""}, "one or more"),
        ({"strategies": ["rad", "rad"]}, "different"),
        ({"teacher_accuracy": "upper"}, "mean, lower"),
        ({"augment": 1}, "true or false"),
        ({"name": "a\nb"}, "line"),
        ({"teacher": "table:x.npy", "strategies": "rad,unixkd"}, "mixed images"),
    ],
)
def test_mistakes_are_refused_in_words(values: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        StudyConfig.from_mapping(values)


def test_toml_there_and_back(tmp_path: Path) -> None:
    config = StudyConfig(
        dataset="folder:/photos", strategies=("rad", "badge"), budget=7, name='quotes " and \\, \x7f, é, 😀'
    )
    (tmp_path / "study.toml").write_text(config.to_toml(), encoding="utf-8")
    assert StudyConfig.from_toml(tmp_path / "study.toml") == config
    resolved = config.resolved()
    (tmp_path / "study.toml").write_text(resolved.to_toml(), encoding="utf-8")
    assert StudyConfig.from_toml(tmp_path / "study.toml").to_json() == resolved.to_json()


def test_bad_study_files_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no study file"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("rounds = = 3")
    with pytest.raises(InputError, match="not valid TOML"):
        read_toml(tmp_path / "bad.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not valid TOML"):
        read_toml(tmp_path / "bytes.toml")


def test_resolving_fills_in_only_what_is_missing() -> None:
    config = StudyConfig(budget=7).resolved()
    assert config.budget == 7
    assert config.teacher == "mlp"
    assert config.resolved() == config
    assert StudyConfig(dataset="cifar10").resolved().student == "resnet8"


def test_every_setting_explains_itself() -> None:
    for field in attrs.fields(StudyConfig):
        assert field.metadata["help"].endswith("."), field.name


def test_all_strategies_are_the_default() -> None:
    assert StudyConfig().strategies == ALL_STRATEGIES
    assert {"rad", "uniform", "margin", "entropy", "coreset", "badge", "unixkd", "oracle"} <= set(ALL_STRATEGIES)


STRANGE = [
    3,
    -1,
    0.5,
    float("nan"),
    True,
    "",
    "x",
    [1, 2],
    [["rad"]],
    {},
    None,
    10**400,
    "\x00",
    "folder:",
    "table:",
    b"x",
]


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(StudyConfig)])
def test_whatever_a_setting_holds_it_is_taken_or_refused_by_name(name: str, tmp_path: Path) -> None:
    for value in STRANGE:
        try:
            config = StudyConfig.from_mapping({name: value}).resolved()
        except InputError as error:
            assert name in str(error)  # noqa: PT017 - it may also be taken
        else:
            (tmp_path / "study.toml").write_text(config.to_toml(), encoding="utf-8")
            assert StudyConfig.from_toml(tmp_path / "study.toml").resolved() == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("budget", 10**13),
        ("price_per_label", 1e300),
        ("name", "half a \ud800 character"),
        ("currency", "\uffff"),
        ("dataset", "folder:/photos\n"),
        ("dataset", f"folder:/{'x' * 5000}"),
        ("teacher", "table:/labels\x00.npy"),
        ("strategies", ["x" * 100_000]),
        ("student", "x" * 100_000),
    ],
)
def test_what_no_page_could_show_and_no_report_could_hold_is_refused(name: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        StudyConfig.from_mapping({name: value})
    assert len(str(caught.value)) < 600
