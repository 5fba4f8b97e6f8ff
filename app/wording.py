"""Words for strategies, shares, numbers and intervals in running text. No Streamlit in here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.palette import strategy_label
from rad_core.study.summary import Interval

_MINUS = "\N{MINUS SIGN}"
_ACRONYMS = ("RAD", "BADGE", "UNIXKD")
ONE_SEED = "1 seed: no uncertainty shown"


def name(strategy: str, *, first: bool = False) -> str:
    """A strategy in running text; first: at the start of a sentence."""
    label = strategy_label(strategy).split(" (")[0]
    return label if first or label.startswith(_ACRONYMS) else label[:1].lower() + label[1:]


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage, n/a where it is undefined."""
    return f"{100 * share:.{decimals}f}%".replace("-", _MINUS) if np.isfinite(share) else "n/a"


def target_text(target: float) -> str:
    """A target accuracy without needless decimals."""
    return f"{100 * target:.2f}".rstrip("0").rstrip(".") + "%"


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def points(difference: float) -> str:
    """The size of a difference of accuracies."""
    return f"{100 * abs(difference):.1f} percentage points"


def listed(words: Sequence[str]) -> str:
    """Words joined as in a sentence."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def range_text(found: Interval) -> str:
    """An interval of shares, or that there is none."""
    if found.n == 0:
        return "not measured"
    if found.n < 2:
        return ONE_SEED
    return f"{percent(found.low)} to {percent(found.high)} over {count(found.n, 'seed')}"


def per_comparison(number: int) -> str:
    """What to keep in mind where several comparisons stand side by side."""
    text = "Every 95% interval is meant for its own comparison, seed by seed."
    if number < 2:
        return text
    chance = min(1.0, 0.05 * number)
    return (
        f"{text} With {number} of them side by side, the chance that at least one excludes zero by accident can be as "
        f"high as {percent(chance, 0)}: read a single narrow win or loss with care."
    )


def literal(text: str) -> str:
    """Text from a study as Markdown that shows it as it is."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()#+-.!|$<>~:" else char for char in text)
