"""Gains by hand, estimates against scipy, and refusals of what is no probability."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from rad_core import select
from rad_core.errors import InputError
from rad_core.selection.api import estimate_accuracy
from rad_core.selection.gains import GAINS, check_probabilities

ROWS = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
BY_HAND = {
    "margin": [0.8, 0.0, 1.0],
    "entropy": [-(0.5 * math.log(0.5) + 0.3 * math.log(0.3) + 0.2 * math.log(0.2)) / math.log(3), 0.0, 1.0],
    "least_confidence": [0.75, 0.0, 1.0],
}


@pytest.mark.parametrize("name", GAINS)
def test_gains_by_hand(name: str) -> None:
    np.testing.assert_allclose(GAINS[name](ROWS), BY_HAND[name], atol=1e-12)


@pytest.mark.parametrize("name", GAINS)
def test_gains_of_tensors_equal_gains_of_arrays(name: str) -> None:
    torch = pytest.importorskip("torch")
    rows = np.random.default_rng(0).dirichlet(np.full(10, 0.1), 500).astype(np.float32)
    gains = GAINS[name](torch.from_numpy(rows))
    np.testing.assert_allclose(gains.numpy(), GAINS[name](rows), atol=1e-6)
    assert GAINS[name](rows).dtype == np.float32
    assert gains.min() >= 0
    assert gains.max() <= 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[0.5, 0.4]], "Row 0 of probabilities sums to 0.9"),
        ([[0.5, 0.5], [float("nan"), 1.0]], "Row 1 .* NaN"),
        ([[0.5, 0.5], [float("inf"), 0.0]], "Row 1 .* infinity"),
        ([[1.2, -0.2]], "-0.2"),
        ([0.5, 0.5], "shape"),
        ([[1.0]], "shape"),
        ([["a", "b"]], "numbers"),
    ],
)
def test_what_is_no_probability_is_refused_with_its_row(rows: list, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_probabilities(np.array(rows))


@pytest.mark.parametrize(("right", "total"), [(0, 10), (7, 10), (10, 10), (730, 1000), (1, 1)])
def test_accuracy_interval_is_clopper_pearson(right: int, total: int) -> None:
    found = estimate_accuracy(np.arange(total) < right)
    exact = scipy.stats.binomtest(right, total)
    two_sided = exact.proportion_ci(0.95, method="exact")
    one_sided = scipy.stats.binomtest(right, total, alternative="greater").proportion_ci(0.95, method="exact")
    assert found.mean == right / total
    np.testing.assert_allclose((found.low, found.high), two_sided, atol=1e-9)
    assert found.lower_bound == pytest.approx(one_sided.low, abs=1e-9)


@pytest.mark.parametrize("flags", [[], [[1, 0]], [0.5], [2], ["yes"]])
def test_flags_must_be_flags(flags: list) -> None:
    with pytest.raises(InputError, match="flags"):
        estimate_accuracy(np.array(flags))


@pytest.mark.parametrize("name", GAINS)
def test_rows_that_sum_to_one_but_for_rounding_have_gains_in_range(name: str) -> None:
    rows = check_probabilities(np.array([[1.0005, 0.0], [0.9995, 0.0], [0.5, 0.5004], [0.5, 0.5]]))
    gains = GAINS[name](rows)
    assert gains.min() >= 0
    assert gains.max() <= 1
    assert len(select(rows, 2, teacher_accuracy=0.5, gain=name)) == 2


def test_features_may_be_of_any_kind_and_must_be_finite() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    rows, features = rng.dirichlet(np.ones(4), 60), rng.normal(size=(60, 3))
    expected = select(rows, 9, teacher_accuracy=0.7, strategy="coreset", features=features)
    for given in (features.tolist(), torch.from_numpy(features)):
        found = select(rows, 9, teacher_accuracy=0.7, strategy="coreset", features=given)
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, expected)
    for tensor in (torch.from_numpy(rows).requires_grad_(), torch.from_numpy(rows).half()):
        found = select(tensor, 9, teacher_accuracy=0.7, strategy="coreset", features=features)
        np.testing.assert_array_equal(found.numpy(), expected)
    for bad in (float("nan"), float("inf"), float("-inf")):
        features[5, 1] = bad
        with pytest.raises(InputError, match="features holds NaN or infinity"):
            select(rows, 9, teacher_accuracy=0.7, strategy="coreset", features=features)


def test_select_in_one_call() -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 300)
    ids = select(rows, 25, teacher_accuracy=0.7)
    assert len(set(ids.tolist())) == 25
    np.testing.assert_array_equal(ids, select(rows, 25, teacher_accuracy=0.7, seed=0))
    assert set(ids.tolist()) != set(select(rows, 25, teacher_accuracy=0.7, seed=1).tolist())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget": 301}, "300 rows"),
        ({"budget": 0}, "whole number"),
        ({"teacher_accuracy": 1.5}, "between 0 and 1"),
        ({"strategy": "best"}, "rad, uniform"),
        ({"gain": "best"}, "margin, entropy"),
        ({"strategy": "badge"}, "needs the student's features"),
        ({"features": np.ones((3, 2))}, "row for each row"),
        ({"features": np.full((300, 2), np.nan)}, "NaN"),
    ],
)
def test_select_refuses_bad_input_in_words(changes: dict, words: str) -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 300)
    arguments = {"budget": 10, "teacher_accuracy": 0.7, **changes}
    with pytest.raises(InputError, match=words):
        select(rows, **arguments)
