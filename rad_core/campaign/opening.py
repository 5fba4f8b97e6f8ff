"""How a campaign begins: pool, labeled and checked examples made points of the ledger, once everything is sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rad_core.campaign import features
from rad_core.campaign.answers import teachers_answers
from rad_core.campaign.ledger import Entry, Point
from rad_core.campaign.pictures import beside
from rad_core.campaign.reading import class_numbers
from rad_core.errors import InputError
from rad_core.inputs.arrays import Given
from rad_core.inputs.columns import listed
from rad_core.inputs.examples import TEACHER, Examples, examples_of
from rad_core.inputs.features import alike, features_of
from rad_core.inputs.ids import shortened
from rad_core.inputs.sheets import Column

_COLUMNS = ("id", "label", "source", "round", "weight")  # of tables in which every class has a column, too


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a ledger begins with. pool_rows: the rows (N,) of the pool's table that may be bought; columns: of it.

    checked_columns: those of the checked examples that the pool has as well, a value for each.
    features: of every point, in order of the points, in blocks; () where no student of ours needs them.
    """

    classes: tuple[str, ...]
    points: list[Point]
    entries: list[Entry]
    pool_rows: np.ndarray
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    checked_columns: tuple[Column, ...] = ()
    features: tuple[features.Block, ...] = ()


def begin(
    pool: Given, labeled: Given, checked: Given, classes: Sequence[str] | None, now: float, *, with_features: bool
) -> Beginning:
    """Read what a campaign is about. labeled and checked may be None. Raises InputError: one sentence.

    with_features: whether a student of ours needs the features of every point.
    """
    examples = examples_of(features.table_of(pool), "pool", "pool")
    known = None if labeled is None else examples_of(features.table_of(labeled), "labeled", "labeled examples")
    audit = None if checked is None else examples_of(features.table_of(checked), "checked", "checked examples")
    for table in (known, audit):
        if table is not None:
            _all_labeled(table)
    names = _classes(classes, [table for table in (examples, known, audit) if table is not None])
    parts = [("pool", examples), ("labeled", known), ("checked", audit)]
    _no_id_twice([(part, table) for part, table in parts if table is not None])
    notes = [note for _, table in parts if table is not None for note in table.notes]

    numbers = class_numbers(examples.labels, examples.ids, names, examples.name)
    free = np.flatnonzero(np.array(numbers) < 0)
    if len(free) == 0:
        raise InputError(f"Every row of {examples.name} has a label; there is nothing to ask.")
    points = [Point(at, examples.ids[row], "pool", None) for at, row in enumerate(free.tolist())]
    at_once = [(examples.ids[row], number) for row, number in enumerate(numbers) if number >= 0]
    if at_once:
        notes.append(
            f"{examples.name}: {len(at_once):,} rows have a label; they are labeled examples, not of the pool."
        )
    if known is not None:
        at_once += zip(known.ids, class_numbers(known.labels, known.ids, names, known.name), strict=True)
    points += [Point(len(points) + at, key, "labeled", number) for at, (key, number) in enumerate(at_once)]
    entries: list[Entry] = []
    if audit is not None:
        first = len(points)
        labels = class_numbers(audit.labels, audit.ids, names, audit.name)
        points += [Point(first + at, key, "checked", labels[at]) for at, key in enumerate(audit.ids)]
        answers, more = teachers_answers(audit, names)
        notes += more
        entries = [
            Entry(now, "given", first + at, 0, "teacher", "0", content.label, content.soft)
            for at, content in enumerate(answers)
            if content is not None
        ]
    columns = beside([column for column in examples.others if column.name], pool)
    blocks: tuple[features.Block, ...] = ()
    if with_features:
        blocks, own, more = _features(examples, np.array(numbers), known, audit)
        columns = tuple(column for column in columns if column.name not in own)  # kept once
        notes += more
    named = {column.name for column in columns}
    shared = () if audit is None else beside([column for column in audit.others if column.name in named], checked)
    return Beginning(names, points, entries, free, columns, tuple(notes), shared, blocks)


def _features(
    pool: Examples, numbers: np.ndarray, known: Examples | None, audit: Examples | None
) -> tuple[tuple[features.Block, ...], tuple[str, ...], tuple[str, ...]]:
    """Features of all points in their order, the names of the columns, what to say. numbers: (N,) classes, -1: none."""
    tables = [table for table in (pool, known, audit) if table is not None]
    read = {table.name: features_of(table) for table in tables}
    alike([(table, *read[table.name][:2]) for table in tables])
    values, names, notes = read[pool.name]
    blocks = [(values, np.flatnonzero(numbers < 0)), (values, np.flatnonzero(numbers >= 0))]
    blocks += [(read[table.name][0], np.arange(len(table.ids))) for table in tables[1:]]
    return tuple(blocks), names, notes


def _all_labeled(table: Examples) -> None:
    missing = next((row for row, label in enumerate(table.labels) if label is None), None)
    if missing is not None:
        why = "" if table.has_labels else " (it has no column label)"
        raise InputError(f"{table.name} has no label for {shortened(table.ids[missing])}{why}; give its class.")


def _no_id_twice(parts: Sequence[tuple[str, Examples]]) -> None:
    seen: dict[str, str] = {}
    for part, table in parts:
        for key in table.ids:
            if key in seen:
                raise InputError(
                    f"The id {shortened(key)} is in {seen[key]} and in {part}; a point is one of them: leave one out."
                )
        seen.update(dict.fromkeys(table.ids, part))


def _classes(classes: Sequence[str] | None, tables: Sequence[Examples]) -> tuple[str, ...]:
    """The names of the classes: as given, else those that occur, sorted."""
    if classes is not None:
        names = [str(text).strip() for text in classes]
        twice = next((text for text in names if names.count(text) > 1), None)
        if twice is not None or not all(names):
            raise InputError(f"The classes are {listed(names)}; each needs a name of its own.")
    else:
        names = sorted({label for table in tables for label in table.labels if label is not None})
        prefix = f"{TEACHER}_"
        for table in tables:
            own = [column.name.removeprefix(prefix) for column in table.others if column.name.startswith(prefix)]
            names = sorted({*names, *own})
    if len(names) < 2:
        held = f"only {names[0]}" if names else "none"
        raise InputError(
            f"There are at least two classes in a campaign, and the labels name {held}; give --classes a,b."
        )
    reserved = next((text for text in names if text in _COLUMNS), None)
    if reserved is not None:
        raise InputError(f"A class is called {reserved}, which is the name of a column of its own; call it otherwise.")
    return tuple(names)
