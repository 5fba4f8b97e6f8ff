"""What holds for every chart: pure, small, quick, legible, and never in need of color alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from app.figures import PLOTLY_CONFIG, Chart, plotly_config
from app.figures.base import ink
from rad_core.errors import InputError
from rad_core.selection.strategies import STRATEGIES
from tests.helpers.figure_examples import charts

SMALL = charts()
LARGE = charts(50_000, 1000)
NAMES = list(SMALL)


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from walk(inner, f"{path}/{i}")


def drawn(chart: Chart) -> dict[str, Any]:
    return json.loads(chart.figure.to_json())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_input_gives_the_same_bytes(name: str, theme: str) -> None:
    first, second = SMALL[name](theme=theme), charts()[name](theme=theme)
    assert first.figure.to_json() == second.figure.to_json()
    assert first.table.equals(second.table)
    assert (first.title, first.alt) == (second.title, second.alt)


@pytest.mark.parametrize("name", NAMES)
def test_a_pool_of_fifty_thousand_stays_small_and_vector_traces_stay_thin(name: str) -> None:
    chart = LARGE[name]()
    assert len(chart.figure.to_json()) < 300_000
    for trace in chart.figure.data:
        assert trace.type in {"scatter", "bar", "heatmap"}, "no WebGL: it takes seconds in software"
        if trace.type == "heatmap":
            assert 0 < np.size(trace.z) <= 100 * len(STRATEGIES), "a cell per strategy and class, whatever the pool"
        else:
            assert 0 < len(trace.x) <= 1000


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_sent_as_float32(name: str) -> None:
    for trace in drawn(SMALL[name]())["data"]:
        keys = ("z",) if trace["type"] == "heatmap" else ("x", "y")
        for key in keys:
            assert trace[key]["dtype"] == "f4", (name, key)
            assert base64.b64decode(trace[key]["bdata"])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_legible(name: str, theme: str) -> None:
    chart = SMALL[name](theme=theme)
    for path, size in walk(drawn(chart)):
        if path.endswith("font/size"):
            sizes = np.atleast_1d(size)
            assert sizes.min() >= 14, path
    layout = chart.figure.layout
    assert layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
    for axis in [*chart.figure.select_xaxes(), *chart.figure.select_yaxes()]:
        named = axis.title.text or axis.ticktext is not None
        assert named, f"{name}: an axis has neither a title nor names at its ticks"
    assert layout.title.text is None, "the page sets the title"


@pytest.mark.parametrize("name", NAMES)
def test_it_comes_with_a_question_a_sentence_and_a_table(name: str) -> None:
    chart = SMALL[name]()
    assert chart.title.endswith("?")
    assert chart.alt.endswith(".")
    assert len(chart.alt) > 40
    assert "nan" not in chart.alt.lower().split()
    assert len(chart.table) > 0
    assert all(
        column[0].isupper()
        or column in {"plane", "car", "<script>", "cat"}
        or column.startswith("class ")
        or column.startswith("95%")
        for column in chart.table.columns
    )
    assert chart.figure.layout.title.text is None


@pytest.mark.parametrize("name", ["curves by labels", "trade-off", "guarantee by accuracy", "round by round"])
def test_strategies_differ_in_more_than_color(name: str) -> None:
    named = [trace for trace in SMALL[name]().figure.data if trace.hovertemplate and "<b>" in trace.hovertemplate]
    looks = [(trace.line.dash, trace.marker.symbol) for trace in named]
    assert len(named) >= 3
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("name", ["curves by labels", "trade-off", "overlap", "classes", "calibration"])
def test_nothing_volatile_is_written_into_a_chart(name: str) -> None:
    text = SMALL[name]().figure.to_json()
    for word in ("budget", "2024", "2025", "2026", "session"):
        assert word not in text


def test_nothing_is_ever_uploaded() -> None:
    for config in (PLOTLY_CONFIG, plotly_config("png", "map")):
        assert config["showSendToCloud"] is False
        assert config["plotlyServerURL"] == ""
        assert config["displaylogo"] is False
        assert config["scrollZoom"] is False
    assert plotly_config("png", "map")["toImageButtonOptions"]["format"] == "png"
    assert "http" not in SMALL["trade-off, density"]().figure.to_json()


def test_an_unknown_theme_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="theme is 'blue'"):
        ink("blue")  # type: ignore[arg-type]
