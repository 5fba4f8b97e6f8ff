"""Students of ours in a campaign: trained on features and on what is known and bought, they score the pool themselves.

A student is a network of MODELS and trained as those of studies are, on soft targets; the same answers make the same
student, whenever they came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from rad_core.campaign.reading import Scores
from rad_core.campaign.training import TrainingSet
from rad_core.errors import InputError
from rad_core.inputs.arrays import row_blocks
from rad_core.learning.models import FOR_FEATURES

if TYPE_CHECKING:
    from rad_core.learning.inputs import Inputs

FOLDS = 5  # of the checked examples, for students that did not learn from some of them
_STEPS, _LEARNING_RATE = 300, 1e-2
_SAMPLE = 10_000  # rows that tell mean and standard deviation of features

Predict = Callable[[np.ndarray], np.ndarray]  # (n, D) features -> (n, C) float32
Scorer = Callable[[str, np.ndarray, TrainingSet, int, np.ndarray, int], Scores]  # as `scores_of_pool`


def check_student(name: str) -> str:
    """The name of a student of ours. Raises InputError for any other."""
    if name not in FOR_FEATURES:
        raise InputError(f"student is {name!r}; choose one of {', '.join(FOR_FEATURES)}, or leave it out for your own.")
    return name


def scores_of_pool(
    name: str, features: np.ndarray, examples: TrainingSet, pool: int, checked: np.ndarray, seed: int
) -> Scores:
    """What a student says of the pool, and students that did not learn from them of the checked examples.

    features: (points, D), those of the pool first. checked: (V,) positions. Raises InputError with nothing to learn.
    """
    rows, targets = examples.positions, examples.targets
    predict = train(name, features, rows, targets, seed)
    values = predict(features[:pool])
    if len(checked) == 0:
        return Scores(values, None)
    beliefs = np.empty((len(checked), targets.shape[1]), np.float32)
    if not np.isin(checked, rows).any():
        beliefs[:] = predict(features[checked])
        return Scores(values, None, unseen=(checked, beliefs))
    fold = np.random.default_rng(seed).permutation(np.arange(len(checked)) % FOLDS)
    for number in np.unique(fold).tolist():
        left_out = fold == number
        seen = ~np.isin(rows, checked[left_out])
        if not seen.any():  # nothing but these is known: no student can say anything of them
            return Scores(values, None)
        beliefs[left_out] = train(name, features, rows[seen], targets[seen], seed)(features[checked[left_out]])
    return Scores(values, None, unseen=(checked, beliefs))


def train(name: str, features: np.ndarray, rows: np.ndarray, targets: np.ndarray, seed: int) -> Predict:
    """Train a student from scratch on the rows (n,) of features (N, D) with targets (n, C); returns its predictions.

    All features tell how they are scaled. Raises InputError where there are no rows.
    """
    if len(rows) == 0:
        raise InputError("There is nothing to learn from yet; give the campaign labeled or checked examples.")
    import torch

    from rad_core.learning.examples import TrainConfig
    from rad_core.learning.inputs import Inputs
    from rad_core.learning.models import build_model
    from rad_core.learning.training import fit
    from rad_core.learning.training import predict as apply

    width = features.shape[1]
    sample = np.asarray(features[:: max(1, len(features) // _SAMPLE)], np.float64)
    middle, spread = sample.mean(0), sample.std(0)
    spread[spread < 1e-12] = 1.0
    means, deviations = (torch.from_numpy(each.astype(np.float32))[:, None, None] for each in (middle, spread))

    def inputs(part: np.ndarray) -> Inputs:
        return Inputs(torch.from_numpy(np.ascontiguousarray(part))[:, :, None, None], means, deviations)

    network = build_model(check_student(name), classes=targets.shape[1], image_shape=(1, 1, width), seed=seed)
    config = TrainConfig(steps=_STEPS, learning_rate=_LEARNING_RATE, augment=False)
    learned = inputs(np.asarray(features[rows], np.float32))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # batches are small: on a busy machine threads wait for each other six times as long
    try:
        fit(network, learned, targets.astype(np.float32), soft=np.zeros(len(rows), bool), config=config, seed=seed)
    finally:
        torch.set_num_threads(threads)

    def predict(wanted: np.ndarray) -> np.ndarray:
        values = np.empty((len(wanted), targets.shape[1]), np.float32)
        for block in row_blocks(*wanted.shape):
            part = np.array(wanted[block], np.float32)  # a copy: the mapped file cannot be written
            values[block] = apply(network, inputs(part), 4096)[0].cpu().numpy()
        return values

    return predict
