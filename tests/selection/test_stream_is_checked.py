"""A pool that is read in passes is mended and refused with the sentences of one in memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rad_core import select_stream
from rad_core.errors import InputError, InputNote
from rad_core.inputs import diagnosis
from rad_core.inputs.arrays import Numbers, as_numbers
from rad_core.inputs.blocks import Block, BlockCheck, ReadAgain, Word
from rad_core.selection.api import take_snapshot
from tests.selection.test_stream import passes, probabilities, write

CLASSES = [f"class {number}" for number in range(5)]

# --- what is mended, and what is refused ----------------------------------------------------------------------------


def in_memory(values: np.ndarray, name: str) -> str:
    """What is said of an array that is given whole."""
    with pytest.raises(InputError) as caught:
        take_snapshot(values, 5, 0.8, "rad", "margin", None)
    return str(caught.value).replace("of probabilities holds", f"of {name} holds")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (np.nan, "Row 123 of {} holds NaN or infinity (column 'class 2'); every probability must be a number."),
        (-0.5, "Row 123 of {} holds -0.5; probabilities are 0 or more."),
        (7.0, "Row 123 of probabilities sums to "),
    ],
)
def test_a_bad_row_is_named_with_its_file(entry: float, words: str, tmp_path: Path) -> None:
    values = probabilities(3000)
    values[2123, 2] = entry
    folder = write(tmp_path / "pool", values, 3)
    with pytest.raises(InputError) as caught:
        passes(folder)
    name = str(folder / "part-002.parquet")
    assert str(caught.value).startswith(words.format(name))
    assert name in str(caught.value)


def test_what_is_wrong_throughout_is_called_what_it_is() -> None:
    logits = np.random.default_rng(0).normal(size=(500, 5))
    for values in (logits, probabilities(500) * 100, np.log(probabilities(500) + 1e-9)):
        whole = in_memory(values, "batch 0").replace("probabilities holds", "batch 0 holds", 1)
        with pytest.raises(InputError) as caught:
            passes([values])
        assert str(caught.value) == whole


@pytest.mark.parametrize("digits", [2, 3])
@pytest.mark.parametrize("late", [False, True])
def test_rounded_rows_are_divided_by_their_sums_as_in_memory(digits: int, late: bool) -> None:
    values = np.round(probabilities(3000).astype(np.float64), digits)
    if late:  # so that rows which were taken as they are must be read again
        off = np.abs(values.sum(axis=1) - 1) > 1e-9
        values = np.concatenate([values[~off], values[off]])
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        snapshot = take_snapshot(values, 50, 0.8, "rad", "margin", None)
    chosen = passes(np.array_split(values, 6))
    assert (chosen.gains == snapshot.gains[chosen.rows].astype(np.float32)).all()
    assert chosen.notes == tuple(str(one.message) for one in noted)


def test_half_floats_and_tiny_negative_numbers_are_mended_as_in_memory() -> None:
    values = probabilities(2000)
    values[1500] = [-1e-4, 0.25, 0.25, 0.25, 0.2501]
    for pool in (values, values.astype(np.float16)):
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            snapshot = take_snapshot(pool.copy(), 50, 0.8, "rad", "margin", None)
        chosen = passes(np.array_split(pool, 4))
        assert (chosen.gains == snapshot.gains[chosen.rows].astype(np.float32)).all()
        assert chosen.notes == tuple(str(one.message) for one in noted)


def test_a_generator_that_would_have_to_be_read_again_is_refused() -> None:
    values = np.round(probabilities(500).astype(np.float64), 2)
    with pytest.raises(InputError, match=r"in row \d+ of batch 1 .* give the batches as a list"):
        passes(iter([probabilities(500), values]))
    with pytest.warns(InputNote, match="rows summed to between"):
        select_stream(iter([values]), 5, teacher_accuracy=0.8)


def test_rows_that_neither_type_nor_digits_explain_are_refused() -> None:
    values = np.round(probabilities(500).astype(np.float64), 2)
    with pytest.raises(InputError, match=r"Row \d+ of probabilities sums to .* in batch 0"):
        passes([values, probabilities(500)])


def test_files_with_other_columns_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "pool", probabilities(100), 2)
    pd.DataFrame(probabilities(10), columns=CLASSES[::-1]).to_parquet(folder / "z.parquet")
    with pytest.raises(InputError, match=r"z\.parquet has the columns .* the same columns in the same order"):
        passes(folder)
    with pytest.raises(InputError, match="batch 1 has 4 classes and batch 0 has 5"):
        passes([probabilities(10), np.full((10, 4), 0.25)])


@pytest.mark.parametrize("strategy", ["coreset", "badge", "cluster_margin", "unixkd"])
def test_a_rule_that_needs_the_whole_pool_says_so_and_what_to_do(strategy: str) -> None:
    with pytest.raises(InputError, match="in memory; give one file that fits there, or take one of rad,"):
        passes([probabilities(10)], 5, strategy)


def test_what_is_no_pool_is_refused(tmp_path: Path) -> None:
    for place, words in (
        (tmp_path, "is a folder that holds no probabilities"),
        (tmp_path / "*.parquet", "No file fits"),
        (tmp_path / "p.npy", "There is no file"),
    ):
        with pytest.raises(InputError, match=words):
            select_stream(place, 5, teacher_accuracy=0.8)
    with pytest.raises(InputError, match="batches is int"):
        select_stream(3, 5, teacher_accuracy=0.8)
    with pytest.raises(InputError, match="batches holds no rows"):
        select_stream([], 5, teacher_accuracy=0.8)


def _verdict(taken: Callable[[], tuple[np.ndarray, tuple[str, ...]]]) -> tuple[object, ...]:
    try:
        values, notes = taken()
    except InputError:
        return ("refused",)
    return values.tobytes(), notes


def _whole(numbers: Numbers) -> tuple[np.ndarray, tuple[str, ...]]:
    checked = diagnosis.check(numbers)
    return checked.values, checked.notes


def _in_blocks(numbers: Numbers, cuts: list[int]) -> tuple[np.ndarray, tuple[str, ...]]:
    word = Word.AS_THEY_ARE
    while True:
        check = BlockCheck("probabilities", word)
        try:
            blocks = [
                Block(Numbers(numbers.values[start:end], numbers.kind), "probabilities", start)
                for start, end in pairwise(cuts)
            ]
            return np.concatenate([check.take(block) for block in blocks]), check.notes()
        except ReadAgain as again:
            word = again.word


@pytest.mark.parametrize("kind", ["whole", "decimals", "cut off", "half", "scaled", "mixed"])
def test_blocks_are_taken_where_the_whole_is(kind: str) -> None:
    rng = np.random.default_rng(len(kind))
    for _ in range(150):
        rows, classes = int(rng.integers(1, 60)), int(rng.integers(2, 12))
        values = rng.dirichlet(np.full(classes, rng.choice([0.2, 1.0, 5.0])), rows)
        unit = 10.0 ** -int(rng.integers(1, 6))
        if kind in ("decimals", "mixed"):
            values = np.round(values / unit) * unit
        elif kind == "cut off":
            values = np.floor(values / unit) * unit
        elif kind == "half":
            values = values.astype(np.float16)
        elif kind == "scaled":
            values = values * rng.choice([1, 1.0005, 1.002, 100])
        if kind == "mixed":
            values[rows // 2 :] = rng.dirichlet(np.ones(classes), rows - rows // 2)
        if rng.random() < 0.3:
            values[rng.integers(rows), rng.integers(classes)] = rng.choice([np.nan, -1e-4, -0.3, 0.5, 2, 0, 1e-3])
        numbers = as_numbers(values, "probabilities")
        cuts = sorted({0, rows, *rng.integers(0, rows + 1, 3).tolist()})
        assert _verdict(partial(_whole, numbers)) == _verdict(partial(_in_blocks, numbers, cuts))
