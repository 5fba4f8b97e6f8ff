"""Published data sets are read where torchvision, Debian or we put them; a failure says which files go where."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import struct
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets
from scipy.io import savemat

from rad_core.errors import InputError
from rad_core.learning.data import Dataset, load_dataset
from rad_core.learning.published import DEBIAN_FASHION, PUBLISHED

RNG = np.random.default_rng(0)
ELSEWHERE = PUBLISHED["fashion_mnist"].elsewhere


def load(name: str, data_dir: Path) -> Dataset:
    return load_dataset(name, data_dir=data_dir)


@pytest.fixture(autouse=True)
def nothing_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may have Debian's files, and the internet."""
    for name, about in PUBLISHED.items():
        monkeypatch.setitem(PUBLISHED, name, replace(about, elsewhere=()))
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there


# --- MNIST and Fashion-MNIST -----------------------------------------------------------------------------------------


def write_idx(folder: Path, packed: bool = False, dot: bool = False) -> dict[str, np.ndarray]:
    """Thirty training and twelve test images in the files of MNIST; returns images and labels, in that order."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = [], []
    for part, count in (("train", 30), ("t10k", 12)):
        x, y = RNG.integers(0, 256, (count, 28, 28), np.uint8), (np.arange(count) % 10).astype(np.uint8)
        images.append(x)
        labels.append(y)
        for name, header, array in (
            ("images-idx3", struct.pack(">IIII", 2051, count, 28, 28), x),
            ("labels-idx1", struct.pack(">II", 2049, count), y),
        ):
            path = folder / f"{part}-{name}-ubyte".replace("-idx", ".idx" if dot else "-idx")
            content = header + array.tobytes()
            if packed:
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
            else:
                path.write_bytes(content)
    return {"images": np.concatenate(images)[..., None], "labels": np.concatenate(labels)}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("fashion_mnist", "FashionMNIST/raw"),
        ("fashion_mnist", "fashion_mnist/FashionMNIST/raw"),
        ("fashion_mnist", "fashion_mnist"),
        ("mnist", "MNIST/raw"),
        ("mnist", "mnist/MNIST/raw"),
    ],
)
def test_files_of_mnist_are_found_where_torchvision_or_we_put_them(
    name: str, place: str, packed: bool, tmp_path: Path
) -> None:
    wanted = write_idx(tmp_path / place, packed)
    dataset = load(name, tmp_path)
    np.testing.assert_array_equal(dataset.images, wanted["images"])
    np.testing.assert_array_equal(dataset.labels, wanted["labels"])
    np.testing.assert_array_equal(dataset.test_ids, np.arange(30, 42))
    assert dataset.classes[0] == ("T-shirt/top" if name == "fashion_mnist" else "0 - zero")
    assert dataset.notes == (f"{name} is read from {tmp_path / place}.",)


def test_files_of_mnist_may_have_the_names_that_their_authors_gave_them(tmp_path: Path) -> None:
    wanted = write_idx(tmp_path / "MNIST" / "raw", dot=True)
    np.testing.assert_array_equal(load("mnist", tmp_path).images, wanted["images"])


def test_files_of_other_software_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = write_idx(tmp_path / "share" / "fashion-mnist", packed=True)
    about = replace(PUBLISHED["fashion_mnist"], elsewhere=(tmp_path / "share" / "fashion-mnist",))
    monkeypatch.setitem(PUBLISHED, "fashion_mnist", about)
    dataset = load("fashion_mnist", tmp_path / "data")
    np.testing.assert_array_equal(dataset.images, wanted["images"])
    assert not (tmp_path / "data").exists(), "nothing is copied"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_idx(tmp_path / "FashionMNIST" / "raw")
    (tmp_path / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match=r"FashionMNIST/raw lacks t10k-labels-idx1-ubyte; connect") as error:
        load("fashion_mnist", tmp_path)
    assert f"put {', '.join(PUBLISHED['fashion_mnist'].files)} into {tmp_path / 'FashionMNIST' / 'raw'}" in str(
        error.value
    )


@pytest.mark.parametrize("damage", ["cut", "packed cut", "other", "mixed"])
def test_a_damaged_file_is_named(damage: str, tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write_idx(raw, packed=damage == "packed cut")
    file = next(raw.glob("train-images*"))
    content = file.read_bytes()
    if damage == "mixed":
        (raw / "t10k-labels-idx1-ubyte").write_bytes((raw / "train-labels-idx1-ubyte").read_bytes())
    else:
        file.write_bytes(b"PK\x03\x04" if damage == "other" else content[: len(content) // 2])
    with pytest.raises(
        InputError, match=r"do not belong together" if damage == "mixed" else rf"{file.name} .*download it anew"
    ):
        load("mnist", tmp_path)


@pytest.mark.skipif(
    not (DEBIAN_FASHION / "train-images-idx3-ubyte.gz").is_file(),
    reason="Debian's package dataset-fashion-mnist is not installed",
)
def test_the_real_fashion_mnist_is_read_from_debians_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = replace(PUBLISHED["fashion_mnist"], elsewhere=(DEBIAN_FASHION,))
    monkeypatch.setitem(PUBLISHED, "fashion_mnist", about)
    dataset = load("fashion_mnist", tmp_path)
    assert dataset.images.shape == (70_000, 28, 28, 1)
    assert dataset.images.dtype == np.uint8
    np.testing.assert_array_equal(np.bincount(dataset.labels[:60_000]), [6000] * 10)
    np.testing.assert_array_equal(np.bincount(dataset.labels[dataset.test_ids]), [1000] * 10)
    assert dataset.images[:60_000].mean() / 255 == pytest.approx(0.2860, abs=1e-4), "as published everywhere"
    assert dataset.images[:60_000].std() / 255 == pytest.approx(0.3530, abs=1e-4)
    assert [dataset.classes[label] for label in dataset.labels[:2]] == ["Ankle boot", "T-shirt/top"]
    assert dataset.notes == (f"fashion_mnist is read from {DEBIAN_FASHION}.",)


def test_debians_folder_is_looked_in_without_being_told() -> None:
    assert Path("/usr/share/datasets/fashion-mnist") in ELSEWHERE


# --- CIFAR and SVHN --------------------------------------------------------------------------------------------------


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_cifar10(root: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The seven files of CIFAR-10 with ten images each, whose checksums torchvision is told; returns the images."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    rows = RNG.integers(0, 256, (60, 3072), np.uint8)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for number, name in enumerate(names):
        batch = {"data": rows[10 * number : 10 * number + 10], "labels": list(range(10))}
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"class {number}" for number in range(10)]}))
    kind = torchvision.datasets.CIFAR10
    monkeypatch.setattr(kind, "train_list", [[name, md5(folder / name)] for name in names[:5]])
    monkeypatch.setattr(kind, "test_list", [[names[5], md5(folder / names[5])]])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": md5(folder / "batches.meta")})
    return rows.reshape(60, 3, 32, 32).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("place", ["", "cifar10"])
def test_cifar10_is_found_where_torchvision_or_we_put_it(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = write_cifar10(tmp_path / place, monkeypatch)
    dataset = load("cifar10", tmp_path)
    np.testing.assert_array_equal(dataset.images, wanted)
    assert dataset.classes[3] == "class 3"
    assert dataset.notes == (f"cifar10 is read from {tmp_path / place / 'cifar-10-batches-py'}.",)


def test_the_archive_of_cifar10_is_unpacked_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = write_cifar10(tmp_path / "made", monkeypatch)
    archive = tmp_path / "data" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / "made" / "cifar-10-batches-py", "cifar-10-batches-py")
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "tgz_md5", md5(archive))
    np.testing.assert_array_equal(load("cifar10", tmp_path / "data").images, wanted)


def test_files_of_cifar10_with_another_checksum_are_never_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar10(tmp_path, monkeypatch)

    class Evil:
        def __reduce__(self) -> Any:
            return Path(tmp_path / "evil").write_text, ("was run",)

    (tmp_path / "cifar-10-batches-py" / "data_batch_3").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError, match=r"cifar-10-batches-py are damaged; connect.*or cifar-10-python\.tar\.gz into"):
        load("cifar10", tmp_path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("place", ["", "svhn"])
def test_svhn_is_found_where_torchvision_or_we_put_it(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / place
    folder.mkdir(exist_ok=True)
    x = RNG.integers(0, 256, (32, 32, 3, 40), np.uint8)
    splits = {}
    for part, rows in (("train", slice(0, 30)), ("test", slice(30, 40))):
        file = folder / f"{part}_32x32.mat"
        savemat(file, {"X": x[..., rows], "y": (np.arange(40)[rows] % 10 + 1)[:, None].astype(np.uint8)})
        splits[part] = ["", file.name, md5(file)]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", splits)
    dataset = load("svhn", tmp_path)
    np.testing.assert_array_equal(dataset.images, x.transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(dataset.labels, (np.arange(40) % 10 + 1) % 10)


def test_a_failed_download_says_which_files_go_where(tmp_path: Path) -> None:
    for name, folder in (("svhn", tmp_path), ("cifar100", tmp_path / "cifar-100-python")):
        with pytest.raises(InputError) as error:
            load(name, tmp_path)
        assert f"put {', '.join(PUBLISHED[name].files)} into {folder}" in str(error.value)
        assert "\n" not in str(error.value)
