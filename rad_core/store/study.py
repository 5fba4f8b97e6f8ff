"""One study on disk: a folder with an SQLite database for state and metrics, and plain .npy files for arrays.

A round or a seed counts only once its row is in the database, and its files are in place before that: a kill at any
moment loses the round in progress and nothing else, and a reader never sees half of one. Nothing is ever unpickled, and
no name read from a file leads out of the store.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
from filelock import FileLock, Timeout

from rad_core import files, partials
from rad_core.config import StudyConfig
from rad_core.errors import DamagedError, InputError, StoreError
from rad_core.selection.strategies import ORACLES
from rad_core.store import layout
from rad_core.store import rows as checked
from rad_core.store.database import DATABASE, in_memory, writing
from rad_core.store.layout import SHARED
from rad_core.store.rounds import Rounds, to_json
from rad_core.store.rows import ACTIONS, STATUSES
from rad_core.studio import chart

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LONGEST_PRESENTATION = 100_000  # characters of JSON
LOCK = "run.lock"


@attrs.frozen
class StudyInfo:
    """A study at a glance. status: one of STATUSES, or lost (its process is gone), or unreadable (see message)."""

    id: str
    name: str = ""
    status: str = "unreadable"
    message: str = ""
    created: float = 0.0  # seconds since 1970
    updated: float = 0.0
    dataset: str = ""
    cells_done: int = 0  # a cell is a strategy and a seed
    cells_total: int = 0
    rounds_done: int = 0  # over all cells
    rounds_total: int = 0
    best: str = ""  # the strategy of `Study.best`


@attrs.frozen
class Best:
    """The strategy of highest mean accuracy after the last round, that mean, and over how many seeds."""

    strategy: str
    accuracy: float
    seeds: int


_LAST_ROUND = "select strategy, seed, metrics from rounds where round = ? and strategy != ?"


def _best(config: StudyConfig, finals: list[tuple[str, int, str]]) -> Best | None:
    """finals: strategy, seed and metrics of every last round."""
    accuracies: dict[str, dict[int, float]] = {name: {} for name in config.strategies if name not in ORACLES}
    for strategy, seed, metrics in finals:
        if strategy in accuracies:
            accuracies[strategy][seed] = json.loads(metrics)["accuracy"]
    seeds = set.intersection(*map(set, accuracies.values())) if accuracies else set()
    if not seeds:
        return None
    means = {name: float(np.mean([of_seed[seed] for seed in sorted(seeds)])) for name, of_seed in accuracies.items()}
    best = max(means, key=lambda name: means[name])
    return Best(best, means[best], len(seeds))


class Study(Rounds):
    """One study on disk, for reading and writing. Safe to open in several processes and threads at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._changed: int | None = None  # of a snapshot

    def snapshot(self) -> Study:
        """This study as it stands: what is read of it stays the same, whatever is written meanwhile.

        Arrays never change once a round or a seed refers to them, so its database alone is copied. What is written goes
        to the study itself, and is not seen here.
        """
        if self._changed is not None:
            return self
        still = Study(self.path)
        still._changed = self._changed_at()  # looked at first: a file that changes meanwhile has another version, too
        still.reading = in_memory(self.path)
        return still

    def check(self) -> None:
        """Raise InputError unless the study can be read."""
        self.info()

    # --- state ---

    def moment(self) -> str:
        """Which study this is and how far it has come: the key under which readers may cache what they read of it.

        It changes with every write, and when another study, or another copy of this one, takes its place.
        """
        changed = self._changed_at()
        with self._sound():
            meta = self._meta()
            return f"{meta['created']}-{int(meta['version'])}-{changed}"

    def _changed_at(self) -> int:
        """When the database's file was last changed; 0 where it cannot be seen: reading it tells why."""
        if self._changed is not None:
            return self._changed
        try:
            return (self.path / DATABASE).stat().st_ctime_ns
        except OSError:
            return 0

    def version(self) -> int:
        """A number that grows with every write."""
        return int(self._meta()["version"])

    def created(self) -> float:
        """When the study was made, in seconds since 1970."""
        with self._sound():
            return float(self._meta()["created"])

    def info(self) -> StudyInfo:
        """The study at a glance."""
        return self.as_it_is(self.stored_info())

    def stored_info(self) -> StudyInfo:
        """The study at a glance as its database has it: of a process that was killed it knows nothing."""
        with self._sound(), self.reading() as database:
            meta = checked.read_meta(database.execute("select key, value from meta"))
            if self._config is None:
                self._config = checked.read_config(meta["config"])
            config = self._config
            query = "select count(*) from rounds where strategy != ? group by strategy, seed"
            counts = [row[0] for row in database.execute(query, [SHARED])]
            last = database.execute(_LAST_ROUND, [config.rounds, SHARED]).fetchall()
        cells = len(config.strategies) * config.seeds
        with self._sound():
            best = _best(config, last)
            return StudyInfo(
                id=self.id,
                name=meta["name"],
                status=meta["status"],
                message=meta["message"],
                created=float(meta["created"]),
                updated=float(meta["updated"]),
                dataset=config.dataset,
                cells_done=sum(count >= config.rounds for count in counts),
                cells_total=cells,
                rounds_done=sum(counts),
                rounds_total=cells * config.rounds,
                best=best.strategy if best else "",
            )

    def as_it_is(self, info: StudyInfo) -> StudyInfo:
        """A glance that was stored, with a process that is gone found out."""
        if info.status in ("queued", "running") and not self.is_locked():
            return attrs.evolve(info, status="lost", message="Its process is gone; resume it.")
        return info

    def best(self) -> Best | None:
        """The best strategy, the oracle aside, on the seeds that all others have finished as well; None before that."""
        with self.reading() as database:
            last = database.execute(_LAST_ROUND, [self.config.rounds, SHARED]).fetchall()
        with self._sound():
            return _best(self.config, last)

    def set_status(self, status: str, message: str = "") -> None:
        """Record what the study is doing; status is one of STATUSES."""
        if status not in STATUSES:
            raise ValueError(f"unknown status {status!r}")
        self._set(status=status, message=message)

    def rename(self, name: str) -> None:
        """Give the study another name for people."""
        self._set(name=attrs.evolve(self.config, name=name).name)

    def read_presentation(self) -> dict[str, Any]:
        """What a presenter has decided about the story of this study, as plain values; empty where nobody has."""
        text = self._meta().get("presentation", "{}")
        damaged = DamagedError(
            f"The presentation stored with study {self.id} is damaged; save it anew on the page Present."
        )
        if len(text) > LONGEST_PRESENTATION:
            raise damaged
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise damaged from error
        if not isinstance(values, dict):
            raise damaged
        return values

    def write_presentation(self, values: Mapping[str, Any]) -> None:
        """Store what a presenter has decided, in place of what was; empty values forget it. No result changes."""
        text = json.dumps(dict(values), sort_keys=True)
        if len(text) > LONGEST_PRESENTATION:
            raise InputError(
                f"The presentation takes {len(text):,} characters; it may take {LONGEST_PRESENTATION:,}: shorten its "
                "notes."
            )
        self._set(presentation=text)

    def request(self, action: str) -> None:
        """Ask the process that runs the study to run, pause or cancel; it looks between rounds and every second."""
        if action not in ACTIONS:
            raise ValueError(f"unknown action {action!r}")
        self._set(control=action)

    def requested(self) -> str:
        """The last action asked for."""
        return self._meta()["control"]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study: one process at a time runs or deletes it. The system frees it when the process dies."""
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=2)  # is_locked touches it for an instant
        except Timeout as error:
            raise StoreError(
                f"Study {self.id} is being run by another process; wait for it, or pause it there (Ctrl-C)."
            ) from error
        except OSError as error:
            with files.writing(self.path):
                raise error
        try:
            self.sweep()
            yield
        finally:
            lock.release()

    def sweep(self) -> None:
        """Remove what killed processes were writing into the study."""
        for pattern in ("*", "*/*"):
            partials.sweep(self.path.glob(f"{pattern}{files.PARTIAL}"))

    def is_locked(self) -> bool:
        """Whether a process holds the study."""
        try:
            return files.is_locked(self.path / LOCK)
        except OSError as error:
            raise StoreError(f"{self.path / LOCK} cannot be read ({error.strerror}); mend its permissions.") from error

    def log(self, text: str) -> None:
        """Add a line to the study's log."""
        with writing(self.path) as database:
            database.execute("insert into log (time, text) values (?, ?)", [time.time(), text])

    def read_log(self, last: int = 100) -> list[tuple[float, str]]:
        """The last lines of the log, the oldest first: (seconds since 1970, text)."""
        with self.reading() as database:
            rows = database.execute("select time, text from log order by id desc limit ?", [last]).fetchall()
        with self._sound():
            return [checked.read_line(*row) for row in rows[::-1]]

    # --- seeds ---

    def put_seed(
        self,
        seed: int,
        arrays: Mapping[str, np.ndarray | files.Blocks],
        metrics: Mapping[str, Any],
        teacher_state: Mapping[str, np.ndarray],
    ) -> None:
        """Store what all cells of a seed share. teacher_state: weights by name, to restore the teacher."""
        self._save({layout.seed_file(seed, name): array for name, array in arrays.items()})
        weights = self.path / layout.weights_file(seed)
        with files.writing(self.path):
            files.make_folder(self.path, weights.parent)
            files.save_state(weights, teacher_state)
        with writing(self.path) as database:
            row = [seed, to_json(metrics), json.dumps(sorted(arrays))]
            database.execute("insert or replace into seeds values (?, ?, ?)", row)

    def has_seed(self, seed: int) -> bool:
        """Whether a seed has been prepared."""
        return seed in self.seeds()

    def seeds(self) -> list[int]:
        """The seeds prepared so far."""
        with self.reading() as database:
            return [row[0] for row in database.execute("select seed from seeds order by seed")]

    def seed_metrics(self, seed: int) -> dict[str, Any]:
        """The metrics of a seed."""
        with self._sound():
            return checked.read_facts(self._seed_row(seed)[0], f"the metrics of seed {seed}")

    def seed_arrays(self, seed: int) -> list[str]:
        """The names of a seed's arrays."""
        with self._sound():
            return checked.read_names(self._seed_row(seed)[1], f"the arrays of seed {seed}")

    def seed_array(self, seed: int, name: str) -> np.ndarray:
        """An array of a seed, as a read-only memory map."""
        if name not in self.seed_arrays(seed):
            raise InputError(f"Seed {seed} of study {self.id} has no array {name!r}.")
        return files.load_array(self.path, self.path / layout.seed_file(seed, name))

    def teacher_state(self, seed: int) -> dict[str, np.ndarray]:
        """The teacher's weights by name; empty for a teacher that has none."""
        path = self.path / layout.weights_file(seed)
        if self.has_seed(seed) and not path.exists():
            raise InputError(
                f"This copy of study {self.id} came without the teachers' weights and can only be looked at; go on "
                f"with the original, or start a new study of the same settings."
            )
        return files.load_state(self.path, path)

    def _seed_row(self, seed: int) -> tuple[str, str]:
        with self.reading() as database:
            row = database.execute("select metrics, arrays from seeds where seed = ?", [seed]).fetchone()
        if row is None:
            raise InputError(f"Seed {seed} of study {self.id} is not prepared yet.")
        return row

    # --- charts ---

    def curves(
        self,
        *,
        along: str = "labels",
        measure: str = "accuracy",
        strategies: Collection[str] | None = None,
        seeds: bool = False,
        theme: str = "light",
    ) -> Figure:
        """The chart of the studio's page Curves, as a Plotly figure.

        Args:
            along: labels, round or seconds.
            measure: accuracy, of the student on the test set, or agreement with the teacher on the pool.
            strategies: those in color, the others in gray; by default the pair that the page opens with.
            seeds: draw every seed as a thin line.
            theme: light or dark.

        Raises:
            InputError: before there are results, for what is none of these, and where the studio is not installed.
        """
        return chart("curves")(self, along=along, measure=measure, strategies=strategies, seeds=seeds, theme=theme)

    def tradeoff(
        self,
        *,
        axis: str = "right",
        strategies: Collection[str] | None = None,
        seed: int | None = None,
        theme: str = "light",
    ) -> Figure:
        """The chart of the studio's page Trade-off, of the first purchase, as a Plotly figure.

        Args:
            axis: right (the teacher is), probability (of the true class) or confidence (as calibrated).
            strategies: whose purchases; by default those that the page opens with.
            seed: one of them, or all together.
            theme: light or dark.

        Raises:
            InputError: as `curves` does.
        """
        return chart("tradeoff")(self, axis=axis, strategies=strategies, seed=seed, theme=theme)

    # --- all of it ---

    def content_digest(self) -> str:
        """A digest of all results: every metric and every array, and nothing that depends on the clock."""
        with self.reading() as database:
            seeds = database.execute("select seed, metrics, arrays from seeds order by seed").fetchall()
            query = "select strategy, seed, round, metrics, arrays from rounds order by strategy, seed, round"
            rounds = database.execute(query).fetchall()
        names = [layout.seed_file(seed, name) for seed, _, arrays in seeds for name in json.loads(arrays)]
        weights = [layout.weights_file(seed) for seed, _, _ in seeds]
        names += [name for name in weights if (self.path / name).exists()]  # rad pack may leave them out
        for strategy, seed, number, _, arrays in rounds:
            names += [layout.round_file(strategy, seed, number, name) for name in json.loads(arrays)]
        paths = [self.path / name for name in names]
        return files.digest(json.dumps([seeds, rounds, self.config.to_json()]), self.path, paths)
