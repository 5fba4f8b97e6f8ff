"""The rounds of a study's cells on disk: a row of metrics each in the database, and .npy files for arrays.

A round counts only once its row is in the database, and its files are in place before that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from rad_core import files
from rad_core.config import StudyConfig
from rad_core.errors import DamagedError, InputError, RadError
from rad_core.store import layout
from rad_core.store import rows as checked
from rad_core.store.database import Reading, reading, writing
from rad_core.store.layout import SHARED
from rad_core.store.rows import Unsound

if TYPE_CHECKING:
    import pandas as pd


def to_json(values: Mapping[str, Any]) -> str:
    """Equal values give equal texts; numpy's numbers become plain ones."""
    return json.dumps(dict(values), sort_keys=True, default=lambda value: value.item())


@attrs.frozen(eq=False)
class Round:
    """What is kept of a finished round of a cell; strategy SHARED with number 0 is what all strategies start from."""

    strategy: str
    seed: int
    number: int
    arrays: Mapping[str, np.ndarray]
    metrics: Mapping[str, float]
    seconds: Mapping[str, float]  # wall-clock, by phase


class Rounds:
    """What a study has measured, round by round of every cell, and the settings that it was measured under."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self.reading: Reading = partial(reading, path)
        self._config: StudyConfig | None = None

    @property
    def config(self) -> StudyConfig:
        """The resolved configuration."""
        if self._config is None:
            with self._sound():
                self._config = checked.read_config(self._meta()["config"])
        return self._config

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Turn what goes wrong over a damaged database into one sentence."""
        try:
            yield
        except RadError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, IndexError) as error:
            words = str(error) if isinstance(error, Unsound) else f"{type(error).__name__}: {error}"
            raise DamagedError(
                f"The database of study {self.id} is damaged ({words}); restore or delete the folder {self.path}."
            ) from error

    def _meta(self) -> dict[str, str]:
        with self._sound(), self.reading() as database:
            return checked.read_meta(database.execute("select key, value from meta"))

    def _set(self, **values: str) -> None:
        with writing(self.path) as database:
            for key, value in values.items():
                database.execute("insert or replace into meta values (?, ?)", [key, value])

    def threads(self) -> int | None:
        """Threads that each unit of work computes with, as recorded when the study first ran; None before."""
        count = self._meta().get("threads")
        return None if count is None else int(count)

    def record_threads(self, count: int) -> None:
        """Record how many threads each unit of work computes with, wherever the study goes on."""
        self._set(threads=str(count))

    def on_cluster(self) -> bool:
        """Whether it ran on a cluster when it ran last."""
        return self._meta().get("cluster") == "1"

    def record_place(self, *, cluster: bool) -> None:
        """Record whether it runs on a cluster; which one is nobody's business who gets a copy."""
        if cluster != self.on_cluster():
            self._set(cluster=str(int(cluster)))

    def _save(self, arrays: Mapping[str, np.ndarray | files.Blocks]) -> None:
        """arrays: by the names of their files."""
        with files.writing(self.path):
            for folder in {(self.path / name).parent for name in arrays}:
                files.make_folder(self.path, folder)
            files.save_arrays({self.path / name: array for name, array in arrays.items()})

    def put_round(
        self,
        strategy: str,
        seed: int,
        number: int,
        arrays: Mapping[str, np.ndarray],
        metrics: Mapping[str, float],
        seconds: Mapping[str, float],
    ) -> None:
        """Store a finished round of a cell."""
        self.put_rounds([Round(strategy, seed, number, arrays, metrics, seconds)])

    def put_rounds(self, rounds: Sequence[Round]) -> None:
        """Store rounds of several cells, all or none of them."""
        rows = []
        for done in rounds:
            key = (done.strategy, done.seed, done.number)
            self._save({layout.round_file(*key, name): array for name, array in done.arrays.items()})
            rows.append((*key, to_json(done.metrics), json.dumps(sorted(done.arrays)), to_json(done.seconds)))
        finished = time.time()  # one moment: what was done together is known by it
        with writing(self.path) as database:
            values = [(*row, finished) for row in rows]
            database.executemany("insert or replace into rounds values (?, ?, ?, ?, ?, ?, ?)", values)

    def finished_rounds(self, strategy: str, seed: int) -> list[int]:
        """The rounds of a cell that are stored, without a gap from 0 on."""
        with self.reading() as database:
            query = "select round from rounds where seed = ? and strategy in (?, ?) order by round"
            numbers = [row[0] for row in database.execute(query, [seed, strategy, SHARED])]
        return [place for place, number in enumerate(numbers) if place == number]

    def round_metrics(self, strategy: str, seed: int, number: int) -> dict[str, float]:
        """The metrics of a round."""
        with self._sound():
            return checked.read_numbers(self._round_row(strategy, seed, number)[0], "the metrics of a round")

    def round_arrays(self, strategy: str, seed: int, number: int) -> list[str]:
        """The names of a round's arrays."""
        with self._sound():
            return checked.read_names(self._round_row(strategy, seed, number)[1], "the arrays of a round")

    def round_array(self, strategy: str, seed: int, number: int, name: str) -> np.ndarray:
        """An array of a round, as a read-only memory map."""
        if name not in self.round_arrays(strategy, seed, number):
            raise InputError(f"Round {number} of {strategy}, seed {seed}, in study {self.id} has no array {name!r}.")
        place = layout.round_file(strategy if number > 0 else SHARED, seed, number, name)
        return files.load_array(self.path, self.path / place)

    def each_purchase(self, names: Sequence[str]) -> Iterator[tuple[str, int, int, list[np.ndarray]]]:
        """Strategy, seed, round and these arrays of every finished round of purchase, by seed, strategy and round."""
        with self.reading() as database:
            query = "select strategy, seed, round from rounds where round > 0"
            with self._sound():
                rows = [checked.read_key(*row) for row in database.execute(query)]
        order = {strategy: place for place, strategy in enumerate(self.config.strategies)}
        for strategy, seed, number in sorted(rows, key=lambda row: (row[1], order.get(row[0], len(order)), row[2])):
            with self._sound():
                paths = [self.path / layout.round_file(strategy, seed, number, name) for name in names]
            yield strategy, seed, number, [files.load_array(self.path, path) for path in paths]

    def _round_row(self, strategy: str, seed: int, number: int) -> tuple[str, str]:
        key = [strategy if number > 0 else SHARED, seed, number]
        with self.reading() as database:
            query = "select metrics, arrays from rounds where strategy = ? and seed = ? and round = ?"
            row = database.execute(query, key).fetchone()
        if row is None:
            raise InputError(f"Study {self.id} has no finished round {number} of {strategy}, seed {seed}.")
        return row

    def rounds_table(self) -> pd.DataFrame:
        """All metrics, one row per strategy, seed and round; the shared round 0 stands under every strategy."""
        return self._table("metrics")

    def seconds_table(self) -> pd.DataFrame:
        """Wall-clock seconds per phase, one row per strategy, seed and round."""
        return self._table("seconds").drop(columns="prepare", errors="ignore")  # of a seed, and of no cell

    def _table(self, column: str) -> pd.DataFrame:
        import pandas as pd

        with self.reading() as database:
            query = f"select strategy, seed, round, {column} from rounds"  # noqa: S608 - column is ours
            rows = database.execute(query).fetchall()
        order = {strategy: place for place, strategy in enumerate(self.config.strategies)}
        records: list[dict[str, Any]]
        with self._sound():
            records = [
                {"strategy": name, "seed": seed, "round": number, **checked.read_numbers(values, column)}
                for strategy, seed, number, values in ((*checked.read_key(*row[:3]), row[3]) for row in rows)
                for name in (order if strategy == SHARED else [strategy])
            ]
        records.sort(key=lambda row: (order.get(row["strategy"], 99), row["seed"], row["round"]))
        return pd.DataFrame(records, columns=None if records else ["strategy", "seed", "round"])
