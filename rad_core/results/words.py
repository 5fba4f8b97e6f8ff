"""Words for strategies, shares, counts and intervals, the same on every page, slide and in every command."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rad_core.results.summary import FEWEST_SEEDS, Asked, Interval
from rad_core.selection.strategies import label_of

MINUS = "\N{MINUS SIGN}"
_IRREGULAR = {"strategy": "strategies", "process": "processes", "study": "studies"}


def name(strategy: str, *, first: bool = False) -> str:
    """A strategy in running text; first: at the start of a sentence."""
    label = label_of(strategy).split(" (")[0]
    return label if first or label[:2].isupper() else label[:1].lower() + label[1:]  # RAD stays RAD


def listed(words: Sequence[str]) -> str:
    """Words joined as in a sentence."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def capital(text: str) -> str:
    """A text that begins a sentence."""
    return text[:1].upper() + text[1:]


# --- numbers -------------------------------------------------------------------------------------------------------


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage, n/a where it is undefined."""
    return f"{100 * share:.{decimals}f}%".replace("-", MINUS) if math.isfinite(share) else "n/a"


def target_text(target: float) -> str:
    """A target accuracy without needless decimals."""
    return f"{100 * target:.2f}".rstrip("0").rstrip(".") + "%"


def chosen_by(strategy: str) -> str:
    """How labels were chosen."""
    return "chosen uniformly" if strategy == "uniform" else f"chosen by {name(strategy)}"


def count(number: int, noun: str) -> str:
    """A number of things: 1 seed, 5 seeds, 2 strategies."""
    return f"{number:,} {noun if number == 1 else _IRREGULAR.get(noun, noun + 's')}"


def asked_text(asked: Asked) -> str:
    """How much a teacher from outside was asked, in a sentence or two."""
    text = f"The teacher answers from outside and was asked about {count(asked.points, 'point')}, each once."
    if not asked.abstained:
        return text
    return f"{text} It abstained from {asked.abstained:,} of them, from which no student learns."


def asked_briefly(asked: Asked) -> str:
    """The same in a few words."""
    abstained = f", {asked.abstained:,} without an answer" if asked.abstained else ""
    return f"asked about {count(asked.points, 'point')}{abstained}"


def money(amount: float, currency: str) -> str:
    """An amount of money; cents only where they matter."""
    return f"{amount:,.{2 if abs(amount) < 1000 else 0}f} {currency}".strip()


def duration(seconds: float) -> str:
    """A time in its two largest units: 0.5 s, 45 s, 3 min 20 s, 2 h 5 min; from two days on in days."""
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds >= 48 * 3600:
        return f"{seconds / 86400:,.1f}".removesuffix(".0") + " days"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        parts = ((minutes, "min"), (rest, "s"))
    else:
        hours, minutes = divmod(round(seconds / 60), 60)
        parts = ((hours, "h"), (minutes, "min"))
    return " ".join(f"{size} {unit}" for size, unit in parts if size)


def about(seconds: float) -> str:
    """A time that is only estimated, as one says it: 20 s, 2 min 30 s, 25 min, 1 h 10 min."""
    steps = ((10, 1), (60, 5), (600, 10), (3600, 60), (36_000, 300))  # up to so many seconds, to so many
    step = next((step for end, step in steps if seconds < end), 3600)
    return duration(max(1, round(seconds / step) * step))


def points(difference: float) -> str:
    """The size of a difference of accuracies."""
    return f"{100 * abs(difference):.1f} percentage points"


def signed(difference: float, decimals: int = 1) -> str:
    """A difference of accuracies in percentage points, with its sign; one that is not zero never reads as zero."""
    value = 100 * difference
    text = f"{value:+.{decimals}f}" if abs(value) >= 0.5 * 10**-decimals or value == 0 else f"{value:+.1g}"
    return text.replace("-", MINUS)


def signed_range(difference: Interval) -> str:
    """A difference of accuracies in percentage points with its interval, as "+0.7 points [-0.6, +2.0]"."""
    text = f"{signed(difference.mean)} points"
    return text if math.isnan(difference.low) else f"{text} [{signed(difference.low)}, {signed(difference.high)}]"


def step_of(value: float, low: float, high: float) -> float:
    """The step to which a number of labels and the ends of its interval are rounded: the digits that it bears.

    The largest of 1, 2, 5, 10, 20, ... that is at most a fifth of the interval; of one that ends beyond what was
    measured the lower half counts. Two significant digits where there is no interval.
    """
    if math.isfinite(low) and high > low:
        half = value - low if math.isfinite(value) else low
        width = high - low if math.isfinite(high) else 2 * half
        return _nice(width / 5)
    return max(1.0, 10.0 ** (math.floor(math.log10(value)) - 1)) if math.isfinite(value) and value > 0 else 1.0


def rounded(labels: float, step: float) -> int:
    """A number of labels to the nearest step; some labels are never rounded to none."""
    near = round(labels / step) * step
    return round(near) if near > 0 or labels <= 0 else math.ceil(labels)


def _nice(most: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... that is at most this."""
    if most < 1:
        return 1.0
    scale = 10.0 ** math.floor(math.log10(most))
    return float(scale * max(step for step in (1, 2, 5) if step * scale <= most))


# --- intervals -----------------------------------------------------------------------------------------------------


def few(seeds: int) -> str:
    """Why there is no interval."""
    return f"{count(seeds, 'repetition')}: too few for an interval"


def range_text(share: Interval) -> str:
    """An interval of shares over seeds, or why there is none."""
    if share.n == 0:
        return "not measured"
    if share.n < FEWEST_SEEDS:
        return few(share.n)
    return f"{percent(share.low)} to {percent(share.high)} over {count(share.n, 'repetition')}"


def corrected(comparisons: int) -> str:
    """What to know about intervals of several comparisons side by side."""
    if comparisons < 2:
        return "The interval holds for a single comparison, seed by seed."
    return (
        f"Intervals are corrected for {comparisons} comparisons (Holm): the chance that any difference is claimed "
        "where there is none is at most 5%."
    )


# --- which accuracy of the teacher ---------------------------------------------------------------------------------


def estimated_on(checked: int) -> str:
    """The teacher's accuracy that a user has, and the only one that the game gets."""
    return f"estimated on {count(checked, 'checked example')}"


ON_POOL = "on the whole pool, which only a simulation knows"
ON_REST = "on what is left to buy, which only a simulation knows"
ON_TEST = "on the test set"
