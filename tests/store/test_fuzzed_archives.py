"""Hundreds of spoiled archives: each is refused in a sentence and soon, or does no harm to anything."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from app.atlas import layout
from app.export.__main__ import export
from app.results import shipped
from app.shell import state
from rad_core.cli import cli
from rad_core.errors import InputError
from rad_core.learning.plane import principal_plane
from rad_core.running import embedding, maps
from rad_core.running.engine import run_study
from rad_core.store.catalogue import create_study, list_studies
from rad_core.store.database import DATABASE
from rad_core.store.pack import pack
from rad_core.store.study import Study
from rad_core.store.unpack import unpack_into
from tests.conftest import tiny_config
from tests.helpers.mutants import Bases, Mutant, members_of, mutants
from tests.helpers.result_pages import MAIN

SEED, COUNT = int(os.environ.get("RAD_FUZZ_SEED", "0")), int(os.environ.get("RAD_FUZZ_COUNT", "25"))
ID, GOOD = "spoiled-study", "good-study"
PAGES = ("explore", "tradeoff", "map", "curves", "present", "data", "studies", "method")
SECONDS = 10.0


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    """A finished study, a light copy of it, and one that has come half way."""
    folder = tmp_path_factory.mktemp("bases")
    config = tiny_config(strategies=("rad", "uniform", "margin", "unixkd", "oracle"), seeds=2, pool=60, test=60)
    study = create_study(folder / "store", config, ID)
    run_study(study, workers=1)
    with pytest.MonkeyPatch.context() as patch:  # the places under a UMAP's name are a PCA's, which is there at once
        patch.setattr(embedding, "_umap", lambda x, seed, report: principal_plane(x, len(x)))
        maps.make_map(study, 0)
    maps.make_map(study, 1, method="pca")
    pack(study, folder / "whole.rad.zip")
    pack(study, folder / "light.rad.zip", light=1)
    study.set_status("paused", "Interrupted; every finished round is kept.")
    with closing(sqlite3.connect(study.path / DATABASE)) as database:
        database.execute("delete from rounds where seed = 1 and strategy != 'rad' and round > 0")
        database.execute("delete from rounds where strategy = 'oracle' and round = 2")
        database.commit()
    pack(study, folder / "paused.rad.zip")
    return Bases({path.name.removesuffix(".rad.zip"): members_of(path) for path in sorted(folder.glob("*.rad.zip"))})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a good study in it."""
    root = tmp_path_factory.mktemp("store")
    run_study(create_study(root, tiny_config(name="Good"), GOOD), workers=1)
    return root


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_spoiled_archive_is_refused_or_harmless(
    bases: Bases, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAD_STORE", str(root))
    monkeypatch.setattr(shipped, "archives", list)
    monkeypatch.setattr(layout.maps, "start_map", lambda *arguments: None)  # a UMAP takes half a minute
    good = Study(root / GOOD).content_digest()
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    slowest = 0.0

    @seed(SEED)
    @settings(
        max_examples=COUNT,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(st.deferred(lambda: mutants(bases)))
    def spoil(mutant: Mutant) -> None:
        nonlocal slowest
        kind = mutant.kind
        archive = tmp_path / "mutant.rad.zip"
        archive.write_bytes(mutant.content)
        began, words, study = time.monotonic(), "", None
        try:
            study = unpack_into(archive, root)
        except InputError as error:
            words = str(error)
        took = time.monotonic() - began
        slowest = max(slowest, took)
        assert took < SECONDS, f"{kind} took {took:.1f} s"
        if study is None:
            counts[f"refused: {kind}"] += 1
            assert "\n" not in words
            assert str(archive) in words
            assert sorted(path.name for path in root.iterdir()) == [GOOD]
        else:
            counts[f"harmless: {kind}"] += 1
            key = everything(study)
            if key not in seen:
                seen.add(key)
                counts["harmless, each another study"] += 1
                try:
                    check_harmless(study, root, tmp_path / "out")
                finally:
                    shutil.rmtree(study.path, ignore_errors=True)
                    shutil.rmtree(tmp_path / "out", ignore_errors=True)
            shutil.rmtree(study.path, ignore_errors=True)
        assert Study(root / GOOD).content_digest() == good

    try:
        spoil()
    finally:
        print(f"\nseed {SEED}, {sum(counts.values())} archives, slowest {slowest:.1f} s")
        for name, number in sorted(counts.items()):
            print(f"{number:5} {name}")


def everything(study: Study) -> str:
    """All that a page could show of a study, as text: two that are equal need not be looked at twice."""
    with closing(sqlite3.connect(study.path / DATABASE)) as database:
        rows = [database.execute(f"select * from {table}").fetchall() for table in ("meta", "rounds", "log")]
    maps = [(path.name, hash(path.read_bytes())) for path in sorted(study.path.glob("maps/*.npy"))]
    return repr((study.content_digest(), rows, maps))


# --- what must work ------------------------------------------------------------------------------------------------


def check_harmless(study: Study, root: Path, out: Path) -> None:
    """Every page and command works for a study, and for its neighbor."""
    state.forget_list()
    infos = {info.id: info for info in list_studies(root)}
    assert infos[study.id].status != "unreadable", infos[study.id].message
    for page in PAGES:
        check_page(page, study.id)
    for page in ("explore", "studies"):
        check_page(page, GOOD)
    for command in commands(study, root, out):
        command()
    state.forget_list()


def check_page(page: str, id: str) -> None:
    at = AppTest.from_file(MAIN, default_timeout=120)
    at.query_params["run"] = id
    at.query_params["compare"] = f"{ID},{GOOD}"
    at.switch_page(f"views/{page}.py").run()
    assert not at.exception, (page, at.exception)
    assert not at.error, (page, [error.value for error in at.error])
    assert not [text.value for text in at.markdown if "cannot be shown" in text.value or "is damaged" in text.value]


def commands(study: Study, root: Path, out: Path) -> Iterator[Callable[[], None]]:
    store = ("--store", str(root))
    out.mkdir()
    begun = study.info().rounds_done > 0
    for arguments in (
        ("runs",),
        ("runs", "--json"),
        ("show", "latest"),
        ("show", study.id),
        ("show", study.id, "--json"),
        ("show", GOOD),
        ("export", study.id, "-o", str(out / "tables")),
        ("pack", study.id, "-o", str(out / "again.rad.zip")),
        ("doctor",),
    ):
        yield lambda arguments=arguments: rad(*arguments, *store)
    yield lambda: may_refuse(lambda: rad("map", study.id, "--method", "pca", *store), "light copy")
    light = ("pack", study.id, "-o", str(out / "light.rad.zip"), "--light", *store)
    yield lambda: may_refuse(lambda: rad(*light), "finish it", "rad map")
    for ending in (".html", ".pptx", ".zip", ".md", ".bib"):
        words = () if begun else ("no finished round", "not finished a round")
        yield lambda ending=ending, words=words: may_refuse(lambda: export(study, out / f"x{ending}", {}), *words)
    yield lambda: rad("unpack", str(out / "again.rad.zip"), "--store", str(out / "other"))


def rad(*arguments: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        cli(list(arguments), standalone_mode=False)


def may_refuse(command: Callable[[], None], *words: str) -> None:
    """A command that is refused where it makes no sense, for a reason that was there before."""
    try:
        command()
    except InputError as error:
        if not any(word in str(error) for word in words):
            raise
