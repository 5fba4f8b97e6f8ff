"""Embeddings and tables of numbers are studied as they are: float32, never bytes, and rows without a label left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from rad_core.config import StudyConfig
from rad_core.errors import InputError
from rad_core.learning.data import load_dataset, measure_dataset
from rad_core.learning.dataset import Extent
from rad_core.learning.examples import TrainConfig
from rad_core.learning.inputs import Inputs
from rad_core.learning.models import build_model
from rad_core.learning.training import fit, predict
from rad_core.study.data import check_study

RNG = np.random.default_rng(0)
LABELS = np.array([0, 1, 2] * 40)
X = (RNG.normal(size=(120, 5)) + LABELS[:, None] * [1, -1, 0, 2, 0.5]).astype(np.float32)
X[:, 4] = X[:, 4] * 1e-3 + 3  # numbers that bytes would have lost


def table() -> pd.DataFrame:
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(5)])
    return frame.assign(label=[f"class {label}" for label in LABELS])


def load(path: Path) -> Any:
    return load_dataset(f"features:{path}", data_dir=path.parent)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        load(path)
    return str(error.value)


@pytest.mark.parametrize("kind", ["npz", "csv", "parquet", "jsonl"])
def test_every_format_gives_the_same_float32_features(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "npz":
        np.savez(path, x=X, y=[f"class {label}" for label in LABELS])
    elif kind == "csv":
        table().to_csv(path, index=False)
    elif kind == "parquet":
        pd.DataFrame({"features": list(X), "label": table()["label"]}).to_parquet(path)
    else:
        table().to_json(path, orient="records", lines=True, double_precision=15)
    dataset = load(path)
    assert not dataset.has_images
    assert dataset.images.dtype == np.float32
    assert dataset.images.shape == (120, 1, 1, 5)
    np.testing.assert_allclose(dataset.images[:, 0, 0], X, rtol=1e-6)
    assert dataset.classes == ("class 0", "class 1", "class 2")
    assert (dataset.labels == LABELS).all()
    assert measure_dataset(f"features:{path}", data_dir=tmp_path) == Extent(120, None, 3, "rows")


def test_rows_without_a_label_are_left_out_and_an_id_is_no_feature(tmp_path: Path) -> None:
    frame = table().assign(id=[f"r{i}" for i in range(120)])
    frame.loc[[3, 50], "label"] = None
    frame.to_csv(tmp_path / "a.csv", index=False)
    dataset = load(tmp_path / "a.csv")
    kept = np.delete(np.arange(120), [3, 50])
    assert (dataset.labels == LABELS[kept]).all()
    np.testing.assert_allclose(dataset.images[:, 0, 0], X[kept], rtol=1e-6)
    assert any("2 rows without a label are left out" in note for note in dataset.notes)


def test_class_numbers_are_in_order_of_their_values(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=np.array([2, 10, 9])[LABELS])
    assert load(tmp_path / "a.npz").classes == ("2", "9", "10")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    table().drop(columns="label").to_csv(tmp_path / "a.csv", index=False)
    assert "no column label" in refused(tmp_path / "a.csv")
    np.save(tmp_path / "a.npy", X)
    assert "no column label" in refused(tmp_path / "a.npy")
    table()[["label"]].to_csv(tmp_path / "b.csv", index=False)
    assert "no features" in refused(tmp_path / "b.csv")
    table().assign(label="one").to_csv(tmp_path / "c.csv", index=False)
    assert "only one; a study needs two classes" in refused(tmp_path / "c.csv")
    broken = X.copy()
    broken[7, 2] = np.nan
    np.savez(tmp_path / "d.npz", x=broken, y=LABELS)
    assert "row 7" in refused(tmp_path / "d.npz")
    np.savez(tmp_path / "e.npz", x=X.astype(np.float64) * 1e300, y=LABELS)
    assert "no finite float32" in refused(tmp_path / "e.npz")
    assert "There is no file" in refused(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"student": "cnn"}, "The network cnn needs images"),
        ({"teacher": "resnet8"}, "The network resnet8 needs images"),
        ({"teacher": "pretrained:resnet18"}, "The teacher pretrained:resnet18 needs images"),
        ({"augmentation": "shift"}, "augmentation is shift"),
    ],
)
def test_what_needs_images_is_refused(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=LABELS)
    with pytest.raises(InputError, match=words):
        check_study(StudyConfig(dataset=f"features:{tmp_path / 'a.npz'}", **settings).resolved())


def test_every_feature_is_scaled_by_its_own_spread(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.column_stack([X, np.ones(120)]), y=LABELS)
    inputs = Inputs.of(load(tmp_path / "a.npz"), torch.device("cpu"))
    scaled = inputs.normalized(inputs.pixels)[:, :, 0, 0].numpy().astype(np.float64)
    np.testing.assert_allclose(scaled[:, :5].mean(0), 0, atol=1e-2)  # float32 of numbers around 3, apart by 1e-3
    np.testing.assert_allclose(scaled[:, :4].std(0), 1, rtol=1e-2)
    assert (scaled[:, 5] == 0).all()


def test_a_linear_student_finds_what_scikit_learn_finds(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    np.savez(tmp_path / "a.npz", x=X[:, :4], y=LABELS)
    inputs = Inputs.of(load(tmp_path / "a.npz"), torch.device("cpu"))
    network = build_model("linear", classes=3, image_shape=inputs.image_shape, seed=0)
    named = np.where(RNG.random(120) < 0.4, RNG.integers(0, 3, 120), LABELS)  # no plane divides these
    targets = np.eye(3, dtype=np.float32)[named]
    config = TrainConfig(steps=1500, learning_rate=3e-2, weight_decay=0.0)
    fit(network, inputs, targets, soft=np.zeros(120, bool), config=config, seed=0)
    scaled = StandardScaler().fit_transform(X[:, :4])
    expected = LogisticRegression(C=np.inf, max_iter=5000).fit(scaled, named).predict_proba(scaled)
    assert np.abs(predict(network, inputs)[0].numpy() - expected).max() < 0.01


def test_features_mix_without_rounding(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=LABELS)
    inputs = Inputs.of(load(tmp_path / "a.npz"), torch.device("cpu"))
    mixed = inputs.mixtures(np.array([0, 1]), np.array([2, 3]), np.array([0.25, 0.0]))
    expected = np.stack([0.75 * X[0] + 0.25 * X[2], X[1]])
    np.testing.assert_allclose(mixed.read()[:, :, 0, 0].numpy(), expected, rtol=1e-6)
