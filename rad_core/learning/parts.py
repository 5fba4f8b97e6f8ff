"""Which part of people's data is for training, validation and test: the same rules for folders and for arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from rad_core.errors import InputError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
ROLES = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
_MOST_NAMED = 10  # names in one sentence


def role_of(name: str) -> str | None:
    """The part that a name means, whatever the case of its letters; None where it means none."""
    return ROLES.get(name.casefold())


@dataclass(frozen=True)
class Use:
    """What the parts are used for. stock: names of the parts to split; test: that of the test set, or None."""

    stock: tuple[str, ...]
    test: str | None
    notes: tuple[str, ...] = ()


def use_parts(names: Sequence[str], place: str) -> Use:
    """Decide what each part of a data set is used for, by its name.

    The labeled set, the validation set and the pool must be alike, so they are drawn from all there is for training
    and validation. Where there is no test part, that for validation is one. Raises InputError where two names mean
    the same.
    """
    by_role: dict[str, str] = {}
    for name in names:
        role = role_of(name)
        assert role is not None
        if role in by_role:
            raise InputError(
                f"{place} holds both {by_role[role]} and {name}, which mean the same part; rename or join them."
            )
        by_role[role] = name
    train, validation, test = (by_role.get(role) for role in (TRAIN, VALIDATION, TEST))
    if train and validation and test:
        note = f"{validation} is split together with {train}: labeled set, validation set and pool come from both."
        return Use((train, validation), test, (note,))
    if train and validation:
        return Use((train,), validation, (f"There is no test part: {validation} is the test set.",))
    if train or (validation and test):
        stock = train or validation
        assert stock is not None
        notes = () if train else (f"There is no train part: the images of {stock} are split.",)
        return Use((stock,), test, notes)
    only = validation or test
    assert only is not None
    return Use((only,), None, (f"There is no train part: the images of {only} are split.",))


def match_classes(names: Collection[str], known: Sequence[str], place: str, origin: str) -> dict[str, str]:
    """For each class name of the test part the class that it means: the same name, else the only one that differs in
    the case of its letters alone. Raises InputError for a class that nothing else has.
    """
    exact = set(known)
    folded: dict[str, list[str]] = {}
    for name in known:
        folded.setdefault(name.casefold(), []).append(name)
    meant = {}
    for name in sorted(names):
        like = [name] if name in exact else folded.get(name.casefold(), [])
        if len(like) != 1:
            raise InputError(
                f"{place} has the class {name!r}, which {origin} has not; no student could learn it: add it there or "
                "remove it."
            )
        meant[name] = like[0]
    return meant


def class_notes(classes: Sequence[str], labels: np.ndarray, test_ids: np.ndarray | None) -> list[str]:
    """What people should know about the classes: those that are never tested, those of a single image."""
    counts = np.bincount(labels, minlength=len(classes))
    notes = []
    folded = Counter(name.casefold() for name in classes)
    near = [name for name in classes if folded[name.casefold()] > 1]
    if near:
        notes.append(
            f"Classes that differ in the case of letters alone: {listed(near)}. They are classes of their own."
        )
    lonely = [name for name, count in zip(classes, counts, strict=True) if count == 1]
    if lonely:
        notes.append(f"Classes of a single image: {listed(lonely)}. That one is learned or tested, never both.")
    if test_ids is not None:
        tested = np.bincount(labels[test_ids], minlength=len(classes))
        absent = [name for name, count in zip(classes, tested, strict=True) if count == 0]
        if absent:
            notes.append(f"Classes without an image in the test set: {listed(absent)}. They are learned, never tested.")
    return notes


def listed(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """Names one after another, the first of them where there are many."""
    shown = [shown_name(name) for name in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def shown_name(name: str) -> str:
    """A name that fits a line: what cannot be printed is escaped."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
