"""Whether choosing matters is told by one cut, found without the setting it is judged on, and not beyond its range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from app.findings.foresight import MEASURES, Atlas, atlas, atlas_of, best_cut, expected
from rad_core.selection.foresight import foresee


def settings(values: dict[str, np.ndarray], differ: np.ndarray) -> pd.DataFrame:
    shown = {"margin": 1.5, "margin shown": differ, "rad": 1.5, "rad shown": 0, "rad over margin": 0.2}
    shown |= {"rad over margin shown": 1}  # of less than a point
    constant = dict.fromkeys(set(MEASURES) - set(values), 1.0)
    return pd.DataFrame({"setting": [f"s{i}" for i in range(len(differ))], **values, **constant, **shown})


@pytest.mark.parametrize("seed", range(20))
def test_no_other_cut_tells_more_settings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = {name: rng.integers(0, 6, 12).astype(float) for name in ("fall", "lift")}
    differ = rng.random(12) < 0.5
    told = [
        sum(((value < limit) == below) == came for value, came in zip(each, differ, strict=True))
        for each in values.values()
        for limit in np.arange(0.5, each.max())
        for below in (True, False)
        if (each < limit).any()
    ]
    cut = best_cut(values, differ)
    assert cut.right == max(told)
    assert sum(cut.says(value) == came for value, came in zip(values[cut.measure], differ, strict=True)) == cut.right


def test_what_one_measure_tells_is_told_of_settings_left_out() -> None:
    fall = np.linspace(0, 0.4, 20)
    found = atlas_of(settings({"fall": fall}, fall < 0.2))
    assert (found.cut.measure, found.cut.below, found.cut.right) == ("fall", True, 20)
    assert found.hits >= 18  # the two beside the limit may be missed
    assert found.usual == 10


def test_what_nothing_tells_is_not_told_well() -> None:
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(20):
        values = {name: rng.normal(size=40) for name in MEASURES}
        hits.append(atlas_of(settings(values, np.arange(40) % 2 == 0)).hits)
    assert np.mean(hits) < 24, "the cut was judged on settings that it was found with"


def test_the_settings_that_ship_are_as_many_as_promised_and_judged_honestly() -> None:
    shipped = atlas()
    assert shipped.size >= 40
    assert shipped.table["setting"].is_unique
    assert shipped.usual < shipped.hits <= shipped.cut.right <= shipped.size


def test_nothing_is_said_beyond_the_settings_or_without_the_measure() -> None:
    fall = np.linspace(0, 0.4, 20)
    found: Atlas = atlas_of(settings({"fall": fall}, fall < 0.2))
    gains = np.random.default_rng(0).random(500)
    known = foresee(gains, gains, np.ones(500, bool), 50)
    told = [expected(found, replace(known, fall=fall)) for fall in (0.01, 0.39, 0.5, -0.1, float("nan"))]
    assert told == [True, False, None, None, None]
