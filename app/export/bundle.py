"""The data of a study as one zip file: every table as CSV and Parquet, the settings, what was plotted."""

from __future__ import annotations

import io
import re
from importlib.metadata import version
from typing import TYPE_CHECKING

import pandas as pd

from app.export import stamp
from rad_core.errors import InputError
from rad_core.results.tables import tables
from rad_core.store import light_copy
from rad_core.store.study import Study

if TYPE_CHECKING:
    from app.present.model import Story

_ABOUT = {
    "rounds": "every metric of every finished round",
    "purchases": "every label bought: position in the pool, gain, probability of being bought, whether the teacher was "
    "right (empty for mixtures of two images)",
    "seeds": "the teacher and the reference lines of every seed",
    "curves": "accuracy by round: mean over seeds and 95% interval",
    "scores": "accuracy after the last round, and its mean over the labels bought, per strategy and seed",
    "differences": "RAD minus every other strategy, paired by seed",
    "seconds": "wall-clock times",
}


def data_bundle(study: Study, story: Story | None = None) -> bytes:
    """The tables of a study, its settings and, with a story, the numbers behind its charts. It holds no images."""
    at = stamp.moment()
    data = tables(study)
    if data["rounds"].empty or not (data["rounds"]["round"] > 0).any():
        raise InputError(
            f"Study {study.id} has no finished round yet, so there is nothing to export; run it on with rad resume "
            f"{study.id}."
        )
    entries: dict[str, bytes] = {}
    for name, table in data.items():
        entries |= _both(f"data/{name}", table)
    lines = [f"data/{name}: {_ABOUT[name]}" for name in data]
    for i, step in enumerate(story.steps if story else ()):
        for j, chart in enumerate(step.charts):
            name = f"charts/{i + 1}-{_slug(step.name)}{f'-{j + 1}' if len(step.charts) > 1 else ''}"
            entries[f"{name}.csv"] = chart.table.to_csv(index=False).encode()
            lines.append(f"{name}: {chart.title}")
        if step.table is not None:
            name = f"charts/{i + 1}-{_slug(step.name)}-table"
            entries[f"{name}.csv"] = step.table.to_csv(index=False).encode()
            lines.append(f"{name}: {step.title}")
    entries["study.toml"] = study.config.to_toml().encode()
    lines.append("study.toml: the settings; rad run study.toml does the study again")
    entries["README.txt"] = (
        f"Study {study.id}, exported by RAD Studio {version('rad-studio')} on {stamp.words(at)}.\n"
        f"Pool positions and numbers, no images.\n{_copy(study)}\n" + "\n".join(lines) + "\n"
    ).encode()
    return stamp.archive(dict(sorted(entries.items())), at)


def _copy(study: Study) -> str:
    """What a light copy came without."""
    text = light_copy.describe(study)
    return f"{text} Gains of labels bought are rounded to 1/65536.\n" if text else ""


def _both(name: str, table: pd.DataFrame) -> dict[str, bytes]:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return {f"{name}.csv": table.to_csv(index=False).encode(), f"{name}.parquet": buffer.getvalue()}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "step"
