"""Uploads outlive a reload under a link that nobody guesses, for a day, and nothing else can be reached through it."""

from __future__ import annotations

import io
import os
import pickle
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.data import kept
from tests.views.test_page_data import npy, open_page, probabilities, title, upload

POOL = npy(probabilities(60))
GONE = "The files of this link are gone: they were removed, or a day has passed. Upload them again."


def uploads() -> Path:
    return Path(os.environ["RAD_STORE"]) / ".uploads"


def link(at: AppTest) -> str:
    value = at.query_params["upload"]
    return value if isinstance(value, str) else value[0]


def said(at: AppTest) -> str:
    return " ".join(error.value.replace("\\", "") for error in at.error)


def test_another_session_with_the_same_link_shows_the_same_pool() -> None:
    at = upload(open_page(), "probabilities", "my p.npy", POOL)
    upload(at, "flags", "right.npy", npy([1, 1, 0, 1]))
    other = open_page(upload=link(at))
    assert "Of 60 points" in title(other)
    assert any("In use: my p.npy" in caption.value for caption in other.caption)
    assert title(other) == title(at)
    upload(at, "probabilities", "q.npy", npy(probabilities(70)))
    assert "Of 70 points" in title(other.run()), "what comes under the link later is seen, too"
    assert not other.exception


def test_what_is_removed_is_gone_for_everybody_and_said_so() -> None:
    at = upload(open_page(), "probabilities", "p.npy", POOL)
    upload(at, "flags", "right.npy", npy([1, 1, 0, 1]))
    token, other = link(at), open_page(upload=link(at))
    at.button(key="scores-remove-all").click().run()
    assert list(uploads().iterdir()) == []
    assert "upload" not in at.query_params
    assert not at.error
    for tab in (other.run(), open_page(upload=token)):
        assert said(tab) == GONE
        assert not tab.exception
        assert title(tab) == "What do I label next?"
    upload(other, "probabilities", "p.npy", POOL)
    assert not other.error
    assert "Of 60 points" in title(other)


def test_after_a_day_it_is_gone_and_swept_at_the_next_upload() -> None:
    at = upload(open_page(), "probabilities", "p.npy", POOL)
    token = link(at)
    old = time.time() - kept.DAY - 1
    os.utime(uploads() / token, (old, old))
    assert said(at.run()) == GONE
    assert said(open_page(upload=token)) == GONE
    upload(open_page(), "probabilities", "p.npy", POOL)
    assert not (uploads() / token).exists()
    assert len(list(uploads().iterdir())) == 1


@pytest.mark.parametrize(
    "token", ["..", "../..", ".", "", "/etc", "x" * 22 + "/..", "a" * 21 + "\n", "a" * 22, "%2e%2e"]
)
def test_a_link_leads_to_nothing_but_its_own_folder(token: str) -> None:
    uploads().mkdir(parents=True)
    secret = uploads().parent / "probabilities=p.npy"
    secret.write_bytes(POOL)
    (uploads() / ("a" * 22)).symlink_to(uploads().parent)
    assert kept.files_of(token) == {}
    kept.remove(token)
    at = open_page(upload=token)
    assert title(at) == "What do I label next?"
    assert not at.exception
    assert secret.exists()


def test_a_hostile_name_stays_in_the_folder_and_links_in_it_are_not_followed() -> None:
    at = upload(open_page(), "probabilities", "../../<b>evil.npy", POOL)
    folder = uploads() / link(at)
    assert [path.name for path in folder.iterdir()] == ["probabilities=_b_evil.npy"]
    (folder / "features=f.npy").symlink_to(uploads().parent)
    (folder / "flags=f.npy").write_bytes(pickle.dumps([1, 0]))
    other = open_page(upload=link(at))
    assert "pickled Python objects, which could run code" in said(other)
    assert "Of 60 points" in title(other)
    assert str(uploads()) not in said(other)


def test_a_refused_file_is_not_kept() -> None:
    at = upload(open_page(), "probabilities", "p.npy", npy([[2.0, -1.0]]))
    assert said(at)
    assert not uploads().exists()
    assert "upload" not in at.query_params


@pytest.mark.parametrize(("files", "read_only"), [("0", ""), ("1", "1")])
def test_where_others_reach_the_studio_nothing_is_kept(
    files: str, read_only: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = link(upload(open_page(), "probabilities", "p.npy", POOL))
    monkeypatch.setenv("RAD_FILES", files)
    monkeypatch.setenv("RAD_READ_ONLY", read_only)
    assert said(open_page(upload=token)) == "This studio keeps no uploads for a link; upload the files again."
    at = upload(open_page(), "probabilities", "p.npy", POOL)
    assert "Of 60 points" in title(at)
    assert "upload" not in at.query_params
    assert any("forgotten when you leave" in caption.value for caption in at.caption)
    assert [path.name for path in uploads().iterdir()] == [token]


def test_a_full_disk_is_said_and_the_pool_is_shown_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "put", full)
    at = upload(open_page(), "probabilities", "p.npy", POOL)
    assert "could not be kept (No space left on device)" in said(at)
    assert "Of 60 points" in title(at)


def test_a_file_takes_its_place_in_one_step() -> None:
    token = kept.new_token()
    kept.put(token, "flags", "a.csv", io.BytesIO(b"right\n1\n"))

    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError("the line is cut")

    with pytest.raises(OSError, match="cut"):
        kept.put(token, "flags", "b.csv", Broken())
    assert [path.name for path in kept.files_of(token).values()] == ["flags=a.csv"]
    assert len(list((uploads() / token).iterdir())) == 1
