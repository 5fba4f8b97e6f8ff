"""How much room text takes on a slide, near enough to choose a size at which nothing is cut off or overlaps."""

from __future__ import annotations

from collections.abc import Sequence

FONT = "Arial"  # on every machine, or there as a font of the same widths
LINE = 1.2  # height of a line, in font sizes
GAP = 0.5  # between paragraphs, in font sizes
_SAFETY = 1.04
_EPSILON = 1e-6  # a room made for a text holds it

# Widths of the printable ASCII characters of Arial, in thousandths of the font size, from the space on.
_WIDTHS = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a line of text in inches. size: points."""
    thousandths = sum(_width(char) for char in text)
    return thousandths / 1000 * size / 72 * (1.08 if bold else 1.0) * _SAFETY


def _width(char: str) -> int:
    code = ord(char)
    if 32 <= code < 127:
        return _WIDTHS[code - 32]
    return 1000 if code >= 0x1100 else 600


def lines(text: str, size: float, room: float, *, bold: bool = False) -> int:
    """Lines that a text takes when it is wrapped to a room (inches); a word that is too long is broken."""
    total = 0
    for paragraph in text.split("\n"):
        used, count = 0.0, 1
        for word in paragraph.split(" "):
            long, gap = width(word, size, bold=bold), width(" ", size, bold=bold)
            if used and used + gap + long > room + _EPSILON:
                count, used = count + 1, 0.0
            elif used:
                used += gap
            broken = long > room + _EPSILON
            count += int(long // room) if broken else 0
            used += long % room if broken else long
        total += count
    return total


def height(texts: Sequence[str], size: float, room: float, *, bold: bool = False) -> float:
    """Height in inches of paragraphs and the gaps between them."""
    rows = sum(lines(text, size, room, bold=bold) for text in texts)
    return (rows * LINE + GAP * max(0, len(texts) - 1)) * size / 72


def fitting_size(texts: Sequence[str], room: tuple[float, float], sizes: Sequence[int], *, bold: bool = False) -> int:
    """The first of the sizes (points, the largest first) at which paragraphs fit a room (width, height in inches).

    The last of them where none does.
    """
    return next((size for size in sizes if height(texts, size, room[0], bold=bold) <= room[1]), sizes[-1])


def share(texts: Sequence[str], room: tuple[float, float], size: int) -> list[str]:
    """The first paragraphs, as many as fit a room at a size."""
    counts = range(len(texts), 0, -1)
    fitting = (count for count in counts if height(texts[:count], size, room[0]) <= room[1])
    return list(texts[: next(fitting, 0)])


def shortened(text: str, size: float, room: tuple[float, float], *, bold: bool = False) -> str:
    """The text, or as much of it as fits a room, with an ellipsis."""
    if height([text], size, room[0], bold=bold) <= room[1]:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if height([text[:middle].rstrip() + "…"], size, room[0], bold=bold) <= room[1]:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"
