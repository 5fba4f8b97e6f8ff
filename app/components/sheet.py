"""Thumbnails side by side in one image, as small as it is asked to be."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np

_QUALITIES = (90, 80, 65, 50, 35, 20, 10)  # of WebP, tried until it fits


@dataclass(frozen=True)
class Sheet:
    """Thumbnails in one image, row by row. tile: width and height of one, px. columns and rows: how they lie."""

    image: bytes = field(repr=False)
    type: str
    tile: tuple[int, int]
    columns: int
    rows: int


def make_sheet(images: np.ndarray, columns: int, most: int | None = None, largest: int | None = None) -> Sheet:
    """Images (n, h, w, C) uint8, n of 1 or more, as one PNG, or as one WebP where that has more than `most` bytes.

    largest: px of the longer side of a tile, to which larger images are reduced.
    """
    from PIL import Image

    n, height, width, channels = images.shape
    factor = min(1.0, (largest or max(height, width)) / max(height, width))
    tile = (max(1, round(width * factor)), max(1, round(height * factor)))
    columns = min(columns, n)
    rows = -(-n // columns)
    sheet = Image.new("L" if channels == 1 else "RGB", (columns * tile[0], rows * tile[1]))
    for i, pixels in enumerate(images):
        picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
        if factor < 1:
            picture = picture.resize(tile, Image.Resampling.BOX)
        sheet.paste(picture, (i % columns * tile[0], i // columns * tile[1]))
    buffer, kind = io.BytesIO(), "image/png"
    sheet.save(buffer, "PNG")
    for quality in _QUALITIES:
        if most is None or buffer.tell() <= most:
            break
        buffer, kind = io.BytesIO(), "image/webp"
        sheet.save(buffer, "WEBP", quality=quality)
    return Sheet(buffer.getvalue(), kind, tile, columns, rows)
