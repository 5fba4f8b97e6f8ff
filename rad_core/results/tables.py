"""The tables of a study as CSV and Parquet files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from rad_core import files, partials
from rad_core.errors import InputError
from rad_core.results import summary
from rad_core.results.verdicts import Value, difference_table, results
from rad_core.store.study import Study


def tables(study: Study) -> dict[str, pd.DataFrame]:
    """Every table by name. All but `seconds` depend on the configuration alone."""
    rounds = study.rounds_table()
    done = summary.complete(rounds, study.config.rounds)
    by_name = {"rounds": rounds, "purchases": purchases(study), "seeds": seeds(study)}
    if not done.empty:
        measured = results(study)
        values: tuple[Value, ...] = ("final", "area")
        differences = [difference_table(measured, value=value).assign(value=value) for value in values]
        by_name |= {
            "curves": summary.curves(done),
            "scores": summary.cell_scores(done),
            "differences": pd.concat(differences),
        }
    return {**by_name, "seconds": study.seconds_table()}


def purchases(study: Study) -> pd.DataFrame:
    """One row per soft label bought: strategy, seed, round, pool_index, gain, q, teacher_right (empty for mixtures)."""
    names = ["strategy", "seed", "round", "pool_index", "gain", "q", "teacher_right"]
    rows = list(study.each_purchase(["bought", "bought_gain", "bought_q", "bought_correct"]))
    if not rows:
        return pd.DataFrame(columns=names)
    sizes = [len(arrays[0]) for *_, arrays in rows]
    bought, gain, q, right = (np.concatenate(column) for column in zip(*(arrays for *_, arrays in rows), strict=True))
    cells = {name: np.repeat([row[i] for row in rows], sizes) for i, name in enumerate(names[:3])}
    judged = np.where(right > 1, np.nan, right)
    return pd.DataFrame({**cells, "pool_index": bought, "gain": gain, "q": q, "teacher_right": judged}, columns=names)


def seeds(study: Study) -> pd.DataFrame:
    """One row per seed: the teacher's accuracy, its interval, the reference lines."""
    rows = []
    for seed in study.seeds():
        metrics = {name: value for name, value in study.seed_metrics(seed).items() if name != "classes"}
        alone = study.round_metrics("", seed, 0)["accuracy"]
        rows.append({"seed": seed, **metrics, "student_labeled_accuracy": alone})
    return pd.DataFrame(rows)


def export_tables(study: Study, output: Path, *, force: bool = False) -> list[Path]:
    """Write all tables and the settings into a folder, each file whole or not at all; returns their paths."""
    contents = tables(study)
    paths = [output / f"{name}.{suffix}" for name in contents for suffix in ("csv", "parquet")] + [
        output / "study.toml"
    ]
    existing = [path for path in paths if path.exists()]
    if existing and not force:
        raise InputError(f"{existing[0]} is there already; choose another folder, or --force to replace it.")
    with files.writing(output, "-o DIR"):
        output.mkdir(parents=True, exist_ok=True)
        partials.sweep_files(output)
        for name, table in contents.items():
            text = table.to_csv(index=False).encode()
            files.replace(output / f"{name}.csv", lambda file, text=text: file.write(text))  # type: ignore[misc]
            files.replace(output / f"{name}.parquet", partial(table.to_parquet, index=False))
        settings = study.config.to_toml().encode()
        files.replace(output / "study.toml", lambda file: file.write(settings))  # type: ignore[arg-type]
    return paths
