"""What visitors upload is read once, costs about its size, has a limit that is said, and goes when they go."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.data import choice, files
from app.data.files import Given
from rad_core.errors import InputError
from rad_core.inputs import arrays
from rad_core.learning.plane import principal_plane
from rad_core.selection.gains import GAINS
from tests.views.test_page_data import npy, open_page, probabilities, upload, with_ids

_MB = 1_000_000


def read(role: str, name: str, content: bytes, room: int = files.VISITOR_BYTES) -> Given:
    return files.read_upload(role, name, content, room)


def test_features_are_kept_as_float32_and_once() -> None:
    given = {
        "probabilities": read("probabilities", "p.npy", npy(probabilities(60))),
        "features": read("features", "f.npy", npy(np.random.default_rng(0).normal(size=(60, 5)))),
    }
    assert given["features"].table.values.dtype == np.float32
    scores = choice.put_together(given)
    assert scores.matrix is given["features"].table.values


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_reading_an_upload_takes_little_more_than_its_numbers(kind: type) -> None:
    values = probabilities(250_000, 50).astype(kind)
    content = io.BytesIO(npy(values))
    tracemalloc.start()
    try:
        given = files.read_upload("probabilities", "p.npy", content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert content.closed, "the upload is let go of before its numbers are read"
    assert given.bytes == values.nbytes
    assert peak < values.nbytes + 3 * arrays.BLOCK_CELLS * 8


@pytest.mark.parametrize("name", GAINS)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_gains_in_blocks_are_the_gains(name: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    values = probabilities(997, 7).astype(kind)
    whole = GAINS[name](values)
    monkeypatch.setattr(arrays, "BLOCK_CELLS", 100)
    parts = GAINS[name](values)
    assert parts.dtype == whole.dtype
    np.testing.assert_array_equal(parts, whole)


def test_the_plane_in_blocks_is_the_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(997, 6)).astype(np.float32)
    whole = principal_plane(values)
    monkeypatch.setattr(arrays, "BLOCK_CELLS", 100)
    np.testing.assert_allclose(principal_plane(values), whole, atol=1e-5)


def zeros(ending: str, rows: int = 20_000) -> bytes:
    """A small file of many zeros and ones."""
    values = np.tile(np.array([1.0, 0.0]), (rows, 10)) / 10
    file = io.BytesIO()
    if ending == ".npz":
        np.savez_compressed(file, probabilities=values)
    elif ending == ".parquet":
        pd.DataFrame(values, columns=[f"c{i}" for i in range(20)]).to_parquet(file)
    elif ending == ".csv":
        pd.DataFrame(values).to_csv(file, index=False)
    else:
        np.save(file, values)
    return file.getvalue()


@pytest.mark.parametrize("ending", [".npy", ".npz", ".parquet", ".csv"])
def test_what_would_take_too_much_is_refused_before_it_is_read(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zeros(ending)
    assert read("probabilities", f"p{ending}", content).bytes == 20_000 * 20 * 8

    def never(*_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(files, "read_table", never)
    with pytest.raises(InputError, match=r"unpacks to about 3 MB of numbers, and there is room for 2 MB here"):
        read("probabilities", f"p{ending}", content, 2 * _MB)


def test_ids_count_as_well() -> None:
    content = with_ids(probabilities(2_000, 4)).to_csv(index=False).encode()
    given = read("probabilities", "p.csv", content)
    assert given.bytes > given.table.values.nbytes + 2_000 * 50
    with pytest.raises(InputError, match="there is room for 0 MB here"):
        read("probabilities", "p.csv", content, given.table.values.nbytes + 10)


def test_a_visitor_has_a_limit_for_all_files_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "VISITOR_BYTES", 3 * _MB)
    at = open_page()
    assert any("3 MB of numbers in all for each visitor" in caption.value for caption in at.caption)
    upload(at, "probabilities", "p.npy", npy(probabilities(5_000, 100)))
    assert not at.error
    assert any("In use: p.npy, 2 MB" in caption.value for caption in at.caption)
    features = npy(np.zeros((5_000, 100), np.float32))
    upload(at, "features", "f.npy", features)
    assert "room for 1 MB" in at.error[0].value
    assert "Of 5,000 points" in at.title[0].value, "what was there stays"
    upload(at, "probabilities", "q.npy", npy(probabilities(5_000, 10)))
    upload(at, "features", "f.npy", features)
    assert not at.error
    assert not at.exception


def test_an_upload_leaves_the_server_when_it_is_read() -> None:
    at = upload(open_page(), "probabilities", "p.npy", npy(probabilities(100)))
    assert [field.value for field in at.file_uploader] == [None] * 4
    assert "Of 100 points" in at.title[0].value
    at.run()
    assert "Of 100 points" in at.title[0].value, "the numbers stay while the visitor does"


def test_what_is_somebodys_own_lies_on_the_shelf_of_their_session(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.shell import state

    remembered: list[object] = []
    monkeypatch.setattr(state, "remember", lambda make, *key: remembered.append(key) or make())
    at = upload(open_page(), "probabilities", "p.npy", npy(probabilities(100)))
    at.button(key="use").click().run()
    assert not at.exception
    assert not remembered, "nothing of it outlives the visit"
    assert {"scores", "scores-gains", "scores-blob", "scores-choice"} <= set(at.session_state["shelf"])


def test_the_limit_of_one_upload_is_the_servers(tmp_path: Path) -> None:
    import tomllib

    import app
    from app.data.sources import MAX_MEGABYTES

    config = tomllib.loads((Path(app.__file__).parent / ".streamlit" / "config.toml").read_text())
    assert config["server"]["maxUploadSize"] == MAX_MEGABYTES
