"""What a map shows and what comes back from it: plain data, checked where it is made."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from app.findings.words import number
from app.palette import OTHER_COLOR, rgb
from rad_core.errors import InputError

# Plotly's symbol names, in the order of the shapes in symbols.js.
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "triangle-down",
    "cross",
    "x",
    "pentagon",
    "hexagram",
    "star",
    "star-open",
    "triangle-left",
    "triangle-right",
    "hourglass",
    "bowtie",
    "octagon",
    "star-diamond",
    "diamond-open",
    "circle-open",
)
STEPS = 15  # colors of a continuous scale: with the one for "no value" a point travels in four bits
MISSING = STEPS  # the code of a point that has no value on a continuous scale
MAX_CATEGORIES = 250
MAX_VERTICES = 512
MAX_REGIONS = 20
_KINDS = {"box": "b", "lasso": "l"}


@dataclass(frozen=True, eq=False)
class MapLayer:
    """Bought points, drawn on top of the pool.

    name: what the caller calls it. label: what the user reads. color: "#RRGGBB". symbol: one of SYMBOLS (Plotly's
    names). positions: (n,) rows of the pool. rounds: (n,) the round from 1 on in which each was bought; None where
    rounds play no role. outline: "#RRGGBB" around the symbols, by default the paper's.
    """

    name: str
    label: str
    color: str
    symbol: str
    positions: np.ndarray
    rounds: np.ndarray | None = None
    outline: str | None = None

    def __post_init__(self) -> None:
        check_colors("color", [self.color, *([self.outline] if self.outline else [])])
        check_symbols([self.symbol])
        positions = _whole(f"positions of layer {self.name!r}", self.positions)
        object.__setattr__(self, "positions", positions.astype(np.int32))
        if self.rounds is not None:
            rounds = _whole(f"rounds of layer {self.name!r}", self.rounds)
            if rounds.shape != positions.shape or (len(rounds) and rounds.max() > 65_000):
                raise InputError(
                    f"rounds of layer {self.name!r} have shape {rounds.shape}; "
                    f"give {len(positions)} numbers up to 65,000, one per position."
                )
            object.__setattr__(self, "rounds", rounds.astype(np.uint16))


@dataclass(frozen=True, eq=False)
class MapColoring:
    """A color for every point of the pool, by category; of_values makes one along a scale.

    codes: (N,) uint8, the category, or 0 to 14 along the scale and 15 for "no value". labels: per category, or of the
    scale's two ends. palette: "#RRGGBB" per category, or the stops of the scale from low to high. title:
    what is shown. symbols: a Plotly symbol name per category, to say the same again without color; empty for dots.
    limits: the numbers at the two ends, for the tooltip. quiet: gray but for what is under the cursor.
    """

    codes: np.ndarray
    labels: Sequence[str]
    palette: Sequence[str]
    title: str
    symbols: Sequence[str] = ()
    kind: Literal["category", "continuous"] = "category"
    limits: tuple[float, float] | None = None
    quiet: bool = False

    def __post_init__(self) -> None:
        for name in ("palette", "labels", "symbols"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        codes = _whole("codes", self.codes)
        count = len(self.labels)
        check_colors("palette", self.palette)
        check_symbols(self.symbols)
        if self.kind not in ("category", "continuous"):
            raise InputError(f"kind is {self.kind!r}; it must be category or continuous.")
        if self.kind == "continuous" and (count != 2 or len(self.palette) < 2 or self.symbols):
            raise InputError("a continuous coloring needs two labels, at least two colors, and no symbols.")
        if self.kind == "category" and (count != len(self.palette) or not 1 <= count <= MAX_CATEGORIES):
            raise InputError(
                f"palette has {len(self.palette)} colors for {count} labels; give one color per label, "
                f"at most {MAX_CATEGORIES}."
            )
        if self.symbols and len(self.symbols) != count:
            raise InputError(f"symbols has {len(self.symbols)} names for {count} labels; give one per label or none.")
        highest = count - 1 if self.kind == "category" else MISSING
        if len(codes) and codes.max() > highest:
            raise InputError(f"codes go up to {codes.max()}; with these labels they may go up to {highest}.")
        object.__setattr__(self, "codes", codes.astype(np.uint8))

    @classmethod
    def of_values(
        cls, values: ArrayLike, ramp: Sequence[str], title: str, limits: tuple[float, float] | None = None
    ) -> MapColoring:
        """Color by a number: values (N,), NaN for "no value"; limits default to the smallest and largest value."""
        numbers = np.asarray(values, np.float64)
        known = numbers[np.isfinite(numbers)]
        if numbers.ndim != 1 or np.isinf(numbers).any():
            raise InputError(f"values have shape {numbers.shape} and must be (N,), finite or NaN.")
        low, high = limits or ((float(known.min()), float(known.max())) if len(known) else (0.0, 1.0))
        share = (numbers - low) / (high - low) if high > low else np.where(np.isnan(numbers), np.nan, 0.5)
        codes = np.where(np.isnan(share), MISSING, np.rint((STEPS - 1) * np.clip(np.nan_to_num(share), 0, 1)))
        ends = (number(low), number(high))
        return cls(codes.astype(np.uint8), ends, ramp, title, kind="continuous", limits=(low, high))

    def colors_of_codes(self) -> list[str]:
        """The "#RRGGBB" of every code that can occur: one per category, or 15 along the scale and one for no value."""
        if self.kind == "category":
            return list(self.palette)
        stops = np.array([rgb(color) for color in self.palette], float)
        at = np.linspace(0, len(stops) - 1, STEPS)
        mixed = np.stack([np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)], 1).round().astype(int)
        return [*("#{:02X}{:02X}{:02X}".format(*color) for color in mixed), OTHER_COLOR]


@dataclass(frozen=True)
class Difference:
    """Where one rule bought more than another: codes (cells, cells) uint8, the lowest row first, 128 for as many.

    1 and 255 stand for `most` labels more per 100 points of the pool, of the second of the labels and of the first.
    """

    codes: np.ndarray = field(repr=False)
    labels: tuple[str, str]
    most: float


@dataclass(frozen=True)
class Selection:
    """A region of the map, with the selection that it was drawn upon.

    polygon: three or more (x, y) in data coordinates, rounded to float32, even-odd rule. removes: whether the region
    is taken out of what was selected before, instead of being added to it.
    """

    kind: Literal["box", "lasso"]
    polygon: tuple[tuple[float, float], ...]
    removes: bool = False
    before: Selection | None = None

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise InputError(f"the selection is a {self.kind!r}; it must be one of {', '.join(_KINDS)}.")
        try:
            with np.errstate(over="ignore"):
                corners = np.asarray(self.polygon, np.float64).astype(np.float32)
        except (TypeError, ValueError) as error:
            raise InputError("the selection's polygon is not a list of (x, y) numbers.") from error
        if corners.ndim != 2 or corners.shape[1] != 2 or not 3 <= len(corners) <= MAX_VERTICES:
            raise InputError(f"the selection has shape {corners.shape}; it needs 3 to {MAX_VERTICES} points (x, y).")
        if not np.isfinite(corners).all():
            raise InputError("the selection has a corner that is not a number; every corner must be finite.")
        object.__setattr__(self, "polygon", tuple((float(x), float(y)) for x, y in corners))

    @classmethod
    def box(cls, left: float, bottom: float, right: float, top: float) -> Selection:
        """The rectangle between two corners."""
        return cls("box", ((left, bottom), (right, bottom), (right, top), (left, top)))

    @classmethod
    def of_regions(cls, regions: Sequence[tuple[Any, Any, bool]]) -> Selection | None:
        """Regions (kind, polygon, removes) in the order in which they were drawn; None for none of them."""
        if len(regions) > MAX_REGIONS:
            raise InputError(f"the selection has {len(regions)} regions; it may have {MAX_REGIONS}.")
        selection = None
        for kind, polygon, removes in regions:
            selection = cls(kind, polygon, removes, selection)
        return selection

    @property
    def regions(self) -> list[Selection]:
        """The regions in the order in which they were drawn."""
        return [*(self.before.regions if self.before else []), self]

    def to_text(self) -> str:
        """The selection in URL-safe characters: 11 per corner. A region that is taken out has a capital letter."""
        return ".".join(region._text() for region in self.regions)

    def _text(self) -> str:
        letter = _KINDS[self.kind]
        corners = base64.urlsafe_b64encode(np.asarray(self.polygon, "<f4").tobytes()).decode().rstrip("=")
        return (letter.upper() if self.removes else letter) + corners

    @classmethod
    def from_text(cls, text: str) -> Selection:
        """Read what to_text wrote; anything else is an InputError."""
        selection = cls.of_regions([_read_region(part) for part in text.split(".")])
        assert selection is not None
        return selection


def _read_region(text: str) -> tuple[str, tuple[tuple[float, float], ...], bool]:
    kind = {letter: name for name, letter in _KINDS.items()}.get(text[:1].lower())
    body = text[1:]
    if kind is None or len(body) > 12 * MAX_VERTICES or not re.fullmatch(r"[A-Za-z0-9_-]*", body):
        raise InputError("the selection in the address is damaged; select again.")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise InputError("the selection in the address is damaged; select again.") from error
    if not raw or len(raw) % 8:
        raise InputError("the selection in the address is incomplete; select again.")
    corners = np.frombuffer(raw, "<f4").reshape(-1, 2)
    return kind, tuple((float(x), float(y)) for x, y in corners), text[0].isupper()


@dataclass(frozen=True)
class MapEvent:
    """What the map shows now. primary: the row of the pool picked by a click. webgl: False if it cannot be drawn."""

    selection: Selection | None = None
    primary: int | None = None
    webgl: bool = True


def check_colors(name: str, colors: Sequence[str]) -> None:
    """Every color is "#RRGGBB"."""
    for color in colors:
        if not isinstance(color, str) or not re.fullmatch(r"#[0-9A-Fa-f]{6}", color):
            raise InputError(f"{name} holds {color!r}; colors are written #RRGGBB.")


def check_symbols(symbols: Sequence[str]) -> None:
    """Every symbol is one that the map can draw."""
    for symbol in symbols:
        if symbol not in SYMBOLS:
            raise InputError(f"symbol is {symbol!r}; it must be one of {', '.join(SYMBOLS)}.")


def _whole(name: str, values: ArrayLike) -> np.ndarray:
    numbers = np.asarray(values)
    if numbers.ndim != 1 or (numbers.dtype.kind not in "iu" and len(numbers)):
        raise InputError(f"{name} have shape {numbers.shape} and type {numbers.dtype}; give (n,) whole numbers.")
    numbers = numbers.astype(np.int64)
    if len(numbers) and numbers.min() < 0:
        raise InputError(f"{name} hold {numbers.min()}; they may not be negative.")
    return numbers
