"""What is no probability is named for what it is; what rounding explains is mended, and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rad_core.errors import InputError
from rad_core.inputs.tables import read_table
from rad_core.selection.gains import check_probabilities
from tests.helpers.own_files import choose_from, csv_of, in_library, npy, parquet_of, probabilities, table

P = probabilities(40)
MANY = probabilities(60, 100, spread=0.05)


def float_of(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float64)


def softmax_rows(n: int, classes: int, seed: int) -> np.ndarray:
    scores = 2 * np.random.default_rng(seed).normal(size=(n, classes))
    odds = np.exp(scores)
    return odds / odds.sum(axis=1, keepdims=True)


# --- what it is instead -------------------------------------------------------------------------------------------

RNG = np.random.default_rng(3)
COUNTS = RNG.integers(0, 9, (40, 4)) + 1
with np.errstate(divide="ignore"):
    LOGS_OF_ZERO = np.log(np.vstack([[1.0, 0, 0, 0], P]))

INSTEAD = {
    "counts": (COUNTS, "divide each row by its sum"),
    "counts of ten annotators": (RNG.multinomial(10, [0.1, 0.2, 0.3, 0.4], 40), "rows sum to 10, such as counts"),
    "counts as floats": (COUNTS.astype(float), "holds whole numbers"),
    "counts with an empty row": (np.vstack([COUNTS, [[0, 0, 0, 0]]]), "(row 40 has none and must be left out)"),
    "bytes": (np.round(255 * P).astype(np.uint8), "divide each row by its sum"),
    "percentages": (100 * P, "holds percentages, rows that sum to 100; divide by 100"),
    "whole percentages": (np.round(100 * P).astype(int), "holds percentages"),
    "logarithms": (np.log(P), "holds logarithms of probabilities; give numpy.exp(values)"),
    "logarithms of zero": (LOGS_OF_ZERO, "holds logarithms of probabilities"),
    "logarithms to the base 2": (np.log2(P), "to the base 2 of probabilities; give 2.0 ** values"),
    "logarithms to the base 10": (np.log10(P), "give 10.0 ** values"),
    "negative logarithms": (-np.log(P), "give numpy.exp(-values)"),
    "logits": (RNG.normal(size=(40, 4)), "look like logits, not probabilities; apply softmax"),
    "half logits": (RNG.normal(size=(40, 4)).astype(np.float16), "look like logits"),
    "yes/no scores": (RNG.random((40, 4)), "independent yes/no scores"),
    "several labels": ((RNG.random((40, 4)) < 0.5).astype(int), "independent yes/no scores"),
    "on its side": (P.T, "columns that sum to 1; turn it round: values.T"),
    "a class left out": (softmax_rows(40, 4, 0)[:, :2] * 0.9, "is a class left out?"),
    "one column": (P[:, :1], "numpy.column_stack([1 - p, p])"),
    "class numbers": (P.argmax(axis=1), "has one number per row"),
}


@pytest.mark.parametrize(("values", "words"), INSTEAD.values(), ids=INSTEAD.keys())
def test_what_is_no_probability_is_called_what_it_is(values: np.ndarray, words: str, tmp_path: Path) -> None:
    outcome = choose_from(tmp_path, "p.npy", npy(values))
    assert words in outcome.error
    assert in_library(values).error == outcome.error.replace(" in p.npy", "").replace("p.npy", "probabilities")
    if "logits" not in words:
        assert "softmax" not in outcome.error
    if "one number per row" not in outcome.error:
        frame = pd.DataFrame(values, columns=[f"c{number}" for number in range(values.shape[1])])
        assert words in choose_from(tmp_path, "p.csv", csv_of(frame)).error


def test_one_number_that_is_no_probability_gets_no_advice_of_two_columns(tmp_path: Path) -> None:
    assert "column_stack" not in choose_from(tmp_path, "p.npy", npy(np.arange(5))).error


UNSURE = {
    "weights": np.abs(RNG.normal(size=(40, 4))) * 3,
    "one row of many": np.where(np.arange(40)[:, None] == 7, 2 * P, P),
    "half of the rows": np.where(np.arange(40)[:, None] % 2, P, 0.7 * P),
}


@pytest.mark.parametrize("values", UNSURE.values(), ids=UNSURE.keys())
def test_where_nothing_is_sure_no_advice_is_given(values: np.ndarray, tmp_path: Path) -> None:
    error = choose_from(tmp_path, "p.npy", npy(values)).error
    assert error.endswith("in p.npy; each row must sum to 1.")
    row = int((np.abs(values.sum(axis=1) - 1) > 1e-3).argmax())
    assert error.startswith(f"Row {row} of probabilities sums to {values[row].sum():.4g}")


def test_one_negative_row_is_a_slip_and_no_logit() -> None:
    values = P.copy()
    values[5] = [-0.2, 0.5, 0.5, 0.2]
    assert in_library(values).error == "Row 5 of probabilities holds -0.2; probabilities are 0 or more."


def test_what_is_not_finite_is_named_with_row_and_column(tmp_path: Path) -> None:
    frame = table(values=P)
    for odd in (np.nan, np.inf):
        frame.iloc[7, 2] = odd
        assert choose_from(tmp_path, "p.csv", csv_of(frame)).error == (
            "Row 7 of p.csv holds NaN or infinity (column 'fox'); every probability must be a number."
        )


EXTRA = {
    "label": ({"label": P.argmax(axis=1)}, "without its column 'label' every row sums to 1"),
    "fold": ({"fold": np.arange(40) % 5}, "without its column 'fold'"),
    "rare label of 0 and 1": ({"label": (np.arange(40) % 10 == 3) * 1}, "without its column 'label'"),
    "numbers of images": (
        {"image": np.arange(900, 940)},
        "'image' every row sums to 1, so it is no class; leave it out, or",
    ),
    "confidence": ({"confidence": P.max(axis=1)}, "without its column 'confidence'"),
    "label and fold": ({"label": P.argmax(axis=1), "fold": np.arange(40) % 5}, "its columns 'label' and 'fold'"),
    "label and confidence": (
        {"label": P.argmax(axis=1), "confidence": P.max(axis=1)},
        "without its columns 'label' and 'confidence'",
    ),
}


@pytest.mark.parametrize(("extra", "words"), EXTRA.values(), ids=EXTRA.keys())
def test_a_column_too_many_is_named(extra: dict, words: str, tmp_path: Path) -> None:
    frame = table(values=P).assign(**extra)
    frame["never"] = 0.0  # a class that does not occur is none too many
    for name, content in (("p.csv", csv_of(frame)), ("p.parquet", parquet_of(frame))):
        error = choose_from(tmp_path, name, content).error
        assert words in error
        assert "never" not in error
        assert "softmax" not in error
    assert in_library(frame).error == error.replace("p.parquet", "probabilities")
    last = [number for number, column in enumerate(frame) if column in extra]
    error = choose_from(tmp_path, "p.npy", npy(frame.to_numpy())).error
    assert f"{last[0]} (counted from 0)" in error


def test_row_numbers_in_the_first_column_are_named(tmp_path: Path) -> None:
    for start in (0, 1):
        frame = table(values=P).set_axis(range(start, 40 + start))
        assert "has row numbers in its first column; save" in choose_from(tmp_path, "p.csv", frame.to_csv()).error
        frame.insert(0, "n", frame.index)
        assert "in its first column (column 'n')" in choose_from(tmp_path, "p.csv", csv_of(frame)).error


# --- rounding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 4, 10, 100])
@pytest.mark.parametrize("decimals", [2, 3, 4])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_few_decimals_are_accepted_and_the_rows_sum_to_one(decimals: int, classes: int, kind: type) -> None:
    exact = probabilities(300, classes, spread=0.1)
    rounded = np.round(exact, decimals).astype(kind)
    before = rounded.copy()
    mended = in_library(rounded)
    assert mended.error is None
    np.testing.assert_array_equal(rounded, before)
    off = np.abs(float_of(rounded).sum(axis=1) - 1).max()
    assert len(mended.notes) == (off > 1e-3)
    for note in mended.notes:
        places, low, high = f"{decimals} decimals", float_of(rounded).sum(axis=1).min(), rounded.sum(axis=1).max()
        assert note.startswith(f"probabilities: rows summed to between {low:.4g} and {high:.4g}, as {places}")
        assert note.endswith("each was divided by its sum.")
    with pytest.warns() if mended.notes else nothing():
        sums = float_of(check_probabilities(rounded)).sum(axis=1)
    assert np.abs(sums - 1).max() <= (1e-6 if mended.notes else 1e-3 + 1e-6)


def nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def test_decimals_cut_off_are_accepted_and_so_are_few_significant_digits(tmp_path: Path) -> None:
    for values, words in (
        (np.floor(P * 100) / 100, "2 decimals and 4 classes"),
        (np.floor(MANY * 1000) / 1000, "3 decimals and 100 classes"),
    ):
        assert words in choose_from(tmp_path, "p.npy", npy(values)).notes[0]
    frame = pd.DataFrame(MANY, columns=[f"c{number}" for number in range(100)])
    outcome = choose_from(tmp_path, "p.csv", csv_of(frame, float_format="%.2g"))
    assert "2 significant digits" in outcome.notes[0]


def test_what_rounding_does_not_explain_is_refused_though_the_digits_are_few(tmp_path: Path) -> None:
    for values, row in (
        (np.array([[0.5, 0.5], [0.5, 0.4]]), 1),
        (np.array([[0.25, 0.25, 0.25, 0.25], [0.3, 0.3, 0.3, 0.04]]), 1),
    ):
        assert choose_from(tmp_path, "p.npy", npy(values), budget=1).error.startswith(
            f"Row {row} of probabilities sums to"
        )
    many = np.round(MANY, 2)
    many[3] *= 0.5
    assert "Row 3 of probabilities sums to" in in_library(np.round(many, 2)).error
    vanished = np.vstack([np.full(100, 0.0), np.full(100, 0.01)])
    assert "Row 0 of probabilities sums to 0" in in_library(vanished).error


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_softmax_in_half_precision_is_accepted(kind: str, classes: int) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(softmax_rows(200, classes, 1)).to(getattr(torch, kind))
    outcome = in_library(tensor)
    assert outcome.error is None
    assert len(outcome.notes) == (kind == "bfloat16")
    assert all("the type bfloat16 explains" in note for note in outcome.notes)
    if kind == "float16":
        assert in_library(tensor.numpy()).error is None
    naive = torch.exp(tensor) / torch.exp(tensor).sum(1, keepdim=True)
    assert in_library(naive).error is None


def test_tiny_negative_numbers_are_clipped_and_told(tmp_path: Path) -> None:
    values = P.copy()
    values[3] = [-2e-9, 0.5, 0.25, 0.25]
    values[8] = [1.0002, -0.0001, -0.0001, 0.0]
    outcome = choose_from(tmp_path, "p.npy", npy(values))
    assert (
        outcome.notes[0] == "p.npy: 3 numbers below 0 (the lowest -0.0001) set to 0, and each row divided by its sum."
    )
    read = read_table("probabilities", tmp_path / "p.npy").values
    assert read.min() == 0
    np.testing.assert_allclose(read.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(read, values, atol=3e-4)


def test_rows_that_sum_to_one_but_for_a_thousandth_stay_as_they_are() -> None:
    values = P * np.linspace(0.9991, 1.0009, 40)[:, None]
    np.testing.assert_array_equal(check_probabilities(values), values)
    assert in_library(values).notes == []


@given(
    st.integers(2, 40), st.integers(2, 3), st.integers(0, 10**6), st.sampled_from([0.05, 0.3, 1.0, 5.0]), st.booleans()
)
@settings(max_examples=150, deadline=None)
def test_every_rounded_row_is_accepted(classes: int, decimals: int, seed: int, spread: float, single: bool) -> None:
    exact = probabilities(20, classes, seed, spread)
    rounded = np.round(exact, decimals).astype(np.float32 if single else np.float64)
    off = np.abs(float_of(rounded).sum(axis=1) - 1).max()
    outcome = in_library(rounded, 3)
    assert (outcome.error is None) == (off <= 0.25 + 1e-6), outcome.error


@given(st.integers(2, 12), st.integers(0, 10**6), st.floats(0.02, 0.5))
@settings(max_examples=100, deadline=None)
def test_a_wrong_row_among_exact_ones_is_never_accepted(classes: int, seed: int, off: float) -> None:
    values = probabilities(20, classes, seed)
    values[seed % 20] *= 1 + off
    with pytest.raises(InputError, match=f"Row {seed % 20} of probabilities sums to {1 + off:.4g}"):
        check_probabilities(values)


def test_hard_predictions_are_told(tmp_path: Path) -> None:
    for values in (np.eye(4)[np.arange(12) % 4], np.eye(4, dtype=bool)[np.arange(12) % 4]):
        assert "hard predictions" in choose_from(tmp_path, "p.npy", npy(values)).notes[-1]


def test_a_mean_gain_has_three_significant_digits(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from rad_core.commands.select import command

    sure = np.tile([1 - 3e-5, 1e-5, 1e-5, 1e-5], (20, 1))
    for values, words in ((sure, "mean gain 4.00e-05."), (np.full((20, 4), 0.25), "mean gain 1.00.")):
        np.save(tmp_path / "p.npy", values)
        arguments = ["--probs", tmp_path / "p.npy", "--budget", 3, "--teacher-accuracy", 0.8, "-o", tmp_path / "o.csv"]
        assert words in CliRunner().invoke(command, [str(argument) for argument in arguments]).stdout
