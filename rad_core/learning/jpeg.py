"""Plain JPEG files, decoded without what Pillow looks at besides: the same pixels, several times faster if small.

libjpeg-turbo decodes both here and in Pillow's own packages, and gives the same pixels in every version.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif")
_JFIF, _SCAN = 0xE0, 0xDA
# Quantization, Huffman tables, restart interval, comment, baseline or progressive frame: nothing that Pillow acts upon.
_PLAIN = frozenset({_JFIF, _SCAN, 0xDB, 0xC4, 0xDD, 0xFE, 0xC0, 0xC1, 0xC2})
_SPACES = {"Gray": "GRAY", "YCbCr": "RGB"}


def decode_plain(file: Path) -> np.ndarray | None:
    """The pixels (H, W) or (H, W, 3) uint8 of a JPEG file in which they are all there is.

    None for any other file, which Pillow had better read: one with EXIF data, a color profile, more pictures or inks
    for print, a damaged one, and all where Pillow decodes with another library.
    """
    import simplejpeg
    from PIL import Image

    if file.suffix.lower() not in _ENDINGS or not _same_pixels():
        return None
    data = file.read_bytes()
    if not _is_plain(data):
        return None
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if space not in _SPACES or height * width > (Image.MAX_IMAGE_PIXELS or height * width):
            return None
        pixels = simplejpeg.decode_jpeg(data, _SPACES[space], fastdct=False, fastupsample=False)
    except ValueError:  # it is damaged: Pillow says how, or reads it all the same
        return None
    return pixels[..., 0] if space == "Gray" else pixels


@cache
def _same_pixels() -> bool:
    """Whether Pillow has the same decoder, which its own packages do and those of some systems do not."""
    from PIL import features

    return bool(features.check_feature("libjpeg_turbo"))


def _is_plain(data: bytes) -> bool:
    """Whether a file is JPEG and what comes before its first scan is of the plain kinds."""
    kinds = set(_kinds(data))
    return _SCAN in kinds and kinds <= _PLAIN


def _kinds(data: bytes) -> Iterator[int]:
    """The kinds of the segments, up to the first scan; they end early where the file does not keep to the format."""
    place = 2 if data[:2] == b"\xff\xd8" else len(data)
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind = data[place + 1]
        yield kind
        if kind == _SCAN:
            return
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
