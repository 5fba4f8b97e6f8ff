"""What each rule guarantees in the worst case, as a function of the budget and of the teacher's accuracy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from app.figures.base import Chart, Sketch, Theme, f32, ink, new_sketch, rgba, spread
from app.figures.drawing import XY, Series, whole_steps
from app.findings.words import number
from app.palette import strategy_label, strategy_style, text_color
from rad_core.results.words import percent
from rad_core.selection.whatif import RULES, SortedGains, default_accuracies, guarantees, sort_gains, wrong_counts

_X_TITLE, _Y_TITLE = "Share of the pool that the teacher gets right", "Guaranteed gain (worst case)"


def guarantee_by_accuracy(
    gains: ArrayLike | SortedGains,
    budget: int,
    *,
    measured: float,
    interval: tuple[float, float],
    gain_name: str = "margin",
    narrow: bool = False,
    theme: Theme = "light",
    height: int = 460,
) -> Chart:
    """Worst-case informative-and-correct gain of each rule against the accuracy of the teacher.

    gains: (N,) or SortedGains. budget: labels bought. measured and interval: the teacher's accuracy as estimated
    on checked examples and its confidence limits, to be marked. narrow: for half a page.
    """
    pool = sort_gains(gains)
    xs = default_accuracies(measured, pool.size, budget)
    wrong = wrong_counts(pool.size, xs)
    values = {gain_name if rule == "greedy" else rule: guarantees(pool, budget, wrong, rule) for rule in RULES}
    sketch = new_sketch(theme, height, margin={"l": 80, "r": 90 if narrow else 130, "t": 16, "b": 60})
    # Set, or a long text beside a mark would stretch the axis beyond what there is.
    sketch.xaxis(title_text=_X_TITLE, tickformat=".0%", range=[float(xs[0]), float(xs[-1])])
    _draw_curves(sketch, values, xs, height, theme)
    text = f"estimated {percent(measured)}"
    if not narrow:
        text += f"<br>95% interval<br>{percent(interval[0])} to {percent(interval[1])}"
    there = {name: float(np.interp(measured, xs, value)) for name, value in values.items()}
    right = measured - xs[0] < (0.75 if narrow else 0.35) * (xs[-1] - xs[0])
    _mark(sketch, measured, interval, text, there, right=right, theme=theme)
    table = pd.DataFrame({"Teacher accuracy": xs, "Teacher mistakes": wrong})
    table = table.assign(**{f"Guaranteed gain, {strategy_label(name)}": value for name, value in values.items()})
    parts = [f"{strategy_label(name)} {number(value)}" for name, value in there.items()]
    alt = (
        f"With {budget:,} labels from a teacher that is right on {percent(measured)} of the pool, the guaranteed gain "
        f"is: {', '.join(parts)}."
    )
    return Chart(sketch.finish(), table, "What if the teacher is worse than we think?", alt, _drawing(values, xs))


def _drawing(values: dict[str, np.ndarray], accuracies: np.ndarray) -> XY:
    lines = [
        Series(strategy_label(name), strategy_style(name), accuracies, value, markers=False)
        for name, value in values.items()
    ]
    top = max(float(value.max()) for value in values.values())
    form = "General" if top < 10 else "#,##0"
    return XY(lines, _X_TITLE, _Y_TITLE, "0%", form, whole_steps(accuracies), whole_steps(0.0, top))


def _draw_curves(sketch: Sketch, values: dict[str, np.ndarray], xs: np.ndarray, height: int, theme: Theme) -> None:
    """Every curve, and its name at its right end, moved apart where they meet."""
    top = max(float(value.max()) for value in values.values()) or 1.0
    sketch.yaxis(title_text=_Y_TITLE, range=[-0.015 * top, 1.06 * top])
    # RAD is drawn last, on top of the others.
    for name, value in sorted(values.items(), key=lambda item: item[0] == "rad"):
        style = strategy_style(name)
        sketch.scatter(
            x=f32(xs),
            y=f32(value),
            mode="lines",
            name=style.label,
            cliponaxis=False,
            line={"color": style.color, "width": style.width, "dash": style.dash},
            hovertemplate=f"<b>{style.label}</b><br>teacher right on %{{x:.1%}}: %{{y:,.4~g}}<extra></extra>",
        )
    names = list(values)[::-1]
    gap = 1.06 * top * 22 / max(1, height - 80)
    places = spread([float(values[name][-1]) for name in names], gap, 0.0, 1.06 * top)
    for name, place in zip(names, places, strict=True):
        style = strategy_style(name)
        font = {"color": text_color(style.color, theme == "dark"), "size": 16}
        sketch.beside(float(place), f"<b>{style.label}</b>", xshift=10, font=font)


def _mark(
    sketch: Sketch,
    x: float,
    interval: tuple[float, float],
    text: str,
    there: dict[str, float],
    *,
    right: bool,
    theme: Theme,
) -> None:
    """A vertical line in its interval, a symbol where it meets each curve, and the values there beside it."""
    sketch.shape(
        type="rect",
        x0=interval[0],
        x1=interval[1],
        y0=0,
        y1=1,
        yref="y domain",
        layer="below",
        line={"width": 0},
        fillcolor=rgba("#808080", 0.22),
    )
    listed = [text]
    for name, y in there.items():
        style = strategy_style(name)
        marker = {"symbol": style.symbol, "size": 12, "color": style.color}
        sketch.scatter(x=f32([x]), y=f32([y]), mode="markers", cliponaxis=False, hoverinfo="skip", marker=marker)
        color = text_color(style.color, theme == "dark")
        listed.append(f'<span style="color:{color}">{style.label} <b>{number(y)}</b></span>')
    sketch.upright(x, color=ink(theme).soft, width=1.5, layer="below")
    sketch.note(
        x=x,
        xanchor="left" if right else "right",
        xshift=8 if right else -8,
        y=1,
        yref="y domain",
        yanchor="top",
        align="left" if right else "right",
        text="<br>".join(listed),
        font={"color": ink(theme).soft, "size": 15},
    )
