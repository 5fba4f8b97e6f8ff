"""Tables as colors: per class, and overlap between strategies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from plotly.colors import sample_colorscale

from app.figures.base import SMALL_SIZE, Chart, Sketch, Theme, f32, new_sketch, verbatim
from app.figures.drawing import short
from app.palette import SEQUENTIAL, luminance, rgb, strategy_label, strategy_order
from rad_core.errors import InputError

_MOST_NUMBERS = 160  # more cells than this carry no number


def class_heatmap(
    values: ArrayLike,
    strategies: Sequence[str],
    classes: Sequence[str],
    *,
    kind: Literal["accuracy", "picks"] = "accuracy",
    theme: Theme = "light",
) -> Chart:
    """Per class and strategy: accuracy (0 to 1), or the number of labels bought.

    values: (S, C), strategies by classes; NaN where nothing is known.
    """
    matrix = np.asarray(values, np.float64)
    if matrix.shape != (len(strategies), len(classes)):
        raise InputError(f"values has shape {matrix.shape}; it must be ({len(strategies)}, {len(classes)}).")
    order = [list(strategies).index(name) for name in strategy_order(strategies)]
    matrix, names = matrix[order], [strategies[i] for i in order]
    share = kind == "accuracy"
    sketch = _heatmap(
        matrix,
        list(classes),
        [strategy_label(name) for name in names],
        theme,
        150 + 40 * len(names),
        "accuracy" if share else "labels",
        ".0%" if share else ",.0f",
    )
    sketch.xaxis(title_text="Class")
    table = pd.DataFrame(matrix, columns=list(classes)).assign(Strategy=[strategy_label(name) for name in names])
    table = table[["Strategy", *classes]]
    question = "How accurate is the student on each class?" if share else "In which classes were the labels bought?"
    return Chart(sketch.finish(), table, question, _class_alt(matrix, names, classes, share))


def overlap_heatmap(overlap: pd.DataFrame, *, theme: Theme = "light") -> Chart:
    """Share of picks that each pair of strategies is expected to have in common, each drawing for itself.

    overlap: (S, S) shares between 0 and 1 with strategy names as index and columns, as from
    `rad_core.selection.whatif.overlap_matrix`.
    """
    names = strategy_order(list(overlap.index))
    square = overlap.loc[names, names]
    matrix = square.to_numpy(np.float64, copy=True)
    labels = [short(name) for name in names]
    sketch = _heatmap(matrix, labels, labels, theme, 160 + 44 * len(names), "common picks, expected", ".0%")
    sketch.xaxis(tickangle=-30 if len(names) > 5 else 0)
    table = square.set_axis(labels, axis=1).reset_index(drop=True)
    table.insert(0, "Strategy", labels)
    question = "Do the strategies buy the same points?"
    return Chart(sketch.finish(), table, question, _overlap_alt(matrix, labels))


def _heatmap(
    matrix: np.ndarray,
    columns: list[str],
    rows: list[str],
    theme: Theme,
    height: int,
    what: str,
    form: str,
) -> Sketch:
    sketch = new_sketch(theme, height, margin={"l": 20, "r": 20, "t": 16, "b": 60})
    bar_text = {"text": what, "side": "right", "font": {"size": SMALL_SIZE}}
    gap = 2 if len(columns) <= 40 else 0
    columns = list(map(verbatim, columns))
    sketch.heatmap(
        z=f32(matrix),
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        colorscale=SEQUENTIAL,
        xgap=gap,
        ygap=2,
        customdata=[[f"{row}<br>{column}" for column in columns] for row in rows] if matrix.size <= 2000 else None,
        hovertemplate=f"%{{customdata}}<br>%{{z:{form}}}<extra></extra>",
        hoverongaps=False,
        colorbar={
            "title": bar_text,
            "tickformat": form,
            "thickness": 14,
            "outlinewidth": 0,
            "tickfont": {"size": SMALL_SIZE},
        },
    )
    if matrix.size <= _MOST_NUMBERS:
        _write_numbers(sketch, matrix, form)
    step = max(1, len(columns) // 25)
    sketch.update_layout(
        xaxis={
            "tickvals": list(range(0, len(columns), step)),
            "ticktext": columns[::step],
            "showline": False,
            "ticks": "",
        },
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": rows,
            "autorange": "reversed",
            "showgrid": False,
            "showline": False,
            "ticks": "",
            "tickfont": {"size": 16},
        },
    )
    return sketch


def _write_numbers(sketch: Sketch, matrix: np.ndarray, form: str) -> None:
    """The numbers in the cells, black or white, whichever stands out more from the cell."""
    rows, columns = np.nonzero(np.isfinite(matrix))
    values = matrix[rows, columns]
    span = float(np.ptp(values)) if len(values) else 0.0
    shades = sample_colorscale(SEQUENTIAL, list((values - values.min()) / span if span else values * 0.0))
    sketch.scatter(
        x=f32(columns),
        y=f32(rows),
        mode="text",
        text=[format(value, form) for value in values],
        hoverinfo="skip",
        textfont={"size": SMALL_SIZE, "color": ["#000000" if _is_light(shade) else "#FFFFFF" for shade in shades]},
    )


def _is_light(shade: str) -> bool:
    """Whether black has more contrast than white on a color such as "rgb(12, 34, 56)"."""
    return (luminance(rgb(shade)) + 0.05) ** 2 > 1.05 * 0.05


def _class_alt(matrix: np.ndarray, names: Sequence[str], classes: Sequence[str], share: bool) -> str:
    if not np.isfinite(matrix).any():
        return "Nothing is known per class yet."
    parts = []
    for name, row in zip(names, matrix, strict=True):
        if np.isfinite(row).any():
            low, high = int(np.nanargmin(row)), int(np.nanargmax(row))
            form = "{:.0%}" if share else "{:,.0f}"
            parts.append(
                f"{strategy_label(name)} from {form.format(row[low])} ({classes[low]}) to "
                f"{form.format(row[high])} ({classes[high]})"
            )
    return f"{'Accuracy' if share else 'Labels bought'} per class: {'; '.join(parts)}."


def _overlap_alt(matrix: np.ndarray, labels: Sequence[str]) -> str:
    pairs = [(matrix[i, j], i, j) for i in range(len(labels)) for j in range(i) if np.isfinite(matrix[i, j])]
    if not pairs:
        return "There is no pair of strategies to compare."
    most, least = max(pairs), min(pairs)
    return (
        f"Expected share of common picks: most for {labels[most[2]]} and {labels[most[1]]} ({most[0]:.0%}), "
        f"least for {labels[least[2]]} and {labels[least[1]]} ({least[0]:.0%})."
    )
