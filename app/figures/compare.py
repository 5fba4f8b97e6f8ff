"""Who needs fewer labels, and by how much is one strategy ahead: dots with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.claims import saving
from app.figures.base import MINUS, SMALL_SIZE, Chart, Sketch, Theme, error_bars, f32, ink, new_sketch, percent, rows
from app.palette import strategy_label, strategy_order, strategy_style, text_color
from rad_core.study.summary import interval, labels_needed

_GREY = "#8C8C8C"


def label_efficiency_chart(
    table: pd.DataFrame,
    target: float,
    *,
    baseline: str | None = "uniform",
    strategies: Sequence[str] | None = None,
    theme: Theme = "light",
    height: int | None = None,
) -> Chart:
    """Number of soft labels after which each strategy reaches an accuracy: mean over seeds, 95 % t interval, each seed.

    table: columns strategy, seed, round, labels, accuracy. Read off the measured curves, interpolated between rounds,
    never extrapolated: a strategy that some seed does not bring to the target is named as such. baseline: the strategy
    to which the saving refers.
    """
    found = _needed(table, target, strategies)
    listed = rows(found)[::-1]
    sketch = new_sketch(theme, height or 120 + 44 * len(listed), margin={"l": 20, "r": 265, "t": 16, "b": 60})
    most = float(table["labels"].max()) if len(table) else 1.0
    sketch.update_layout(
        xaxis={"title": {"text": f"Soft labels needed for {percent(target)} accuracy"}, "range": [0, 1.03 * most or 1],
               "showgrid": True, "tickformat": ",d", "tickvals": _ticks(most)},
        yaxis={"showgrid": False, "range": [-0.6, len(listed) - 0.4], "tickvals": list(range(len(listed))), "ticks": "",
               "ticktext": [_name(row.strategy) for row in listed], "showline": False,
               "tickfont": {"size": 16, "color": ink(theme).text}},
    )  # fmt: skip
    reference = _mean_of(found, baseline)
    cells = labels_needed(table, target)
    for y, row in enumerate(listed):
        seeds = cells.loc[cells["strategy"] == row.strategy, "labels"].dropna()
        _draw_needed(sketch, y, row, seeds)
        sketch.note(
            x=1, xref="x domain", y=y, xanchor="left", xshift=12, font={"size": SMALL_SIZE},
            text=_saving_text(row, table, target, baseline), align="left",
        )  # fmt: skip
    title = f"How many labels does each strategy need to reach {percent(target)}?"
    return Chart(sketch.finish(), _needed_table(found, reference, baseline), title, _needed_alt(found, target))


def paired_difference_chart(
    differences: pd.DataFrame,
    ours: str = "rad",
    *,
    what: str = "final accuracy",
    unit: str = "percentage points",
    scale: float = 100.0,
    theme: Theme = "light",
    height: int | None = None,
) -> Chart:
    """One strategy minus each of the others, paired by seed, with its 95 % t interval and a line at zero.

    differences: as from `rad_core.study.summary.paired_differences`: columns baseline, difference, low, high, n,
    verdict. A difference that the interval does not separate from zero is grey and open. scale and unit: of the axis.
    """
    order = {name: i for i, name in enumerate(strategy_order(list(differences["baseline"])))}
    found = differences.sort_values("baseline", key=lambda names: names.map(order)).reset_index(drop=True)
    listed = rows(found)[::-1]
    label = strategy_style(ours).label
    sketch = new_sketch(theme, height or 130 + 44 * len(listed), margin={"l": 20, "r": 230, "t": 40, "b": 60})
    ends = scale * found[["difference", "low", "high"]].to_numpy(float)
    low, high = float(np.nanmin(ends, initial=0.0)), float(np.nanmax(ends, initial=0.0))
    pad = 0.14 * max(high - low, 1e-9)
    sketch.update_layout(
        xaxis={"title": {"text": f"{label} minus the other: {what} ({unit})"}, "range": [low - pad, high + pad],
               "showgrid": True, "tickformat": "~g"},
        yaxis={"showgrid": False, "range": [-0.6, len(listed) - 0.4], "tickvals": list(range(len(listed))), "ticks": "",
               "ticktext": [_name(row.baseline) for row in listed], "showline": False,
               "tickfont": {"size": 16, "color": ink(theme).text}},
    )  # fmt: skip
    sketch.shape(type="line", x0=0, x1=0, y0=0, y1=1, yref="y domain", line={"color": ink(theme).text, "width": 1.5})
    for side, text in (("right", f"{label} better"), ("left", f"{label} worse")):
        sketch.note(
            x=0, y=1, yref="y domain", yanchor="bottom", xanchor="left" if side == "right" else "right",
            xshift=10 if side == "right" else -10, font={"color": ink(theme).soft},
            text=f"{text} \u2192" if side == "right" else f"\u2190 {text}",
        )  # fmt: skip
    for y, row in enumerate(listed):
        _draw_difference(sketch, y, row, ours, scale, theme)
    return Chart(
        sketch.finish(),
        _difference_table(found, label, what, scale, unit),
        f"Is {label} better than the others, beyond what the seeds can tell?",
        _difference_alt(listed[::-1], label, what, scale, unit),
    )


# --- labels needed ------------------------------------------------------------------------------------------------


def _needed(table: pd.DataFrame, target: float, strategies: Sequence[str] | None) -> pd.DataFrame:
    """One row per strategy, the thriftiest first, those that do not reach the target last."""
    cells, needed = labels_needed(table, target), []
    for name in strategy_order(list(cells["strategy"])):
        if strategies is not None and name not in strategies:
            continue
        labels = cells.loc[cells["strategy"] == name, "labels"]
        mine = table[table["strategy"] == name]
        best = float(mine.groupby("round")["accuracy"].mean().max())
        complete = bool(labels.notna().all()) and len(labels) > 0
        ours = interval(labels if complete else [])
        reached = int(labels.notna().sum())
        needed.append((name, len(labels), reached, ours.mean, ours.low, ours.high, best, float(mine["labels"].max())))
    columns = ["strategy", "seeds", "reached", "labels", "low", "high", "best", "most"]
    found = pd.DataFrame(needed, columns=columns)
    return found.sort_values(["labels", "best"], ascending=[True, False], na_position="last", kind="stable")


def _mean_of(found: pd.DataFrame, strategy: str | None) -> float:
    mine = found.loc[found["strategy"] == strategy, "labels"]
    return float(mine.iloc[0]) if len(mine) else np.nan


def _draw_needed(sketch: Sketch, y: int, row: Any, seeds: pd.Series) -> None:
    name = str(row.strategy)
    style = strategy_style(name)
    if len(seeds):
        sketch.scatter(
            x=f32(seeds), y=f32(np.full(len(seeds), y)), mode="markers",
            hovertemplate="one seed: %{x:,.0f} labels<extra></extra>",
            marker={"symbol": "line-ns-open", "size": 14, "color": style.color, "line": {"width": 1.5}},
        )  # fmt: skip
    labels, low, high = row.labels, row.low, row.high
    if not np.isfinite(labels):
        return
    sketch.scatter(
        x=f32([0, labels]), y=f32([y, y]), mode="lines", hoverinfo="skip",
        line={"color": style.color, "width": 5 if name == "rad" else 2}, opacity=0.35,
    )  # fmt: skip
    sketch.scatter(
        x=f32([labels]), y=f32([y]), mode="markers", error_x=error_bars(labels, low, high, style.color),
        marker={"symbol": style.symbol, "size": 17 if name == "rad" else 13, "color": style.color},
        hovertemplate=f"<b>{style.label}</b><br>%{{x:,.0f}} labels<extra></extra>", cliponaxis=False,
    )  # fmt: skip


def _saving_text(row: Any, table: pd.DataFrame, target: float, baseline: str | None) -> str:
    """The number, and what it saves against the baseline as far as the seeds show that."""
    labels, name = row.labels, str(row.strategy)
    if not np.isfinite(labels):
        who = "not reached" if row.reached == 0 else f"reached by {row.reached} of {row.seeds} seeds"
        return f"<i>{who}<br>within {row.most:,.0f} labels (best {percent(row.best)})</i>"
    text = f"<b>{labels:,.0f}</b>"
    if baseline is None or name == baseline:
        return text
    found = saving(table, target, baseline, name)
    if found.claim.outcome == "tie":
        return f"{text}<br>no difference shown to {strategy_style(baseline).label}"
    if found.claim.outcome == "unknown" or not np.isfinite(found.share):
        return text
    sign = MINUS if found.share > 0 else "+"
    return f"{text}<br>{sign}{percent(abs(found.share), 0)} against {strategy_style(baseline).label}"


def _ticks(most: float) -> list[float]:
    raw = most / 5
    step = next(s for s in 10.0 ** np.floor(np.log10(raw)) * np.array([1, 2, 5, 10]) if s >= raw) if raw > 0 else 1.0
    return [float(tick) for tick in np.arange(0, most + 1e-9, step)]


def _name(strategy: str) -> str:
    label = strategy_label(strategy).replace("(knows the truth)", "(upper bound)")
    return f"<b>{label}</b>  " if strategy == "rad" else f"{label}  "


def _needed_table(found: pd.DataFrame, reference: float, baseline: str | None) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "Strategy": [strategy_label(name) for name in found["strategy"]],
            "Soft labels needed": found["labels"].to_numpy(),
            "95% interval, low": found["low"].to_numpy(),
            "95% interval, high": found["high"].to_numpy(),
            "Seeds that reach it": found["reached"].to_numpy(),
            "Seeds": found["seeds"].to_numpy(),
            "Best mean accuracy": found["best"].to_numpy(),
        }
    )
    if baseline is not None and np.isfinite(reference) and reference > 0:
        table[f"Compared with {strategy_label(baseline)}"] = table["Soft labels needed"] / reference - 1.0
    return table


def _needed_alt(found: pd.DataFrame, target: float) -> str:
    parts = [
        f"{strategy_label(str(row.strategy))} {row.labels:,.0f}"
        if np.isfinite(row.labels)
        else f"{strategy_label(str(row.strategy))} not reached by all seeds"
        for row in rows(found)
    ]
    return f"Soft labels needed for {percent(target)} accuracy, mean over seeds: {'; '.join(parts)}."


# --- differences --------------------------------------------------------------------------------------------------


def _draw_difference(sketch: Sketch, y: int, row: Any, ours: str, scale: float, theme: Theme) -> None:
    baseline = str(row.baseline)
    middle, low, high = (scale * value for value in (row.difference, row.low, row.high))
    shown = row.verdict != "no difference shown"
    winner = ours if row.verdict == "higher" else baseline
    color = strategy_style(winner).color if shown else _GREY
    symbol = strategy_style(winner).symbol if shown else "circle-open"
    sketch.scatter(
        x=f32([middle]), y=f32([y]), mode="markers", error_x=error_bars(middle, low, high, color), cliponaxis=False,
        marker={"symbol": symbol, "size": 14, "color": color, "line": {"width": 2 if not shown else 0, "color": color}},
        hovertemplate=f"against {strategy_label(baseline)}: %{{x:+.2f}}<extra></extra>",
    )  # fmt: skip
    seeds = int(row.n)
    limits = "1 seed: no interval" if seeds < 2 else f"{_signed(low)} to {_signed(high)}"
    text = f"{_signed(middle)}  ({limits})".replace("-", MINUS)
    text = f"<b>{text}</b>" if shown else f"{text}<br>no difference shown"
    sketch.note(
        x=1, xref="x domain", xanchor="left", xshift=12, y=y, text=text, align="left",
        font={"size": SMALL_SIZE, "color": text_color(color, theme == "dark") if shown else ink(theme).soft},
    )  # fmt: skip


def _signed(value: float) -> str:
    """A difference with its sign; one that is not zero is never written as zero."""
    return f"{value:+.1f}" if abs(value) >= 0.05 or value == 0 else f"{value:+.1g}"


def _difference_table(found: pd.DataFrame, label: str, what: str, scale: float, unit: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Compared with": [strategy_label(name) for name in found["baseline"]],
            f"{label} minus it, {what} ({unit})": scale * found["difference"],
            "95% interval, low": scale * found["low"],
            "95% interval, high": scale * found["high"],
            "Seeds": found["n"],
            "Verdict for " + label: found["verdict"],
        }
    )


def _difference_alt(listed: Sequence[Any], label: str, what: str, scale: float, unit: str) -> str:
    parts = [f"{strategy_label(str(row.baseline))} {scale * row.difference:+.1f} ({row.verdict})" for row in listed]
    return f"{label} minus each other strategy in {what} ({unit}), paired by seed: {'; '.join(parts)}."
