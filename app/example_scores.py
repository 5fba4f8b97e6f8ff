"""The example of Your scores: real probabilities of a small student on handwritten digits, as files to look at.

`python -m app.example_scores` makes the files in assets/example-scores again.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from app import own_files, showcase

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
    return showcase.assets() / "example-scores"


def given() -> dict[str, own_files.Given]:
    """The files as read."""
    return {role: own_files.read_from_folder(role, folder(), name) for role, name in FILES.items()}


def archive() -> bytes:
    """All files as one .zip, to try an upload with."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
        for name in FILES.values():
            packed.write(folder() / name, name)
    return target.getvalue()


def make(target: Path) -> None:
    """Train both models and write the files; takes a second."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    labeled, validation, pool = order[:60], order[60:260], order[260:]
    student = LogisticRegression(C=0.002, max_iter=1000).fit(images[labeled], digits[labeled])
    teacher = SVC(C=10.0).fit(images[labeled], digits[labeled])
    right = (teacher.predict(images[validation]) == digits[validation]).astype(int)
    target.mkdir(parents=True, exist_ok=True)
    np.save(target / FILES["probabilities"], student.predict_proba(images[pool]).astype(np.float32))
    np.save(target / FILES["features"], images[pool].astype(np.uint8))
    for role, column, values in (("flags", "right", right), ("labels", "label", digits[pool])):
        (target / FILES[role]).write_text("\n".join([column, *map(str, values)]) + "\n", encoding="ascii")


if __name__ == "__main__":
    make(folder())
