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

MAX_POINTS = 400

_COLUMNS = {
    "rank": "Rank (1 = most informative)",
    "gain": "Gain",
    "left": "Gain left in the worst case",
    "q": "Probability of buying",
    "attack": "Probability of attack",
}


def waterline_chart(gains: ArrayLike, game: Equilibrium, *, theme: Theme = "light", height: int = 660) -> Chart:
    """The pool's gains from the most to the least informative point, what the adversary shaves off, and what we buy.

    gains: (N,) as given to `solve_game`; game: its answer. At most 400 points are drawn; every corner of the
    solution is among them. The table holds the points drawn.
    """
    drawn = sorted_game(gains, game)
    table = thin_game(drawn, MAX_POINTS)
    top, chance = float(drawn["gain"].iloc[0]) or 1.0, float(drawn["q"].max())
    sketch = new_sketch(theme, height, hovermode="x unified")
    sketch.update_layout(
        hoversubplots="axis",
        margin={"l": 76, "r": 36, "t": 16, "b": 60},
        xaxis={
            "title": {"text": "Points of the pool, the most informative first (rank)"},
            "range": [0.5, len(drawn) + 0.5],
            "anchor": "y3",
            "unifiedhovertitle": {"text": "rank %{x:,.0f}"},
        },
        yaxis={"domain": [0.48, 1.0], "range": [0, 1.04 * top], "title": {"text": "Gain"}},
        yaxis2={"domain": [0.25, 0.39], "range": [0, 1.06 * chance], "title": {"text": "Probability"}, "nticks": 4},
        yaxis3={"domain": [0.0, 0.14], "range": [0, 1.06], "title": {"text": "Probability"}, "nticks": 3},
    )
    _draw_gains(sketch, table, theme)
    _draw_probabilities(sketch, table)
    _label_game(sketch, drawn, game, theme)
    return Chart(sketch.finish(), table.rename(columns=_COLUMNS), _TITLE, _alt(game, len(drawn)))


_TITLE = "Which labels are worth buying if the teacher errs where it hurts?"


def waterline_drawing(gains: ArrayLike, game: Equilibrium) -> XY:
    """The sorted gains and what is left of them in the worst case. gains: (N,) as given to `solve_game`."""
    drawn = sorted_game(gains, game)
    seen = drawn[drawn["gain"] > 0.02 * drawn["gain"].iloc[0]]  # the rest is a flat line
    table = thin_game(seen, MAX_POINTS // 2)
    rank, high, left = (table[name].to_numpy(float) for name in ("rank", "gain", "left"))
    series = [
        Series("gain", Style("", "#555B66", "solid", "circle", 2.5), rank, high, markers=False),
        Series("left in the worst case", Style("", RIGHT_COLOR, "solid", "circle", 4.5), rank, left, markers=False),
    ]
    ends = whole_steps(0.0, rank), whole_steps(0.0, high)
    return XY(series, _COLUMNS["rank"], "Gain of a label", "#,##0", "0.0", *ends)


def _alt(game: Equilibrium, n: int) -> str:
    if game.waterline <= 0 and game.value <= 0:
        return f"With {game.wrong:,} teacher mistakes among {n:,} points nothing can be guaranteed: all is shaved off."
    attacked = int(np.count_nonzero(np.asarray(game.attack) > 0))
    return (
        f"The adversary shaves the {attacked:,} most informative of {n:,} points down to a waterline of "
        f"{number(game.waterline)}; spreading {game.budget:,} labels over {game.support:,} points guarantees a "
        f"gain of {number(game.value)}."
    )


# --- the numbers --------------------------------------------------------------------------------------------------


def sorted_game(gains: ArrayLike, game: Equilibrium) -> pd.DataFrame:
    """The game in order of informativeness: rank, gain, left (residual gain), q, attack; one row per point."""
    gains, q, attack = (np.asarray(values, np.float64) for values in (gains, game.q, game.attack))
    if not gains.shape == q.shape == attack.shape or gains.ndim != 1:
        raise InputError(f"gains has shape {gains.shape}, but the game was solved for {q.shape[0]} points.")
    order = np.argsort(-gains, kind="stable")
    g, q, attack = gains[order], q[order], attack[order]
    ranks = np.arange(1, len(g) + 1)
    return pd.DataFrame({"rank": ranks, "gain": g, "left": g * (1.0 - attack), "q": q, "attack": attack})


def corners(table: pd.DataFrame) -> np.ndarray:
    """Rows on either side of every corner: where the attack, the cap or the buying begins or ends."""
    g, q, attack = (table[name].to_numpy() for name in ("gain", "q", "attack"))
    worth = q * g
    cap = worth.max(initial=0.0)
    regimes = np.stack([attack > 0, q > 0, q >= 1.0 - 1e-9, worth >= cap * (1 - 1e-6), table["left"] < g])
    changed = np.flatnonzero((regimes[:, 1:] != regimes[:, :-1]).any(axis=0))
    return np.unique(np.concatenate([[0], changed, changed + 1, [len(g) - 1]]))


def thin_game(table: pd.DataFrame, limit: int) -> pd.DataFrame:
    """At most `limit` rows that draw the same curves: all corners, then equal steps along rank and gain."""
    n = len(table)
    if n <= limit:
        return table
    keep = corners(table)
    keep = keep if len(keep) <= limit else keep[np.linspace(0, len(keep) - 1, limit).round().astype(int)]
    room = limit - len(keep)
    by_rank = np.linspace(0, n - 1, room // 2).round().astype(int)
    g = table["gain"].to_numpy()
    by_gain = np.searchsorted(-g, -np.linspace(g[0], g[-1], room - len(by_rank)), side="left").clip(0, n - 1)
    return table.iloc[np.unique(np.concatenate([keep, by_rank, by_gain]))].reset_index(drop=True)


# --- the drawing --------------------------------------------------------------------------------------------------


def _draw_gains(sketch: Sketch, table: pd.DataFrame, theme: Theme) -> None:
    rank = f32(table["rank"])
    sketch.scatter(
        x=rank,
        y=f32(table["left"]),
        mode="lines",
        line={"width": 0},
        fill="tozeroy",
        fillcolor=rgba(RIGHT_COLOR, 0.35),
        name="left in the worst case",
        hovertemplate="%{y:.4f}",
    )
    sketch.scatter(
        x=rank,
        y=f32(table["gain"]),
        mode="lines",
        line={"width": 3, "color": ink(theme).text},
        fill="tonexty",
        fillpattern={
            "shape": "/",
            "size": 9,
            "solidity": 0.22,
            "fgcolor": WRONG_COLOR,
            "bgcolor": rgba(WRONG_COLOR, 0.10),
            "fillmode": "replace",
        },
        name="gain",
        hovertemplate="%{y:.4f}",
    )


def _draw_probabilities(sketch: Sketch, table: pd.DataFrame) -> None:
    rad = strategy_style("rad").color
    for axis, column, color, name in (("y2", "q", rad, "bought"), ("y3", "attack", WRONG_COLOR, "attacked")):
        sketch.scatter(
            x=f32(table["rank"]),
            y=f32(table[column]),
            yaxis=axis,
            mode="lines",
            line={"width": 2.5, "color": color, "dash": "solid" if column == "q" else "dash"},
            fill="tozeroy",
            fillcolor=rgba(color, 0.22),
            name=name,
            hovertemplate="%{y:.4f}",
        )


def _label_game(sketch: Sketch, drawn: pd.DataFrame, game: Equilibrium, theme: Theme) -> None:
    colors, n, top = ink(theme), len(drawn), float(drawn["gain"].iloc[0])
    if game.waterline > 0:
        sketch.shape(
            type="line",
            x0=0,
            x1=1,
            xref="x domain",
            y0=game.waterline,
            y1=game.waterline,
            line={"color": RIGHT_COLOR, "width": 2.5, "dash": "dash"},
        )
        # Never on the curve: where the waterline is low, the label moves up to where the right third is free.
        free = max(game.waterline, float(drawn["gain"].iloc[int(0.66 * (n - 1))]))
        sketch.note(
            x=1,
            xref="x domain",
            xanchor="right",
            y=free,
            yanchor="bottom",
            yshift=3,
            text=f"<b>waterline: the price of a label is {number(game.waterline)}</b>",
            bgcolor=colors.halo,
        )
    # A small cap cannot be told from the axis; its number stands in the panel below in any case.
    if game.cap > 0.08 * top and abs(game.cap - game.waterline) > 0.06 * top:
        sketch.shape(
            type="line",
            x0=0,
            x1=1,
            xref="x domain",
            y0=game.cap,
            y1=game.cap,
            line={"color": strategy_style("rad").color, "width": 2, "dash": "dot"},
        )
        sketch.note(
            x=1,
            xref="x domain",
            xanchor="right",
            y=game.cap,
            yanchor="bottom",
            yshift=2,
            text="cap",
        )
    headings = (
        ("y2", f"<b>we buy it</b>: cap / gain, at most 1 (cap {number(game.cap)})"),
        ("y3", "<b>it is attacked</b>"),
    )
    for axis, text in headings:
        sketch.note(
            x=1,
            xref="x domain",
            xanchor="right",
            y=1,
            yref=f"{axis} domain",
            yanchor="bottom",
            text=text,
        )
    if not drawn["attack"].gt(0).any():
        return
    # The room above the falling curve is free: the label stands there, right of the curve at its own height.
    g, left = drawn["gain"].to_numpy(), drawn["left"].to_numpy()
    base = float(left[0])
    height = base + 0.8 * (top - base)
    start = float(np.searchsorted(-g, -height) + 1) + 0.05 * n
    inside = int(np.searchsorted(-g, -(base + 0.62 * (top - base))) * 0.6)
    sketch.note(
        x=inside + 1,
        y=base + 0.55 * (top - base),
        ax=min(start, 0.5 * n),
        axref="x",
        ay=height,
        ayref="y",
        xanchor="left",
        showarrow=True,
        arrowhead=2,
        arrowwidth=1.5,
        arrowcolor=WRONG_COLOR,
        bgcolor=colors.halo,
        text="<b>shaved off</b>: what the teacher's mistakes can cost",
    )
    if game.waterline > 0.1 * top:
        sketch.note(
            x=0.02,
            xref="x domain",
            xanchor="left",
            y=0.5 * game.waterline,
            text="<b>left in the worst case</b>",
        )


# --- the small game -----------------------------------------------------------------------------------------------


def small_game_chart(gains: ArrayLike, game: Equilibrium, *, theme: Theme = "light", height: int = 520) -> Chart:
    """A handful of points as bars: what is left of each after the attack, what is shaved off, and how likely we buy it.

    gains: (N,) in any order, best at most twenty; the bars stay in that order, so that a reader who changes a gain
    sees its own bar move.
    """
    g, q, attack = (np.asarray(values, np.float64) for values in (gains, game.q, game.attack))
    if not g.shape == q.shape == attack.shape:
        raise InputError(f"gains has shape {g.shape}, but the game was solved for {q.shape[0]} points.")
    left = g * (1.0 - attack)
    points = np.arange(1, len(g) + 1)
    sketch = new_sketch(theme, height, barmode="stack", hovermode="x unified", hoversubplots="axis")
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
        sketch.shape(
            type="line",
            x0=0,
            x1=1,
            xref="x domain",
            y0=game.waterline,
            y1=game.waterline,
            line={"color": ink(theme).text, "width": 2.5, "dash": "dash"},
        )
        sketch.note(
            x=1,
            xref="x domain",
            xanchor="left",
            y=game.waterline,
            align="left",
            xshift=6,
            text=f"<b>waterline {number(game.waterline)}</b><br>the price of a label",
        )
