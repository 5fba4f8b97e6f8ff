"""Images as bytes: a file upright, transparency on white, deep gray by the range of its values; many made smaller."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rad_core.learning.jpeg import decode_plain
from rad_core.learning.pages import pages_of

if TYPE_CHECKING:
    from PIL import Image

COMMON_SIZE = 64  # pixels: images that agree on a size up to this keep it; others are resized to this square
_GRAY = ("1", "L", "LA", "La")
_EXIF_ORIENTATION = 0x0112
_BLOCK = 256  # images shrunk at a time
_DEPTHS = (8, 10, 12, 14, 16)  # bits that sensors have

# What was done to an image, a bit each, and how it is told of n of them.
TURNED, ON_WHITE, FIRST, UPPER, NO_EXIF = 1, 2, 4, 8, 16
_DONE = {
    TURNED: "Turned upright as their EXIF data say: {}.",
    ON_WHITE: "Transparency put on white: {}.",
    FIRST: "Of several pictures in a file the first is read: {}.",
    UPPER: "Color of 16 bits, read by the upper 8; dark where fewer are in use: {}.",
    NO_EXIF: "EXIF data that cannot be read, taken as upright: {}.",
}


class UnlikeError(Exception):
    """An image does not have the size, color or depth that the layout supposes."""


class Seen(NamedTuple):
    """What an image is. peak: the largest value of gray of more than 8 bits, else 0; done: bits of what was done."""

    height: int
    width: int
    gray: bool
    peak: int
    done: int


@dataclass(frozen=True)
class Layout:
    """What the images of a folder become. bits: of deep gray, whose values run from 0 to 2 ** bits - 1."""

    height: int
    width: int
    gray: bool
    resized: bool  # to this size; else all have it
    bits: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every image."""
        return self.height, self.width, 1 if self.gray else 3

    @classmethod
    def of(cls, images: list[Seen], image_size: int | None) -> Layout:
        """The layout that distorts none of these images."""
        gray, sizes = all(image.gray for image in images), {(image.height, image.width) for image in images}
        peak = max(image.peak for image in images)
        bits = next(bits for bits in _DEPTHS if peak < 2**bits) if peak else 0
        if image_size is None and len(sizes) == 1 and max(size := next(iter(sizes))) <= COMMON_SIZE:
            return cls(*size, gray, False, bits)
        side = COMMON_SIZE if image_size is None else image_size
        return cls(side, side, gray, True, bits)

    def check(self, image: Seen) -> None:
        """An image that this layout would distort is an UnlikeError."""
        other_size = not self.resized and (image.height, image.width) != (self.height, self.width)
        if (self.gray and not image.gray) or other_size or image.peak >= 2**self.bits:
            raise UnlikeError


def look(file: Path) -> Seen:
    """What an image is, as far as its layout depends on it; its pixels are decoded only where they must be."""
    from PIL import Image

    with Image.open(file) as image:
        _refuse_floats(image)
        small = max(image.size) <= COMMON_SIZE  # a larger one is resized, whichever way up it is
        peak = _peak(image) if _is_deep(image) else 0
        sideways = small and _orientation(image)[0] >= 5
        height, width = (image.width, image.height) if sideways else (image.height, image.width)
        return Seen(height, width, _is_gray(image), peak, 0)


def decode(file: Path, layout: Layout) -> tuple[np.ndarray, Seen]:
    """An image as (height, width) or (height, width, 3) bytes, and what it is. Raises UnlikeError."""
    from PIL import Image

    if (plain := decode_plain(file)) is not None:
        return _fitted(plain, layout)
    with Image.open(file) as image:
        _refuse_floats(image)
        if layout.gray and not _is_gray(image):
            raise UnlikeError
        gray, deep = _is_gray(image), _is_deep(image)
        done = FIRST * bool(getattr(image, "is_animated", False))
        done |= UPPER * (not deep and ";16" in str(image.tile[:1]))
        done |= TURNED * (image.format == "TIFF" and image.getexif().get(_EXIF_ORIENTATION) in range(2, 9))
        image.load()
        peak = _peak(image) if deep else 0
        orientation, readable = _orientation(image)
        done |= TURNED * (orientation > 1) | NO_EXIF * (not readable)
        sideways = orientation >= 5
        height, width = (image.width, image.height) if sideways else (image.height, image.width)
        layout.check(Seen(height, width, gray, peak, done))
        pixels: Image.Image = _to_bytes(image, layout.bits) if deep else image
        if image.has_transparency_data:
            pixels, transparent = _on_white(pixels)
            done |= ON_WHITE * transparent
        pixels = pixels.convert("L" if layout.gray else "RGB")
        if orientation > 1:
            pixels = _upright(pixels, orientation)
        if layout.resized:
            pixels = pixels.resize((layout.width, layout.height), Image.Resampling.BILINEAR)
        return np.asarray(pixels), Seen(height, width, gray, peak, done)


def _fitted(pixels: np.ndarray, layout: Layout) -> tuple[np.ndarray, Seen]:
    """Decoded pixels, upright and opaque, as the layout wants them, and what they were. Raises UnlikeError."""
    from PIL import Image

    seen = Seen(pixels.shape[0], pixels.shape[1], gray=pixels.ndim == 2, peak=0, done=0)
    layout.check(seen)
    if seen.gray and not layout.gray:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if layout.resized:
        side = (layout.width, layout.height)
        pixels = np.asarray(Image.fromarray(pixels).resize(side, Image.Resampling.BILINEAR))
    return pixels, seen


def shrink(images: np.ndarray, ids: np.ndarray, longest: int) -> tuple[tuple[int, int, int, int], Iterator[np.ndarray]]:
    """The chosen images as (n, h, w, C) uint8, shrunk to at most `longest` pixels a side by area averaging.

    images: (M, H, W, C) uint8. ids: (n,). Returns the shape, and the rows in order, some at a time.
    """
    height, width, channels = images.shape[1:]
    size = max(height, width)
    if size > longest:
        height, width = (max(1, round(side * longest / size)) for side in (height, width))
    return (len(ids), height, width, channels), _shrunk(images, ids, (height, width))


def _shrunk(images: np.ndarray, ids: np.ndarray, sides: tuple[int, int]) -> Iterator[np.ndarray]:
    import torch
    from torch.nn.functional import interpolate

    pages = pages_of(images)
    for start in range(0, len(ids), _BLOCK):
        block = images[ids[start : start + _BLOCK]]
        if pages is not None:
            pages.touched(len(block), block.nbytes)
        if sides != images.shape[1:3]:
            batch = torch.from_numpy(np.ascontiguousarray(block)).permute(0, 3, 1, 2)
            shrunk = interpolate(batch.float(), size=sides, mode="area").round().to(torch.uint8)
            block = shrunk.permute(0, 2, 3, 1).numpy()
        yield block


def pixel_notes(images: list[Seen], layout: Layout) -> list[str]:
    """What was done to the pixels, a sentence for each kind."""
    notes = []
    for bit, words in _DONE.items():
        if count := sum(bool(image.done & bit) for image in images):
            notes.append(words.format(f"{count:,} image{'s' * (count != 1)}"))
    if deep := [image.peak for image in images if image.peak]:
        notes.append(
            f"Gray of more than 8 bits: {len(deep):,} image{'s' * (len(deep) != 1)} with values up to {max(deep):,}, "
            f"read as {layout.bits} bits (0 to {2**layout.bits - 1:,})."
        )
    sizes = {(image.height, image.width) for image in images}
    if layout.resized and sizes != {(layout.height, layout.width)}:
        other = sum((image.height, image.width) != (layout.height, layout.width) for image in images)
        notes.append(f"Resized to {layout.height} x {layout.width} pixels: {other:,} image{'s' * (other != 1)}.")
    if not layout.gray and (gray := sum(image.gray for image in images)):
        notes.append(f"Gray images among images in color, read as color: {gray:,}.")
    return notes


def _refuse_floats(image: Image.Image) -> None:
    if image.mode == "F":
        raise ValueError("its pixels are floating numbers; 8 or 16 bits are wanted")


def _is_gray(image: Image.Image) -> bool:
    return image.mode in _GRAY or _is_deep(image)


def _is_deep(image: Image.Image) -> bool:
    """Whether the image is gray of more than 8 bits, in one of Pillow's modes for that."""
    return image.mode == "I" or image.mode.startswith("I;16")


def _peak(image: Image.Image) -> int:
    values = np.asarray(image)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ValueError("its pixels have more than 16 bits; 8 or 16 are wanted")
    return max(high, 1)


def _to_bytes(image: Image.Image, bits: int) -> Image.Image:
    """Deep gray in 8 bits; Pillow's own conversion would cut every value above 255 down to white."""
    from PIL import Image

    return Image.fromarray(np.round(np.asarray(image) * (255 / (2**bits - 1))).astype(np.uint8))


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """The image on white where anything shows through, and whether something did."""
    from PIL import Image

    colors = image.convert("RGBA")
    if colors.getchannel("A").getextrema()[0] == 255:
        return image, False
    white = Image.new("RGBA", colors.size, "white")
    white.alpha_composite(colors)
    return white.convert("RGB"), True


def _orientation(image: Image.Image) -> tuple[int, bool]:
    """The EXIF orientation, 1 to 8, and whether the EXIF data could be read. Pillow itself turns TIFF files upright."""
    if image.format == "TIFF":
        return 1, True
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # Pillow's reader of damaged data raises what comes; the picture itself may be whole
        return 1, False
    return (value, True) if value in range(1, 9) else (1, True)


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    from PIL.Image import Transpose

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turn[orientation])
