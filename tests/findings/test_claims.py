"""What stands beside the verdict: reference lines, the upper bound, mistakes, the worst case."""

from __future__ import annotations

import numpy as np
import pytest

from app.findings import claims
from tests.helpers.measured import FINALS, shifted, straight, table


def test_the_oracle_is_named_as_an_upper_bound() -> None:
    both = straight({"rad": FINALS, "uniform": FINALS, "oracle": shifted(0.1)})
    assert claims.upper_bound(both) == (
        "An upper bound, no competitor: the oracle, which knows where the teacher is right, reaches 80.0%."
    )
    assert claims.upper_bound(straight({"rad": FINALS})) == ""


def test_missing_reference_lines_are_named() -> None:
    whole = claims.references({"teacher": 0.9, "student_full": 0.85, "student_labeled": 0.5})
    assert whole == (
        "To compare, on the test set: the teacher itself 90.0%, a student taught on the whole pool 85.0% and a student "
        "without any bought label 50.0%."
    )
    part = claims.references({"teacher": 0.9, "student_full": float("nan")})
    assert part.endswith("Not measured: a student taught on the whole pool and a student without any bought label.")
    assert claims.references({}).startswith("Not measured")


def test_mistakes_are_shares_of_labels_bought_and_undefined_for_mixtures() -> None:
    rows = table({"rad": FINALS, "unixkd": FINALS})
    rows.loc[rows["strategy"] == "unixkd", "teacher_right_share"] = np.nan
    found = claims.mistakes(rows)
    assert found["rad"].mean == pytest.approx(0.2)
    assert found["unixkd"].n == 0
    assert claims.mistakes(rows.drop(columns="teacher_right_share")) == {}


def test_the_guarantee_is_set_against_the_best_other_rule() -> None:
    safe = claims.Guarantee({"rad": 6.0, "uniform": 4.0, "greedy": 0.0}, 40, 5)
    assert (safe.rule, safe.other) == ("uniform", 4.0)
    assert safe.where == "the first 40 labels (5 repetitions, on average)"
