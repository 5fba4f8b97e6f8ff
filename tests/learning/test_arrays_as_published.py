"""Arrays as people publish them: under many names, in many shapes, types and ranges; or refused with the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rad_core.errors import InputError
from rad_core.learning.data import Dataset, Extent, measure_dataset
from tests.helpers.made_images import load_arrays

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (24, 8, 8, 3)).astype(np.uint8)
X[0, 0, 0] = (0, 255, 128)  # the whole range is in use
Y = np.arange(24) % 3


def load(folder: Path, **arrays: Any) -> Dataset:
    np.savez(folder / "a.npz", **arrays)
    return load_arrays(folder / "a.npz")


def refused(folder: Path, **arrays: Any) -> str:
    with pytest.raises(InputError) as error:
        load(folder, **arrays)
    assert "\n" not in str(error.value)
    return str(error.value)


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("x", "y"),
        ("x_train", "y_train"),
        ("X_train", "Y_train"),
        ("train_images", "train_labels"),
        ("images", "labels"),
        ("data", "target"),
        ("trainX", "trainY"),
        ("imgs", "label"),
        ("Training Images", "training-targets"),
        ("arr_0", "arr_1"),
    ],
)
def test_images_and_labels_are_found_under_the_names_people_give_them(x: str, y: str, tmp_path: Path) -> None:
    dataset = load(tmp_path, **{x: X, y: Y})
    np.testing.assert_array_equal(dataset.images, X)
    np.testing.assert_array_equal(dataset.labels, Y)
    assert dataset.notes == (() if x == "x" else (f"Read: images from {x}, labels from {y}.",))


@pytest.mark.parametrize(
    "names", ["x_{} y_{}", "X_{} Y_{}", "{}_images {}_labels", "{}X {}Y", "images_{} labels_{}", "{}_data {}_target"]
)
def test_the_parts_of_a_file_are_used_as_those_of_a_folder(names: str, tmp_path: Path) -> None:
    arrays = {}
    for part, count in (("train", 24), ("val", 9), ("test", 6)):
        x, y = names.format(part, part).split()
        arrays |= {x: X[:count], y: Y[:count]}
    dataset = load(tmp_path, **arrays)
    np.testing.assert_array_equal(dataset.labels, np.concatenate([Y, Y[:9], Y[:6]]))
    np.testing.assert_array_equal(dataset.test_ids, np.arange(33, 39))
    assert "validation is split together with train" in dataset.notes[1]


def test_without_a_test_part_that_for_validation_is_the_test_set(tmp_path: Path) -> None:
    dataset = load(tmp_path, x_train=X, y_train=Y, x_val=X[:6], y_val=Y[:6])
    np.testing.assert_array_equal(dataset.test_ids, np.arange(24, 30))
    assert "There is no test part: validation is the test set." in dataset.notes


def test_arrays_that_are_not_used_are_told(tmp_path: Path) -> None:
    dataset = load(tmp_path, x=X, y=Y, x_test=X, ids=np.arange(24))
    assert dataset.test_ids is None
    assert dataset.notes == ("Not used: x_test without labels, ids of a.npz.",)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_train": X}, "x_train without labels; it needs x (images) and y (labels): save both with numpy.savez("),
        ({"y": Y}, "y without images; it needs"),
        ({"pictures": X, "kinds": Y}, "holds pictures, kinds; it needs"),
        ({"x": X, "x_train": X, "y": Y}, "both x and x_train, which mean the same"),
        ({"arr_0": X, "arr_1": Y, "arr_2": X}, "holds arr_0, arr_1, arr_2; it needs"),
    ],
)
def test_names_that_tell_nothing_are_refused_with_the_remedy(arrays: dict, words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, **arrays)


def test_a_single_array_is_refused_with_the_remedy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(InputError, match=r"a single array of shape \(24, 8, 8, 3\).*labels beside them: save both"):
        load_arrays(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.h5", b"\x89HDF\r\n", "an HDF5 file"),
        ("a.csv", b"a,b\n1,2\n", "text: 'a,b'"),
        ("a.pkl", b"\x80\x04\x95", "a pickle"),
    ],
)
def test_a_file_of_another_kind_is_called_what_it_is(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"is no \.npz file \(it is {words}.*save both with numpy\.savez"):
        load_arrays(tmp_path / name)


# --- labels ----------------------------------------------------------------------------------------------------------

NAMES = np.array(["ant", "bee", "café"])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (Y[:, None], "y of shape (24, 1) is read as 24 labels."),
        (Y[None], "y of shape (1, 24) is read as 24 labels."),
        (Y.astype(np.float32), "y holds whole floating numbers, read as class numbers."),
        (np.eye(3, dtype=int)[Y], "y is one-hot: the column of each 1 is the class."),
        (np.eye(3)[Y], "y is one-hot: the column of each 1 is the class."),
        (Y.astype(np.uint8), ""),
        (Y.astype(">i4"), ""),
        (NAMES[Y], ""),
        (np.char.encode(NAMES, "utf-8")[Y], "y holds bytes, read as text in UTF-8."),
        (np.char.encode(NAMES, "latin-1")[Y], "y holds bytes that are no UTF-8, read as text in Latin-1."),
    ],
)
def test_labels_are_read_however_they_are_written(labels: np.ndarray, words: str, tmp_path: Path) -> None:
    dataset = load(tmp_path, x=X, y=labels)
    np.testing.assert_array_equal(dataset.labels, Y)
    assert dataset.classes in (("0", "1", "2"), tuple(NAMES))
    assert dataset.notes == ((words,) if words else ())
    assert measure_dataset(f"arrays:{tmp_path / 'a.npz'}", data_dir=tmp_path) == Extent(24, None, 3)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (Y + 0.5, "y is 0.5 in row 0; class numbers are whole"),
        (np.where(Y == 2, np.nan, Y), "y is nan in row 2"),
        (np.ones((24, 3), int), "row 0 has 3 classes; give one class number or name for each image"),
        (np.full((24, 3), 1 / 3), "row 0 has other values than 0 and 1"),
        (Y[:-1], "y has shape (23,)"),
        (np.where(Y == 1, "", NAMES[Y]), "y has no label in row 1"),
        (NAMES.astype(object)[Y], "labels as numbers or text (y.astype(str))"),
        (np.array(3), "y has shape ()"),
        (np.zeros(24, [("a", int)]), "it must be 24 class numbers or names"),
    ],
)
def test_labels_that_are_none_are_refused(labels: np.ndarray, words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, x=X, y=labels)


def test_labels_of_minus_one_are_doubted_aloud(tmp_path: Path) -> None:
    assert "8 labels are -1, which often marks unlabeled images" in load(tmp_path, x=X, y=Y - 1).notes[0]


def test_classes_of_the_test_part_follow_the_rules_of_folders(tmp_path: Path) -> None:
    letters = np.array(["Ant", "bee", "cow"])[Y]
    dataset = load(tmp_path, x=X, y=letters, x_test=X[:3], y_test=np.array(["ant", "bee", "bee"]))
    np.testing.assert_array_equal(dataset.labels[dataset.test_ids], [0, 1, 1])
    assert dataset.notes == (
        "In y_test, ant is read as Ant: the same but for the case of letters.",
        "Classes without an image in the test set: cow. They are learned, never tested.",
    )
    assert "y_test has the class 'dog', which y has not" in refused(
        tmp_path, x=X, y=letters, x_test=X[:3], y_test=np.array(["ant", "bee", "dog"])
    )
    assert "y_test holds names, and other labels are numbers" in refused(
        tmp_path, x=X, y=Y, x_test=X[:3], y_test=np.array(["0", "1", "2"])
    )


# --- pixels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (X.transpose(0, 3, 1, 2), "x of shape (24, 3, 8, 8) is read with the channels first."),
        (X.transpose(1, 2, 3, 0), "x of shape (8, 8, 3, 24) is read as height, width, channels, images."),
        (np.asfortranarray(X), ""),
        (X.astype(np.int64), "x: int64 from 0 to 255 read as bytes."),
        (X.astype(np.float32), "x: floating values from 0 to 255 rounded to bytes."),
        (X / 255, "x: floating values from 0 to 1 read as bytes."),
        ((X / 255).astype(np.float16), "x: floating values from 0 to 1 read as bytes."),
        (X / 127.5 - 1, "x: floating values from -1 to 1 read as bytes."),
        (X.astype(np.uint16) * 257, "x: values up to 65,535 read as 16 bits (0 to 65,535)."),
        (X.astype(">u2") * 16, "x: values up to 4,080 read as 12 bits (0 to 4,095)."),
    ],
)
def test_images_are_read_whatever_their_axes_type_and_range(images: np.ndarray, words: str, tmp_path: Path) -> None:
    dataset = load(tmp_path, x=images, y=Y)
    assert dataset.images.dtype == np.uint8
    assert np.abs(dataset.images.astype(int) - X).max() <= 1
    assert dataset.notes == ((words,) if words else ())


def test_gray_may_have_an_axis_for_it_first_last_or_none(tmp_path: Path) -> None:
    gray = X[..., 0]
    for images in (gray, gray[..., None], gray[:, None], gray.transpose(1, 2, 0)):
        np.testing.assert_array_equal(load(tmp_path, x=images, y=Y).images, gray[..., None])


def test_all_parts_have_one_range(tmp_path: Path) -> None:
    dataset = load(
        tmp_path, x=X.astype(np.uint16) * 257, y=Y, x_test=np.full((3, 8, 8, 3), 4000, np.uint16), y_test=Y[:3]
    )
    assert (dataset.images[24:] == round(4000 / 257)).all()


@pytest.mark.parametrize("images", [X > 127, (X > 127).astype(np.uint8), (X > 127).astype(int)])
def test_two_values_are_black_and_white(images: np.ndarray, tmp_path: Path) -> None:
    dataset = load(tmp_path, x=images, y=Y)
    np.testing.assert_array_equal(dataset.images, np.where(X > 127, 255, 0))
    assert "black" in dataset.notes[0]


def test_transparency_is_put_on_white(tmp_path: Path) -> None:
    images = np.concatenate([X, np.zeros((24, 8, 8, 1), np.uint8)], axis=3)
    images[:12, ..., 3] = 255
    dataset = load(tmp_path, x=images, y=Y)
    np.testing.assert_array_equal(dataset.images[:12], X[:12])
    assert (dataset.images[12:] == 255).all()
    assert dataset.notes == ("Transparency put on white: 12 images.",)


def test_nearly_black_images_are_told(tmp_path: Path) -> None:
    assert load(tmp_path, x=X // 16, y=Y).notes == ("All images are nearly black: their bytes reach 15 of 255.",)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (X.reshape(24, -1), "save it as reshape(-1, 3, 8, 8) or (-1, 8, 8, 3)"),
        (X[..., 0].reshape(24, -1), "save it as reshape(-1, 8, 8)"),
        (X[..., :2], "with C of 1, 3 or 4"),
        ((X - 127.0) / 40, "take them before they are standardized"),
        (X // 16 * 1.0, "lies between 0 and 15; floating images must lie between"),
        (X.astype(int) - 5, "lies between -5 and 250"),
        (X.astype(int) * 1000, "or of up to 16 bits"),
        (np.where(X[3, 0, 0, 0] == X, np.nan, X / 255), "without NaN; image"),
        (X.astype(complex), "it must be uint8"),
        (X[:0], "x has shape (0, 8, 8, 3)"),
    ],
)
def test_images_of_an_unsure_range_or_shape_are_refused_with_the_remedy(
    images: np.ndarray, words: str, tmp_path: Path
) -> None:
    assert words in refused(tmp_path, x=images, y=Y[: len(images)])


def test_parts_of_unlike_images_are_refused(tmp_path: Path) -> None:
    words = refused(tmp_path, x=X, y=Y, x_test=X[:3, :4], y_test=Y[:3])
    assert "x_test has images of another shape than x: (4, 8, 3) and (8, 8, 3)" in words


def test_a_large_file_is_converted_block_by_block(tmp_path: Path) -> None:
    values = RNG.random((3000, 4, 4)).astype(np.float32)
    values[0, 0, 0] = 1
    dataset = load(tmp_path, x=values, y=np.arange(3000) % 2)
    np.testing.assert_array_equal(dataset.images[..., 0], np.round(values * 255))
