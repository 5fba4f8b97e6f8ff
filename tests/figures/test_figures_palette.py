"""Every strategy has a look of its own that color-blind people can tell apart, on light and on dark paper."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from app import palette
from app.figures.base import INKS
from rad_core.selection.strategies import STRATEGIES

MAIN = ("rad", "uniform", "margin", "entropy", "coreset", "badge")

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIMULATIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def linear(color: str) -> np.ndarray:
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(color: str, simulation: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(simulation @ linear(color), 0, 1) / np.array([0.95047, 1.0, 1.08883])
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(color: str, paper: str) -> float:
    one, other = sorted(np.array([0.2126, 0.7152, 0.0722]) @ linear(c) + 0.05 for c in (color, paper))
    return float(other / one)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_of_the_engine_has_an_entry(name: str) -> None:
    assert name in palette.STRATEGY_STYLES


@pytest.mark.parametrize("field", ["label", "color", "dash", "symbol"])
def test_no_two_strategies_share_any_part_of_their_look(field: str) -> None:
    looks = [getattr(style, field) for style in palette.STRATEGY_STYLES.values()]
    assert len(set(looks)) == len(looks)


def test_rad_has_the_boldest_line() -> None:
    others = [style.width for name, style in palette.STRATEGY_STYLES.items() if name != "rad"]
    assert palette.STRATEGY_STYLES["rad"].width > max(others)


@pytest.mark.parametrize("vision", SIMULATIONS)
def test_the_main_six_strategies_stay_apart_for_color_blind_people(vision: str) -> None:
    colors = [lab(palette.STRATEGY_STYLES[name].color, SIMULATIONS[vision]) for name in MAIN]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(colors, 2)) >= 18


@pytest.mark.parametrize("vision", SIMULATIONS)
def test_all_strategies_and_the_two_verdicts_stay_apart(vision: str) -> None:
    colors = [lab(style.color, SIMULATIONS[vision]) for style in palette.STRATEGY_STYLES.values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(colors, 2)) >= 10
    right, wrong = (lab(color, SIMULATIONS[vision]) for color in (palette.RIGHT_COLOR, palette.WRONG_COLOR))
    assert np.linalg.norm(right - wrong) >= 25


@pytest.mark.parametrize("theme", INKS)
def test_lines_stand_out_from_the_paper_and_labels_can_be_read(theme: str) -> None:
    paper = INKS[theme].paper
    marks = [style.color for style in palette.STRATEGY_STYLES.values()]
    for color in (*marks, *palette._SPARE_COLORS, palette.RIGHT_COLOR, palette.WRONG_COLOR):
        assert contrast(color, paper) >= 3, color
        assert contrast(palette.text_color(color, theme == "dark"), paper) >= 4.5, color
    assert contrast(INKS[theme].soft, paper) >= 4.5


def test_a_strategy_without_an_entry_gets_the_same_look_every_time() -> None:
    style = palette.strategy_style("rad_calibrated")
    assert style == palette.strategy_style("rad_calibrated")
    assert style.label == "RAD calibrated"
    assert style.color not in {known.color for known in palette.STRATEGY_STYLES.values()}
    assert palette.strategy_label("my_new_one") == "My new one"


def test_strategies_are_ordered_as_in_the_palette_and_unknown_ones_come_last() -> None:
    assert palette.strategy_order(["zeta", "margin", "rad", "margin", "alpha"]) == ["rad", "margin", "alpha", "zeta"]


def test_twelve_classes_stand_out_and_the_rest_is_grey() -> None:
    names = [f"c{i}" for i in range(100)]
    colors = palette.class_colors(names)
    shown = {name: color for name, color in colors.items() if color != palette.OTHER_COLOR}
    assert list(colors) == names
    assert list(shown) == names[:12]
    assert len(set(shown.values())) == 12
    chosen = palette.class_colors(names, highlight=["c5", "c17", "c40"])
    assert len({chosen[name] for name in ("c5", "c17", "c40")}) == 3
    assert chosen["c0"] == palette.OTHER_COLOR
