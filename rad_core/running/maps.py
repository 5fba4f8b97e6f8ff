"""Maps of the pool: features (N, D) -> points in the plane (N, 2), computed once, kept in the study's folder.

`python -m rad_core.running.maps STORE ID SEED SOURCE METHOD` computes one; `start_map` launches that in the background.
Neither torch nor umap is imported unless a UMAP is computed (compiling it takes up to half a minute the first time).
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from rad_core import files, partials
from rad_core.errors import DamagedError, InputError, RadError
from rad_core.folders import data_folder
from rad_core.running import launch
from rad_core.running.embedding import METHODS, Report, compute_map, fitted_points, seconds
from rad_core.store import layout
from rad_core.store.catalogue import open_study
from rad_core.store.light_copy import is_light
from rad_core.store.study import Study

SOURCES = ("teacher_features", "student_features")
WITHOUT_FEATURES = "teacher_pool_probabilities"  # what is mapped where a teacher has no features
LONG_SECONDS = 60.0  # what takes longer waits until somebody asks for it
STOPPED = "it was stopped."
_VERSION = b"1"  # of the way maps are computed: another one makes those kept so far void


def mapped_array(study: Study, seed: int, source: str = "teacher_features") -> str:
    """The array of a seed that a map is made of: the source, or the probabilities of a teacher without features.

    Of a teacher from outside, who was asked about some points alone, neither is known: the student's features stand in.
    """
    if source not in SOURCES:
        raise InputError(f"source is {source!r}; choose one of {', '.join(SOURCES)}.")
    if source != "teacher_features" or source in study.seed_arrays(seed):
        return source
    if is_light(study) and not any(_kept(study, seed, WITHOUT_FEATURES, method) for method in METHODS):
        return source
    return "student_features" if study.config.outside else WITHOUT_FEATURES


def layouts(study: Study, seed: int) -> list[tuple[str, str]]:
    """The sources and methods by which the pool of a seed can be placed: all; of a light copy those that are kept."""
    sources = SOURCES[1:] if study.config.outside else SOURCES
    every = [(source, method) for source in sources for method in METHODS]
    if not is_light(study):
        return every
    return [(source, method) for source, method in every if read_map(study, seed, source, method) is not None]


def read_map(study: Study, seed: int, source: str = "teacher_features", method: str = "umap") -> np.ndarray | None:
    """The map of a seed's pool, (N, 2) float32, as a read-only memory map; None if it has not been computed.

    Looks into the study's folder and then into the user's cache, where maps of studies on read-only media are kept. A
    map that is damaged, or of features that have changed since, is none: it can be computed again.
    """
    found = _found(study, seed, source, method)
    return None if found is None else found[1]


def fitted_on(study: Study, seed: int, source: str = "teacher_features", method: str = "umap") -> int | None:
    """Of a kept map that was fitted on a sample: on how many points; the others were placed among those."""
    found = _found(study, seed, source, method)
    return None if found is None else layout.map_sample(found[0].name)


def _found(study: Study, seed: int, source: str, method: str) -> tuple[Path, np.ndarray] | None:
    """A kept map and its file."""
    if is_light(study):
        places = [_kept(study, seed, mapped_array(study, seed, source), method)]
    else:
        name = _name(study, seed, source, method)
        places = [study.path / name, _cache(study) / Path(name).name]
    for path in places:
        if path is not None and path.exists():
            count = len(study.seed_array(seed, "pool_labels"))
            with suppress(RadError):
                points = files.load_array(path.parent.parent, path)
                if points.shape == (count, 2) and points.dtype == np.float32:
                    return path, points
    return None


def map_seconds(study: Study, seed: int, source: str = "teacher_features", method: str = "umap") -> float:
    """About how long a map takes to compute, in seconds."""
    points, dimensions = study.seed_array(seed, mapped_array(study, seed, source)).shape
    return seconds(points, dimensions, method)


def map_state(study: Study, seed: int, source: str = "teacher_features", method: str = "umap") -> str:
    """How a map is: "ready", "computing", "absent", or "failed: " and why in a sentence."""
    if read_map(study, seed, source, method) is not None:
        return "ready"
    stem = _stem(study, seed, source, method)
    if files.is_locked(stem.with_suffix(".lock")):
        return "computing"
    try:
        return f"failed: {stem.with_suffix('.failed').read_text('utf-8')}"
    except FileNotFoundError:
        return "absent"


def make_map(
    study: Study,
    seed: int,
    source: str = "teacher_features",
    method: str = "umap",
    report: Report | None = None,
    *,
    alone: bool = False,
) -> np.ndarray:
    """The map of a seed's pool, computed and kept unless it is there; waits for a process that is computing it.

    report: as for `compute_map`. alone: this process is there for the map alone, and so ends at once when somebody
    stops the map, or when the study goes.
    """
    points = read_map(study, seed, source, method)
    if points is not None:
        return points
    with FileLock(_folder_for(study, seed, source, method).with_suffix(".lock")):
        return _make(study, seed, source, method, report, alone)


def start_map(study: Study, seed: int, source: str = "teacher_features", method: str = "umap") -> None:
    """Have a map computed by a process of its own, unless it is there or being computed; `map_state` tells of it."""
    if map_state(study, seed, source, method) in ("ready", "computing"):
        return
    arguments = [str(study.path.parent.absolute()), study.id, str(seed), source, method]
    stem = _folder_for(study, seed, source, method)
    with files.writing(stem.parent):
        launch.launch("rad_core.running.maps", arguments, stem.with_suffix(".log"))


# --- maps on their way ---


@dataclass(frozen=True)
class Running:
    """A map that a process is computing. placed: how many points have their place, of all; none before the fit ends."""

    study_id: str
    seed: int
    array: str
    method: str
    placed: int
    points: int
    stem: Path

    @property
    def words(self) -> str:
        """What is being done."""
        what = f"{self.method.upper()} of {self.array.replace('_', ' ')}, seed {self.seed}"
        return f"{what}: {self.placed:,} of {self.points:,} points placed"


def running_maps(root: Path) -> list[Running]:
    """The maps of a store's studies that are being computed."""
    found = []
    for lock in sorted([*root.glob(f"*/{layout.MAPS}/*.lock"), *(data_folder() / layout.MAPS).glob("*/*.lock")]):
        name = layout.read_stem(lock.stem)
        cached = lock.parent.parent.name == layout.MAPS
        study_id = lock.parent.name if cached else lock.parent.parent.name
        if name is not None and (root / study_id).exists() and files.is_locked(lock):
            placed, points = _progress(lock.with_suffix(".progress"))
            found.append(Running(study_id, name[2], name[0], name[1], placed, points, lock.with_suffix("")))
    return found


def _progress(path: Path) -> tuple[int, int]:
    try:
        placed, points = path.read_text("ascii").split()
    except FileNotFoundError:  # it has just begun, or is about to end
        return 0, 0
    return int(placed), int(points)


def stop_map(running: Running) -> None:
    """Have a map stopped: the process that computes it ends within a second or two. A map kept before stays."""
    failure = running.stem.with_suffix(".failed")
    with files.writing(failure.parent):
        files.replace(failure, lambda file: file.write(STOPPED.encode()))  # type: ignore[arg-type]


def _is_stopped(failure: Path) -> bool:
    try:
        return failure.read_text("utf-8") == STOPPED
    except FileNotFoundError:
        return False


# --- making and keeping ---


def _make(
    study: Study, seed: int, source: str, method: str, report: Report | None = None, alone: bool = False
) -> np.ndarray:
    """Compute a map whose lock is held, unless another process did so in the meantime."""
    points = read_map(study, seed, source, method)
    if points is not None:
        return points
    stem = _folder_for(study, seed, source, method)
    failure, news = stem.with_suffix(".failed"), stem.with_suffix(".progress")
    failure.unlink(missing_ok=True)
    features = study.seed_array(seed, mapped_array(study, seed, source))

    def tell(placed: int, of: int) -> None:
        files.replace(news, lambda file: file.write(f"{placed} {of}".encode()))  # type: ignore[arg-type]
        if report is not None:
            report(placed, of)

    tell(0, len(features))
    watch = launch.end_with(study.path, partial(_is_stopped, failure)) if alone else None
    try:
        places = compute_map(features, method, report=tell)
        _save(stem, Path(_name(study, seed, source, method)).name, places)
    except Exception as error:
        sentence = str(error) if isinstance(error, RadError) else f"{type(error).__name__}: {error}".splitlines()[0]
        files.replace(failure, lambda file: file.write(sentence.encode()))  # type: ignore[arg-type]
        raise
    finally:
        if watch is not None:
            watch.set()
        news.unlink(missing_ok=True)
    return places


def _save(stem: Path, name: str, places: np.ndarray) -> None:
    """Write a map and remove those it replaces."""
    folder = stem.parent
    with files.writing(folder):
        partials.sweep_files(folder)
        files.save_arrays({folder / name: places})
    for old in folder.glob(f"{stem.name}-*.npy"):
        if old.name != name:
            old.unlink(missing_ok=True)


def _kept(study: Study, seed: int, array: str, method: str) -> Path | None:
    """The map that a light copy was given: it came without what the digest in its name is of."""
    return next(iter(sorted(study.path.glob(layout.map_file(array, method, seed, "*")))), None)


def _name(study: Study, seed: int, source: str, method: str) -> str:
    """The file of a map; the digest of what it was made of is part of its name."""
    array = mapped_array(study, seed, source)
    if is_light(study):
        raise InputError(
            f"This light copy of study {study.id} has no {method.upper()} of {array.replace('_', ' ')} of seed {seed}, "
            "and without features none can be made."
        )
    place = study.path / layout.seed_file(seed, array)
    try:
        status = files.inside(study.path, place).stat()
    except OSError as error:
        raise DamagedError(f"{place} cannot be read ({error.strerror}); restore it or delete the study.") from error
    digest = _digest(place, status.st_size, status.st_mtime_ns, status.st_ino)
    sample = fitted_points(len(study.seed_array(seed, array)), method)
    return layout.map_file(array, method, seed, digest, sample)


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, modified: int, number: int) -> str:
    """The digest of a file; known again for as long as the file is the same one."""
    state = hashlib.blake2b(_VERSION, digest_size=8)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.hexdigest()


def _stem(study: Study, seed: int, source: str, method: str) -> Path:
    """Where a map's lock, log and failure lie, without their endings."""
    stem = study.path / layout.map_stem(mapped_array(study, seed, source), method, seed)
    folder = stem.parent
    writable = os.access(folder if folder.exists() else study.path, os.W_OK)
    return stem if writable else _cache(study) / stem.name


def _folder_for(study: Study, seed: int, source: str, method: str) -> Path:
    """The stem, its folder made."""
    _name(study, seed, source, method)  # refuses what cannot be made
    stem = _stem(study, seed, source, method)
    with files.writing(stem.parent):
        if stem.parent.parent == study.path:
            files.make_folder(study.path, stem.parent)
        else:
            stem.parent.mkdir(parents=True, exist_ok=True)
    return stem


def _cache(study: Study) -> Path:
    return data_folder() / layout.MAPS / study.id


def main(root: str, study_id: str, seed: str, source: str, method: str) -> int:
    """Compute one map; the exit status is 0 if it is there or another process is at it."""

    def work() -> None:
        study = open_study(Path(root), study_id)
        lock = FileLock(_folder_for(study, int(seed), source, method).with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            launch.ready()
            return
        with lock:
            launch.end_with(study.path)
            _stem(study, int(seed), source, method).with_suffix(".failed").unlink(missing_ok=True)
            launch.ready()
            if read_map(study, int(seed), source, method) is None:
                began = time.perf_counter()
                _make(study, int(seed), source, method, alone=True)
                print(f"{source} of seed {seed} by {method}: {time.perf_counter() - began:.1f} s", flush=True)

    return launch.ended_by(work)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
