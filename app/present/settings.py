"""What a presenter decides about a story: title, price, goal, what is shown, notes. No Streamlit in here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from attrs.validators import optional

from rad_core.config import Check, StudyConfig, Value
from rad_core.errors import InputError
from rad_core.store.study import Study

if TYPE_CHECKING:
    from rad_core.config import Attribute

STEPS = ("problem", "tradeoff", "map", "curves", "recommendation", "cost")
AUDIENCES = ("executive", "technical")
LONGEST_TITLE, LONGEST_NOTE, LONGEST_CURRENCY = 120, 2000, 12
_MOST_MONEY = 1e15
_MONEY, _NAMES = "an amount of money of 0 or more", f"names of steps, of {', '.join(STEPS)}"


def _refuse(name: str, value: object, wanted: str) -> InputError:
    shown = repr(value)
    return InputError(f"{name} is {shown if len(shown) <= 80 else shown[:79] + '…'}; it must be {wanted}.")


def _must_be(wanted: str, good: Callable[[Value], bool]) -> Check:
    def check(_: object, attribute: Attribute, value: Value) -> None:
        if not good(value):
            raise _refuse(attribute.name, value, wanted)

    return check


def _line(longest: int) -> Check:
    wanted = f"a line of at most {longest} characters"
    return _must_be(wanted, lambda text: isinstance(text, str) and len(text) <= longest and _printable(text))


def _printable(text: str, also: str = "") -> bool:
    """No control characters, no half characters that no file could hold."""
    return all((ord(char) >= 32 and not 0xD800 <= ord(char) < 0xE000) or char in also for char in text)


def _is_money(value: Value) -> bool:
    return isinstance(value, float) and 0.0 <= value <= _MOST_MONEY


def _are_steps(names: Value) -> bool:
    return isinstance(names, tuple) and all(name in STEPS for name in names)


def _notes(_: object, attribute: Attribute, value: Value) -> None:
    if not isinstance(value, dict) or any(name not in STEPS for name in value):
        raise _refuse(attribute.name, value, f"a text for some of {', '.join(STEPS)}")
    for name, text in value.items():
        if not isinstance(text, str) or len(text) > LONGEST_NOTE or not _printable(text, "\n\t"):
            raise _refuse(f"The note on {name}", text, f"a text of at most {LONGEST_NOTE:,} characters")


def _as_float(value: Value) -> Value:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and abs(value) < 2**53 else value


def _as_names(value: Value) -> Value:
    """In the order of the steps, so that equal choices are equal."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        return value
    return tuple(sorted(set(value), key=lambda name: STEPS.index(name) if name in STEPS else len(STEPS)))


def _as_notes(value: Value) -> Value:
    """Empty notes are none."""
    if not isinstance(value, Mapping):
        return value
    return {name: value[name] for name in sorted(value, key=str) if value[name] != ""}


@attrs.frozen(kw_only=True)
class StorySettings:
    """Everything that a presenter may choose; the rest of a story is what the study measured.

    title: empty for one made from the study. target: an accuracy between 0 and 1, or budget: money, never both; with
    neither, the target is the study's own (nine tenths of the way from the start to the best mean). hidden: steps that
    are not told. notes: a text per step. thumbnails: whether images of the pool may be shown.
    """

    title: str = attrs.field(default="", validator=_line(LONGEST_TITLE))
    currency: str = attrs.field(default="USD", validator=_line(LONGEST_CURRENCY))
    price_per_label: float = attrs.field(default=0.0, converter=_as_float, validator=_must_be(_MONEY, _is_money))
    target: float | None = attrs.field(
        default=None,
        converter=_as_float,
        validator=optional(
            _must_be("an accuracy between 0 and 1, such as 0.9", lambda x: isinstance(x, float) and 0.0 < x < 1.0)
        ),
    )
    budget: float | None = attrs.field(
        default=None, converter=_as_float, validator=optional(_must_be(_MONEY, _is_money))
    )
    hidden: tuple[str, ...] = attrs.field(default=(), converter=_as_names, validator=_must_be(_NAMES, _are_steps))
    notes: dict[str, str] = attrs.field(factory=dict, converter=_as_notes, validator=_notes)
    audience: str = attrs.field(
        default="executive", validator=_must_be(f"one of {', '.join(AUDIENCES)}", lambda x: x in AUDIENCES)
    )
    thumbnails: bool = attrs.field(default=True, validator=_must_be("true or false", lambda x: isinstance(x, bool)))

    def __attrs_post_init__(self) -> None:
        if set(self.hidden) == set(STEPS):
            raise InputError("All steps of the story are hidden; show at least one.")
        if self.target is not None and self.budget is not None:
            raise InputError("Both a target and a budget are set; give the accuracy to reach or the money to spend.")
        if self.budget is not None and self.price_per_label == 0:
            raise InputError("A budget is set and a label costs nothing; give the price per label as well.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> StorySettings:
        """Settings from names and values; unknown names are refused."""
        names = [field.name for field in attrs.fields(cls)]
        for key in values:
            if key not in names:
                raise InputError(f"{str(key)[:40]!r} is not a setting of a story; known are {', '.join(names)}.")
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> StorySettings:
        """What `to_json` wrote."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InputError(f"The settings of a story are not valid JSON: {error}.") from error
        if not isinstance(values, dict):
            raise InputError("The settings of a story are no names and values; give a JSON object.")
        return cls.from_mapping(values)

    @classmethod
    def of_config(cls, config: StudyConfig) -> StorySettings:
        """Where a presenter begins: the price that the study was made with."""
        return cls(currency=config.currency[:LONGEST_CURRENCY], price_per_label=config.price_per_label)

    def to_dict(self) -> dict[str, Any]:
        """Plain values by name."""
        return {**attrs.asdict(self), "hidden": list(self.hidden)}

    def to_json(self) -> str:
        """Canonical JSON: equal settings give equal texts."""
        return json.dumps(self.to_dict(), sort_keys=True)


def read_settings(study: Study) -> StorySettings:
    """The settings stored with a study, or those it begins with."""
    values = study.read_presentation()
    return StorySettings.from_mapping(values) if values else StorySettings.of_config(study.config)


def usable_settings(study: Study) -> tuple[StorySettings, str]:
    """The settings to tell a study by, and, where those stored with it are not among them, why."""
    try:
        return read_settings(study), ""
    except InputError as error:  # edits of another version must not take the whole story away
        return StorySettings.of_config(study.config), f"{error} Shown is the story without them."
