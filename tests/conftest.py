"""What several tests share. The tests use digits, images they make, and the folder named by RAD_TEST_IMAGES."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

# Cells run side by side, one thread each; BLAS must not start threads of its own on top.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["STREAMLIT_RUNNER_MAGIC_ENABLED"] = "false"  # as `rad app` has it

from rad_core.config import StudyConfig


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's own studies or data, or leaves the script of a page behind as the main module."""
    # Worker processes begin by importing the main module, and AppTest puts its script into that place.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    base = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("RAD_STORE", str(base / "studies"))
    monkeypatch.setenv("RAD_DATA", str(base / "data"))
    monkeypatch.setenv("RAD_FILES", "1")  # AppTest serves at no address, by which the studio would know who reaches it


@pytest.fixture(scope="session", autouse=True)
def packages_are_looked_through_once() -> Iterator[None]:
    """For components of Streamlit's: AppTest does it anew for every page, which takes longer than the page."""
    with pytest.MonkeyPatch.context() as patch:
        if "streamlit" in sys.modules:  # where a test that was collected needs it
            scanner = import_module("streamlit.components.v2.manifest_scanner")
            patch.setattr(scanner, "scan_component_manifests", cache(scanner.scan_component_manifests))
        yield


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An empty store."""
    return tmp_path / "store"


def tiny_config(**changes: object) -> StudyConfig:
    """A digits study that takes a second or two: every part of a real one, small."""
    values: dict = {
        "strategies": ("rad", "uniform"),
        "seeds": 1,
        "rounds": 2,
        "budget": 10,
        "pool": 200,
        "test": 100,
        "student_steps": 20,
        "teacher_steps": 20,
        "device": "cpu",
    }
    return StudyConfig.from_mapping({**values, **changes})


@pytest.fixture
def test_images() -> Path:
    """The folder of real images named by RAD_TEST_IMAGES."""
    folder = os.environ.get("RAD_TEST_IMAGES")
    if not folder:
        pytest.skip("RAD_TEST_IMAGES does not name a folder of images (train/<class>/*, test/<class>/*)")
    return Path(folder)
