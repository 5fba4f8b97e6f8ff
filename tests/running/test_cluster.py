"""A study on a Ray cluster is the study alone, bit for bit, whatever becomes of the nodes."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from rad_core.campaign.students import scores_of_pool
from rad_core.campaign.training import TrainingSet
from rad_core.cli import cli
from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.running import cluster as clusters
from rad_core.running import units
from rad_core.running.cluster import Cluster, Node, connect, mismatch
from rad_core.running.cluster_students import scoring
from rad_core.running.engine import Event, StudyStopped, run_study
from rad_core.running.on_cluster import device_on, resources_on
from rad_core.store.catalogue import create_study
from rad_core.store.study import Study
from tests.conftest import tiny_config
from tests.helpers.outside import asked, config_for, teacher_file
from tests.helpers.ray_cluster import Ray, free_port, ray_cluster

CONFIG = tiny_config(strategies=("rad", "uniform", "coreset"), seeds=2, rounds=6, student_steps=100)


@pytest.fixture(scope="module")
def ray() -> Iterator[Ray]:
    with ray_cluster() as made:
        yield made


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study as two workers of this machine run it."""
    study = create_study(tmp_path_factory.mktemp("alone"), CONFIG)
    run_study(study, workers=2)
    return study


def content(study: Study) -> tuple[dict[str, bytes], list[tuple], list[tuple]]:
    """Every file of a study but its database, and the rows of that but for what the clock says."""
    files = {
        str(path.relative_to(study.path)): path.read_bytes()
        for path in sorted(study.path.rglob("*.np[yz]"))
        if path.is_file()
    }
    with closing(sqlite3.connect(study.path / "study.sqlite")) as database:
        rounds = database.execute("select strategy, seed, round, metrics, arrays from rounds order by 1, 2, 3")
        return files, rounds.fetchall(), database.execute("select * from seeds order by 1").fetchall()


def test_a_node_that_is_killed_changes_no_byte(ray: Ray, alone: Study, store: Path) -> None:
    node = ray.add_node()
    study, begun, killed = create_study(store, CONFIG), set(), []

    def kill_once_both_work(event: Event) -> None:
        if event.kind == "round":
            begun.add(event.seed)
        if begun == {0, 1} and not killed:
            ray.kill(node)
            killed.append(event)

    run_study(study, cluster="auto", on_event=kill_once_both_work)
    assert killed
    assert study.info().status == "finished"
    assert content(study) == content(alone)
    assert study.content_digest() == alone.content_digest()
    assert any("it goes on elsewhere" in text for _, text in study.read_log())
    assert len([text for _, text in study.read_log(1000) if ": accuracy " in text]) == 2 * 3 * 6  # none twice


@pytest.mark.long
def test_a_study_is_paused_there_and_goes_on_through_a_client(ray: Ray, alone: Study, store: Path) -> None:
    study = create_study(store, CONFIG)

    def pause(event: Event) -> None:
        if event.kind == "round":
            study.request("pause")

    with pytest.raises(StudyStopped):
        run_study(study, cluster="auto", on_event=pause)
    assert study.info().status == "paused"
    assert 0 < study.info().rounds_done < 36
    assert study.on_cluster()
    run_study(study, cluster=ray.client)
    assert content(study) == content(alone)


def test_a_pool_that_a_cluster_reads_gives_the_picks_of_one_process(ray: Ray, tmp_path: Path) -> None:
    node = ray.add_node()
    rng = np.random.default_rng(0)
    (tmp_path / "pool").mkdir()
    for number in range(4):
        np.save(tmp_path / "pool" / f"{number}.npy", rng.dirichlet(np.ones(5), 400_000).astype(np.float32))
    picks = []
    for place, more in (("alone", []), ("auto", ["--cluster", "auto"])):
        output = tmp_path / f"{place}.csv"
        told = ["--budget", "999", "--teacher-accuracy", "0.8", "-o", str(output), *more]
        done = CliRunner().invoke(cli, ["select", "--probs", str(tmp_path / "pool"), *told])
        assert done.exit_code == 0, done.output
        picks.append(output.read_bytes())
    assert picks[0] == picks[1]
    ray.kill(node)


@pytest.mark.long
def test_a_teacher_from_outside_is_asked_by_one_process(ray: Ray, store: Path, tmp_path: Path) -> None:
    studies = []
    for name, place in (("here", None), ("there", "auto")):
        config = config_for(teacher_file(tmp_path / name))
        studies.append(create_study(store, config, f"study-{name}"))
        run_study(studies[-1], workers=1 if place is None else None, cluster=place)
    assert content(studies[0]) == content(studies[1])
    here, there = (sorted(asked(study.config.teacher)) for study in studies)
    assert here == there
    assert len(there) > 60


@pytest.mark.long
def test_students_of_campaigns_say_the_same_there(ray: Ray) -> None:
    rng = np.random.default_rng(0)
    features, rows = rng.normal(size=(400, 6)).astype(np.float32), np.arange(300, 360)
    targets = np.eye(3)[rng.integers(0, 3, 60)]
    sources, rounds = ["labeled"] * 60, np.zeros(60, np.int64)
    examples = TrainingSet(tuple("abc"), list(map(str, rows)), targets, sources, rounds, np.ones(60), rows)
    told = ("mlp", features, examples, 300, np.arange(340, 360), 1)
    here = scores_of_pool(*told)
    with scoring("auto") as score:
        there = score(*told)
    assert np.array_equal(here.values, there.values)
    assert here.unseen is not None
    assert there.unseen is not None
    assert np.array_equal(here.unseen[1], there.unseen[1])


def test_the_doctor_lists_the_nodes_that_live(ray: Ray) -> None:
    before = len(ray.nodes)
    ray.kill(ray.add_node())  # Ray still takes it for alive, for some ten seconds
    with connect("auto") as cluster:
        assert len(cluster.nodes) == before
    done = CliRunner().invoke(cli, ["doctor", "--cluster", "auto"])
    assert done.exit_code == 0, done.output
    assert "127.0.0.1" in done.output
    assert torch.__version__.partition("+")[0] in done.output
    assert "Studies can run there" in done.output


@pytest.mark.long
def test_a_ray_of_our_own_listens_here_alone_and_is_gone_afterwards(ray: Ray) -> None:
    with connect("local:2") as cluster:
        assert [(node.address, node.cpus) for node in cluster.nodes] == [("127.0.0.1", 2)]
    import ray as library

    assert not library.is_initialized()


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "local:0", "local:", "10.0.0.1:6379", "ray://", "ray://host"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="write auto, local:N"):
        clusters.check_address(address)


def test_where_no_ray_runs_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    port = free_port()
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    for address in ("auto", f"ray://127.0.0.1:{port}"):
        done = CliRunner().invoke(cli, ["run", "--cluster", address, "--store", str(store)])
        assert isinstance(done.exception, InputError)
        assert "No Ray cluster can be reached" in str(done.exception)
    assert not list(store.glob("*"))


def test_without_ray_a_sentence_tells_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'rad-studio\[cluster\]'"):
        clusters.reach("local:2")


def test_processes_here_and_a_cluster_do_not_go_together(store: Path) -> None:
    done = CliRunner().invoke(cli, ["run", "--cluster", "local:2", "--workers", "2", "--store", str(store)])
    assert isinstance(done.exception, InputError)
    assert "give one of them" in str(done.exception)


OWN = {"python": "3.11.7", "ray": "2.50.0", "torch": "2.11.0", "rad-studio": "0.1.0"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ""),
        ({"torch": "2.12.0"}, "has torch 2.12.0, and this machine 2.11.0"),
        ({"rad-studio": None}, "has no rad-studio, and this machine 0.1.0"),
        (dict.fromkeys(OWN), "did not tell its versions"),
    ],
)
def test_nodes_of_other_versions_are_refused(change: dict[str, str | None], words: str) -> None:
    versions = {name: version for name, version in {**OWN, **change}.items() if version is not None}
    nodes = [Node("a", "10.0.0.1", 1, 0, 0, OWN), Node("b", "10.0.0.2", 1, 0, 0, versions)]
    said = mismatch(OWN, nodes)
    assert (words in said, bool(said)) == (True, bool(words))
    assert "10.0.0.1" not in said


@pytest.mark.parametrize(
    ("device", "nodes", "wanted"),
    [
        ("auto", [(8, 0), (2, 0)], ("cpu", {"num_cpus": 4, "num_gpus": 0})),
        ("auto", [(2, 0)], ("cpu", {"num_cpus": 2, "num_gpus": 0})),
        ("auto", [(8, 0), (2, 1)], ("cuda", {"num_cpus": 2, "num_gpus": 1})),
        ("cpu", [(8, 1)], ("cpu", {"num_cpus": 4, "num_gpus": 0})),
        ("cuda", [(8, 0)], None),
        ("cpu", [(0, 0)], None),
    ],
)
def test_a_task_takes_what_the_study_says_and_a_node_has(
    device: str, nodes: list[tuple[float, float]], wanted: tuple[str, dict[str, float]] | None
) -> None:
    cluster = Cluster("auto", tuple(Node("", "", *each, 0, {}) for each in nodes), "")
    config = StudyConfig(device=device)
    if wanted is None:
        with pytest.raises(InputError):
            device_on(config, cluster)
    else:
        on = device_on(config, cluster)
        assert (on, resources_on(cluster, on, 4)) == wanted


# --- threads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_threads() -> Iterator[None]:
    """Other tests have as many as before."""
    before = torch.get_num_threads()
    yield
    units.limit_threads(before, "cpu")


@pytest.mark.usefixtures("own_threads")
def test_the_number_of_threads_is_recorded_and_applied_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "cores", lambda: 6)
    study = create_study(store, tiny_config(rounds=1))
    assert study.threads() is None  # as of a study of an earlier version
    run_study(study, workers=1)
    assert (study.threads(), torch.get_num_threads()) == (3, 3)
    monkeypatch.setattr(units, "cores", lambda: 64)
    again = create_study(store, attrs.evolve(study.config, name="again"))
    again.record_threads(2)
    run_study(again, workers=1)
    assert (again.threads(), torch.get_num_threads()) == (2, 2)
