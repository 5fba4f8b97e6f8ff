"""What the instrument is given: the very numbers of the study, small enough to travel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.components.sheet import make_sheet
from app.explore import payload
from app.results import reading
from rad_core.results import needed
from rad_core.results.verdicts import results
from rad_core.running import maps
from rad_core.store.study import Study
from tests.helpers.big_study import make_big_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_big_study(tmp_path_factory.mktemp("store"))


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a blob, as the browser reads them."""
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    at, parts = 4 + length, {}
    for name, (kind, count) in zip(header["names"], header["parts"], strict=True):
        array = np.frombuffer(data, f"<{kind}", count, at)
        at += array.nbytes + -array.nbytes % 4
        parts[name] = array
    assert at == len(data)
    return header, parts


def test_the_pool_travels_sorted_whole_and_small(study: Study) -> None:
    places = maps.compute_map(study.seed_array(0, "teacher_features"), "pca")
    blob = payload.pool_blob(study, "rad", 0, 2, places)
    assert len(blob.data) <= payload.MOST_BYTES
    header, parts = unpack(blob.data)
    left = reading.remaining(study, "rad", 0, 2)
    positions = parts["positions"]
    assert header["n"] == len(left) == 49_000
    np.testing.assert_array_equal(np.sort(positions), left)
    np.testing.assert_array_equal(parts["gains"], study.round_array("rad", 0, 1, "gains")[positions])
    assert (np.diff(parts["gains"].astype(int)) <= 0).all()
    wrong = np.unpackbits(parts["wrong"], count=len(left), bitorder="little").astype(bool)
    np.testing.assert_array_equal(wrong, ~reading.teacher_right(study, 0)[positions])
    np.testing.assert_array_equal(wrong, parts["said"] != parts["truth"])
    assert len(parts["grid"]) == 2 * len(left)
    assert len(parts["shown"]) == len(np.unique(parts["shown"])) == payload.SPRITES
    assert blob.digest == payload.pool_blob(study, "rad", 0, 2, places).digest
    assert blob.digest != payload.pool_blob(study, "rad", 0, 3, places).digest


def test_without_a_map_the_pool_travels_all_the_same(study: Study) -> None:
    header, _ = unpack(payload.pool_blob(study, "rad", 1, 1, None).data)
    assert "grid" not in header["names"]


def test_the_curves_are_the_measured_ones(study: Study) -> None:
    facts = payload.facts(study, "rad", 0, 2)
    json.dumps(facts, allow_nan=False)
    measured = results(study)
    assert [curve["rule"] for curve in facts["curves"]] == list(measured.finished)
    for curve in facts["curves"]:
        own = needed.curve(measured, curve["rule"])
        assert own is not None
        assert curve["mean"] == own.mean.tolist()
        assert curve["low"] is None  # of two seeds
        assert curve["each"] == own.accuracy.tolist()
    assert facts["bought"] == 1000
    assert facts["free"] == pytest.approx(measured.free.mean)


def test_random_numbers_are_spread_evenly_and_stay() -> None:
    u = payload.permanent_numbers(np.arange(100_000), 7)
    assert ((u > 0) & (u < 1)).all()
    np.testing.assert_allclose(np.histogram(u, 10, (0, 1))[0], 10_000, rtol=0.05)
    np.testing.assert_array_equal(u[5:9], payload.permanent_numbers(np.arange(5, 9), 7))
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.02


def test_what_comes_in_first_is_on_the_sprite() -> None:
    rng = np.random.default_rng(3)
    gains = np.sort(rng.integers(1, 65_536, 5000))[::-1].astype(np.uint16)
    u = rng.random(5000)
    shown = payload.first_to_enter(gains, u, 100, 300)
    assert len(shown) == len(np.unique(shown)) == payload.SPRITES
    odds = gains * u / (1 - u)
    assert odds[shown[0]] == odds[: shown.max() + 1].min()


def test_large_images_are_made_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 64, 96, 3), dtype=np.uint8)
    sheet = make_sheet(noise, 25, 170_000, 48)
    assert sheet.type == "image/webp"
    assert sheet.tile == (48, 32)
    assert len(sheet.image) <= 250_000
