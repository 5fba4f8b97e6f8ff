"""`rad select` for a pool that is read in passes: a folder, a pattern of files, one large file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rad_core.errors import InputError
from rad_core.inputs.diagnosis import HARD
from rad_core.inputs.ids import matched_rows, names_of
from rad_core.inputs.pool import Pool, is_pool
from rad_core.inputs.tables import read_purchases
from rad_core.selection.stream import StreamSelection, choose_in_passes
from rad_core.selection.stream_rules import STREAMS

Tell = Callable[[Sequence[str], dict[str, Any]], None]


def choose_from_pool(
    pool: Pool,
    excluded: np.ndarray,
    asked: dict[str, Any],
    report: dict[str, Any],
    tell: Tell,
    cluster: str | None,
) -> tuple[StreamSelection, dict[str, np.ndarray]]:
    """The choice and what to hand out of it: id, gain, probability, (b,) each.

    asked: the arguments of `choose_in_passes` behind the pool, but for exclude and spread. tell: says notes and keeps
    them in the report. cluster: the address of one that reads the files.
    """
    if cluster is None:
        selection = choose_in_passes(pool, exclude=excluded, **asked)
    else:
        from rad_core.running.spread import spread_over

        with spread_over(cluster) as spread:
            selection = choose_in_passes(pool, exclude=excluded, spread=spread, **asked)
    ids = pool.ids_of(selection.rows)
    count = len(pool.files)
    read = f"{pool.name}: {count:,} file{'' if count == 1 else 's'}, read in passes; {pool.naming}."
    notes = dict.fromkeys((*selection.notes, *pool.notes))
    tell([*notes, read, *([HARD] if selection.hard else [])], report)
    report["ids"], report["files"] = pool.naming, count
    names = selection.rows if ids is None else ids.values
    return selection, {"id": names, "gain": selection.gains, "probability": selection.probabilities}


def rows_to_exclude(pool: Pool, exclude: Sequence[Path], report: dict[str, Any], tell: Tell) -> np.ndarray:
    """(k,) int64: the rows of a pool whose ids are in files of earlier purchases, matched as text exactly."""
    purchases = [read_purchases(path) for path in exclude]
    if not purchases:
        return np.empty(0, np.int64)
    called, example = pool.rows_called(set().union(*map(names_of, purchases)))
    bought: set[int] = set()
    for path, purchase in zip(exclude, purchases, strict=True):
        rows, notes = matched_rows(purchase, called, example)
        tell([*notes, f"{path}: {len(rows):,} rows are excluded."], report)
        bought |= set(rows.tolist())
    report["excluded"] = len(bought)
    return np.array(sorted(bought), np.int64)


def reads_in_passes(probs: Path, strategy: str, features: Path | None) -> bool:
    """Whether a pool is read in passes: many files are; one large file is where the rule can choose so.

    Raises InputError where features are given for many files.
    """
    if not is_pool(probs):
        return False
    if probs.is_file():
        return strategy in STREAMS and features is None
    if features is not None:
        raise InputError(
            "--features needs the whole pool in memory; give --probs as one file that fits there, or leave it out."
        )
    return True
