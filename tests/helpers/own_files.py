"""Files such as people have, made by the tests; and what `rad select`, the library and the studio make of them."""

from __future__ import annotations

import io
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from click.testing import CliRunner

from rad_core.commands.select import command
from rad_core.errors import InputError, InputNote

CLASSES = ["cat", "dog", "fox", "owl"]


def probabilities(n: int = 12, classes: int = 4, seed: int = 0, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(classes, spread), n)


def table(ids: list | None = None, name: str = "id", values: np.ndarray | None = None) -> pd.DataFrame:
    values = probabilities() if values is None else values
    frame = pd.DataFrame(values, columns=CLASSES[: values.shape[1]])
    if ids is not None:
        frame.insert(0, name, ids)
    return frame


def csv_of(frame: pd.DataFrame, **options: Any) -> bytes:
    return frame.to_csv(index=False, **options).encode()


def parquet_of(frame: pd.DataFrame, **options: Any) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, **options)
    return file.getvalue()


def npy(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@dataclass(frozen=True)
class Outcome:
    """What became of a file. error: the sentence, or None. ids: of the picks, as text. notes: what was told."""

    error: str | None
    ids: list[str]
    notes: list[str]
    report: dict[str, Any]


def choose(path: Path, *options: Any, budget: int = 5, output: str = "picks.csv") -> Outcome:
    """`rad select` on a file, in the file's folder; picks and, on refusal, nothing are written."""
    picks = path.parent / output
    arguments = ["--probs", path, "--budget", budget, "--teacher-accuracy", 0.8, "-o", picks, "--json", *options]
    ran = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(ran.exception, InputError):
        return Outcome(str(ran.exception).replace(f"{path.parent}/", ""), [], [], {})
    if ran.exception is not None:
        raise ran.exception
    assert ran.exit_code == 0, ran.output
    report = json.loads(ran.stdout)
    notes = [note.replace(f"{path.parent}/", "") for note in report["notes"]]
    assert [line.replace(f"{path.parent}/", "") for line in ran.stderr.splitlines()] == notes
    frame = pd.read_csv(picks, dtype=str, keep_default_na=False) if output.endswith("csv") else pd.read_parquet(picks)
    return Outcome(None, [str(name) for name in frame["id"]], notes, report)


def choose_from(folder: Path, name: str, content: bytes | str, *options: Any, **more: Any) -> Outcome:
    """The same for a file of this name and content, written into a folder."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return choose(path, *options, **more)


def in_library(given: Any, budget: int = 5, **options: Any) -> Outcome:
    """`rad_core.select` on whatever is given; its row numbers as ids, its warnings as notes."""
    from rad_core import select

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            rows = select(given, budget, **{"teacher_accuracy": 0.8, **options})
        except InputError as error:
            return Outcome(str(error), [], [], {})
    assert all(warning.filename == __file__ for warning in caught if warning.category is InputNote)
    return Outcome(None, [str(row) for row in rows.tolist()], [str(warning.message) for warning in caught], {})


def in_studio(name: str, content: bytes, budget: int = 5) -> Outcome:
    """The page Your data with this file uploaded; all of its words as notes."""
    from streamlit.testing.v1 import AppTest

    main = str(Path(__file__).parents[2] / "app" / "main.py")
    at = AppTest.from_file(main, default_timeout=60).switch_page("views/data.py")
    at.query_params["b"] = str(budget)
    at.run()
    at.file_uploader(key="scores_probabilities").upload(name, content)
    at.run()
    assert not at.exception
    if at.error:
        return Outcome(_plain(" ".join(error.value for error in at.error)), [], [], {})
    at.button(key="use").click().run()
    assert not at.exception
    assert not at.error
    words = [_plain(element.value) for element in (*at.caption, *at.warning, *at.markdown)]
    (picks,) = (frame.value for frame in at.dataframe if "id" in frame.value)
    return Outcome(None, [str(name) for name in picks["id"]], words, {})


def _plain(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown.replace("\N{WORD JOINER}", ""))
