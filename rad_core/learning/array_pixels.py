"""Arrays of images as people save them, made (M, H, W, C) bytes: channels first, other ranges, other types."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rad_core.errors import InputError

_BLOCK = 1024  # images converted at a time
_SLACK = 1e-3  # how far floating values may lie beyond their range, for rounding
_SURE = 100  # a largest value below it may be of any range
_DARK = 32  # bytes up to there look black
_DEPTHS = (10, 12, 14, 16)  # bits that sensors have


@dataclass(frozen=True)
class Scale:
    """How values become bytes: round((value - low) * factor). words: the same for people, "" where nothing is done."""

    low: float
    factor: float
    words: str = ""


def arranged(x: np.ndarray, name: str, count: int) -> tuple[np.ndarray, str]:
    """Images as (M, H, W, C), C 1, 3 or 4, and what was done to their axes. count: of the labels."""
    shape = x.shape
    if 0 in shape:
        raise InputError(f"{name} has shape {shape}; it holds no images.")
    if x.ndim == 3:
        if shape[0] != count and shape[2] == count:
            return x.transpose(2, 0, 1)[..., None], f"{name} of shape {shape} is read as height, width, images."
        return x[..., None], ""
    if x.ndim == 4:
        if shape[0] != count and shape[3] == count and shape[2] in (1, 3):
            return x.transpose(3, 0, 1, 2), f"{name} of shape {shape} is read as height, width, channels, images."
        first = shape[1] in (1, 3) and shape[3] not in (1, 3)
        if first or (shape[1] == 4 and shape[3] not in (1, 3, 4)):
            return x.transpose(0, 2, 3, 1), f"{name} of shape {shape} is read with the channels first."
        if shape[3] in (1, 3, 4):
            return x, ""
    raise InputError(
        f"{name} has shape {shape}; it must be (M, H, W) or (M, H, W, C) with C of 1, 3 or 4, or with the channels "
        f"first{_flat_hint(shape)}."
    )


def _flat_hint(shape: tuple[int, ...]) -> str:
    """What flat rows of pixels may have been."""
    if len(shape) != 2:
        return ""
    gray, color = math.isqrt(shape[1]), math.isqrt(shape[1] // 3)
    if shape[1] == gray * gray and gray > 1:
        return f"; if each row is an image, save it as reshape(-1, {gray}, {gray})"
    if shape[1] == 3 * color * color and color > 1:
        return f"; if each row is an image, save it as reshape(-1, 3, {color}, {color}) or (-1, {color}, {color}, 3)"
    return ""


def scale_of(arrays: Sequence[np.ndarray], name: str) -> Scale:
    """How the values of these arrays, which are of one type, become bytes. Raises InputError where that is unsure."""
    kind, dtype = arrays[0].dtype.kind, arrays[0].dtype
    if kind == "b":
        return Scale(0.0, 255.0, "true and false read as white and black")
    if kind not in "iuf":
        raise InputError(f"{name} has type {dtype}; it must be uint8, or floating between 0 and 1.")
    low, high = (float(value) for value in _range(arrays, name))
    return _of_floats(low, high, name) if kind == "f" else _of_whole(low, high, dtype, name)


def _range(arrays: Sequence[np.ndarray], name: str) -> tuple[float, float]:
    lows, highs = [], []
    for array in arrays:
        for start in range(0, len(array), _BLOCK):
            block = array[start : start + _BLOCK]
            if block.dtype.kind == "f" and not (fine := np.isfinite(block)).all():
                row = start + int(np.argmin(fine.reshape(len(block), -1).all(1)))
                raise InputError(
                    f"{name} must lie between 0 and 1 where it is floating, without NaN; image {row} has one."
                )
            lows.append(block.min())
            highs.append(block.max())
    return min(lows), max(highs)


def _of_floats(low: float, high: float, name: str) -> Scale:
    if low >= -_SLACK and high <= 1 + _SLACK:
        return Scale(0.0, 255.0, "floating values from 0 to 1 read as bytes")
    if low >= -1 - _SLACK and high <= 1 + _SLACK:
        return Scale(-1.0, 127.5, "floating values from -1 to 1 read as bytes")
    if low >= -_SLACK and _SURE <= high <= 255 + _SLACK:
        return Scale(0.0, 1.0, "floating values from 0 to 255 rounded to bytes")
    raise InputError(
        f"{name} lies between {low:g} and {high:g}; floating images must lie between 0 and 1, -1 and 1, or 0 and 255 "
        "(take them before they are standardized)."
    )


def _of_whole(low: float, high: float, dtype: np.dtype, name: str) -> Scale:
    if low >= 0 and high == 1:
        return Scale(0.0, 255.0, "0 and 1 read as black and white")
    if dtype == np.uint8:
        return Scale(0.0, 1.0)
    if low >= 0 and _SURE <= high <= 255:
        return Scale(0.0, 1.0, f"{dtype} from 0 to 255 read as bytes")
    if low >= 0 and 255 < high <= 65535:
        bits = next(bits for bits in _DEPTHS if high < 2**bits)
        return Scale(0.0, 255 / (2**bits - 1), f"values up to {high:,.0f} read as {bits} bits (0 to {2**bits - 1:,})")
    raise InputError(
        f"{name} has type {dtype} and lies between {low:,.0f} and {high:,.0f}; it must be uint8, whole numbers from 0 "
        "to 255 or of up to 16 bits, or floating between 0 and 1."
    )


def to_bytes(arrays: Sequence[np.ndarray], scales: Sequence[Scale]) -> tuple[np.ndarray, list[str]]:
    """Arrays of (M, H, W, C) one after another as bytes, C 1 or 3; what was put on white, and whether all is dark."""
    channels = arrays[0].shape[3]
    plain = len(arrays) == 1 and arrays[0].dtype == np.uint8 and scales[0] == Scale(0.0, 1.0) and channels != 4
    if plain:
        images = np.ascontiguousarray(arrays[0])
    else:
        total = sum(map(len, arrays))
        images = np.empty((total, *arrays[0].shape[1:3], 3 if channels == 4 else channels), np.uint8)
    notes, transparent, row = [], 0, 0
    for array, scale in zip([] if plain else arrays, scales, strict=False):
        for start in range(0, len(array), _BLOCK):
            block = _scaled(array[start : start + _BLOCK], scale)
            if channels == 4:
                transparent += int((block[..., 3] < 255).any((1, 2)).sum())
                block = _on_white(block)
            images[row : row + len(block)] = block
            row += len(block)
    if transparent:
        notes.append(f"Transparency put on white: {transparent:,} image{'s' * (transparent != 1)}.")
    if (highest := int(images.max())) < _DARK:
        notes.append(f"All images are nearly black: their bytes reach {highest} of 255.")
    return images, notes


def _scaled(block: np.ndarray, scale: Scale) -> np.ndarray:
    if block.dtype == np.uint8 and scale.factor == 1:
        return block
    values: np.ndarray = block.astype(np.float64 if block.dtype.itemsize > 4 else np.float32)
    return np.clip(np.round((values - scale.low) * scale.factor), 0, 255).astype(np.uint8)


def _on_white(block: np.ndarray) -> np.ndarray:
    """(n, H, W, 4) bytes as (n, H, W, 3) on white."""
    alpha = block[..., 3:].astype(np.uint32)
    return ((block[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
