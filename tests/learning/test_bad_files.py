"""Files that are no readable images: all of them named at once, by what they really are; nothing is decoded twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rad_core.errors import InputError
from rad_core.learning import folder_images
from tests.helpers.made_images import load_folder, write_classes, write_image

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def cut(path: Path) -> None:
    """Half a file, as an interrupted copy leaves it."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def spoil(folder: Path) -> Path:
    """Three bad files among eight good ones."""
    write_classes(folder, count=4)
    write_image(folder / "cat" / "cut.png", (40, 40))
    cut(folder / "cat" / "cut.png")
    (folder / "dog" / "empty.png").write_bytes(b"")
    (folder / "dog" / "page.jpg").write_text("<!DOCTYPE html>\n<html><body>404</body></html>")
    return folder


def test_all_bad_files_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load_folder(spoil(tmp_path / "set"))
    said = str(error.value)
    assert said.startswith(f"3 of 11 files in {tmp_path / 'set'}: ")
    assert "cat/cut.png is damaged (PNG: " in said
    assert "dog/empty.png is not a readable image (it is empty: 0 bytes)" in said
    assert "dog/page.jpg is not a readable image (it is a page of HTML" in said
    assert said.endswith("repair or remove them, or leave them out (--skip-bad).")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html><head>", "a page of HTML"),
        (b"\xef\xbb\xbf\n <!doctype HTML>", "a page of HTML"),
        (LFS, "a pointer of Git LFS; git lfs pull"),
        (b'{"error": "not found"}', "JSON"),
        (b"<?xml version='1.0'?><Error/>", "XML"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC; convert"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (b"\0" * 128 + b"DICM", "DICOM"),
        (b"\0" * 500, "nothing but zeros"),
        (b"hello\nworld", "it is text: 'hello'"),
        (bytes(range(128, 256)), "no known kind"),
        (b"\xff\xd8\xff\xe0 and then nothing", "is damaged (JPEG"),
    ],
)
def test_a_bad_file_is_called_what_it_is(content: bytes, words: str, tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    (folder / "cat" / "x.jpg").write_bytes(content)
    with pytest.raises(InputError) as error:
        load_folder(folder)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_image_with_the_ending_of_another_format_is_an_image(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    (folder / "cat" / "0.png").rename(folder / "cat" / "0.jpg")
    assert len(load_folder(folder).images) == 8


def test_skipping_leaves_bad_files_out_and_says_which(tmp_path: Path) -> None:
    folder = spoil(tmp_path / "set")
    dataset = load_folder(folder, skip_bad=True)
    assert dataset.images.shape == (8, 8, 8, 3)
    np.testing.assert_array_equal(dataset.labels, [0] * 4 + [1] * 4)
    for row, file in enumerate(f"{name}/{number}.png" for name in ("cat", "dog") for number in range(4)):
        with Image.open(folder / file) as image:
            np.testing.assert_array_equal(dataset.images[row], np.asarray(image))
    assert "3 of 11 files" in dataset.notes[0]
    assert "dog/page.jpg is not a readable image" in dataset.notes[0]
    with pytest.raises(InputError, match="3 of 11 files"):
        load_folder(folder)


def test_skipping_keeps_the_test_images_apart_and_refuses_to_lose_a_class(tmp_path: Path) -> None:
    for part in ("train", "test"):
        spoil(tmp_path / "set" / part)
    np.testing.assert_array_equal(load_folder(tmp_path / "set", skip_bad=True).test_ids, np.arange(8, 16))
    write_classes(tmp_path / "set" / "train", ["owl"], count=1)
    cut(tmp_path / "set" / "train" / "owl" / "0.png")
    with pytest.raises(InputError, match="none of owl; repair them"):
        load_folder(tmp_path / "set", skip_bad=True)


def test_more_bad_files_than_a_sentence_holds_are_listed_in_a_file(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    for number in range(40):
        (folder / "cat" / f"bad-{number:02d}.png").write_bytes(LFS)
    with pytest.raises(InputError) as error:
        load_folder(folder)
    said = str(error.value)
    assert "40 of 48 files" in said
    assert "and 20 more, all listed in " in said
    record = Path(said.partition("all listed in ")[2].partition(";")[0])
    lines = record.read_text().splitlines()
    assert len(lines) == 40
    assert all("Git LFS" in line for line in lines)


# --- nothing is decoded twice ----------------------------------------------------------------------------------------


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded."""
    names: list[str] = []
    really = folder_images.decode

    def decode(file: Path, *rest: Any) -> Any:
        names.append(file.name)
        return really(file, *rest)

    monkeypatch.setattr(folder_images, "decode", decode)
    return names


def test_repairing_the_bad_files_decodes_these_alone(tmp_path: Path, decoded: list[str]) -> None:
    folder = write_classes(tmp_path / "set", count=40)
    write_image(folder / "dog" / "new.png")
    whole = (folder / "dog" / "new.png").read_bytes()
    (folder / "dog" / "new.png").write_bytes(whole[:50])
    with pytest.raises(InputError):
        load_folder(folder)
    assert len(decoded) == 81
    decoded.clear()
    (folder / "dog" / "new.png").write_bytes(whole)
    dataset = load_folder(folder)
    assert decoded == ["new.png"]
    again = load_folder(shutil.copytree(folder, tmp_path / "other" / "set"))
    np.testing.assert_array_equal(dataset.images, again.images)


def test_known_bad_files_are_refused_without_decoding_anything(tmp_path: Path, decoded: list[str]) -> None:
    folder = spoil(tmp_path / "set")
    for _ in range(2):
        with pytest.raises(InputError, match="3 of 11"):
            load_folder(folder)
    load_folder(folder, skip_bad=True)
    load_folder(folder, skip_bad=True)
    assert sorted(decoded) == sorted(
        [*(f"{n}.png" for n in range(4)), *(f"{n}.png" for n in range(4)), "cut.png", "page.jpg"]
    )


def test_new_files_are_added_to_what_is_decoded(tmp_path: Path, decoded: list[str]) -> None:
    folder = write_classes(tmp_path / "set", count=20)
    load_folder(folder)
    decoded.clear()
    write_image(folder / "cat" / "more.png", seed=7)
    (folder / "dog" / "3.png").unlink()
    dataset = load_folder(folder)
    assert decoded == ["more.png"]
    assert len(dataset.images) == 40
    np.testing.assert_array_equal(dataset.images, load_folder(shutil.copytree(folder, tmp_path / "o" / "set")).images)
    assert len(list((tmp_path / "data").rglob("folder-*.npy"))) == 1, "the array of the folder as it was takes no room"


def test_the_odd_image_removed_the_others_are_read_as_if_it_had_never_been(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set", mode="L", count=70)
    write_image(folder / "dog" / "odd.png", (30, 20))
    assert load_folder(folder).images.shape == (141, 64, 64, 3)
    (folder / "dog" / "odd.png").unlink()
    assert load_folder(folder).images.shape == (140, 8, 8, 1)


def test_an_interruption_keeps_what_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_classes(tmp_path / "set", count=300)
    really, names = folder_images.decode, []

    def decode(file: Path, *rest: Any) -> Any:
        names.append(file.name)
        if len(names) == 400:
            raise KeyboardInterrupt
        return really(file, *rest)

    monkeypatch.setattr(folder_images, "decode", decode)
    with pytest.raises(KeyboardInterrupt):
        load_folder(folder)
    before = len(names)
    dataset = load_folder(folder)
    assert len(names) < before + 600
    assert len(names) - before <= 600 - 300
    monkeypatch.undo()
    np.testing.assert_array_equal(dataset.images, load_folder(shutil.copytree(folder, tmp_path / "o" / "set")).images)
    assert not list((tmp_path / "data").rglob("*.partial"))
    assert not list((tmp_path / "data").rglob("rows-*"))


def test_a_record_that_is_not_whole_is_not_believed(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    first = np.array(load_folder(folder).images)
    for record in (tmp_path / "data").rglob("read-*"):
        record.write_text(record.read_text()[:40])
    np.testing.assert_array_equal(load_folder(folder).images, first)
    for record in (tmp_path / "data").rglob("read-*"):
        record.write_text("\n".join([record.read_text().splitlines()[0], '[99, "cat/0.png", 1]']))
    write_image(folder / "cat" / "more.png")
    assert len(load_folder(folder).images) == 9


# --- on the command line ---------------------------------------------------------------------------------------------


def rad(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rad_core.cli", "run", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=os.environ)


def test_the_command_line_says_the_same_and_tells_what_it_left_out(tmp_path: Path) -> None:
    folder = spoil(tmp_path / "set")
    ran = rad("--dataset", f"folder:{folder}", "--dry-run")
    assert (ran.returncode, ran.stdout) == (2, "")
    with pytest.raises(InputError) as error:
        load_folder(folder)
    assert ran.stderr == f"Error: {error.value}\n"
    ran = rad("--dataset", f"folder:{folder}", "--skip-bad", "--dry-run", "--json")
    assert ran.returncode == 0, ran.stderr
    plan = json.loads(ran.stdout)
    assert plan["config"]["skip_bad"] is True
    assert plan["notes"][1:] == list(load_folder(folder, skip_bad=True).notes)
    assert [f"Data: {note}" for note in plan["notes"]] == ran.stderr.splitlines()
