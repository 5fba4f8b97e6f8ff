"""The example of Your data: real probabilities of a small student on handwritten digits, as files to look at.

`make.py` beside the files makes them again.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from app.data import files
from app.results import shipped

FILES = {
    "probabilities": "probabilities.npy",
    "flags": "teacher_was_right.csv",
    "features": "features.npy",
    "labels": "labels.csv",
}
ABOUT = (
    "Real numbers: a small student (logistic regression) and a teacher (support vectors), both trained on 60 labeled "
    "images of handwritten digits; 1,537 images to choose from, 200 validation images."
)


def folder() -> Path:
    """Where the files are."""
    return shipped.assets() / "example-scores"


def given() -> dict[str, files.Given]:
    """The files as read."""
    return {role: files.read_from_folder(role, folder(), name) for role, name in FILES.items()}


def archive() -> bytes:
    """All files as one .zip, to try an upload with."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
        for name in FILES.values():
            packed.write(folder() / name, name)
    return target.getvalue()
