"""The game as a picture: gains in sorted order, shaved down by the adversary to a flat waterline."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from app.figures.base import SMALL_SIZE, Chart, Sketch, Theme, f32, ink, new_sketch, rgba
from app.figures.drawing import XY, Series, whole_steps
from app.findings.words import number
from app.palette import RIGHT_COLOR, WRONG_COLOR, Style, strategy_style
from rad_core.errors import InputError
from rad_core.results.words import percent
from rad_core.selection.game import Equilibrium

_DRAWN = 160  # places of a sorted pool that draw the same curve


def waterline_drawing(gains: np.ndarray, game: Equilibrium) -> XY:
    """The sorted pool and what is left of it in the worst case. gains: (N,) descending, as given to `solve_game`."""
    end = max(2, int(np.count_nonzero(gains > 0.02 * gains[0])))  # the rest is a flat line
    at = np.unique(np.linspace(0, end - 1, min(end, _DRAWN)).round().astype(int))
    high, left = gains[at], (gains * (1.0 - np.asarray(game.attack, np.float64)))[at]
    series = [
        Series("gain", Style("", "#555B66", "solid", "circle", 2.5), at + 1.0, high, markers=False),
        Series("left in the worst case", Style("", RIGHT_COLOR, "solid", "circle", 4.5), at + 1.0, left, markers=False),
    ]
    ends = whole_steps(0.0, at), whole_steps(0.0, high)
    return XY(series, "Rank (1 = most informative)", "Gain of a label", "#,##0", "0.0", *ends)


def small_game_chart(gains: ArrayLike, game: Equilibrium, *, theme: Theme = "light") -> Chart:
    """A handful of points as bars: what is left of each after the attack, what is shaved off, and how likely we buy it.

    gains: (N,) in any order, best at most twenty; the bars stay in that order, so that a reader who changes a gain
    sees its own bar move.
    """
    g, q, attack = (np.asarray(values, np.float64) for values in (gains, game.q, game.attack))
    if not g.shape == q.shape == attack.shape:
        raise InputError(f"gains has shape {g.shape}, but the game was solved for {q.shape[0]} points.")
    left = g * (1.0 - attack)
    points = np.arange(1, len(g) + 1)
    sketch = new_sketch(theme, 520, barmode="stack", hovermode="x unified", hoversubplots="axis")
    sketch.update_layout(
        bargap=0.28,
        margin={"l": 76, "r": 160, "t": 20, "b": 60},
        xaxis={
            "title": {"text": "Point"},
            "anchor": "y2",
            "tickmode": "linear",
            "dtick": 1,
            "range": [0.4, len(g) + 0.6],
        },
        yaxis={"domain": [0.4, 1.0], "title": {"text": "Gain"}, "range": [0, 1.12 * max(g.max(initial=0.0), 1e-9)]},
        yaxis2={
            "domain": [0.0, 0.28],
            "title": {"text": "Probability of buying"},
            "range": [-0.06, 1.3],
            "tickvals": [0, 0.5, 1],
        },
    )
    _draw_bars(sketch, points, left, g - left, q)
    _label_bars(sketch, points, g, game, theme)
    table = pd.DataFrame(
        {
            "Point": points,
            "Gain": g,
            "Gain left in the worst case": left,
            "Probability of buying": q,
            "Probability of attack": attack,
        }
    )
    alt = (
        f"{len(g)} points, {game.budget} to buy, {game.wrong} teacher mistakes: the bars are shaved to a waterline of "
        f"{number(game.waterline)}, which guarantees a gain of {number(game.value)}."
    )
    return Chart(
        sketch.finish(), table, "What can an adversary take away, and how do we buy so that it hurts least?", alt
    )


def _draw_bars(sketch: Sketch, points: np.ndarray, left: np.ndarray, shaved: np.ndarray, q: np.ndarray) -> None:
    stripes = {"shape": "/", "size": 8, "solidity": 0.25, "fgcolor": WRONG_COLOR, "bgcolor": rgba(WRONG_COLOR, 0.10)}
    sketch.bar(
        x=f32(points),
        y=f32(left),
        name="left",
        marker={"color": rgba(RIGHT_COLOR, 0.55), "line": {"width": 0}},
        hovertemplate="%{y:.3f}",
    )
    sketch.bar(
        x=f32(points),
        y=f32(shaved),
        name="shaved off",
        hovertemplate="%{y:.3f}",
        marker={"color": rgba(WRONG_COLOR, 0.10), "pattern": stripes, "line": {"width": 0}},
    )
    rad = strategy_style("rad").color
    sketch.bar(
        x=f32(points),
        y=f32(q),
        yaxis="y2",
        width=0.06,
        marker={"color": rad, "line": {"width": 0}},
        hoverinfo="skip",
    )
    sketch.scatter(
        x=f32(points),
        y=f32(q),
        yaxis="y2",
        mode="markers+text",
        name="bought",
        hovertemplate="%{y:.3f}",
        marker={"size": 14, "color": rad},
        text=[percent(value, 0) for value in q],
        textposition="top center",
        textfont={"size": SMALL_SIZE},
        cliponaxis=False,
    )


def _label_bars(sketch: Sketch, points: np.ndarray, g: np.ndarray, game: Equilibrium, theme: Theme) -> None:
    sketch.scatter(
        x=f32(points),
        y=f32(g),
        mode="text",
        text=[f"{value:.2f}" for value in g],
        textposition="top center",
        textfont={"size": SMALL_SIZE, "color": ink(theme).soft},
        hoverinfo="skip",
    )
    if game.waterline > 0:
        sketch.level(game.waterline, 0, 1, xref="x domain", color=ink(theme).text, width=2.5, dash="dash")
        sketch.beside(game.waterline, f"<b>waterline {number(game.waterline)}</b><br>the price of a label", xshift=6)
