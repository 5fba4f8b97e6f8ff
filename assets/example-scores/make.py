"""Train the small student and the teacher of the example of Your data and write the files beside this script.

`python assets/example-scores/make.py [FOLDER]` takes a second; FOLDER: where to write instead.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from app.data.example import FILES
from rad_core.selection.gains import GAINS


def make(target: Path) -> None:
    """Write every one of FILES into a folder."""
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    labeled, validation, pool = order[:60], order[60:260], order[260:]
    student = LogisticRegression(C=0.002, max_iter=1000).fit(images[labeled], digits[labeled])
    teacher = SVC(C=10.0).fit(images[labeled], digits[labeled])
    right = (teacher.predict(images[validation]) == digits[validation]).astype(int)
    gains = GAINS["margin"](student.predict_proba(images[validation]))
    checked = [f"{flag},{gain:.4f}" for flag, gain in zip(right, gains, strict=True)]
    target.mkdir(parents=True, exist_ok=True)
    np.save(target / FILES["probabilities"], student.predict_proba(images[pool]).astype(np.float32))
    np.save(target / FILES["features"], images[pool].astype(np.uint8))
    for role, column, values in (("flags", "right,gain", checked), ("labels", "label", digits[pool])):
        (target / FILES[role]).write_text("\n".join([column, *map(str, values)]) + "\n", encoding="ascii")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
