"""One look for every strategy, class and verdict, the same on every page and in every export.

The colors are Okabe and Ito's hues, shifted until they also keep apart under simulated deuteranopia and protanopia, and
those of strategies have a contrast of 3 on white and on dark paper. Nothing relies on color alone: dash and symbol
differ, too.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageColor

from rad_core.selection.strategies import STRATEGIES, label_of


@dataclass(frozen=True)
class Style:
    """How a strategy is drawn: its label, color, line dash, marker symbol and line width (px)."""

    label: str
    color: str
    dash: str
    symbol: str
    width: float = 2.5


_LOOKS: dict[str, tuple] = {  # color, dash, symbol and, where it is another one, width
    "rad": ("#D55E00", "solid", "circle", 4.5),
    "uniform": ("#757575", "dash", "square"),
    "margin": ("#2D5CC1", "dashdot", "diamond"),
    "entropy": ("#2E99E5", "dot", "triangle-up"),
    "least_confidence": ("#3F6A8C", "longdashdot", "triangle-down"),
    "coreset": ("#36A66A", "longdash", "cross"),
    "badge": ("#B183B6", "12px,4px", "pentagon"),
    "cluster_margin": ("#6F3CE0", "4px,4px", "x"),
    "unixkd": ("#85603A", "10px,4px,2px,4px,2px,4px", "hexagram"),
    "mraru": ("#C80890", "14px,4px,2px,4px,2px,4px,2px,4px", "star"),
    "oracle": ("#779F32", "2px,5px", "star-open"),
}
STRATEGY_STYLES = {name: Style(STRATEGIES[name].label, *look) for name, look in _LOOKS.items()}

_DARK_PAPER = 0.0056  # luminance of Streamlit's dark background, #0E1117

# For strategies that are added later and have no entry of their own yet.
_SPARE_COLORS = ("#9B6A00", "#1F8A9E", "#A23B72", "#5E8C31", "#7A6FC2", "#B5524A")
_SPARE_DASHES = ("8px,3px", "3px,3px", "14px,3px,3px,3px", "6px,6px")
_SPARE_SYMBOLS = ("triangle-left", "triangle-right", "hourglass", "bowtie", "octagon", "star-diamond")

CLASS_COLORS = (
    "#4958AB",
    "#F3A027",
    "#06A263",
    "#EC9CAD",
    "#51A9FE",
    "#C45000",
    "#9B42EE",
    "#97B859",
    "#8A4F2A",
    "#B7016A",
    "#2AC0E1",
    "#7B7B9C",
)
OTHER_COLOR = "#9A9A9A"
OTHER_LABEL = "other classes"

RIGHT_COLOR, RIGHT_SYMBOL, RIGHT_LABEL = "#4E8FC0", "circle", "teacher right"
WRONG_COLOR, WRONG_SYMBOL, WRONG_LABEL = "#D81B60", "x", "teacher wrong"
UNDEFINED_COLOR, UNDEFINED_SYMBOL, UNDEFINED_LABEL = "#9A9A9A", "diamond-open", "mixture: right or wrong is undefined"

# A name of Plotly's: readable by color-blind people, and prints in order of lightness.
SEQUENTIAL = "Cividis"


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue of a color such as "#C81E5B" or "rgb(200, 30, 91)", 0 to 255 each."""
    red, green, blue = ImageColor.getrgb(color)[:3]
    return red, green, blue


def text_color(color: str, dark: bool) -> str:
    """The color moved towards black or white until text in it has a contrast of at least 4.5 on white or dark paper."""
    paper, target = (_DARK_PAPER, 255) if dark else (1.0, 0)
    for step in range(21):
        mixed = [round(channel + (target - channel) * step / 20) for channel in rgb(color)]
        lighter, darker = sorted((luminance(mixed), paper), reverse=True)
        if (lighter + 0.05) / (darker + 0.05) >= 4.5:
            break
    return "#" + "".join(f"{channel:02X}" for channel in mixed)


def luminance(channels: Sequence[int]) -> float:
    """Relative luminance of a color (0-255 per channel) as WCAG defines it, 0 to 1."""
    linear = [(c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def strategy_style(name: str) -> Style:
    """How to draw a strategy; a name without an entry gets a look of its own, always the same."""
    if name in STRATEGY_STYLES:
        return STRATEGY_STYLES[name]
    code = zlib.crc32(name.encode())
    return Style(
        strategy_label(name),
        _SPARE_COLORS[code % len(_SPARE_COLORS)],
        _SPARE_DASHES[code // 7 % len(_SPARE_DASHES)],
        _SPARE_SYMBOLS[code // 31 % len(_SPARE_SYMBOLS)],
    )


def strategy_label(name: str) -> str:
    """The strategy's name in plain language; "rad_calibrated" becomes "RAD calibrated"."""
    return label_of(name)


def strategy_order(names: Sequence[str]) -> list[str]:
    """The names without repeats, in the palette's order, unknown ones after them by name."""
    known = [name for name in STRATEGY_STYLES if name in names]
    return known + sorted(set(names) - set(known))


def class_colors(classes: Sequence[str], highlight: Sequence[str] | None = None) -> dict[str, str]:
    """A color for each class: twelve of them (the first, or those to highlight) stand out, the others share one grey.

    classes: names in the data set's order. highlight: at most twelve of them; None takes the first twelve.
    """
    shown = [name for name in classes if highlight is None or name in highlight][: len(CLASS_COLORS)]
    colors = dict.fromkeys(classes, OTHER_COLOR)
    # A class keeps its color when others are highlighted, as long as no two of those shown would share one.
    wanted = [list(classes).index(name) % len(CLASS_COLORS) for name in shown]
    slots = wanted if len(set(wanted)) == len(wanted) else range(len(shown))
    return colors | {name: CLASS_COLORS[slot] for name, slot in zip(shown, slots, strict=True)}
