"""Images as tables have them (a path, bytes, or both as Hugging Face keeps them) and as teachers are shown them."""

from __future__ import annotations

import base64
import io
import mimetypes
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rad_core.inputs.sheets import Column

IMAGE = "image"  # the column
Picture = str | bytes | np.ndarray  # a path, the contents of a file, or (H, W, C) uint8

_MAGIC = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}


def beside(columns: Sequence[Column], given: object) -> tuple[Column, ...]:
    """Columns of a table in which paths of images are absolute: they are written as seen from the table's file.

    given: what was given as the table; paths in one that is no file stay as they are.
    """
    if not isinstance(given, str | Path):
        return tuple(columns)
    table = Path(str(given).rpartition(":")[2]).expanduser().absolute()
    folder = table if table.is_dir() else table.parent
    return tuple(
        replace(each, values=_absolute(each.values, folder)) if each.name == IMAGE else each for each in columns
    )


def _absolute(values: np.ndarray, folder: Path) -> np.ndarray:
    if values.ndim > 1:
        return values
    placed = [_placed(value, folder) for value in values.tolist()]
    result = np.empty(len(placed), object)
    result[:] = placed
    return result


def _placed(value: object, folder: Path) -> object:
    if isinstance(value, dict) and value.get("bytes") is None and isinstance(value.get("path"), str):
        value = value["path"]
    return str(folder / value) if isinstance(value, str) and value else value


def picture_of(value: object) -> Picture:
    """An image as a table has it."""
    if isinstance(value, dict):
        value = value.get("bytes") if value.get("bytes") is not None else value.get("path")
    return value if isinstance(value, bytes | np.ndarray) else str(value)


def as_item(value: object) -> str | np.ndarray:
    """As a function gets it: a path, or (H, W, C) uint8. Raises OSError where bytes are no image."""
    picture = picture_of(value)
    if not isinstance(picture, bytes):
        return picture
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGB"))


def data_url(value: object) -> str:
    """As an endpoint gets it: files and bytes as they are, arrays as PNG. Raises OSError where there is no file."""
    picture = picture_of(value)
    if isinstance(picture, np.ndarray):
        kind, content = "image/png", _png(picture)
    elif isinstance(picture, bytes):
        kind, content = (
            next((each for magic, each in _MAGIC.items() if picture.startswith(magic)), "image/png"),
            picture,
        )
    else:
        path = Path(picture)
        kind, content = mimetypes.guess_type(path.name)[0] or "image/png", path.read_bytes()
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()
