"""Who needs fewer labels, and by how much is one strategy ahead: dots with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.figures.base import Chart, Sketch, Theme, error_bars, f32, ink, new_sketch, rows
from app.figures.drawing import Bars, round_step, short, whole_steps
from app.palette import strategy_label, strategy_order, strategy_style, text_color
from rad_core.results.needed import Need, labels_by_seed, need
from rad_core.results.summary import FEWEST_SEEDS
from rad_core.results.verdicts import Results
from rad_core.results.words import MINUS, few, percent, target_text

_GREY = "#8C8C8C"
_POINTS = ["difference", "low", "high"]


def label_efficiency_chart(
    measured: Results, target: float, *, strategies: Sequence[str] | None = None, theme: Theme = "light"
) -> Chart:
    """Number of soft labels after which each strategy reaches an accuracy: of the mean, 95 % interval, each seed.

    As `rad_core.results.needed` defines it: never extrapolated, a strategy whose mean does not reach the target is
    named as such. strategies: which to show, all that have finished by default.
    """
    shown = [name for name in dict.fromkeys(measured.done["strategy"]) if strategies is None or name in strategies]
    needs = [need(measured, target, name) for name in strategy_order(shown)]
    needs.sort(key=lambda row: (not row.known, row.labels if row.known else -row.best))
    listed = needs[::-1]
    margin = {"l": 20, "r": 265, "t": 16, "b": 60}
    sketch = _a_row_each([row.strategy for row in listed], theme, 120 + 44 * len(listed), margin)
    most = float(measured.done["labels"].max()) if len(measured.done) else 1.0
    what = f"Soft labels needed for {target_text(target)} accuracy"
    sketch.xaxis(title_text=what, range=[0, 1.03 * most or 1], showgrid=True, tickformat=",d", tickvals=_ticks(most))
    for y, row in enumerate(listed):
        _draw_needed(sketch, y, row, labels_by_seed(measured, target, row.strategy), most)
        sketch.beside(y, _needed_text(row), xshift=12)
    parts = [f"{strategy_label(row.strategy)} {row.text}" for row in needs]
    return Chart(
        sketch.finish(),
        _needed_table(needs),
        f"How many labels does each strategy need to reach {target_text(target)}?",
        f"{what} on average: {'; '.join(parts)}.",
        _needed_drawing(needs, what),
    )


def _a_row_each(strategies: Sequence[str], theme: Theme, height: int, margin: dict[str, int]) -> Sketch:
    """An empty figure with a row for every strategy, from the bottom up."""
    sketch = new_sketch(theme, height, margin=margin)
    sketch.yaxis(
        showgrid=False,
        range=[-0.6, len(strategies) - 0.4],
        tickvals=list(range(len(strategies))),
        ticks="",
        ticktext=[_name(strategy) for strategy in strategies],
        showline=False,
        tickfont={"size": 16, "color": ink(theme).text},
    )
    return sketch


def _needed_drawing(needs: Sequence[Need], title: str) -> Bars:
    """A bar for every strategy, named with its number; none where the target is not reached."""
    values = np.array([row.labels if row.known else np.nan for row in needs], float)
    low, high = (np.array([getattr(row, end) for row in needs], float) for end in ("low", "high"))
    low, high = np.where(np.isfinite(low), low, np.nan).clip(0), np.where(np.isfinite(high), high, np.nan)
    return Bars(
        [f"{short(row.strategy)}: {f'{row.shown:,}' if row.known else 'not reached'}" for row in needs],
        values,
        low,
        high,
        [strategy_style(row.strategy).color for row in needs],
        "Soft labels needed",
        title,
        range=whole_steps(0.0, values, high),
    )


def paired_difference_chart(
    differences: pd.DataFrame, ours: str = "rad", *, what: str = "final accuracy", theme: Theme = "light"
) -> Chart:
    """One strategy minus each of the others, paired by seed, with its corrected interval and a line at zero.

    differences: as from `rad_core.results.verdicts.difference_table`: columns baseline, difference, low, high, n,
    verdict. A difference that the interval does not separate from zero is grey and open. Drawn in percentage points.
    """
    order = {name: i for i, name in enumerate(strategy_order(list(differences["baseline"])))}
    ordered = differences.sort_values("baseline", key=lambda names: names.map(order)).reset_index(drop=True)
    ordered[_POINTS] = 100.0 * ordered[_POINTS]
    listed = rows(ordered)[::-1]
    label = strategy_label(ours)
    margin = {"l": 20, "r": 230, "t": 40, "b": 60}
    sketch = _a_row_each([row.baseline for row in listed], theme, 130 + 44 * len(listed), margin)
    ends = ordered[_POINTS].to_numpy(float)
    low, high = float(np.nanmin(ends, initial=0.0)), float(np.nanmax(ends, initial=0.0))
    pad = 0.14 * max(high - low, 1e-9)
    title = f"{label} minus the other: {what} (percentage points)"
    sketch.xaxis(title_text=title, range=[low - pad, high + pad], showgrid=True, tickformat="~g")
    sketch.upright(0, color=ink(theme).text, width=1.5)
    for side, shift, text in (("left", 10, f"{label} better \u2192"), ("right", -10, f"\u2190 {label} worse")):
        font = {"color": ink(theme).soft}
        sketch.note(x=0, y=1, yref="y domain", yanchor="bottom", xanchor=side, xshift=shift, font=font, text=text)
    for y, row in enumerate(listed):
        _draw_difference(sketch, y, row, ours, theme)
    parts = [f"{strategy_label(str(row.baseline))} {row.difference:+.1f} ({row.verdict})" for row in listed[::-1]]
    return Chart(
        sketch.finish(),
        _difference_table(ordered, label, what),
        f"Is {label} better than the others, beyond what the seeds can tell?",
        f"{label} minus each other strategy in {what} (percentage points), paired by seed: {'; '.join(parts)}.",
    )


# --- labels needed ------------------------------------------------------------------------------------------------


def _draw_needed(sketch: Sketch, y: int, row: Need, seeds: np.ndarray, most: float) -> None:
    style = strategy_style(row.strategy)
    if len(seeds):
        sketch.scatter(
            x=f32(seeds),
            y=f32(np.full(len(seeds), y)),
            mode="markers",
            hovertemplate="one repetition: %{x:,.0f} labels<extra></extra>",
            marker={"symbol": "line-ns-open", "size": 14, "color": style.color, "line": {"width": 1.5}},
        )
    if not row.known:
        return
    sketch.scatter(
        x=f32([0, row.labels]),
        y=f32([y, y]),
        mode="lines",
        hoverinfo="skip",
        line={"color": style.color, "width": 5 if row.strategy == "rad" else 2},
        opacity=0.35,
    )
    ends = error_bars(row.labels, row.low, min(row.high, most), style.color) if np.isfinite(row.low) else None
    sketch.scatter(
        x=f32([row.labels]),
        y=f32([y]),
        mode="markers",
        error_x=ends,
        marker={"symbol": style.symbol, "size": 17 if row.strategy == "rad" else 13, "color": style.color},
        hovertemplate=f"<b>{style.label}</b><br>%{{x:,.0f}} labels<extra></extra>",
        cliponaxis=False,
    )


def _needed_text(row: Need) -> str:
    """The number and its interval, or that it is not known."""
    if not row.known:
        return f"<i>not reached within {row.most:,.0f} labels<br>(best mean {percent(row.best)})</i>"
    return f"<b>{row.shown:,}</b>, {row.reached_text}<br>{row.interval_text}"


def _ticks(most: float) -> list[float]:
    step = round_step(most / 5) if most > 0 else 1.0
    return [float(tick) for tick in np.arange(0, most + 1e-9, step)]


def _name(strategy: str) -> str:
    label = strategy_label(strategy).replace("(knows the truth)", "(upper bound)")
    return f"<b>{label}</b>  " if strategy == "rad" else f"{label}  "


def _needed_table(needs: Sequence[Need]) -> pd.DataFrame:
    beyond = [np.nan if np.isinf(row.high) else row.high for row in needs]
    return pd.DataFrame(
        {
            "Strategy": [strategy_label(row.strategy) for row in needs],
            "Soft labels needed": [row.labels for row in needs],
            "To the digits that the interval bears": [row.shown if row.known else np.nan for row in needs],
            "95% interval, low": [np.nan if np.isinf(row.low) else row.low for row in needs],
            "95% interval, high": beyond,
            "Interval ends beyond the last round": [bool(np.isinf(row.high)) for row in needs],
            "Seeds that reach it": [row.reached for row in needs],
            "Seeds": [row.seeds for row in needs],
            "Best mean accuracy": [row.best for row in needs],
        }
    )


# --- differences --------------------------------------------------------------------------------------------------


def _draw_difference(sketch: Sketch, y: int, row: Any, ours: str, theme: Theme) -> None:
    baseline = str(row.baseline)
    shown = row.verdict in ("higher", "lower")
    winner = strategy_style(ours if row.verdict == "higher" else baseline)
    color, symbol = (winner.color, winner.symbol) if shown else (_GREY, "circle-open")
    sketch.scatter(
        x=f32([row.difference]),
        y=f32([y]),
        mode="markers",
        error_x=error_bars(row.difference, row.low, row.high, color),
        cliponaxis=False,
        marker={"symbol": symbol, "size": 14, "color": color, "line": {"width": 2 if not shown else 0, "color": color}},
        hovertemplate=f"against {strategy_label(baseline)}: %{{x:+.2f}}<extra></extra>",
    )
    seeds = int(row.n)
    limits = few(seeds) if seeds < FEWEST_SEEDS else f"{_signed(row.low)} to {_signed(row.high)}"
    text = f"{_signed(row.difference)}  ({limits})".replace("-", MINUS)
    text = f"<b>{text}</b>" if shown else f"{text}<br>{row.verdict}"
    tone = text_color(color, theme == "dark") if shown else ink(theme).soft
    sketch.beside(y, text, xshift=12, font={"color": tone})


def _signed(value: float) -> str:
    """A difference with its sign; one that is not zero is never written as zero."""
    return f"{value:+.1f}" if abs(value) >= 0.05 or value == 0 else f"{value:+.1g}"


def _difference_table(differences: pd.DataFrame, label: str, what: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Compared with": [strategy_label(name) for name in differences["baseline"]],
            f"{label} minus it, {what} (percentage points)": differences["difference"],
            "Corrected interval, low": differences["low"],
            "Corrected interval, high": differences["high"],
            "Seeds": differences["n"],
            "Verdict for " + label: differences["verdict"],
        }
    )
