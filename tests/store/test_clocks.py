"""A machine whose clock stands before 1980 makes, packs and exports studies like any other, or says why it cannot."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import pytest

from app.data import example
from app.export import FORMATS
from app.export.bundle import data_bundle
from rad_core.errors import InputError
from rad_core.store.catalogue import list_studies, open_study
from rad_core.store.pack import pack
from rad_core.store.unpack import unpack_into
from tests.helpers.sound_study import make_sound

IN_1973 = 1e8  # seconds since 1970


@pytest.fixture
def in_1973(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: IN_1973)


@pytest.mark.usefixtures("in_1973")
def test_studies_are_made_listed_packed_and_unpacked(store: Path, tmp_path: Path) -> None:
    study = make_sound(store, "made-study")
    assert list_studies(store)[0].created == IN_1973
    pack(study, tmp_path / "x.rad.zip")
    assert unpack_into(tmp_path / "x.rad.zip", tmp_path / "other").content_digest() == study.content_digest()


@pytest.mark.usefixtures("in_1973")
def test_data_is_exported(store: Path) -> None:
    content = data_bundle(make_sound(store, "made-study"))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert {entry.date_time[0] for entry in packed.infolist()} == {1980}
        assert b"1973-03-03" in packed.read("README.txt")


@pytest.mark.usefixtures("in_1973")
def test_slides_that_cannot_be_made_say_why(store: Path) -> None:
    study = open_study(store, make_sound(store, "made-study").id)
    with pytest.raises(InputError, match="The clock of this machine says 1973-03-03"):
        FORMATS[".pptx"].make(study, None)


def test_example_files_from_before_1980_can_be_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in example.FILES.values():
        (tmp_path / name).write_bytes((example.folder() / name).read_bytes())
        os.utime(tmp_path / name, (0, 0))
    monkeypatch.setattr(example, "folder", lambda: tmp_path)
    assert zipfile.ZipFile(io.BytesIO(example.archive())).testzip() is None
