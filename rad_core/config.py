"""The one description of a study: frozen, validated, with every default.

Read from TOML or from options; importable, with the names of all choices, without torch. A field whose default
depends on the data set stands at None until `resolved` fills it in from the data set's own defaults; the engine sees
resolved ones only.
"""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from rad_core.errors import InputError
from rad_core.folders import data_folder
from rad_core.learning.data import DATASETS, Extent, measure_dataset, parse_spec, suiting
from rad_core.learning.dataset import AUGMENTATION_NAMES
from rad_core.learning.device import DEVICES
from rad_core.learning.models import MODELS
from rad_core.learning.splitting import class_shares
from rad_core.learning.teachers import LABELS, TEACHERS, is_outside, parse_teacher
from rad_core.selection.gains import GAINS
from rad_core.selection.strategies import ORACLES, STRATEGIES

if TYPE_CHECKING:
    Attribute = attrs.Attribute[Any]

Value: TypeAlias = Any  # as somebody wrote it: anything until it is checked
Check: TypeAlias = Callable[[object, "Attribute", Value], None]

ALL_STRATEGIES = tuple(STRATEGIES)
# What asks the teacher about points that are not bought, or about images that are in no data set.
_BEYOND_OUTSIDE = tuple(name for name, rule in STRATEGIES.items() if rule.mixes or name in ORACLES)
OF_EXTENT = ("labeled", "validation", "rounds", "budget", "student_steps", "teacher_steps")  # sizes that suit a size


def _refuse(name: str, value: object, wanted: str) -> InputError:
    return InputError(f"{name} is {_shown(value)}; it must be {wanted}.")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


_MOST_WHOLE = 10**12
_MOST_NUMBER = 1e15
_LONGEST_PATH = 4096  # characters


def is_printable(text: str) -> bool:
    """Whether every file of text can hold a line: no control characters, no halves of pairs, no noncharacters."""
    return not any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 or char in "\ufffe\uffff" for char in text)


def _whole(low: int, high: int | None = None) -> Check:
    wanted = f"a whole number of {low} or more" if high is None else f"a whole number from {low} to {high}"
    most = _MOST_WHOLE if high is None else high

    def check(_: object, attribute: Attribute, value: Value) -> None:
        if value is None and attribute.metadata.get("of_dataset"):
            return
        good = isinstance(value, int) and not isinstance(value, bool) and value >= low
        if not good or value > most:
            raise _refuse(attribute.name, value, f"a whole number from {low} to {most}" if good else wanted)

    return check


def _number(low: float, high: float = _MOST_NUMBER, *, open_low: bool = False) -> Check:
    bounds = f"above {low:g}" if open_low else f"of {low:g} or more"
    wanted = f"a number {bounds}" + ("" if high == _MOST_NUMBER else f" and at most {high:g}")

    def check(_: object, attribute: Attribute, value: Value) -> None:
        good = isinstance(value, float) and math.isfinite(value)
        if not good or value < low or (open_low and value == low) or value > high:
            raise _refuse(attribute.name, value, f"{wanted}, at most {high:g}" if good and value > high else wanted)

    return check


def _choice(*allowed: str) -> Check:
    def check(_: object, attribute: Attribute, value: Value) -> None:
        if value is None and attribute.metadata.get("of_dataset"):
            return
        if value not in allowed:
            raise _refuse(attribute.name, value, f"one of {', '.join(allowed)}")

    return check


def _flag(_: object, attribute: Attribute, value: Value) -> None:
    if not isinstance(value, bool):
        raise _refuse(attribute.name, value, "true or false")


def _text(_: object, attribute: Attribute, value: Value) -> None:
    if not isinstance(value, str) or len(value) > 100 or not is_printable(value):
        raise _refuse(attribute.name, value, "a line of at most 100 characters")


def _dataset(_: object, attribute: Attribute, value: Value) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST_PATH or not is_printable(value):
        raise _refuse(attribute.name, value, "the name of a data set, without control characters")
    parse_spec(value)


def _teacher(_: object, attribute: Attribute, value: Value) -> None:
    if value is not None:
        if not isinstance(value, str) or len(value) > _LONGEST_PATH or not is_printable(value):
            raise _refuse(attribute.name, value, "the name of a teacher, without control characters")
        parse_teacher(value)


def _class_share(_: object, attribute: Attribute, value: Value) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST_PATH or not is_printable(value):
        raise _refuse(attribute.name, value, "numbers separated by commas, or tail:RATIO")
    if value:
        class_shares(value, 2 if value.startswith("tail:") else value.count(",") + 1)


def _strategies(_: object, attribute: Attribute, value: Value) -> None:
    if not isinstance(value, tuple) or not all(isinstance(name, str) for name in value):
        raise _refuse(attribute.name, value, "names of strategies")
    if not value or len(set(value)) < len(value):
        raise _refuse(attribute.name, ",".join(value), "one or more different strategies")
    for name in value:
        if name not in ALL_STRATEGIES:
            close = difflib.get_close_matches(str(name), ALL_STRATEGIES, 1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise InputError(f"strategies holds {_shown(name)}{hint}; choose from {', '.join(ALL_STRATEGIES)}.")


def _as_names(value: Value) -> Value:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def _as_numbers_in_text(value: Value) -> Value:
    """A list of numbers, as TOML has them, as the text that stands for it."""
    if isinstance(value, list | tuple) and all(isinstance(part, int | float) for part in value):
        return ",".join(f"{part:.12g}" for part in value)
    return value


def _as_float(value: Value) -> Value:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and abs(value) < 2**53 else value


def _field(
    default: Value,
    help_: str,
    unit: str = "",
    *,
    check: Check,
    choices: tuple[str, ...] | None = None,
    later: bool = False,
    converter: Callable[[Value], Value] | None = None,
) -> Value:
    """later: a setting that earlier versions lack, written down only where it differs from its default."""
    metadata = {"help": help_, "unit": unit, "choices": choices, "of_dataset": default is None, "later": later}
    return attrs.field(default=default, validator=check, metadata=metadata, converter=converter)


@attrs.frozen(kw_only=True)
class StudyConfig:
    """Everything that determines a study: the same configuration gives the same result."""

    name: str = _field("", "Name of the study, for people.", check=_text)
    dataset: str = _field(
        "digits", "Data set: a name, folder:PATH or arrays:FILE.npz.", check=_dataset, choices=tuple(DATASETS)
    )
    image_size: int | None = _field(
        None, "Side of the square that the images of a folder are resized to.", "pixels", check=_whole(4, 512)
    )
    skip_bad: bool = _field(
        False,
        "Leave out the files of a folder that are no readable images, and say which.",
        check=_flag,
        later=True,
    )
    strategies: tuple[str, ...] = _field(
        ALL_STRATEGIES,
        "Strategies to compare, separated by commas.",
        check=_strategies,
        choices=ALL_STRATEGIES,
        converter=_as_names,
    )
    seeds: int = _field(3, "Repetitions, each with its own split, teacher and weights.", "seeds", check=_whole(1, 1000))
    rounds: int = _field(None, "Rounds of buying soft labels.", "rounds", check=_whole(1, 1000))
    budget: int = _field(None, "Soft labels bought per round.", "labels", check=_whole(1))
    labeled: int = _field(None, "Size of the labeled set that the teacher learns from.", "labels", check=_whole(2))
    validation: int = _field(
        None, "Size of the labeled set that estimates the teacher's accuracy.", "labels", check=_whole(2)
    )
    pool: int | None = _field(
        None, "Size of the unlabeled pool; by default all that remains.", "points", check=_whole(2)
    )
    teacher_labeled: int = _field(
        0,
        "Labels that only the teacher learns from, besides the labeled set; in the data set's own proportions.",
        "labels",
        check=_whole(0),
        later=True,
    )
    class_share: str = _field(
        "",
        "Relative frequencies of the classes in labeled set, validation set and pool: a number for each, separated by "
        "commas, or tail:RATIO (first class RATIO times as frequent as the last); by default those of the data set.",
        check=_class_share,
        converter=_as_numbers_in_text,
        later=True,
    )
    test: int | None = _field(None, "Size of the test set; by default the data set's own.", "points", check=_whole(2))
    teacher: str = _field(
        None,
        "Teacher: a network to train here, pretrained:NAME, table:FILE (.npy, .npz: a row for each image); or one from "
        "outside, asked about what is bought and the validation set alone: python:FILE.py:FUNCTION, "
        "openai:MODEL[@URL], or table:FILE (.csv, .parquet, .jsonl: by id, the number of the row; a missing one "
        "abstains).",
        check=_teacher,
        choices=tuple(TEACHERS),
    )
    labels: str = _field(
        "soft",
        "What the teacher hands out: probabilities (soft), its likeliest class (hard), or one drawn by them (sampled).",
        check=_choice(*LABELS),
        choices=LABELS,
        later=True,
    )
    learn_from_validation: bool = _field(
        False,
        "Let the students learn from the validation set as well; the teacher never sees it.",
        check=_flag,
        later=True,
    )
    student: str = _field(None, "Network of the student.", check=_choice(*MODELS), choices=tuple(MODELS))
    gain: str = _field("margin", "How informative a label is.", check=_choice(*GAINS), choices=tuple(GAINS))
    teacher_accuracy: str = _field(
        "mean",
        "Teacher accuracy that the game gets: the estimate on the validation set, or its one-sided lower bound.",
        check=_choice("mean", "lower"),
        choices=("mean", "lower"),
    )
    confidence: float = _field(
        0.95, "Confidence of the interval of the teacher's accuracy.", check=_number(0.5, 0.9999), converter=_as_float
    )
    temperature: float = _field(
        1.0, "Temperature of soft labels in training.", check=_number(0.1, 100), converter=_as_float
    )
    student_steps: int = _field(None, "Optimizer steps of each student, the same for all.", "steps", check=_whole(1))
    teacher_steps: int = _field(None, "Optimizer steps of the teacher.", "steps", check=_whole(1))
    batch_size: int = _field(128, "Examples per optimizer step.", "images", check=_whole(2, 65536))
    learning_rate: float = _field(
        0.003, "Highest learning rate (AdamW).", check=_number(0, 10, open_low=True), converter=_as_float
    )
    weight_decay: float = _field(0.001, "Weight decay (AdamW).", check=_number(0, 10), converter=_as_float)
    augment: bool = _field(True, "Augment training images as suits the data set.", check=_flag)
    augmentation: str = _field(
        "auto",
        "How training images are varied; auto as suits the data set.",
        check=_choice("auto", *AUGMENTATION_NAMES),
        choices=("auto", *AUGMENTATION_NAMES),
        later=True,
    )
    full_pool: bool = _field(True, "Also train the reference student on the whole soft-labeled pool.", check=_flag)
    device: str = _field("auto", "Device to compute on.", check=_choice(*DEVICES), choices=DEVICES)
    price_per_label: float = _field(
        0.0, "Price of one soft label, for reports.", "currency", check=_number(0), converter=_as_float
    )
    currency: str = _field("USD", "Currency of the price.", check=_text)
    latency_per_label: float = _field(
        0.0, "Time the teacher takes for one soft label, for reports.", "seconds", check=_number(0), converter=_as_float
    )

    def __attrs_post_init__(self) -> None:
        mixing = [name for name in self.strategies if STRATEGIES[name].mixes]
        if mixing and self.teacher is not None and self.teacher.startswith("table:"):
            raise InputError(
                f"strategies holds {mixing[0]}, which has mixed images labeled, and a table of soft labels cannot do "
                f"that; leave out {', '.join(mixing)} or choose another teacher."
            )
        if mixing and self.labels == "sampled":
            raise InputError(
                f"labels is 'sampled', by which each image of the data set gets one class, and strategies holds "
                f"{mixing[0]}, which has mixed images labeled; leave out {', '.join(mixing)} or choose other labels."
            )
        if self.outside:
            self._check_outside()

    def _check_outside(self) -> None:
        """Raise InputError for what makes no sense with a teacher from outside."""
        if self.labels != "soft":
            raise InputError(f"labels is {self.labels!r}, and {self.teacher} hands out what it answers; take soft.")
        if self.teacher_labeled:
            raise InputError(
                f"teacher_labeled is {self.teacher_labeled}, and {self.teacher} learns from no label here; take 0."
            )
        beyond = [name for name in self.strategies if name in _BEYOND_OUTSIDE]
        if beyond and self.strategies != ALL_STRATEGIES:  # of all, `resolved` leaves them out
            why = "knows where the teacher is right" if beyond[0] in ORACLES else "has mixed images labeled"
            raise InputError(
                f"strategies holds {beyond[0]}, which {why}, and {self.teacher} is asked about what is bought alone; "
                f"leave out {', '.join(beyond)} or choose another teacher."
            )

    @property
    def outside(self) -> bool:
        """Whether the teacher answers from outside: it is asked about what is bought and the validation set alone."""
        return self.teacher is not None and is_outside(self.teacher)

    def left_out(self) -> str:
        """What a study with a teacher from outside does without, in a sentence; empty with any other."""
        if not self.outside:
            return ""
        rules = ", ".join(STRATEGIES[name].short_label for name in _BEYOND_OUTSIDE)
        return (
            "The teacher answers from outside and is asked about the points bought and the validation set alone. Left "
            f"out are the student on the whole soft-labeled pool, the rules {rules}, and how often the teacher is "
            "right on pool and test set."
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> StudyConfig:
        """A configuration from names and values; unknown names are refused."""
        names = [field.name for field in attrs.fields(cls)]
        for key in values:
            if key not in names:
                close = difflib.get_close_matches(key, names, 1)
                hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}."
                raise InputError(f"{_shown(key)[1:-1]} = {_shown(values[key])} is not a setting of a study; {hint}")
        return cls(**values)

    @classmethod
    def from_toml(cls, path: Path) -> StudyConfig:
        """A configuration from a TOML file of names and values."""
        return cls.from_mapping(read_toml(path))

    def resolved(self) -> StudyConfig:
        """The same with every setting that depends on the data set filled in.

        For images of one's own, sizes are shares of what is there. Where that cannot be read, those of a large data
        set stand in: loading it refuses it then, with the reason.
        """
        return self._filled_in(self.extent())

    def extent(self) -> Extent | None:
        """How much data of one's own there is, where sizes are left to it and it can be read."""
        if None not in (getattr(self, name) for name in OF_EXTENT):
            return None
        try:
            return measure_dataset(self.dataset, data_dir=data_folder(), skip_bad=self.skip_bad)
        except InputError:
            return None

    def choice(self) -> str:
        """The sizes that are chosen for data of one's own, in a sentence; empty where nothing is left to choose."""
        extent = self.extent()
        if extent is None:
            return ""
        full = self._filled_in(extent)
        test = f", {extent.test:,} more for the test" if extent.test is not None else ""
        chosen = [
            f"{name.replace('_', ' ')} {getattr(full, name):,}" for name in OF_EXTENT if getattr(self, name) is None
        ]
        return (
            f"Chosen to suit {extent.images:,} {extent.unit} of {extent.classes:,} classes{test}: "
            f"{', '.join(chosen)}; set them to choose otherwise."
        )

    def _filled_in(self, extent: Extent | None) -> StudyConfig:
        fields = [field.name for field in attrs.fields(type(self)) if field.metadata["of_dataset"]]
        given = {name: value for name in fields if (value := getattr(self, name)) is not None}
        defaults = suiting(self.dataset, extent, given)
        missing = {name: defaults[name] for name in fields if name not in given}
        if "table:" in (self.teacher or ""):
            missing.pop("teacher", None)
        if self.outside:
            missing["full_pool"] = False
            missing["strategies"] = tuple(name for name in self.strategies if name not in _BEYOND_OUTSIDE)
        return attrs.evolve(self, **missing)

    def to_dict(self) -> dict[str, Any]:
        """Plain values by name."""
        return {**attrs.asdict(self), "strategies": list(self.strategies)}

    def _written(self) -> dict[str, Any]:
        """What is written down; what earlier versions lack only where it was chosen, so that their texts stay."""
        values = self.to_dict()
        for field in attrs.fields(type(self)):
            if field.metadata["later"] and values[field.name] == field.default:
                del values[field.name]
        return values

    def to_json(self) -> str:
        """Canonical JSON: equal configurations give equal texts."""
        return json.dumps(self._written(), sort_keys=True)

    def to_toml(self) -> str:
        """TOML that `from_toml` reads back; settings left to the data set are left out."""
        values = {key: value for key, value in self._written().items() if value is not None}
        # A TOML string is a JSON string, but for two things: it knows no surrogate pairs, and no bare delete character.
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()]
        return "".join(lines).replace("\x7f", "\\u007f")


def named_studies() -> dict[str, Path]:
    """The study files that come with the program, by name."""
    return {path.stem: path for path in sorted(Path(__file__).with_name("studies").glob("*.toml"))}


def read_toml(path: Path) -> dict[str, Any]:
    """The names and values of a study file, or of one that comes with the program where path is but its name."""
    try:
        own = named_studies().get(str(path)) if not path.exists() else None
        return tomllib.loads((own or path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"There is no study file {path}; give the path of a .toml file, or the name of one that comes with the "
            f"program ({', '.join(named_studies())}), or options alone."
        ) from error
    except OSError as error:
        raise InputError(f"The study file {path} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The study file {path} is not valid TOML: {error}.") from error
