"""The settings of a new study as a form needs them: kinds and words from StudyConfig, presets, links. No Streamlit."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import attrs

from rad_core.config import ALL_STRATEGIES, OF_EXTENT, StudyConfig, read_toml
from rad_core.errors import InputError
from rad_core.folders import data_folder
from rad_core.learning.data import DATASETS, measure_dataset, suiting
from rad_core.learning.models import MODELS, TORCHVISION
from rad_core.learning.teachers import OUTSIDE
from rad_core.results.words import count
from rad_core.running.plan import outline
from rad_core.selection.strategies import ORACLES

Kind = Literal["text", "whole", "number", "flag", "choice", "choices", "dataset"]

_LARGEST = 10**9  # what a number field of a browser takes without losing digits is larger still
_PLAIN: dict[str, Kind] = {"int": "whole", "float": "number", "bool": "flag"}
_OPEN = ("teacher",)  # a choice that also takes other words: pretrained:NAME, table:FILE, python:..., openai:...
_LABELS = {
    "labeled": "Labeled set",
    "validation": "Validation set",
    "pool": "Unlabeled pool",
    "test": "Test set",
    "budget": "Budget per round",
    "gain": "Informativeness",
    "teacher_labeled": "The teacher's own labels",
    "class_share": "Frequencies of the classes",
    "labels": "What the teacher hands out",
    "learn_from_validation": "Learn from the validation set, too",
    "augmentation": "How images are varied",
    "teacher_accuracy": "Teacher accuracy",
    "skip_bad": "Skip bad files",
    "full_pool": "Train on the whole pool, too",
    "augment": "Augment images",
    "price_per_label": "Price per label",
    "latency_per_label": "Seconds per label",
}
_WHEN_EMPTY = {"pool": "rest", "test": "all", "image_size": "as is"}
# Units that go without saying.
_SAID_ANYWAY = ("labels", "points", "seeds", "rounds", "images", "currency", "seconds", "steps")


@dataclass(frozen=True)
class Setting:
    """One setting of a study, with what a form says about it. default: None where the data set decides."""

    name: str
    kind: Kind
    label: str
    help: str
    unit: str
    default: Any
    choices: tuple[str, ...] = ()
    open: bool = False  # other words than the choices are taken, too


@dataclass(frozen=True)
class Preset:
    """Settings for a purpose; those of the data are left as they are, unless it has a data set of its own."""

    label: str
    help: str
    values: dict[str, Any] = field(default_factory=dict)


def _of_file(name: str) -> dict[str, Any]:
    """What a study file that comes with the program sets, as the form has it, but for its name."""
    values = read_toml(Path(name))
    config = StudyConfig.from_mapping(values)
    return {setting: getattr(config, setting) for setting in values if setting != "name"}


PRESETS = {
    "quick": Preset(
        "Quick look",
        "First curves with intervals; of the handwritten digits in about a minute.",
        {"strategies": ("rad", "margin", "badge", "uniform", *ORACLES), "seeds": 3, "rounds": 5},
    ),
    "sound": Preset(
        "Sound comparison",
        "Every strategy, and enough repetitions for intervals that differences can be told from.",
        {"strategies": ALL_STRATEGIES, "seeds": 5, "rounds": 5},
    ),
    "showcase": Preset(
        "Like the showcase",
        "The study that the studio opens with: Fashion-MNIST with a long tail, and a teacher that knows more.",
        _of_file("showcase"),
    ),
}


def what_it_sets(config: StudyConfig) -> str:
    """Rules, repetitions, rounds and steps of a study, and how many students that makes, in words."""
    full = config.resolved()
    steps = f"{full.student_steps:,} steps" if full.student_steps else "steps by the size of the data"
    return (
        f"{count(len(full.strategies), 'strategy')}, {count(full.seeds, 'repetition')}, "
        f"{count(full.rounds, 'round')}, {steps}: {count(outline(config).trainings, 'student')}"
    )


def _settings() -> dict[str, Setting]:
    settings = {}
    for attribute in attrs.fields(StudyConfig):
        plain = str(attribute.type).split(" | ")[0]
        choices = tuple(attribute.metadata["choices"] or ())
        if attribute.name == "teacher":
            choices = (*MODELS, *(f"pretrained:{name}" for name in TORCHVISION))
        kind: Kind = _PLAIN.get(plain, "choice" if choices else "text")
        kind = "dataset" if attribute.name == "dataset" else "choices" if plain.startswith("tuple") else kind
        settings[attribute.name] = Setting(
            name=attribute.name,
            kind=kind,
            label=_LABELS.get(attribute.name, attribute.name.replace("_", " ").capitalize()),
            help=attribute.metadata["help"],
            unit=attribute.metadata["unit"],
            default=None if attribute.metadata["of_dataset"] else attribute.default,
            choices=choices,
            open=attribute.name in _OPEN,
        )
    return settings


SETTINGS = _settings()


@dataclass(frozen=True)
class Suited:
    """What settings left empty come to for a data set, and what is said about one's own data."""

    values: Mapping[str, Any]
    words: str = ""


def suited(values: Mapping[str, Any], *, look: bool = True) -> Suited:
    """What the settings of a form that are left empty come to.

    look: whether own data may be looked at for that, without opening any.
    """
    spec = values["dataset"]
    name, _, argument = spec.partition(":")
    about = DATASETS[name]
    if about.measure is None or not argument or not look:
        return Suited(about.defaults | (dict.fromkeys(OF_EXTENT, "by its size") if about.measure else {}))
    given = {setting: value for setting, value in values.items() if value is not None}
    try:
        extent = measure_dataset(spec, data_dir=data_folder(), skip_bad=bool(values.get("skip_bad")))
    except InputError as error:
        return Suited(about.defaults | dict.fromkeys(OF_EXTENT, "by its size"), str(error))
    assert extent is not None
    test = f", and {extent.test:,} for the test" if extent.test is not None else ""
    words = f"{extent.images:,} images of {extent.classes:,} classes{test}. Values in gray suit them."
    return Suited(suiting(spec, extent, given), words)


def when_empty(setting: Setting, suits: Mapping[str, Any]) -> str:
    """What a setting left empty comes to, in words. suits: the settings that suit the data set."""
    value = setting.default if setting.default is not None else suits.get(setting.name)
    return _WHEN_EMPTY.get(setting.name, "") if value is None else f"{value}"


def with_unit(setting: Setting) -> str:
    """The label with the unit behind it, where it does not go without saying."""
    return f"{setting.label} ({setting.unit})" if setting.unit not in ("", *_SAID_ANYWAY) else setting.label


def files_named(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings that name a folder or a file of the machine that runs the study, or a teacher from outside."""
    dataset, teacher = str(values.get("dataset") or ""), str(values.get("teacher") or "")
    name, _, argument = dataset.partition(":")
    named = [dataset] if name in DATASETS and DATASETS[name].argument and argument else []
    reads = ("table", *OUTSIDE)  # one from outside runs code, or is sent images and asks for money
    return (*named, *([teacher] if teacher.partition(":")[0] in reads and ":" in teacher else []))


# --- from outside --------------------------------------------------------------------------------------------------


def accept(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Values for the form from a link, a page or a study: those of the right kind, and a sentence for each refused."""
    taken: dict[str, Any] = {}
    refused: list[str] = []
    for name, value in values.items():
        if name not in SETTINGS or value is None:
            continue
        try:
            taken[name] = _accept_one(SETTINGS[name], value)
        except (TypeError, ValueError):
            refused.append(f"{SETTINGS[name].label} cannot be “{str(value)[:40]}”; it stays as it was.")
    return taken, refused


def _accept_one(setting: Setting, value: Any) -> Any:
    """The value in the setting's kind, from text or from a number of any library. Raises ValueError or TypeError."""
    if setting.kind in ("whole", "number"):
        number = float(value)
        if not abs(number) < _LARGEST or (setting.kind == "whole" and number != int(number)):
            raise ValueError(value)
        return int(number) if setting.kind == "whole" else number
    if setting.kind == "flag":
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if (word := str(value).lower()) not in words:
            raise ValueError(value)
        return words[word]
    if setting.kind == "choices":
        names = tuple(value.split(",")) if isinstance(value, str) else tuple(value)
        if not names or not set(names) <= set(setting.choices):
            raise ValueError(value)
        return names
    text = str(value)
    if len(text) > 1000 or not text.isprintable():
        raise ValueError(value)
    if setting.kind == "dataset" and text.partition(":")[0] not in DATASETS:
        raise ValueError(value)
    if setting.kind == "choice" and not setting.open and text not in setting.choices:
        raise ValueError(value)
    return text


def of_study(config: StudyConfig) -> dict[str, Any]:
    """The settings in which a study differs from what its data set would have given it.

    Sizes that were chosen for one's own data are among them: there may be another number of images by now.
    """
    sizes = {name: getattr(config, name) for name in OF_EXTENT}
    plain = StudyConfig.from_mapping({"dataset": config.dataset, **sizes}).resolved()
    usual = suiting(config.dataset, None, {})
    own = DATASETS[config.dataset.partition(":")[0]].measure is not None
    values = {name: getattr(config, name) for name in SETTINGS if getattr(config, name) != getattr(plain, name)}
    values |= {name: size for name, size in sizes.items() if own or size != usual[name]}
    return {**values, "dataset": config.dataset, "name": f"{config.name} (copy)"[:100] if config.name else ""}


def to_config(values: Mapping[str, Any]) -> StudyConfig:
    """The study that a filled-in form describes. Raises InputError with what is wrong, resolved settings included."""
    config = StudyConfig.from_mapping({name: value for name, value in values.items() if value is not None})
    resolved = config.resolved()
    if resolved.pool is not None and resolved.pool < resolved.budget * resolved.rounds:
        raise InputError(
            f"budget is {resolved.budget} in each of {resolved.rounds} rounds, and the pool has {resolved.pool} "
            "points; lower the budget or the rounds, or enlarge the pool."
        )
    return config


# --- to the command line -------------------------------------------------------------------------------------------


def command(config: StudyConfig, cluster: str = "") -> str:
    """The line for a shell that runs the same study: what differs from the defaults, as options of `rad run`.

    cluster: the address of the Ray cluster that it runs on.
    """
    words = ["rad", "run"]
    for name, setting in SETTINGS.items():
        value = getattr(config, name)
        if value == setting.default or value is None:
            continue
        flag = "--" + name.replace("_", "-")
        if setting.kind == "flag":
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            text = ",".join(value) if isinstance(value, tuple) else f"{value}"
            words += [flag, text]
    return shlex.join(words + (["--cluster", cluster] if cluster else []))
