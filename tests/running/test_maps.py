"""Maps of the pool: like lies beside like, the same each time, computed once and void when the features change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from rad_core.errors import InputError
from rad_core.running import worker
from rad_core.running.embedding import seconds
from rad_core.running.maps import (
    LONG_SECONDS,
    STOPPED,
    compute_map,
    fitted_on,
    make_map,
    map_state,
    mapped_array,
    read_map,
    running_maps,
    start_map,
)
from rad_core.store.catalogue import create_study
from rad_core.store.pack import pack
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.bench import maps as maps_bench
from tests.conftest import tiny_config
from tests.helpers.sound_study import make_sound
from tests.test_bench_runs import check_rows

POOL = 60


def features(seed: int, rows: int = POOL) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float16)


def put(study: Study, seed: int, **arrays: np.ndarray) -> None:
    study.put_seed(seed, {"pool_labels": np.zeros(POOL, np.int16), **arrays}, {}, {})


@pytest.fixture
def study(store: Path) -> Study:
    study = create_study(store, tiny_config(), "made-study")
    put(study, 0, teacher_features=features(0), student_features=features(1))
    return study


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_digits().data[:600].astype(np.float32)


def test_pca_is_pca(digits: np.ndarray) -> None:
    ours, theirs = compute_map(digits, "pca"), PCA(2).fit_transform(digits)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=1e-3, atol=1e-2)
    wide = np.random.default_rng(0).normal(size=(30, 200))
    np.testing.assert_allclose(np.abs(compute_map(wide, "pca")), np.abs(PCA(2).fit_transform(wide)), atol=1e-3)
    np.testing.assert_array_equal(compute_map(digits, "pca"), ours)


def test_pca_is_there_at_once() -> None:
    x = np.random.default_rng(0).normal(size=(50_000, 64)).astype(np.float16)
    compute_map(x[:100], "pca")
    began = time.process_time()  # the machine may be busy with other things
    compute_map(x, "pca")
    assert time.process_time() - began < 0.3


@pytest.mark.parametrize("shape", [(2, 1), (2, 5), (5, 1), (5, 5), (15, 3)])
@pytest.mark.parametrize("method", ["pca", "umap"])
def test_few_points_have_a_map(shape: tuple[int, int], method: str) -> None:
    for x in (np.random.default_rng(0).normal(size=shape), np.ones(shape)):
        places = compute_map(x, method)
        assert places.shape == (shape[0], 2)
        assert places.dtype == np.float32
        assert np.isfinite(places).all()


def test_what_cannot_be_mapped_is_refused() -> None:
    for x in (np.ones(5), np.ones((1, 3)), np.ones((3, 0))):
        with pytest.raises(InputError, match="two points or more"):
            compute_map(x)
    with pytest.raises(InputError, match="not finite"):
        compute_map(np.array([[1.0, np.nan], [0.0, 1.0]]))
    with pytest.raises(InputError, match="choose one of umap, pca"):
        compute_map(np.ones((3, 3)), "tsne")


@pytest.fixture(scope="module")
def ours(digits: np.ndarray) -> np.ndarray:
    """The UMAP of the digits."""
    return compute_map(digits)


@pytest.mark.slow
@pytest.mark.long
def test_umap_keeps_neighbors_together_and_is_the_same_each_time(digits: np.ndarray, ours: np.ndarray) -> None:
    import umap

    np.testing.assert_array_equal(compute_map(digits), ours)
    assert not np.array_equal(compute_map(digits, seed=1), ours)
    theirs = umap.UMAP(random_state=0, n_jobs=1).fit_transform(digits)
    kept = [trustworthiness(digits, places, n_neighbors=15) for places in (ours, theirs)]
    assert kept[0] > 0.95
    assert kept[0] > kept[1] - 0.005
    assert np.isfinite(compute_map(np.ones((40, 3)))).all()
    for rows in (16, 17, 25):
        assert np.isfinite(compute_map(digits[:rows])).all()


def large_from(monkeypatch: pytest.MonkeyPatch, points: int, sample: int) -> None:
    """Have maps of more than so many points fitted on a sample."""
    for name, value in (("LARGE", points), ("SAMPLE", sample), ("_BLOCK", 150)):
        monkeypatch.setattr(f"rad_core.running.embedding.{name}", value)


@pytest.mark.long
def test_the_points_beyond_a_sample_are_placed_among_it_as_well_as_those_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = maps_bench.mixture(4000, 32)
    large_from(monkeypatch, 3999, 2500)
    told: list[tuple[int, int]] = []
    places = compute_map(x, report=lambda placed, of: told.append((placed, of)))
    assert told == [(2500 + done, 4000) for done in range(0, 1501, 150)]
    fitted, placed = maps_bench.placed_apart(x, places, 2500)
    assert fitted > 0.9
    assert placed > fitted - 0.02
    np.testing.assert_array_equal(compute_map(x), places)
    assert not np.array_equal(compute_map(x, seed=1), places)


@pytest.mark.slow
@pytest.mark.long
def test_a_point_that_equals_a_fitted_one_lies_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    large_from(monkeypatch, 300, 200)
    images = np.repeat(load_digits().data[:200].astype(np.float32), 2, axis=0)
    places = compute_map(images)
    twins = np.linalg.norm(places[::2] - places[1::2], axis=1)
    assert np.median(twins) < 0.1 * np.ptp(places, axis=0).max()
    assert np.isfinite(compute_map(np.ones((400, 3)))).all()


@pytest.mark.slow
@pytest.mark.long
def test_maps_are_measured_beside_those_of_umap_learn() -> None:
    check_rows(list(maps_bench.rows(True)))


def test_a_map_is_computed_once_and_void_when_the_features_change(study: Study) -> None:
    digest = study.content_digest()
    assert read_map(study, 0, method="pca") is None
    assert map_state(study, 0, method="pca") == "absent"
    first = make_map(study, 0, method="pca")
    (path,) = (study.path / "maps").glob("*.npy")
    written = path.stat().st_mtime_ns
    np.testing.assert_array_equal(make_map(study, 0, method="pca"), first)
    assert path.stat().st_mtime_ns == written
    kept = read_map(study, 0, method="pca")
    assert kept is not None
    assert map_state(study, 0, method="pca") == "ready"
    assert study.content_digest() == digest
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 0

    put(study, 0, teacher_features=features(5), student_features=features(1))
    assert map_state(study, 0, method="pca") == "absent"
    second = make_map(study, 0, method="pca")
    assert not np.array_equal(first, second)
    assert not path.exists()
    assert len(list((study.path / "maps").glob("*.npy"))) == 1


def test_each_source_has_its_own_map_and_a_teacher_without_features_says_so(study: Study) -> None:
    assert not np.array_equal(make_map(study, 0, method="pca"), make_map(study, 0, "student_features", "pca"))
    assert mapped_array(study, 0) == "teacher_features"
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), POOL).astype(np.float32)
    put(study, 1, teacher_pool_probabilities=probabilities, student_features=features(1))
    assert mapped_array(study, 1) == "teacher_pool_probabilities"
    np.testing.assert_array_equal(make_map(study, 1, method="pca"), compute_map(probabilities, "pca"))
    with pytest.raises(InputError, match="choose one of teacher_features, student_features"):
        make_map(study, 0, "thumbnails")
    with pytest.raises(InputError, match="not prepared yet"):
        map_state(study, 7)


def wait(study: Study, method: str = "pca", seconds: float = 120.0) -> str:
    end = time.monotonic() + seconds
    while (state := map_state(study, 0, method=method)) == "computing":
        assert time.monotonic() < end
        time.sleep(0.05)
    return state


def test_a_map_is_computed_in_the_background_by_one_process(study: Study) -> None:
    code = (
        "import sys; from pathlib import Path; from rad_core.store.catalogue import open_study\n"
        "from rad_core.running.maps import map_state, start_map\n"
        f"study = open_study(Path({str(study.path.parent)!r}), {study.id!r})\n"
        "start_map(study, 0, method='pca')\n"
        "assert map_state(study, 0, method='pca') in ('computing', 'ready')\n"
        "assert not {'torch', 'umap', 'numba'} & set(sys.modules)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert wait(study) == "ready"
    log = study.path / "maps" / "teacher_features-pca-seed0.log"
    end = time.monotonic() + 60
    while "by pca" not in log.read_text():  # it is written once the map is there
        assert time.monotonic() < end
        time.sleep(0.05)
    assert log.read_text().count("by pca") == 1
    np.testing.assert_array_equal(read_map(study, 0, method="pca"), compute_map(features(0), "pca"))


def test_a_map_that_cannot_be_computed_says_why_and_may_be_tried_again(study: Study) -> None:
    put(study, 0, teacher_features=np.full((POOL, 2), np.nan, np.float16))
    start_map(study, 0, method="pca")
    assert wait(study).startswith("failed: features holds values that are not finite")
    put(study, 0, teacher_features=features(0))
    start_map(study, 0, method="pca")
    assert wait(study) == "ready"


def test_a_damaged_map_is_computed_again(study: Study) -> None:
    make_map(study, 0, method="pca")
    (path,) = (study.path / "maps").glob("*.npy")
    whole = path.read_bytes()
    np.save(path, np.zeros((3, 2), np.float32))
    few = path.read_bytes()
    for damaged in (few, whole[:-9], b""):
        path.write_bytes(damaged)
        assert map_state(study, 0, method="pca") == "absent"
        assert make_map(study, 0, method="pca").shape == (POOL, 2)
        assert map_state(study, 0, method="pca") == "ready"
        assert path.read_bytes() == whole


@pytest.mark.slow
def test_a_map_of_a_large_pool_says_what_it_was_fitted_on(
    study: Study, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_map(study, 0, method="pca")
    assert fitted_on(study, 0, method="pca") is None
    assert fitted_on(study, 0) is None
    large_from(monkeypatch, 50, 40)
    places = make_map(study, 0)
    assert fitted_on(study, 0) == 40
    (path,) = (study.path / "maps").glob("*-umap-*.npy")
    assert "-fit40-" in path.name
    sound = make_sound(store, "sound-study")
    count = len(make_map(sound, 0))
    large_from(monkeypatch, count - 1, count - 2)
    assert read_map(sound, 0) is None, "one that was made in another way is none"
    make_map(sound, 0)
    pack(sound, tmp_path / "study.rad.zip")
    copy = unpack_into(tmp_path / "study.rad.zip", tmp_path / "other")
    assert fitted_on(copy, 0) == count - 2
    assert places.shape == (POOL, 2)


def test_the_time_of_a_map_is_told_beforehand() -> None:
    assert seconds(1_000_000, 128, "pca") < 10
    assert seconds(2_000, 64) < LONG_SECONDS < seconds(100_000, 64)
    assert LONG_SECONDS < seconds(200_000, 64) < seconds(1_000_000, 64) < seconds(1_000_000, 128) < 300


def test_after_a_run_a_map_that_takes_longer_than_a_minute_waits_to_be_asked_for(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rad_core.running.launch.end_with", lambda *_: None)
    made: list[int] = []
    monkeypatch.setattr("rad_core.running.maps.make_map", lambda study, seed, **_: made.append(seed))
    worker._draw_map(study)
    assert made == [0]
    monkeypatch.setattr("rad_core.running.maps.map_seconds", lambda *_: 250.0)
    worker._draw_map(study)
    assert made == [0]
    assert study.read_log(1)[0][1].startswith("the map takes 5 minutes or so: ask for it")


def test_where_nothing_can_be_written_maps_lie_in_the_users_cache(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:  # root writes everywhere; what is tested is the path taken when nothing can be written
        monkeypatch.setattr("os.access", lambda path, mode: False)
    study.path.chmod(0o555)
    try:
        places = make_map(study, 0, method="pca")
        assert map_state(study, 0, method="pca") == "ready"
        np.testing.assert_array_equal(read_map(study, 0, method="pca"), places)
    finally:
        study.path.chmod(0o755)
    assert not (study.path / "maps").exists()


def test_maps_travel_with_the_study(store: Path, tmp_path: Path) -> None:
    study = make_sound(store, "sound-study")
    places = make_map(study, 0, method="pca")
    pack(study, tmp_path / "study.rad.zip")
    copy = unpack_into(tmp_path / "study.rad.zip", tmp_path / "other")
    np.testing.assert_array_equal(read_map(copy, 0, method="pca"), places)


def test_the_command_maps(study: Study, store: Path) -> None:
    def rad(*arguments: object, code: int = 0) -> str:
        command = [sys.executable, "-m", "rad_core.cli", "map", *map(str, arguments), "--store", str(store)]
        ran = subprocess.run(command, capture_output=True, text=True)
        assert ran.returncode == code, ran.stderr
        return ran.stdout + ran.stderr

    assert "not being computed" in rad("latest", "--stop", code=2)
    assert "Mapped 60 points of made-study, seed 0" in rad("latest", "--method", "pca", "--features", "student")
    assert read_map(study, 0, "student_features", "pca") is not None
    assert "not prepared yet" in rad("latest", "--seed", 5, code=2)


@pytest.mark.slow
def test_a_map_on_its_way_is_listed_and_stopped(study: Study, store: Path) -> None:
    points = np.random.default_rng(0).normal(size=(30_000, 32)).astype(np.float16)  # a minute of work
    np.save(study.path / "seed-0" / "teacher_features.npy", points)
    np.save(study.path / "seed-0" / "pool_labels.npy", np.zeros(len(points), np.int16))
    make_map(study, 0, method="pca")

    def rad(*arguments: str) -> str:
        command = [sys.executable, "-m", "rad_core.cli", *arguments, "--store", str(store)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert running_maps(store) == []
    start_map(study, 0)
    end = time.monotonic() + 60
    while not any(each.points for each in running_maps(store)):
        assert time.monotonic() < end
        time.sleep(0.05)
    (running,) = running_maps(store)
    assert (running.study_id, running.seed, running.method, running.placed) == (study.id, 0, "umap", 0)
    said = "UMAP of teacher features, seed 0: 0 of 30,000 points placed"
    assert said in rad("runs")
    assert json.loads(rad("runs", "--json"))[0]["maps"] == [said]
    assert f"Stopped the {said}" in rad("map", "latest", "--stop")
    assert wait(study, "umap", 10) == f"failed: {STOPPED}"
    assert running_maps(store) == []
    assert read_map(study, 0, method="pca") is not None, "what was kept stays"
    start_map(study, 0)
    assert map_state(study, 0) == "computing", "a map that was stopped can be asked for again"
    rad("map", "latest", "--stop")
    assert wait(study, "umap", 10) == f"failed: {STOPPED}"
