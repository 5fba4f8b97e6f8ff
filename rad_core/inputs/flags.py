"""Where the teacher was right on validation points: 0 and 1, words such as yes and no, or two columns to compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.columns import content_of, listed, without_ids
from rad_core.inputs.sheets import Column, Sheet

FLAG_NAMES = ("right", "correct", "teacher_right", "teacher_was_right", "is_right", "is_correct")
_TRUTH_WORDS = (
    "truth, true, true_label, true_class, label, labels, class, target, gold, gold_label, actual, y, y_true, "
    "ground_truth, reference, expected"
)
_ANSWER_WORDS = (
    "answer, answers, teacher, teacher_answer, teacher_label, teacher_says, teacher_prediction, prediction, "
    "predictions, predicted, predicted_label, pred, pred_label, y_pred, y_hat, output, response"
)
_TRUTHS, _ANSWERS = (frozenset(words.split(", ")) for words in (_TRUTH_WORDS, _ANSWER_WORDS))
_RIGHT = frozenset({"true", "t", "yes", "y", "1", "1.0", "right", "correct"})
_WRONG = frozenset({"false", "f", "no", "n", "0", "0.0", "wrong", "incorrect"})
_GAIN = "gain"
_WANTED = "a teacher-right flag is 1 where the teacher was right and 0 else"


def flags_of(sheet: Sheet) -> tuple[np.ndarray, tuple[str, ...]]:
    """Flags (V,) int64 of 0 and 1 out of what a file holds; what was done to get them."""
    sheet = replace(sheet, index=())  # what the rows are called says nothing here
    others = without_ids(sheet)
    named = any(column.name.strip().casefold() in FLAG_NAMES for column in others)
    pair = None if named else _pair(others)
    if pair is not None:
        return _agreement(*pair, sheet)
    if not named and sheet.kind == "table" and len(others) > 1:
        raise InputError(
            f"{sheet.name} has the columns {listed([column.name for column in others])}; call one of them right (1 "
            "where the teacher was right, else 0), or two of them truth and answer."
        )
    if sheet.kind == "table" and not named and others[0].name.strip().casefold() in _RIGHT | _WRONG:
        raise InputError(
            f"{sheet.name} begins with the flag {others[0].name}; its first line must name the column, for instance "
            "right."
        )
    content = content_of(sheet, FLAG_NAMES, "teacher-right flags")
    values = content.columns[0].values
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.ndim != 1 or len(values) == 0:
        raise InputError(
            f"{sheet.name} has shape {values.shape}; teacher-right flags are one column of 0 and 1, a row per "
            "validation point (a table may name its column right)."
        )
    flags, notes = _of_numbers(values, sheet) if values.dtype.kind in "fiub" else _of_words(values, sheet)
    return flags, content.notes + notes


def gains_apart(sheet: Sheet) -> tuple[np.ndarray | None, Sheet]:
    """How informative a label is where the teacher was checked, (V,) float64, of a column gain; and the rest."""
    others = without_ids(sheet)
    column = next((each for each in others if each.name.strip().casefold() == _GAIN), None)
    if column is None or len(others) == 1:
        return None, sheet
    if column.values.dtype.kind not in "fiu" or column.values.ndim != 1:
        raise InputError(f"The column {column.name} of {sheet.name} must hold one number from 0 to 1 per row, or go.")
    gains: np.ndarray = column.values.astype(np.float64)
    bad = ~((gains >= 0) & (gains <= 1))
    if bad.any():
        row = int(bad.argmax())
        raise InputError(f"Row {row} of {sheet.name} has the gain {gains[row]:.4g}; it must be a number from 0 to 1.")
    return gains, replace(sheet, columns=tuple(each for each in sheet.columns if each is not column))


def _of_numbers(values: np.ndarray, sheet: Sheet) -> tuple[np.ndarray, tuple[str, ...]]:
    flags = values.astype(np.float64)
    if np.isnan(flags).any():
        raise InputError(f"Row {int(np.isnan(flags).argmax())} of {sheet.name} has no flag; {_WANTED}.")
    odd = ~((flags == 0) | (flags == 1))
    if odd.any():
        raise InputError(f"{sheet.name} holds {flags[odd][0]:.4g}; {_WANTED}.")
    return flags.astype(np.int64), ()


def _of_words(values: np.ndarray, sheet: Sheet) -> tuple[np.ndarray, tuple[str, ...]]:
    words = [_word(entry) for entry in values.tolist()]
    for row, word in enumerate(words):
        if word.casefold() not in _RIGHT | _WRONG:
            missing = f"Row {row} of {sheet.name} has no flag"
            held = f"{sheet.name} holds {word[:40]!r} in row {row}"
            raise InputError(f"{held if word else missing}; {_WANTED} (or yes and no, true and false, T and F).")
    flags = np.array([word.casefold() in _RIGHT for word in words], np.int64)
    told = [
        f"{' and '.join(sorted({word for word in words if word.casefold() in kind}))} read as {meaning}"
        for kind, meaning in ((_RIGHT, "right"), (_WRONG, "wrong"))
        if any(word.casefold() in kind for word in words)
    ]
    return flags, (f"{sheet.name}: {', '.join(told)}.",)


def _word(entry: object) -> str:
    if isinstance(entry, bytes):
        return entry.decode("utf-8", "replace").strip()
    return "" if entry is None or entry != entry else str(entry).strip()


# --- truth and answer ---------------------------------------------------------------------------------------------


def _pair(columns: Sequence[Column]) -> tuple[Column, Column] | None:
    """The columns of truth and answer, by what they are called."""
    names = [column.name.strip().casefold().replace(" ", "_").replace("-", "_") for column in columns]
    truths = [column for column, name in zip(columns, names, strict=True) if name in _TRUTHS]
    answers = [column for column, name in zip(columns, names, strict=True) if name in _ANSWERS]
    return (truths[0], answers[0]) if len(truths) == len(answers) == 1 else None


def _agreement(truth: Column, answer: Column, sheet: Sheet) -> tuple[np.ndarray, tuple[str, ...]]:
    """1 where truth and answer agree: as numbers where both are, else as text without the spaces around it."""
    pair = f"{truth.name} and {answer.name}"
    kind = "arrays" if sheet.kind == "arrays" else "columns"
    if truth.values.ndim != 1 or truth.values.shape != answer.values.shape:
        shapes = f"{truth.values.shape} and {answer.values.shape}"
        raise InputError(
            f"The {kind} {pair} of {sheet.name} have the shapes {shapes}; both must be (V,), a row per point."
        )
    if truth.values.dtype.kind in "fiu" and answer.values.dtype.kind in "fiu":
        left, right = (values.astype(np.float64) for values in (truth.values, answer.values))
        missing = np.isnan(left) | np.isnan(right)
    else:
        left, right = (np.array([_shown(entry) for entry in column.values.tolist()]) for column in (truth, answer))
        missing = (left == "") | (right == "")
    if missing.any():
        row = int(missing.argmax())
        raise InputError(
            f"Row {row} of {sheet.name} lacks a value in {truth.name} or {answer.name}; leave the row out."
        )
    flags = (left == right).astype(np.int64)
    if not flags.any() and not np.isin(right, left).any():
        raise InputError(
            f"No value of {answer.name} occurs in {truth.name} in {sheet.name}, for instance {right[0]} and {left[0]}; "
            "name the classes alike in both."
        )
    return flags, (f"{sheet.name}: right where the {kind} {pair} agree, in {flags.sum():,} of {len(flags):,} rows.",)


def _shown(entry: object) -> str:
    """An entry as text, whole numbers without a point."""
    return f"{entry:.0f}" if isinstance(entry, float) and entry.is_integer() else _word(entry)
