"""A teacher from outside for digits, as a file that writes down what it is asked, and a study that it taught."""

from __future__ import annotations

import shutil
import zlib
from functools import cache
from pathlib import Path

import numpy as np

from rad_core.config import StudyConfig
from rad_core.learning.data import load_dataset
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from tests.conftest import tiny_config

ID = "study-of-tests"
_FILE = """
import time, zlib
from pathlib import Path
import numpy as np

here = Path(__file__).parent
held = np.load(here / "truth.npz")
truth = dict(zip(held["keys"].tolist(), held["labels"].tolist()))

def label(items):
    with open(here / "asked", "a") as file:
        print(*(zlib.crc32(item.tobytes()) for item in items), sep="\\n", file=file)
    time.sleep(SECONDS)
    return [answer(item) for item in items]

def answer(item):
    assert item.shape == (8, 8, 1) and item.dtype == np.uint8
    key = zlib.crc32(item.tobytes())
    number = truth[key]
    if key % 100 < 10:
        return None
    if key % 100 < 30:
        number = (number + 1) % 10
    return [0.91 if each == number else 0.01 for each in range(10)]
"""


@cache
def keys() -> np.ndarray:
    """(M,) what the file writes down of every row of the digits, which differ in their pixels."""
    images = load_dataset("digits", data_dir=Path()).images
    return np.array([zlib.crc32(image.tobytes()) for image in images])


def teacher_file(folder: Path, seconds: float = 0.0) -> str:
    """The teacher of a new file in a folder: right on 7 of 10, wrong on 2, silent on 1. seconds: a call takes."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "truth.npz", keys=keys(), labels=load_dataset("digits", data_dir=Path()).labels)
    (folder / "teacher.py").write_text(_FILE.replace("SECONDS", repr(seconds)))
    return f"python:{folder / 'teacher.py'}:label"


def asked(spec: str) -> list[int]:
    """What the teacher of such a file was asked so far."""
    path = Path(spec.split(":")[1]).with_name("asked")
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def config_for(spec: str, **changes: object) -> StudyConfig:
    """A tiny study taught from outside."""
    return tiny_config(**{"teacher": spec, "seeds": 2, "validation": 30, "price_per_label": 0.02, **changes})


@cache
def taught(place: Path) -> Study:
    """A finished study of two seeds in PLACE/outside, made once; its teacher lies beside it."""
    spec = teacher_file(place / "teacher-of-tests")
    study = create_study(place / "outside", config_for(spec), ID)
    run_study(study, workers=1)
    return study


def copy_of(study: Study, store: Path) -> Study:
    """The same study in another store."""
    shutil.copytree(study.path, store / study.id)
    return Study(store / study.id)
