"""The charts of a study from Python are those of its pages; what cannot be drawn is refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rad_core import studio
from rad_core.errors import InputError
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from tests.conftest import tiny_config


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Of three strategies and two seeds, finished."""
    config = tiny_config(seeds=2, strategies=("rad", "uniform", "margin"))
    made = create_study(tmp_path_factory.mktemp("store"), config)
    run_study(made, workers=1)
    return made


def test_curves_are_drawn(study: Study) -> None:
    means = study.rounds_table().groupby(["strategy", "round"])["accuracy"].mean()
    figure = study.curves()
    assert figure.layout.title.text == "How accurate does the student become for the labels it buys?"
    (rad,) = [trace for trace in figure.data if trace.name == "RAD" and "markers" in (trace.mode or "")]
    np.testing.assert_allclose(rad.y, means["rad"], atol=1e-6)
    assert list(rad.x) == [0, 10, 20]
    by_time = study.curves(along="seconds", measure="agreement", strategies=["margin"], seeds=True, theme="dark")
    assert "what the teacher says" in by_time.layout.title.text
    assert {"Margin", "RAD"} <= {trace.name for trace in by_time.data}


def test_the_tradeoff_is_drawn(study: Study) -> None:
    both, single = study.tradeoff(), study.tradeoff(seed=1, strategies=["rad"], axis="confidence")
    assert "informative and right" in both.layout.title.text
    assert {"RAD", "Margin", "Uniform"} <= {trace.name for trace in both.data}
    assert "Uniform" not in {trace.name for trace in single.data}


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda study: study.curves(along="money"), "along is 'money'; choose labels or round or seconds"),
        (lambda study: study.curves(measure="loss"), "measure is 'loss'; choose accuracy or agreement"),
        (lambda study: study.curves(strategies=["badge"]), "strategies is 'badge'; choose rad or uniform or margin"),
        (lambda study: study.tradeoff(seed=7), "seed is 7; choose 0 or 1"),
        (lambda study: study.tradeoff(axis="truth"), "axis is 'truth'"),
        (lambda study: study.curves(theme="blue"), "theme is 'blue'"),
    ],
)
def test_what_is_no_choice_is_refused(study: Study, draw: Callable[[Study], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        draw(study)


def test_before_results_and_without_a_studio_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = create_study(tmp_path, tiny_config())
    for draw in (planned.curves, planned.tradeoff):
        with pytest.raises(InputError, match="has no results to draw yet"):
            draw()
    monkeypatch.setattr(studio, "GROUP", "of nobody")
    with pytest.raises(InputError, match="install both with pip install rad-studio"):
        planned.curves()
