"""Rows of a study's database as values that can be relied on.

SQLite keeps values of any type in any column, and a study may come from anywhere. What is read is checked here: types,
names, finite numbers, dates. What is wrong is told as the end of a sentence, by `Unsound`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import attrs

from rad_core.config import StudyConfig

STATUSES = ("planned", "queued", "running", "paused", "cancelled", "failed", "finished")
ACTIONS = ("run", "pause", "cancel")
LATEST = 4_102_444_800.0  # seconds since 1970: the year 2100; what lies beyond comes of no clock
_META = ("id", "name", "config", "status", "message", "created", "updated", "control", "version")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
_TAKEN = ("strategy", "seed", "round", "seconds")  # columns of the tables that metrics become columns of
_MOST = 1e15  # beyond this a number is none that anybody measured
_MOST_TEXT = 1_000_000  # characters
_NEVER_EMPTY = [
    field.name for field in attrs.fields(StudyConfig) if field.metadata["of_dataset"] and "None" not in str(field.type)
]


class Unsound(ValueError):  # noqa: N818 - it says what a study is
    """What is wrong with a study, as the end of a sentence."""


def shown(value: object) -> str:
    """A value of any kind, short enough for a sentence."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# --- the table meta ------------------------------------------------------------------------------------------------


def read_meta(rows: Iterable[tuple[object, object]]) -> dict[str, str]:
    """The values of the table meta by name, each of them text that says what it should."""
    meta: dict[str, str] = {}
    for key, value in rows:
        if not isinstance(key, str) or not isinstance(value, str) or len(value) > _MOST_TEXT:
            raise Unsound(f"its {shown(key).strip(chr(39))} is {shown(value)}, which is no text")
        meta[key] = value
    if missing := [key for key in _META if key not in meta]:
        raise Unsound(f"its {missing[0]} is missing")
    if meta["status"] not in STATUSES:
        raise Unsound(f"its status is {shown(meta['status'])}, which no study has")
    if meta["control"] not in ACTIONS:
        raise Unsound(f"it is asked to {shown(meta['control'])}, which no study can be")
    if not re.fullmatch(r"[0-9]{1,15}", meta["version"], re.ASCII):
        raise Unsound(f"its version is {shown(meta['version'])}, which is no number")
    if not re.fullmatch(r"[1-9][0-9]{0,4}", meta.get("threads", "1"), re.ASCII):
        raise Unsound(f"its threads are {shown(meta['threads'])}, which is no number")
    for key in ("created", "updated"):
        read_moment(_float(meta[key], f"its date {key}"), f"its date {key}")
    return meta


def read_config(text: str) -> StudyConfig:
    """The settings of a study, every one of them there."""
    config = StudyConfig.from_mapping(read_object(text, "its settings"))
    if empty := [name for name in _NEVER_EMPTY if getattr(config, name) is None]:
        raise Unsound(f"its setting {empty[0]} is missing")
    return config


def read_key(strategy: object, seed: object, number: object) -> tuple[str, int, int]:
    """Which round a row is of; an empty strategy stands for all."""
    if not isinstance(strategy, str) or not isinstance(seed, int) or not isinstance(number, int):
        raise Unsound(f"it has a round {shown((strategy, seed, round))}, which is none")
    return strategy, seed, number


def read_moment(value: object, what: str) -> float:
    """A moment in seconds since 1970."""
    if not isinstance(value, float) or not 0 <= value <= LATEST:
        raise Unsound(f"{what} is {shown(value)}, which is no date between 1970 and 2100")
    return value


def read_line(time: object, text: object) -> tuple[float, str]:
    """A line of the log and its moment."""
    if not isinstance(text, str):
        raise Unsound(f"a line of its log is {shown(text)}, which is no text")
    return read_moment(time, "the date of a line of its log"), text


def _float(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Unsound(f"{what} is {shown(text)}, which is no number") from error


# --- JSON in cells -------------------------------------------------------------------------------------------------


def read_object(text: object, what: str) -> dict[str, Any]:
    """The JSON object in a cell, by name; every text in it can be written to a file."""
    content = _read_json(text, what)
    if not isinstance(content, dict):
        raise Unsound(f"{what} are {shown(text)}, which is no JSON object")
    return content


def read_names(text: object, what: str) -> list[str]:
    """The names in a cell."""
    names = _read_json(text, what)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Unsound(f"{what} are {shown(text)}, which are no names")
    return names


def read_numbers(text: object, what: str) -> dict[str, float]:
    """The metrics or seconds in a cell: a number for each name. Only a loss may be none, where training went astray."""
    numbers = read_object(text, what)
    for name, value in numbers.items():
        _check_number(name, value, what)
    return numbers


def read_facts(text: object, what: str) -> dict[str, Any]:
    """The metrics of a seed: a number for each name, and the names of the classes."""
    facts = read_object(text, what)
    for name, value in facts.items():
        if name != "classes":
            _check_number(name, value, what)
        elif not isinstance(value, list) or not all(isinstance(label, str) for label in value):
            raise Unsound(f"the classes in {what} are {shown(value)}, which are no names")
    return facts


def _check_number(name: str, value: object, what: str) -> None:
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise Unsound(f"{what} hold {shown(name)}, which is no name of a number")
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unsound(f"{name} in {what} is {shown(value)}, which is no number")
    if not abs(value) <= _MOST and name != "loss":
        raise Unsound(f"{name} in {what} is {shown(value)}, which nobody measured")


def _read_json(text: object, what: str) -> object:
    if not isinstance(text, str) or len(text) > _MOST_TEXT:
        raise Unsound(f"{what} are {shown(text)}, which is no text")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unsound(f"{what} are {shown(text)}, which is no JSON") from error
    if "\\u" in text:
        try:
            json.dumps(content, ensure_ascii=False).encode()
        except (UnicodeEncodeError, RecursionError) as error:
            raise Unsound(f"{what} hold half a character, which no file could") from error
    return content
