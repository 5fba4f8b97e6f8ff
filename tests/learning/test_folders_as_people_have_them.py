"""Folders of images as people have them: every file is accounted for, and each layout is read in one way or refused."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from rad_core.errors import InputError
from rad_core.learning.data import Extent, measure_dataset
from tests.helpers.made_images import load_folder, write_classes, write_image


def told(folder: Path) -> str:
    return "\n".join(load_folder(folder).notes)


# --- which files are used --------------------------------------------------------------------------------------------


def test_a_plain_folder_needs_no_words(tmp_path: Path) -> None:
    assert load_folder(write_classes(tmp_path / "set")).notes == ()


def test_validation_images_are_used_and_the_test_images_stay_apart(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("val", 3), ("test", 2)):
        write_classes(tmp_path / "set" / part, count=count)
    dataset = load_folder(tmp_path / "set")
    assert len(dataset.images) == 18
    np.testing.assert_array_equal(dataset.labels, np.repeat([0, 1] * 3, [4, 4, 3, 3, 2, 2]))
    np.testing.assert_array_equal(dataset.test_ids, np.arange(14, 18))
    assert dataset.notes == ("val is split together with train: labeled set, validation set and pool come from both.",)


@pytest.mark.parametrize("name", ["val", "valid", "VALIDATION", "dev"])
def test_without_a_test_part_that_for_validation_is_the_test_set(name: str, tmp_path: Path) -> None:
    write_classes(tmp_path / "set" / "train", count=4)
    write_classes(tmp_path / "set" / name, count=2)
    dataset = load_folder(tmp_path / "set")
    np.testing.assert_array_equal(dataset.test_ids, np.arange(8, 12))
    assert dataset.notes == (f"There is no test part: {name} is the test set.",)


def test_images_in_folders_inside_a_class_count_to_the_class(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", count=3)
    write_classes(tmp_path / "set" / "cat", ["kitten"], count=5)
    write_classes(tmp_path / "set" / "cat" / "kitten", ["sleeping"], count=2)
    dataset = load_folder(tmp_path / "set")
    np.testing.assert_array_equal(np.bincount(dataset.labels), [10, 3])
    assert "5 in cat/kitten; 2 in cat/kitten/sleeping" in dataset.notes[0]


def test_what_is_not_used_is_told_by_folder_and_ending(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    write_image(folder / "loose.png")
    (folder / "labels.csv").write_text("x")
    for name in ("a.heic", "b.heic", "no-ending"):
        (folder / "dog" / name).write_text("x")
    said = told(folder)
    assert "5 files" in said
    assert "2 .heic, 1 without ending in dog" in said
    assert "1 .csv, 1 .png in the folder itself" in said


def test_what_nobody_labeled_is_no_class_and_is_told(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set", ["cat", "dog", "Unlabeled"], count=3)
    dataset = load_folder(folder)
    assert dataset.classes == ("cat", "dog")
    assert len(dataset.images) == 6
    assert "3 .png in Unlabeled" in told(folder)


def test_a_part_without_folders_of_classes_is_told_as_unused(tmp_path: Path) -> None:
    write_classes(tmp_path / "set" / "train")
    write_image(tmp_path / "set" / "test" / "1.png")
    write_classes(tmp_path / "set" / "extra", ["unlabeled"], count=2)
    with pytest.raises(InputError, match=r"rename train if it is a class.*move the others away"):
        load_folder(tmp_path / "set")
    (tmp_path / "set" / "extra" / "unlabeled").rename(tmp_path / "unlabeled")
    assert "1 .png in test" in told(tmp_path / "set")
    assert load_folder(tmp_path / "set").test_ids is None


def test_what_systems_leave_behind_is_neither_image_nor_class_and_is_told(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    (folder / "__MACOSX" / "cat").mkdir(parents=True)
    (folder / "__MACOSX" / "cat" / "._0.png").write_bytes(b"\0")
    for name in (".DS_Store", "cat/Thumbs.db", "dog/desktop.ini"):
        (folder / name).write_bytes(b"x")
    dataset = load_folder(folder)
    assert dataset.classes == ("cat", "dog")
    assert dataset.notes == (
        "Hidden or of the operating system, left out: .DS_Store, Thumbs.db, __MACOSX, desktop.ini.",
    )


def test_endings_count_whatever_the_case_of_letters(tmp_path: Path) -> None:
    for number, name in enumerate(("a.JPEG", "b.PnG", "c.jfif", "d.TIF")):
        write_image(tmp_path / "set" / ("cat", "dog")[number % 2] / name, **({"format": "JPEG"} if number == 2 else {}))
    assert len(load_folder(tmp_path / "set").images) == 4


# --- layouts ---------------------------------------------------------------------------------------------------------


def test_a_class_called_train_is_told_by_what_lies_beside_it(tmp_path: Path) -> None:
    dataset = load_folder(write_classes(tmp_path / "set", ["bus", "car", "train"]))
    assert dataset.classes == ("bus", "car", "train")
    assert "is read as a class, for bus, car beside it" in dataset.notes[0]
    write_classes(tmp_path / "set" / "train", ["steam"])
    assert load_folder(tmp_path / "set").classes == ("bus", "car", "train"), "images of its own: still a class"


def test_a_folder_called_train_that_may_be_either_is_refused(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", ["bus", "car"])
    write_classes(tmp_path / "set" / "train", ["steam", "diesel"])
    with pytest.raises(InputError, match=r"train with folders of its own \(diesel, steam\) beside bus, car; rename"):
        load_folder(tmp_path / "set")


def test_a_folder_beside_train_and_test_is_not_used_and_told(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write_classes(tmp_path / "set" / part)
    write_image(tmp_path / "set" / "unlabeled" / "1.png")
    dataset = load_folder(tmp_path / "set")
    assert len(dataset.images) == 16
    assert "1 .png in unlabeled" in dataset.notes[0]


def test_parts_and_classes_are_the_same_whatever_the_case_of_letters(tmp_path: Path) -> None:
    write_classes(tmp_path / "set" / "TRAIN", ["Cat", "dog"])
    write_classes(tmp_path / "set" / "Test", ["cat", "Dog"], count=2)
    dataset = load_folder(tmp_path / "set")
    assert dataset.classes == ("Cat", "dog")
    np.testing.assert_array_equal(dataset.labels[dataset.test_ids], [0, 0, 1, 1])
    assert "cat is read as Cat" in dataset.notes[0]
    assert "Dog is read as dog" in dataset.notes[0]


def test_a_class_absent_from_test_is_allowed_and_told(tmp_path: Path) -> None:
    write_classes(tmp_path / "set" / "train", ["cat", "dog", "owl"])
    write_classes(tmp_path / "set" / "test", ["cat", "dog"])
    (tmp_path / "set" / "test" / "owl").mkdir()
    dataset = load_folder(tmp_path / "set")
    assert dataset.classes == ("cat", "dog", "owl")
    assert dataset.notes == ("Classes without an image in the test set: owl. They are learned, never tested.",)
    write_classes(tmp_path / "set" / "test", ["emu"])
    with pytest.raises(InputError, match=r"the class 'emu', which train has not"):
        load_folder(tmp_path / "set")


def test_a_class_of_a_single_image_is_told(tmp_path: Path) -> None:
    write_classes(tmp_path / "set")
    write_image(tmp_path / "set" / "owl" / "1.png")
    assert "Classes of a single image: owl" in told(tmp_path / "set")


def test_a_folder_that_holds_nothing_but_the_data_set_is_looked_through(tmp_path: Path) -> None:
    write_classes(tmp_path / "set" / "download" / "photos" / "train")
    dataset = load_folder(tmp_path / "set")
    assert dataset.classes == ("cat", "dog")
    assert f"{tmp_path / 'set' / 'download' / 'photos' / 'train'} is read" in dataset.notes[-1]


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (
            ["train/cat.0.png", "train/dog.0.png", "test/1.png"],
            r"train, test in .* no folder for each class.*train/CLASS",
        ),
        (["cat/train/1.png", "cat/test/2.png", "dog/train/1.png", "dog/test/2.png"], r"classes in .*train/cat"),
        (["1.png", "2.png"], "2 images in no folder"),
        (["cat/1.png"], "only 'cat'"),
        (["val/cat/1.png", "valid/cat/1.png", "train/cat/1.png", "train/dog/1.png"], "both val and valid"),
        (["cat/1.png", "dog/1.png", "owl/1.heic"], r"owl holds no images .*but 1 \.heic"),
    ],
)
def test_layouts_that_cannot_be_meant_are_refused_with_what_to_do(paths: list[str], words: str, tmp_path: Path) -> None:
    for name in paths:
        path = tmp_path / "set" / name
        if path.suffix == ".heic":
            path.parent.mkdir(parents=True)
            path.write_bytes(b"x")
        else:
            write_image(path)
    with pytest.raises(InputError, match=words):
        load_folder(tmp_path / "set")


def test_an_archive_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"set\.zip is a file.*unpack"):
        load_folder(tmp_path / "set.zip")


# --- links and permissions -------------------------------------------------------------------------------------------


def test_a_dead_link_is_one_of_the_bad_files(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    (folder / "cat" / "zz.png").symlink_to("gone.png")
    (folder / "dog" / "a.png").symlink_to("b.png")
    (folder / "dog" / "b.png").symlink_to("a.png")
    with pytest.raises(
        InputError, match=r"3 of 11 files.*cat/zz\.png is a link to gone\.png, where nothing is"
    ) as error:
        load_folder(folder)
    assert "dog/a.png is a link that leads in a circle" in str(error.value)
    assert len(load_folder(folder, skip_bad=True).images) == 8


def test_links_to_folders_inside_a_class_are_not_followed_and_told(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    for place, target in (("cat/up", ".."), ("cat/self", "."), ("cat/dogs", "../dog"), ("dog/cats", "../cat")):
        (folder / place).symlink_to(target)
    dataset = load_folder(folder)
    assert len(dataset.images) == 8
    assert dataset.notes == ("Links to folders, not followed: cat/dogs, cat/self, cat/up, dog/cats.",)


def test_a_class_may_be_a_link_to_a_folder_beside_it(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    (folder / "hound").symlink_to("dog")
    assert load_folder(folder).classes == ("cat", "dog", "hound")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, which may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    base = Path(tempfile.gettempdir())
    for place in (tmp_path, *(place for place in tmp_path.parents if place.is_relative_to(base) and place != base)):
        place.chmod(0o755)
    folder = write_classes(tmp_path / "set")
    (tmp_path / "data").mkdir(mode=0o777)
    (tmp_path / "data").chmod(0o777)
    (folder / "cat" / "1.png").chmod(0)
    with as_nobody(), pytest.raises(InputError, match=r"1 of 8 files.*cat/1\.png cannot be read \(Permission denied\)"):
        load_folder(folder)
    (folder / "cat" / "1.png").chmod(0o644)
    with as_nobody():
        assert len(load_folder(folder).images) == 8, "what could not be opened is tried anew"
    (folder / "dog").chmod(0)
    with as_nobody(), pytest.raises(InputError, match=r"folder .*dog cannot be read \(Permission denied\)"):
        load_folder(folder)
    (folder / "dog").chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set")
    os.mkfifo(folder / "cat" / "pipe.png")
    (folder / "dog" / "folder.png").mkdir()
    with pytest.raises(InputError, match=r"1 of 9 files.*pipe\.png .*a pipe, socket or device"):
        load_folder(folder)


def test_names_that_no_line_can_hold_are_escaped(tmp_path: Path) -> None:
    folder = write_classes(tmp_path / "set", ["a\nb", "ü 😀", "[x] 5% =1+1"])
    odd = os.fsdecode(b"\xff\xfe")
    write_classes(folder, [odd])
    (folder / "a\nb" / "x\n.png").write_text("no image")
    with pytest.raises(InputError) as error:
        load_folder(folder)
    assert "\n" not in str(error.value)
    assert r"a\nb/x\n.png" in str(error.value)
    assert load_folder(folder, skip_bad=True).classes == ("[x] 5% =1+1", "a\nb", "ü 😀", r"\xff\xfe")


# --- how much there is, without opening anything ---------------------------------------------------------------------


def test_a_folder_is_measured_as_it_is_read_and_without_opening_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for part, count in (("train", 4), ("val", 3), ("test", 2)):
        write_classes(folder / part, ["cat", "dog", "owl"], count=count)
    (folder / "train" / "cat" / "bad.png").write_text("no image")

    def measure(skip_bad: bool = False) -> Extent | None:
        return measure_dataset(f"folder:{folder}", data_dir=tmp_path / "data", skip_bad=skip_bad)

    assert measure() == Extent(22, 6, 3)
    assert measure(skip_bad=True) == Extent(22, 6, 3), "nobody knows yet that one is bad"
    load_folder(folder, skip_bad=True)
    assert measure(skip_bad=True) == Extent(21, 6, 3)
    write_image(folder / "train" / "owl" / "new.png")
    assert measure() == Extent(23, 6, 3), "what has changed is seen"
