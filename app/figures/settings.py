"""In which settings it mattered which labels were bought, and where this one lies among them."""

from __future__ import annotations

from textwrap import wrap

import numpy as np
import pandas as pd

from app.figures.base import Chart, Theme, f32, ink, new_sketch
from app.findings.foresight import Atlas, title_of
from app.palette import CLASS_COLORS, text_color
from rad_core.selection.foresight import Foresight

_BESIDE = "certain"  # what the settings are spread by, beside what tells
_OTHERWISE = "fall"
_LINE = 44  # characters of an axis title that fit into a narrow page


def settings_chart(atlas: Atlas, known: Foresight | None, *, theme: Theme = "light", height: int = 420) -> Chart:
    """Every setting by what tells whether choosing matters, filled where it came to matter; this one as a diamond."""
    across = atlas.cut.measure
    up = _BESIDE if across != _BESIDE else _OTHERWISE
    sketch = new_sketch(theme, height, margin={"l": 80, "r": 30, "t": 40, "b": 60})
    color, soft = ink(theme).text, ink(theme).soft
    for axis, measure in ((sketch.xaxis, across), (sketch.yaxis, up)):
        axis(
            title_text="<br>".join(wrap(title_of(measure), _LINE)),
            tickformat=".0%" if measure in ("fall", "accuracy") else "~g",
        )
    for came, words in ((True, "it mattered"), (False, "it did not show")):
        rows = atlas.table[atlas.differ == came]
        sketch.scatter(
            x=f32(rows[across]),
            y=f32(rows[up]),
            mode="markers",
            cliponaxis=False,
            customdata=rows["setting"].to_list(),
            marker={
                "size": 11,
                "symbol": "circle" if came else "circle-open",
                "color": color if came else soft,
                "line": {"width": 1.5, "color": color if came else soft},
            },
            hovertemplate=f"%{{customdata}}: {words}<extra></extra>",
        )
    sketch.upright(atlas.cut.limit, layer="below", color=soft, width=1.5, dash="dash")
    sides = ("matters", "does not show") if atlas.cut.below else ("does not show", "matters")
    for text, anchor, shift in ((f"{sides[0]} ◂", "right", -6), (f"▸ {sides[1]}", "left", 6)):
        place = {"x": atlas.cut.limit, "xanchor": anchor, "xshift": shift, "y": 1, "yref": "y domain"}
        sketch.note(**place, yanchor="bottom", text=text, font={"color": soft})
    here = None if known is None else (getattr(known, across), getattr(known, up))
    if here is not None and np.isfinite(here).all():
        marker = {"size": 18, "symbol": "diamond", "color": text_color(CLASS_COLORS[0], theme == "dark")}
        sketch.scatter(
            x=f32([here[0]]),
            y=f32([here[1]]),
            mode="markers+text",
            text=["<b>here</b>"],
            textposition="top center",
            cliponaxis=False,
            marker=marker,
            hovertemplate="here<extra></extra>",
        )
    table = pd.DataFrame(
        {
            "Setting": atlas.table["setting"],
            title_of(across): atlas.table[across],
            title_of(up): atlas.table[up],
            "Margin minus uniform, points": atlas.table["margin"],
            "RAD minus uniform, points": atlas.table["rad"],
            "It mattered": np.where(atlas.differ, "yes", "no"),
        }
    )
    alt = (
        f"In {int(atlas.differ.sum())} of {atlas.size} settings it mattered which labels were bought; a limit of "
        f"{atlas.cut.limit:.3g} tells {atlas.cut.right} of them apart."
    )
    return Chart(sketch.finish(), table, "Where did it matter which labels were bought?", alt)
