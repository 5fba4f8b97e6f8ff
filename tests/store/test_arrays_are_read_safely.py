"""An array of a study is read without trusting its file: read-only, never by a link, and no larger than its bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from rad_core.errors import DamagedError, InputError
from rad_core.files import inside, load_array


@pytest.mark.parametrize("count", [0, 10, 2**15])
def test_an_array_is_read_only_and_mapped_where_it_is_large(tmp_path: Path, count: int) -> None:
    values = np.arange(count, dtype=np.int32)
    np.save(tmp_path / "a.npy", values)
    array = load_array(tmp_path, tmp_path / "a.npy")
    np.testing.assert_array_equal(array, values)
    assert isinstance(array, np.memmap) == (count > 10)
    with pytest.raises(ValueError, match="read-only"):
        array[:] = 0


def header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    return file.getvalue()


BAD = {
    "larger than its bytes": header((2**40,)),
    "larger than any memory": header((2**62,)),
    "objects": header((1,), "|O") + b"cos\nsystem\n(S'true'\ntR.",
    "an archive": archive(),
    "cut off": header((4,)) + b"\0" * 15,
    "cut off, and large": header((2**15,)) + b"\0" * (2**17 - 1),
    "nothing": b"",
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_plain_array_is_damaged(tmp_path: Path, what: str) -> None:
    (tmp_path / "a.npy").write_bytes(BAD[what])
    with pytest.raises(DamagedError, match="cannot be read"):
        load_array(tmp_path, tmp_path / "a.npy")


def test_no_link_and_no_way_up_leads_out_of_a_study(tmp_path: Path) -> None:
    study, other = tmp_path / "study", tmp_path / "other"
    for folder in (study / "seed-0", other):
        folder.mkdir(parents=True)
        np.save(folder / "a.npy", np.zeros(3))
    (study / "file.npy").symlink_to(other / "a.npy")
    (study / "folder").symlink_to(other)
    (study / "within.npy").symlink_to(study / "seed-0" / "a.npy")
    (tmp_path / "alias").symlink_to(study)
    for way in ("file.npy", "folder/a.npy", "../other/a.npy", "seed-0/../../other/a.npy"):
        with pytest.raises(InputError, match="leads out"):
            load_array(study, study / way)
    with pytest.raises(InputError, match="leads out"):
        inside(study, other / "a.npy")
    for root, way in ((study, "within.npy"), (study, "seed-0/../within.npy"), (tmp_path / "alias", "seed-0/a.npy")):
        assert load_array(root, root / way).shape == (3,)
    assert load_array(study, tmp_path / "alias" / "seed-0" / "a.npy").shape == (3,)
