"""Data sets load as described, splits are what they claim, and bad data is refused in words."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rad_core.errors import InputError
from rad_core.learning.data import DATASETS, Dataset, load_dataset, make_split, parse_spec
from rad_core.learning.published import PUBLISHED


def load(spec: str, tmp_path: Path, **more: object) -> Dataset:
    return load_dataset(spec, data_dir=tmp_path / "data", **more)  # type: ignore[arg-type]


def write_images(folder: Path, count: int, size: tuple[int, int] = (8, 8), mode: str = "RGB", seed: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
        Image.fromarray(rng.integers(0, 256, shape, np.uint8), mode).save(folder / f"{number}.png")


def test_digits_are_the_real_ones(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    digits = load("digits", tmp_path)
    assert digits.images.shape == (1797, 8, 8, 1)
    assert digits.images.dtype == np.uint8
    np.testing.assert_allclose(digits.images[..., 0] / 255 * 16, load_digits().images, atol=0.04)
    np.testing.assert_array_equal(digits.labels, load_digits().target)


@pytest.mark.parametrize("seed", range(3))
def test_a_split_is_disjoint_stratified_and_repeatable(tmp_path: Path, seed: int) -> None:
    digits = load("digits", tmp_path)
    split = make_split(digits, labeled=100, validation=200, test=300, seed=seed)
    again = make_split(digits, labeled=100, validation=200, test=300, seed=seed)
    parts = [split.labeled, split.validation, split.pool, split.test]
    assert [len(part) for part in parts] == [100, 200, 1197, 300]
    assert len(np.unique(np.concatenate(parts))) == 1797
    for part, same in zip(parts, (again.labeled, again.validation, again.pool, again.test), strict=True):
        np.testing.assert_array_equal(part, same)
        counts = np.bincount(digits.labels[part], minlength=10) / len(part)
        assert np.abs(counts - np.bincount(digits.labels) / 1797).max() < 0.02
    other = make_split(digits, labeled=100, validation=200, test=300, seed=seed + 100)
    assert set(other.labeled.tolist()) != set(split.labeled.tolist())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=8), st.integers(0, 1000), st.data())
def test_splits_of_uneven_classes_have_the_sizes_asked_for(counts: list[int], seed: int, data: st.DataObject) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    dataset = Dataset("made", np.zeros((len(labels), 2, 2, 1), np.uint8), labels, tuple(map(str, range(len(counts)))))
    classes = len(counts)
    room = len(labels)
    sizes = [data.draw(st.integers(classes, 20)) for _ in range(2)]
    test = data.draw(st.integers(classes, 20))
    if sum(sizes) + test + 1 > room:
        with pytest.raises(InputError, match="lower one of them"):
            make_split(dataset, labeled=sizes[0], validation=sizes[1], test=test, seed=seed)
        return
    split = make_split(dataset, labeled=sizes[0], validation=sizes[1], test=test, seed=seed)
    assert (len(split.labeled), len(split.validation), len(split.test)) == (*sizes, test)
    parts = np.concatenate([split.labeled, split.validation, split.test, split.pool])
    assert len(np.unique(parts)) == len(parts) == room


def test_own_test_rows_stay_the_test_set() -> None:
    labels = np.arange(100) % 2
    images = np.zeros((100, 2, 2, 1), np.uint8)
    dataset = Dataset("made", images, labels, ("a", "b"), test_ids=np.arange(80, 100))
    split = make_split(dataset, labeled=10, validation=10, pool=30, seed=0)
    np.testing.assert_array_equal(split.test, np.arange(80, 100))
    assert len(split.pool) == 30
    assert split.pool.max() < 80
    with pytest.raises(InputError, match="20 test images"):
        make_split(dataset, labeled=10, validation=10, test=21, seed=0)
    with pytest.raises(InputError, match="2 classes"):
        make_split(dataset, labeled=1, validation=10, seed=0)


def test_folder_of_classes(tmp_path: Path) -> None:
    for seed, name in enumerate(("ants", "bees", "<b>cats</b>")):
        write_images(tmp_path / "photos" / name.replace("/", "_"), 4, seed=seed)
    dataset = load(f"folder:{tmp_path / 'photos'}", tmp_path)
    assert dataset.images.shape == (12, 8, 8, 3)
    assert dataset.classes == ("<b>cats<_b>", "ants", "bees")
    with Image.open(tmp_path / "photos" / "ants" / "0.png") as image:
        np.testing.assert_array_equal(dataset.images[4], np.asarray(image))
    assert dataset.test_ids is None


def test_folder_with_train_and_test(tmp_path: Path) -> None:
    for part, count in (("train", 5), ("test", 2)):
        for name in ("a", "b"):
            write_images(tmp_path / "set" / part / name, count, mode="L")
    dataset = load(f"folder:{tmp_path / 'set'}", tmp_path)
    assert dataset.images.shape == (14, 8, 8, 1)
    np.testing.assert_array_equal(dataset.test_ids, np.arange(10, 14))
    np.testing.assert_array_equal(dataset.labels, [0] * 5 + [1] * 5 + [0] * 2 + [1] * 2)


def test_images_of_many_sizes_become_one_square(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "a", 2, (30, 20))
    write_images(tmp_path / "set" / "b", 2, (100, 120))
    assert load(f"folder:{tmp_path / 'set'}", tmp_path).images.shape == (4, 64, 64, 3)
    assert load(f"folder:{tmp_path / 'set'}", tmp_path, image_size=16).images.shape == (4, 16, 16, 3)


@pytest.mark.parametrize("image_size", [None, 12])
@pytest.mark.parametrize(
    ("size", "mode", "odd_size", "odd_mode"),
    [
        ((8, 8), "RGB", (8, 8), "RGB"),
        ((8, 8), "RGB", (8, 9), "RGB"),
        ((8, 8), "RGB", (8, 8), "L"),
        ((8, 8), "L", (8, 8), "L"),
        ((8, 8), "L", (8, 8), "RGB"),
        ((8, 8), "L", (70, 70), "RGB"),
        ((70, 70), "L", (8, 8), "RGB"),
    ],
)
def test_one_odd_image_among_the_last_changes_how_all_are_read(
    tmp_path: Path, size: tuple[int, int], mode: str, odd_size: tuple[int, int], odd_mode: str, image_size: int | None
) -> None:
    folder = tmp_path / "set"
    write_images(folder / "a", 100, size, mode)
    write_images(folder / "b", 1, odd_size, odd_mode)
    dataset = load(f"folder:{folder}", tmp_path, image_size=image_size)

    gray = mode == odd_mode == "L"
    side = image_size or (8 if size == odd_size == (8, 8) else 64)
    expected = []
    for file in [*sorted((folder / "a").iterdir()), *sorted((folder / "b").iterdir())]:
        with Image.open(file) as image:
            pixels = image.convert("L" if gray else "RGB").resize((side, side), Image.Resampling.BILINEAR)
            expected.append(np.asarray(pixels).reshape(side, side, -1))
    np.testing.assert_array_equal(dataset.images, np.stack(expected))
    assert [file.suffix for file in tmp_path.rglob("folder-*")] == [".npy"]
    assert not list(tmp_path.rglob("*.partial"))


def test_decoded_images_are_kept_until_the_folder_changes(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write_images(folder / "a", 3)
    write_images(folder / "b", 3)
    calls: list[tuple[int, int]] = []
    load(f"folder:{folder}", tmp_path, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (6, 6)
    calls.clear()
    again = load(f"folder:{folder}", tmp_path, progress=lambda done, total: calls.append((done, total)))
    assert not calls
    assert isinstance(again.images, np.memmap)
    write_images(folder / "a", 4, seed=9)
    assert len(load(f"folder:{folder}", tmp_path).images) == 7
    assert not list((tmp_path / "data").rglob("*.partial"))


def test_bad_folders_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        load(f"folder:{tmp_path / 'nowhere'}", tmp_path)
    write_images(tmp_path / "set" / "a", 2)
    with pytest.raises(InputError, match="only 'a'"):
        load(f"folder:{tmp_path / 'set'}", tmp_path)
    (tmp_path / "set" / "b").mkdir()
    with pytest.raises(InputError, match="b holds no images"):
        load(f"folder:{tmp_path / 'set'}", tmp_path)
    (tmp_path / "set" / "b" / "x.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"x\.jpg is not a readable image"):
        load(f"folder:{tmp_path / 'set'}", tmp_path)
    whole = (tmp_path / "set" / "a" / "0.png").read_bytes()
    (tmp_path / "set" / "b" / "x.jpg").unlink()
    (tmp_path / "set" / "b" / "y.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"y\.png is damaged"):
        load(f"folder:{tmp_path / 'set'}", tmp_path)
    assert not list((tmp_path / "data").rglob("*.npy"))


def test_images_of_16_bits_keep_their_shades(tmp_path: Path) -> None:
    shades = (np.arange(64, dtype=np.uint16) * 1040).reshape(8, 8)
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.fromarray(shades).save(tmp_path / "set" / name / "0.png")
    dataset = load(f"folder:{tmp_path / 'set'}", tmp_path)
    assert dataset.images.shape == (2, 8, 8, 1)
    np.testing.assert_allclose(dataset.images[0, :, :, 0], shades / 257, atol=0.5)
    Image.fromarray(np.ones((8, 8), np.float32)).save(tmp_path / "set" / "b" / "1.tif")
    with pytest.raises(InputError, match=r"1\.tif is damaged \(its pixels are floating"):
        load(f"folder:{tmp_path / 'set'}", tmp_path)


def test_hidden_files_and_folders_are_no_images_and_no_classes(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write_images(tmp_path / "set" / part / "a", 2)
        write_images(tmp_path / "set" / part / "b", 2)
        (tmp_path / "set" / part / ".cache").mkdir()
        (tmp_path / "set" / part / "a" / "._0.png").write_bytes(b"what a file manager leaves")
    dataset = load(f"folder:{tmp_path / 'set'}", tmp_path)
    assert dataset.classes == ("a", "b")
    assert len(dataset.images) == 8


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "a", 2)
    write_images(tmp_path / "set" / "b", 2)
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot be kept in .*RAD_DATA"):
        load(f"folder:{tmp_path / 'set'}", tmp_path)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "a", 2)
    write_images(tmp_path / "private", 2)
    (tmp_path / "set" / "b").mkdir()
    (tmp_path / "set" / "b" / "0.png").symlink_to(tmp_path / "private" / "0.png")
    with pytest.raises(InputError, match="outside"):
        load(f"folder:{tmp_path / 'set'}", tmp_path)
    (tmp_path / "set" / "b" / "0.png").unlink()
    (tmp_path / "set" / "b").rmdir()
    (tmp_path / "set" / "b").symlink_to(tmp_path / "private")
    with pytest.raises(InputError, match="outside"):
        load(f"folder:{tmp_path / 'set'}", tmp_path)


def test_arrays_from_a_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 6, 6)), np.array(["cat", "dog"] * 10)
    np.savez(tmp_path / "a.npz", x=x, y=y, x_test=x[:4], y_test=y[:4])
    dataset = load(f"arrays:{tmp_path / 'a.npz'}", tmp_path)
    assert dataset.images.shape == (24, 6, 6, 1)
    assert dataset.classes == ("cat", "dog")
    np.testing.assert_allclose(dataset.images[:20, :, :, 0] / 255, x, atol=0.002)
    np.testing.assert_array_equal(dataset.test_ids, np.arange(20, 24))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": np.zeros((4, 2, 2))}, "needs x .* and y"),
        ({"x": np.zeros((4, 2)), "y": np.arange(4)}, "shape"),
        ({"x": np.zeros((4, 2, 2)), "y": np.arange(3)}, "y has shape"),
        ({"x": np.full((4, 2, 2), np.nan), "y": np.arange(4)}, "NaN"),
        ({"x": np.zeros((4, 2, 2)) + 7.0, "y": np.arange(4)}, "between 0 and 1"),
        ({"x": np.zeros((4, 2, 2), np.int32), "y": np.arange(4)}, "uint8"),
        ({"x": np.zeros((4, 2, 2)), "y": np.zeros(4, int)}, "single class"),
        ({"x": np.zeros((4, 2, 2)), "y": np.array([{}] * 4)}, "plain arrays"),
    ],
)
def test_bad_arrays_are_refused_in_words(tmp_path: Path, arrays: dict, words: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=words):
        load(f"arrays:{tmp_path / 'a.npz'}", tmp_path)


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(InputError, match="not a readable"):
        load(f"arrays:{tmp_path / 'a.npz'}", tmp_path)
    with pytest.raises(InputError, match="no file"):
        load(f"arrays:{tmp_path / 'b.npz'}", tmp_path)
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as file:
        file.writestr("x", "words")
        file.writestr("y", "words")
    with pytest.raises(InputError, match="'x', which is no array"):
        load(f"arrays:{tmp_path / 'c.npz'}", tmp_path)
    np.savez_compressed(tmp_path / "d.npz", x=np.random.default_rng(0).random((40, 8, 8)), y=np.arange(40) % 2)
    content = bytearray((tmp_path / "d.npz").read_bytes())
    content[2000:2100] = b"\xff" * 100
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(InputError, match="not a readable"):
        load(f"arrays:{tmp_path / 'd.npz'}", tmp_path)


@pytest.mark.parametrize("spec", ["imagenet", "digits:x", "folder", "folder:", ""])
def test_unknown_names_are_refused_with_the_known_ones(spec: str) -> None:
    with pytest.raises(InputError, match=r"folder:PATH|nothing after a colon"):
        parse_spec(spec)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "fashion_mnist", "mnist"])
def test_a_failed_download_says_what_to_do(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setitem(PUBLISHED, name, replace(PUBLISHED[name], elsewhere=()))  # this machine may have the files
    with pytest.raises(InputError, match=rf"{name} could not be downloaded.*folder:PATH"):
        load(name, tmp_path)


def test_torchvision_files_on_disk_are_read(tmp_path: Path) -> None:
    """Fashion-MNIST's own file format, with made pixels, where torchvision looks for it."""
    import gzip
    import struct

    raw = tmp_path / "data" / "fashion_mnist" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", 30), ("t10k", 12)):
        images, labels = rng.integers(0, 256, (count, 28, 28), np.uint8), (np.arange(count) % 10).astype(np.uint8)
        for name, header, array in (
            ("images-idx3", struct.pack(">IIII", 2051, count, 28, 28), images),
            ("labels-idx1", struct.pack(">II", 2049, count), labels),
        ):
            content = header + array.tobytes()
            (raw / f"{part}-{name}-ubyte").write_bytes(content)
            (raw / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(content))
    dataset = load("fashion_mnist", tmp_path)
    assert dataset.images.shape == (42, 28, 28, 1)
    assert dataset.classes[0] == "T-shirt/top"
    np.testing.assert_array_equal(dataset.test_ids, np.arange(30, 42))


def test_every_data_set_names_all_settings_that_depend_on_it() -> None:
    from rad_core.config import StudyConfig

    for name, spec in DATASETS.items():
        config = StudyConfig(dataset=f"{name}:x" if spec.argument else name).resolved()
        assert None not in (config.budget, config.labeled, config.teacher, config.student, config.student_steps)


def test_real_images_decode_as_pillow_does(test_images: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    for part in ("train", "test"):
        for name in sorted(child.name for child in (test_images / part).iterdir()):
            (small / part / name).mkdir(parents=True)
            for file in sorted((test_images / part / name).iterdir())[:5]:
                (small / part / name / file.name).write_bytes(file.read_bytes())
    dataset = load(f"folder:{small}", tmp_path)
    assert dataset.images.shape[1:] == (32, 32, 3)
    first = sorted((small / "train").iterdir())[0]
    with Image.open(sorted(first.iterdir())[0]) as image:
        np.testing.assert_array_equal(dataset.images[0], np.asarray(image))
