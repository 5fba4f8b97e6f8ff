"""The same loop with scikit-activeml, as its documentation writes it."""

from __future__ import annotations

import numpy as np
import torch
from skactiveml.classifier import SklearnClassifier
from skactiveml.pool import UncertaintySampling
from sklearn.base import BaseEstimator, ClassifierMixin

from tests.bench import plain
from tests.bench.loop import BATCH, Task, accuracy_of, probabilities


class TorchClassifier(ClassifierMixin, BaseEstimator):
    """The network of a task as an estimator of scikit-learn, for flattened images."""

    def __init__(self, task: Task | None = None) -> None:
        self.task = task

    def fit(self, X: np.ndarray, y: np.ndarray) -> TorchClassifier:
        """Train from scratch."""
        assert self.task is not None
        self.classes_ = np.arange(10)
        self.network_ = self.task.network()
        torch.manual_seed(self.task.seed)
        targets = torch.eye(10)[torch.from_numpy(y.astype(np.int64))]
        steps = self.task.config.student_steps
        plain.train(self.network_, _as_images(X), targets, steps=steps, batch=BATCH, augment=False)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n, 10)"""
        return probabilities(self.network_, _as_images(X)).numpy()


def _as_images(X: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(X, np.float32)).view(-1, 1, 8, 8)


def loop(task: Task) -> float:
    """Unknown labels are NaN; the query returns the rows to label."""
    X = task.images.flatten(1).numpy()
    known = np.concatenate([task.split.labeled, task.split.pool])
    x, truth = X[known], task.labels[known]
    y = np.full(len(x), np.nan)
    y[: len(task.split.labeled)] = task.labels[task.split.labeled]
    classifier = SklearnClassifier(TorchClassifier(task), classes=np.arange(10), random_state=task.seed)
    query = UncertaintySampling(method="margin_sampling", random_state=task.seed)
    classifier.fit(x, y)
    for _ in range(task.config.rounds):
        picks = query.query(X=x, y=y, clf=classifier, fit_clf=False, batch_size=task.config.budget)
        y[picks] = truth[picks]
        classifier.fit(x, y)
    return accuracy_of(classifier.predict_proba(X[task.split.test]), task)
